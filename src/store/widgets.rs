//! What people have on their home pages.

use sqlx::FromRow;

use super::{Db, Json, Object, StoreError, entity::entity, text::WidgetType};
use crate::{
    ids::{AnyId, UserId},
    time::Millis,
};

/// Something on somebody's home page.
#[derive(Debug, Clone, PartialEq, FromRow)]
pub struct WidgetRow {
    /// Its id.
    pub id: AnyId,
    /// Whose it is.
    pub user_id: UserId,
    /// Its name.
    pub name: String,
    /// What it shows.
    pub kind: WidgetType,
    /// What it is made of, as clients keep it.
    pub definition: Json<Object>,
    /// Settings, as clients keep them.
    pub settings: Json<Object>,
    /// Its place, from 0.
    pub sort_index: i64,
    /// When it was created.
    pub created: Millis,
}

entity!("home_widgets", WidgetRow, AnyId, {
    user_id "user_id" "$2",
    name "name" "$3",
    kind "kind" "$4",
    definition "definition" "$5",
    settings "settings" "$6",
    sort_index "sort_index" "$7",
    created "created" "$8",
});

/// What somebody has on their home page, in its order.
///
/// # Errors
/// When the database fails.
pub async fn list(db: &mut Db, user: UserId) -> Result<Vec<WidgetRow>, StoreError> {
    let sql = "SELECT * FROM home_widgets WHERE user_id = $1 ORDER BY sort_index, created, id";
    Ok(sqlx::query_as(sql).bind(user).fetch_all(db).await?)
}
