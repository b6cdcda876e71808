//! Productions (`group` in the API).

use sqlx::FromRow;

use super::{Db, Json, Object, StoreError, text::GroupStatus};
use crate::{
    access::PermissionSet,
    ids::{AssetId, CompanyId, GroupId, LicenseId, ProductionFolderId, ProjectId, UserId},
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
    pub license_id: Option<LicenseId>,
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
    /// The folder that it keeps its own pictures in.
    pub asset_project_id: Option<ProjectId>,
    /// The production that this is a template of; none for a production.
    pub template_of: Option<GroupId>,
    /// When it was created.
    pub created: Millis,
    /// When it was last changed.
    pub modified: Millis,
}

/// What somebody is to a production.
#[derive(Debug, Clone, PartialEq)]
pub struct SeenGroup {
    /// The production.
    pub row: GroupRow,
    /// Who they are.
    pub seen_by: UserId,
    /// The name of its company.
    pub company_name: String,
    /// Whether they are a member of its company.
    pub is_company_member: bool,
    /// Whether they may do everything in its company.
    pub is_company_admin: bool,
    /// Whether a membership or team of the whole production makes them its administrator.
    pub is_member_admin: bool,
    /// What memberships and teams of the whole production allow them.
    pub permissions: PermissionSet,
    /// Whether they have it on their home page.
    pub is_pinned: bool,
}

/// A production with one of the security groups that somebody has in all of it.
#[derive(FromRow)]
struct Reached {
    #[sqlx(flatten)]
    row: GroupRow,
    company_name: String,
    is_company_member: bool,
    is_company_admin: bool,
    is_pinned: bool,
    group_is_admin: Option<bool>,
    permissions: Option<Json<PermissionSet>>,
}

/// Puts together what several security groups allow in the same production.
fn merge(rows: Vec<Reached>, seen_by: UserId) -> Vec<SeenGroup> {
    let mut merged: Vec<SeenGroup> = Vec::with_capacity(rows.len());
    for found in rows {
        let is_member_admin = found.group_is_admin == Some(true);
        let permissions = found.permissions.map(|json| json.0).unwrap_or_default();
        match merged.last_mut().filter(|last| last.row.id == found.row.id) {
            Some(last) => {
                last.is_member_admin |= is_member_admin;
                last.permissions = last.permissions.union(permissions);
            }
            None => merged.push(SeenGroup {
                row: found.row,
                seen_by,
                company_name: found.company_name,
                is_company_member: found.is_company_member,
                is_company_admin: found.is_company_admin,
                is_member_admin,
                permissions,
                is_pinned: found.is_pinned,
            }),
        }
    }
    merged
}

