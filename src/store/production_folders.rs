//! Folders of productions, and what productions are for.

use sqlx::FromRow;

use super::{Db, StoreError, entity::entity, types::id_list};
use crate::{
    ids::{CompanyId, GroupId, ProductionFolderId, UsecaseId, UserId},
    time::Millis,
};

/// A folder of productions.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct ProductionFolderRow {
    /// Its id.
    pub id: ProductionFolderId,
    /// Its company.
    pub company_id: CompanyId,
    /// Its name.
    pub name: String,
    /// Its colour, such as `#A1B2C3`.
    pub color: Option<String>,
    /// When it was created.
    pub created: Millis,
}

entity!("production_folders", ProductionFolderRow, ProductionFolderId, {
    company_id "company_id" "$2",
    name "name" "$3",
    color "color" "$4",
    created "created" "$5",
});

/// The folders of a company, by name.
///
/// # Errors
/// When the database fails.
pub async fn list(db: &mut Db, company: CompanyId) -> Result<Vec<ProductionFolderRow>, StoreError> {
    let sql = "SELECT * FROM production_folders WHERE company_id = $1 ORDER BY LOWER(name), id";
    Ok(sqlx::query_as(sql).bind(company).fetch_all(db).await?)
}

/// How many productions each folder of a company has, and how many bytes their files take.
///
/// # Errors
/// When the database fails.
pub async fn usage(
    db: &mut Db,
    company: CompanyId,
) -> Result<Vec<(ProductionFolderId, i64, i64)>, StoreError> {
    let sql = "SELECT n.production_folder_id, COUNT(DISTINCT n.id), COALESCE(SUM(f.bytes), 0) \
               FROM productions n LEFT JOIN projects p ON p.production_id = n.id \
               LEFT JOIN assets a ON a.project_id = p.id \
               LEFT JOIN asset_files f ON f.asset_id = a.id AND f.status <> 'DELETED' \
               WHERE n.company_id = $1 AND n.production_folder_id IS NOT NULL \
               AND n.status <> 'DELETED' AND n.template_of IS NULL GROUP BY n.production_folder_id";
    Ok(sqlx::query_as(sql).bind(company).fetch_all(db).await?)
}

/// Takes deleted productions out of a folder.
///
/// # Errors
/// When the database fails.
pub async fn let_deleted_go(db: &mut Db, id: ProductionFolderId) -> Result<(), StoreError> {
    let sql = "UPDATE productions SET production_folder_id = NULL \
               WHERE production_folder_id = $1 AND status = 'DELETED'";
    sqlx::query(sql).bind(id).execute(db).await?;
    Ok(())
}

/// Puts a production on somebody's home page, or takes it off.
///
/// # Errors
/// When the database fails.
pub async fn pin(
    db: &mut Db,
    user: UserId,
    group: GroupId,
    pinned: bool,
) -> Result<(), StoreError> {
    let sql = if pinned {
        "INSERT INTO production_pins (user_id, production_id) VALUES ($1, $2) \
         ON CONFLICT (production_id, user_id) DO NOTHING"
    } else {
        "DELETE FROM production_pins WHERE user_id = $1 AND production_id = $2"
    };
    sqlx::query(sql).bind(user).bind(group).execute(db).await?;
    Ok(())
}

/// What a production may be for: id and name.
///
/// # Errors
/// When the database fails.
pub async fn usecases(db: &mut Db) -> Result<Vec<(UsecaseId, String)>, StoreError> {
    let sql = "SELECT id, display_name FROM usecases ORDER BY id";
    Ok(sqlx::query_as(sql).fetch_all(db).await?)
}

/// What a production is for.
///
/// # Errors
/// When the database fails.
pub async fn usecases_of(
    db: &mut Db,
    group: GroupId,
) -> Result<Vec<(UsecaseId, String)>, StoreError> {
    let sql = "SELECT u.id, u.display_name FROM production_usecases x \
               JOIN usecases u ON u.id = x.usecase_id WHERE x.production_id = $1 ORDER BY u.id";
    Ok(sqlx::query_as(sql).bind(group).fetch_all(db).await?)
}

/// Adds to what a production is for.
///
/// # Errors
/// [`StoreError::ForeignKey`] when the production or one of them is absent.
pub async fn add_usecases(
    db: &mut Db,
    group: GroupId,
    ids: &[UsecaseId],
) -> Result<(), StoreError> {
    for id in ids {
        let sql = "INSERT INTO production_usecases (production_id, usecase_id) VALUES ($1, $2) \
                   ON CONFLICT (production_id, usecase_id) DO NOTHING";
        sqlx::query(sql).bind(group).bind(id).execute(&mut *db).await?;
    }
    Ok(())
}

/// Takes from what a production is for.
///
/// # Errors
/// When the database fails.
pub async fn remove_usecases(
    db: &mut Db,
    group: GroupId,
    ids: &[UsecaseId],
) -> Result<(), StoreError> {
    let sql = "DELETE FROM production_usecases \
               WHERE production_id = $1 AND $2 LIKE '%' || usecase_id || '%'";
    sqlx::query(sql).bind(group).bind(id_list(ids)).execute(db).await?;
    Ok(())
}
