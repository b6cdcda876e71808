//! Productions (`group` in the API).

use sqlx::FromRow;

use super::{Db, Json, Object, StoreError, text::GroupStatus};
use crate::{
    ids::{AssetId, CompanyId, GroupId, ProductionFolderId, UserId},
    time::Millis,
};

/// A production.
#[derive(Debug, Clone, PartialEq, FromRow)]
pub struct GroupRow {
    /// Its id.
    pub id: GroupId,
    /// The company it belongs to.
    pub company_id: CompanyId,
    /// Who created it.
    pub owner_id: UserId,
    /// Its name.
    pub name: String,
    /// Free text.
    pub description: String,
    /// A colour, as clients number them.
    pub color: i64,
    /// Where it is in its life.
    pub status: GroupStatus,
    /// Settings, as clients keep them.
    pub settings: Json<Object>,
    /// Sizes to make, as clients keep them.
    pub sizes: Json<Object>,
    /// Formats to make, as clients keep them.
    pub transcode_formats: Json<Object>,
    /// Settings of its watermark, as clients keep them.
    pub watermark_settings: Json<Object>,
    /// Where in an asset its thumbnail is taken, 0 to 1.
    pub thumbnail_position: f64,
    /// Rooms beyond those of the licence.
    pub additional_rooms: i64,
    /// Limit of its files, in bytes.
    pub max_usage: Option<i64>,
    /// The asset that is its poster.
    pub poster_asset_id: Option<AssetId>,
    /// The asset that is its background.
    pub background_image_asset_id: Option<AssetId>,
    /// The folder of productions it is in.
    pub production_folder_id: Option<ProductionFolderId>,
    /// Its licence.
    pub license_id: Option<String>,
    /// A reference of the client's bookkeeping.
    pub transaction_reference: Option<String>,
    /// Notes for the administrators.
    pub control_notes: Option<String>,
    /// The linked project of another system.
    pub flow_project_id: Option<String>,
    /// That project's name.
    pub flow_project_name: Option<String>,
    /// Whether such a link is in use.
    pub is_linked_to_flow: bool,
    /// When the production begins.
    pub start_date: Option<Millis>,
    /// When the production ends.
    pub expiry_date: Option<Millis>,
    /// When it was suspended, if it is.
    pub suspended: Option<Millis>,
    /// When it was created.
    pub created: Millis,
    /// When it was last changed.
    pub modified: Millis,
}

/// What somebody is to a production.
#[derive(Debug, Clone, PartialEq, FromRow)]
pub struct SeenGroup {
    /// The production.
    #[sqlx(flatten)]
    pub row: GroupRow,
    /// Who they are.
    pub seen_by: UserId,
    /// The name of its company.
    pub company_name: String,
    /// Whether they are a member of its company.
    pub is_company_member: bool,
    /// Whether they may do everything in its company.
    pub is_company_admin: bool,
    /// Whether they are an administrator of one of its folders without a parent.
    pub is_root_admin: bool,
}

// A production is seen by the administrators of its company, by its owner as long as they belong
// to the company, and by the members of any of its folders.
macro_rules! select_seen {
    ($tail:literal) => {
        concat!(
            "SELECT n.*, $1 AS seen_by, c.name AS company_name, m.user_id IS NOT NULL AS is_company_member, ",
            "COALESCE(m.is_admin, FALSE) AS is_company_admin, ",
            "EXISTS (SELECT 1 FROM project_members pm JOIN projects p ON p.id = pm.project_id ",
            "JOIN security_groups sg ON sg.id = pm.security_group_id WHERE pm.user_id = $1 ",
            "AND p.production_id = n.id AND p.parent_project_id IS NULL ",
            "AND p.status <> 'DELETED' AND sg.is_admin) AS is_root_admin ",
            "FROM productions n JOIN companies c ON c.id = n.company_id ",
            "LEFT JOIN company_members m ON m.company_id = n.company_id AND m.user_id = $1 ",
            "WHERE n.status <> 'DELETED' AND (m.is_admin ",
            "OR (m.user_id IS NOT NULL AND n.owner_id = $1) ",
            "OR EXISTS (SELECT 1 FROM project_members pm JOIN projects p ON p.id = pm.project_id ",
            "WHERE pm.user_id = $1 AND p.production_id = n.id AND p.status <> 'DELETED')) ",
            $tail
        )
    };
}