// A production is seen by the administrators of its company, by its owner as long as they belong
// to the company, and, while it is not suspended and within its days, by all who are in it or in
// any of its folders.
macro_rules! select_seen {
    ($tail:literal) => {
        concat!(
            "WITH whole(production_id, security_group_id) AS ( ",
            "SELECT production_id, security_group_id FROM production_members WHERE user_id = $1 ",
            "UNION SELECT x.production_id, t.security_group_id FROM team_people t ",
            "JOIN production_teams x ON x.team_id = t.team_id WHERE t.user_id = $1), ",
            "part(production_id) AS (SELECT production_id FROM whole ",
            "UNION SELECT p.production_id FROM project_members m JOIN projects p ",
            "ON p.id = m.project_id WHERE m.user_id = $1 AND p.status <> 'DELETED' ",
            "UNION SELECT p.production_id FROM team_people t ",
            "JOIN project_teams x ON x.team_id = t.team_id JOIN projects p ON p.id = x.project_id ",
            "WHERE t.user_id = $1 AND p.status <> 'DELETED') ",
            "SELECT n.*, c.name AS company_name, m.user_id IS NOT NULL AS is_company_member, ",
            "COALESCE(m.is_admin, FALSE) AS is_company_admin, ",
            "EXISTS (SELECT 1 FROM production_pins y WHERE y.production_id = n.id ",
            "AND y.user_id = $1) AS is_pinned, ",
            "sg.is_admin AS group_is_admin, sg.permissions ",
            "FROM productions n JOIN companies c ON c.id = n.company_id ",
            "LEFT JOIN company_members m ON m.company_id = n.company_id AND m.user_id = $1 ",
            "LEFT JOIN whole w ON w.production_id = n.id ",
            "LEFT JOIN security_groups sg ON sg.id = w.security_group_id ",
            "WHERE n.status <> 'DELETED' AND n.template_of IS NULL AND (m.is_admin ",
            "OR (m.user_id IS NOT NULL AND n.owner_id = $1) ",
            "OR (n.id IN (SELECT production_id FROM part) AND n.suspended IS NULL ",
            "AND (n.start_date IS NULL OR n.start_date <= $2) ",
            "AND (n.expiry_date IS NULL ",
            "OR n.expiry_date - n.expiry_date % 86400000 + 86400000 > $2))) ",
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
    let rows = sqlx::query_as(select_seen!("AND n.id = $3")).bind(user).bind(Millis::now());
    Ok(merge(rows.bind(id).fetch_all(db).await?, user).pop())
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
        "AND (CAST($3 AS TEXT) IS NULL OR n.company_id = $3) ORDER BY LOWER(n.name), n.id"
    );
    let rows = sqlx::query_as(sql).bind(user).bind(Millis::now()).bind(company);
    Ok(merge(rows.fetch_all(db).await?, user))
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
               start_date = $22, expiry_date = $23, suspended = $24, modified = $25, asset_project_id = $26, template_of = $27 WHERE id = $1";
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
        .bind(row.license_id)
        .bind(&row.transaction_reference)
        .bind(&row.control_notes)
        .bind(&row.flow_project_id)
        .bind(&row.flow_project_name)
        .bind(row.is_linked_to_flow)
        .bind(row.start_date)
        .bind(row.expiry_date)
        .bind(row.suspended)
        .bind(row.modified)
        .bind(row.asset_project_id)
        .bind(row.template_of)
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

/// Ends the controls of all productions of a company; says which had one.
///
/// # Errors
/// When the database fails.
pub async fn end_controls(db: &mut Db, company: CompanyId) -> Result<Vec<GroupId>, StoreError> {
    let sql = "UPDATE productions SET max_usage = NULL, start_date = NULL, expiry_date = NULL, \
               control_notes = NULL WHERE company_id = $1 AND status <> 'DELETED' \
               AND (max_usage IS NOT NULL OR start_date IS NOT NULL OR expiry_date IS NOT NULL \
               OR control_notes IS NOT NULL) RETURNING id";
    Ok(sqlx::query_scalar(sql).bind(company).fetch_all(db).await?)
}

/// Whether so many bytes more stay within the limits of a production and of its company.
///
/// # Errors
/// When the database fails.
pub async fn has_space(db: &mut Db, id: GroupId, bytes: i64) -> Result<bool, StoreError> {
    let sql = "SELECT n.company_id, n.max_usage, c.max_usage FROM productions n \
               JOIN companies c ON c.id = n.company_id WHERE n.id = $1";
    let (company, of_group, of_company): (CompanyId, Option<i64>, Option<i64>) =
        sqlx::query_as(sql).bind(id).fetch_one(&mut *db).await?;
    if let Some(limit) = of_group
        && usage(db, id).await?.saturating_add(bytes) > limit
    {
        return Ok(false);
    }
    match of_company {
        Some(limit) => {
            let (_, used) = super::companies::usage(db, company).await?;
            Ok(used.saturating_add(bytes) <= limit)
        }
        None => Ok(true),
    }
}

/// A template, with what it was made of and what is in it.
#[derive(Debug, Clone, PartialEq, FromRow)]
pub struct TemplateRow {
    /// The template.
    #[sqlx(flatten)]
    pub row: GroupRow,
    /// The name of its company.
    pub company_name: String,
    /// The name of what it was made of.
    pub source_name: Option<String>,
    /// First name of who made it.
    pub owner_first_name: String,
    /// Last name of who made it.
    pub owner_last_name: String,
    /// Folders in it.
    pub project_count: i64,
    /// Teams of its own, and teams let into all of it.
    pub team_count: i64,
    /// Members of all of it.
    pub user_count: i64,
}

/// The templates of the companies that somebody administers, or of one, by name.
///
/// # Errors
/// When the database fails.
pub async fn templates(
    db: &mut Db,
    user: UserId,
    company: Option<CompanyId>,
) -> Result<Vec<TemplateRow>, StoreError> {
    let sql = "SELECT n.*, c.name AS company_name, s.name AS source_name, \
               o.first_name AS owner_first_name, o.last_name AS owner_last_name, \
               (SELECT COUNT(*) FROM projects p WHERE p.production_id = n.id \
               AND p.status <> 'DELETED') AS project_count, \
               (SELECT COUNT(*) FROM teams t WHERE t.production_id = n.id OR t.id IN ( \
               SELECT team_id FROM production_teams x WHERE x.production_id = n.id)) AS team_count, \
               (SELECT COUNT(*) FROM production_members m WHERE m.production_id = n.id) \
               AS user_count FROM productions n JOIN companies c ON c.id = n.company_id \
               JOIN company_members a ON a.company_id = n.company_id AND a.user_id = $1 \
               AND a.is_admin JOIN users o ON o.id = n.owner_id \
               LEFT JOIN productions s ON s.id = n.template_of \
               WHERE n.template_of IS NOT NULL AND n.status <> 'DELETED' \
               AND (CAST($2 AS TEXT) IS NULL OR n.company_id = $2) ORDER BY LOWER(n.name), n.id";
    Ok(sqlx::query_as(sql).bind(user).bind(company).fetch_all(db).await?)
}
