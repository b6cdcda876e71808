//! What is written once for the entities that are only kept: created, read, changed and deleted.

/// Defines `insert`, `get`, `update` and `delete` of a table whose columns are the fields of a row.
/// The id is `$1`; the other columns are listed with their places.
macro_rules! entity {
    ($table:literal, $row:ident, $id:ty, { $($field:ident $column:literal $place:literal),+ $(,)? }) => {
        /// Writes a new one.
        ///
        /// # Errors
        /// When a constraint is violated, or the database fails.
        pub async fn insert(
            db: &mut $crate::store::Db,
            row: &$row,
        ) -> Result<(), $crate::store::StoreError> {
            let sql = concat!(
                "INSERT INTO ", $table, " (id", $(", ", $column),+, ") VALUES ($1",
                $(", ", $place),+, ")"
            );
            sqlx::query(sql).bind(row.id)$(.bind(&row.$field))+.execute(db).await?;
            Ok(())
        }

        /// The one with an id.
        ///
        /// # Errors
        /// When the database fails.
        pub async fn get(
            db: &mut $crate::store::Db,
            id: $id,
        ) -> Result<Option<$row>, $crate::store::StoreError> {
            let sql = concat!("SELECT id", $(", ", $column),+, " FROM ", $table, " WHERE id = $1");
            Ok(sqlx::query_as(sql).bind(id).fetch_optional(db).await?)
        }

        /// Writes a changed one back.
        ///
        /// # Errors
        /// When a constraint is violated, or the database fails.
        pub async fn update(
            db: &mut $crate::store::Db,
            row: &$row,
        ) -> Result<(), $crate::store::StoreError> {
            let sql = concat!(
                "UPDATE ", $table, " SET id = $1", $(", ", $column, " = ", $place),+,
                " WHERE id = $1"
            );
            sqlx::query(sql).bind(row.id)$(.bind(&row.$field))+.execute(db).await?;
            Ok(())
        }

        /// Deletes the one with an id. Says whether there was one.
        ///
        /// # Errors
        /// When something still refers to it, or the database fails.
        pub async fn delete(
            db: &mut $crate::store::Db,
            id: $id,
        ) -> Result<bool, $crate::store::StoreError> {
            let sql = concat!("DELETE FROM ", $table, " WHERE id = $1");
            Ok(sqlx::query(sql).bind(id).execute(db).await?.rows_affected() > 0)
        }
    };
}
pub(super) use entity;