/// Creates a production.
///
/// # Errors
/// [`StoreError::ForeignKey`] when its company or owner is absent.
pub async fn create(
    db: &mut Db,
    company: CompanyId,
    owner: UserId,
    name: &str,
    now: Millis,
) -> Result<GroupRow, StoreError> {
    let sql = "INSERT INTO productions (id, company_id, owner_id, name, created, modified) \
               VALUES ($1, $2, $3, $4, $5, $5) RETURNING *";
    let row = sqlx::query_as(sql)
        .bind(GroupId::new())
        .bind(company)
        .bind(owner)
        .bind(name)
        .bind(now)
        .fetch_one(db)
        .await?;
    Ok(row)
}

/// A production, whoever asks.
///
/// # Errors
/// When the database fails.
pub async fn get(db: &mut Db, id: GroupId) -> Result<Option<GroupRow>, StoreError> {
    Ok(sqlx::query_as("SELECT * FROM productions WHERE id = $1")
        .bind(id)
        .fetch_optional(db)
        .await?)
}

/// A production as somebody sees it; nothing if they may not know of it.
///
/// # Errors
/// When the database fails.
pub async fn seen(db: &mut Db, user: UserId, id: GroupId) -> Result<Option<SeenGroup>, StoreError> {
    Ok(sqlx::query_as(select_seen!("AND n.id = $2")).bind(user).bind(id).fetch_optional(db).await?)
}

/// The productions that somebody sees, of one company if one is named, by name.
///
/// # Errors
/// When the database fails.
pub async fn list_seen(
    db: &mut Db,
    user: UserId,
    company: Option<CompanyId>,
) -> Result<Vec<SeenGroup>, StoreError> {
    let sql = select_seen!(
        "AND (CAST($2 AS TEXT) IS NULL OR n.company_id = $2) ORDER BY LOWER(n.name), n.id"
    );
    Ok(sqlx::query_as(sql).bind(user).bind(company).fetch_all(db).await?)
}

/// Writes a changed production back.
///
/// # Errors
/// When the database fails.
pub async fn update(db: &mut Db, row: &GroupRow) -> Result<(), StoreError> {
    let sql = "UPDATE productions SET name = $2, description = $3, color = $4, status = $5, \
               settings = $6, sizes = $7, transcode_formats = $8, watermark_settings = $9, \
               thumbnail_position = $10, additional_rooms = $11, max_usage = $12, \
               poster_asset_id = $13, background_image_asset_id = $14, production_folder_id = $15, \
               license_id = $16, transaction_reference = $17, control_notes = $18, \
               flow_project_id = $19, flow_project_name = $20, is_linked_to_flow = $21, \
               start_date = $22, expiry_date = $23, suspended = $24, modified = $25 WHERE id = $1";
    sqlx::query(sql)
        .bind(row.id)
        .bind(&row.name)
        .bind(&row.description)
        .bind(row.color)
        .bind(row.status)
        .bind(&row.settings)
        .bind(&row.sizes)
        .bind(&row.transcode_formats)
        .bind(&row.watermark_settings)
        .bind(row.thumbnail_position)
        .bind(row.additional_rooms)
        .bind(row.max_usage)
        .bind(row.poster_asset_id)
        .bind(row.background_image_asset_id)
        .bind(row.production_folder_id)
        .bind(&row.license_id)
        .bind(&row.transaction_reference)
        .bind(&row.control_notes)
        .bind(&row.flow_project_id)
        .bind(&row.flow_project_name)
        .bind(row.is_linked_to_flow)
        .bind(row.start_date)
        .bind(row.expiry_date)
        .bind(row.suspended)
        .bind(row.modified)
        .execute(db)
        .await?;
    Ok(())
}

/// How many bytes the files of a production take.
///
/// # Errors
/// When the database fails.
pub async fn usage(db: &mut Db, id: GroupId) -> Result<i64, StoreError> {
    let sql = "SELECT COALESCE(SUM(f.bytes), 0) FROM asset_files f JOIN assets a ON a.id = f.asset_id \
               JOIN projects p ON p.id = a.project_id \
               WHERE p.production_id = $1 AND f.status <> 'DELETED'";
    Ok(sqlx::query_scalar(sql).bind(id).fetch_one(db).await?)
}
