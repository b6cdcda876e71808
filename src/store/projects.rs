//! Folders (`project` in the API) and who may do what in them.

use sqlx::FromRow;

use super::{Db, Json, Object, StoreError, text::ProjectStatus};
use crate::{
    access::PermissionSet,
    ids::{CompanyId, GroupId, ProjectId, UserId},
    time::Millis,
};

/// A folder.
#[derive(Debug, Clone, PartialEq, FromRow)]
pub struct ProjectRow {
    /// Its id.
    pub id: ProjectId,
    /// The production it is in.
    pub production_id: GroupId,
    /// The folder it is in.
    pub parent_project_id: Option<ProjectId>,
    /// Who created it.
    pub owner_id: UserId,
    /// Its name.
    pub name: String,
    /// Free text.
    pub description: String,
    /// Where it is in its life.
    pub status: ProjectStatus,
    /// Settings, as clients keep them.
    pub settings: Json<Object>,
    /// Sizes to make, as clients write them.
    pub sizes: String,
    /// Formats to make, as clients keep them.
    pub transcode_formats: Json<Object>,
    /// Settings of its watermark, as clients keep them.
    pub watermark_settings: Json<Object>,
    /// How clients list its assets.
    pub asset_view_settings: Json<Vec<serde_json::Value>>,
    /// What is laid over its pictures.
    pub overlay: Json<Object>,
    /// Whether its people need a second factor.
    pub mfa_enabled: bool,
    /// Where in an asset its thumbnail is taken, 0 to 1.
    pub thumbnail_position: f64,
    /// When it was created.
    pub created: Millis,
    /// When it was last changed.
    pub modified: Millis,
}

/// A folder with what somebody may do in it.
#[derive(Debug, Clone, PartialEq, FromRow)]
pub struct SeenProject {
    /// The folder.
    #[sqlx(flatten)]
    pub row: ProjectRow,
    /// The company of its production.
    pub company_id: CompanyId,
    /// Whether they may do everything in it.
    pub is_admin: bool,
    /// What their security group allows, if they have one.
    pub permissions: Option<Json<PermissionSet>>,
    /// Their security group, if they have one.
    pub security_group_id: Option<i64>,
    /// Assets in it that are not deleted.
    pub asset_count: i64,
}

// `effective` is one row for each folder that a membership of theirs reaches: the folder's own
// membership if there is one, else that of the nearest folder above. UNION, and not UNION ALL,
// ends even on a circle, which nothing should ever make.
macro_rules! select_seen {
    ($tail:literal) => {
        concat!(
            "WITH RECURSIVE effective(project_id, security_group_id) AS (",
            "SELECT project_id, security_group_id FROM project_members WHERE user_id = $1 ",
            "UNION SELECT p.id, e.security_group_id FROM projects p ",
            "JOIN effective e ON p.parent_project_id = e.project_id ",
            "WHERE NOT EXISTS (SELECT 1 FROM project_members o ",
            "WHERE o.project_id = p.id AND o.user_id = $1)) ",
            "SELECT p.*, n.company_id, (COALESCE(m.is_admin, FALSE) ",
            "OR (m.user_id IS NOT NULL AND n.owner_id = $1) ",
            "OR COALESCE(sg.is_admin, FALSE)) AS is_admin, sg.permissions, e.security_group_id, ",
            "(SELECT COUNT(*) FROM assets a WHERE a.project_id = p.id AND a.status <> 'DELETED') ",
            "AS asset_count FROM projects p JOIN productions n ON n.id = p.production_id ",
            "LEFT JOIN company_members m ON m.company_id = n.company_id AND m.user_id = $1 ",
            "LEFT JOIN effective e ON e.project_id = p.id ",
            "LEFT JOIN security_groups sg ON sg.id = e.security_group_id ",
            "WHERE p.status <> 'DELETED' AND n.status <> 'DELETED' AND (e.project_id IS NOT NULL ",
            "OR m.is_admin OR (m.user_id IS NOT NULL AND n.owner_id = $1)) ",
            $tail
        )
    };
}

/// Which folders to list; all that are seen, by default.
#[derive(Debug, Clone, Copy, Default)]
pub struct ProjectFilter {
    /// Those of one company.
    pub company: Option<CompanyId>,
    /// Those of one production.
    pub group: Option<GroupId>,
    /// Those right below one folder.
    pub parent: Option<ProjectId>,
    /// Those that one person created.
    pub owner: Option<UserId>,
}

/// Creates a folder.
///
/// # Errors
/// [`StoreError::ForeignKey`] when its production, parent or owner is absent.
pub async fn create(
    db: &mut Db,
    group: GroupId,
    parent: Option<ProjectId>,
    owner: UserId,
    name: &str,
    now: Millis,
) -> Result<ProjectRow, StoreError> {
    let sql = "INSERT INTO projects (id, production_id, parent_project_id, owner_id, name, created, modified) \
               VALUES ($1, $2, $3, $4, $5, $6, $6) RETURNING *";
    let row = sqlx::query_as(sql)
        .bind(ProjectId::new())
        .bind(group)
        .bind(parent)
        .bind(owner)
        .bind(name)
        .bind(now)
        .fetch_one(db)
        .await?;
    Ok(row)
}

/// A folder as somebody sees it; nothing if they may not know of it.
///
/// # Errors
/// When the database fails.
pub async fn seen(
    db: &mut Db,
    user: UserId,
    id: ProjectId,
) -> Result<Option<SeenProject>, StoreError> {
    Ok(sqlx::query_as(select_seen!("AND p.id = $2")).bind(user).bind(id).fetch_optional(db).await?)
}

/// The folders that somebody sees, by name.
///
/// # Errors
/// When the database fails.
pub async fn list_seen(
    db: &mut Db,
    user: UserId,
    filter: ProjectFilter,
) -> Result<Vec<SeenProject>, StoreError> {
    let sql = select_seen!(
        "AND (CAST($2 AS TEXT) IS NULL OR n.company_id = $2) \
         AND (CAST($3 AS TEXT) IS NULL OR p.production_id = $3) \
         AND (CAST($4 AS TEXT) IS NULL OR p.parent_project_id = $4) \
         AND (CAST($5 AS TEXT) IS NULL OR p.owner_id = $5) ORDER BY LOWER(p.name), p.id"
    );
    let rows = sqlx::query_as(sql)
        .bind(user)
        .bind(filter.company)
        .bind(filter.group)
        .bind(filter.parent)
        .bind(filter.owner)
        .fetch_all(db)
        .await?;
    Ok(rows)
}

/// The folders above one, outermost first.
///
/// # Errors
/// When the database fails.
pub async fn ancestors(db: &mut Db, id: ProjectId) -> Result<Vec<(ProjectId, String)>, StoreError> {
    let sql = "WITH RECURSIVE above(id, name, parent, depth) AS ( \
                 SELECT p.id, p.name, p.parent_project_id, 0 FROM projects p WHERE p.id = $1 \
                 UNION SELECT p.id, p.name, p.parent_project_id, a.depth + 1 \
                 FROM projects p JOIN above a ON p.id = a.parent) \
               SELECT id, name FROM above WHERE depth > 0 ORDER BY depth DESC";
    Ok(sqlx::query_as(sql).bind(id).fetch_all(db).await?)
}

/// Writes a changed folder back.
///
/// # Errors
/// When the database fails.
pub async fn update(db: &mut Db, row: &ProjectRow) -> Result<(), StoreError> {
    let sql = "UPDATE projects SET name = $2, description = $3, status = $4, settings = $5, \
               sizes = $6, transcode_formats = $7, watermark_settings = $8, \
               asset_view_settings = $9, overlay = $10, mfa_enabled = $11, \
               thumbnail_position = $12, modified = $13 WHERE id = $1";
    sqlx::query(sql)
        .bind(row.id)
        .bind(&row.name)
        .bind(&row.description)
        .bind(row.status)
        .bind(&row.settings)
        .bind(&row.sizes)
        .bind(&row.transcode_formats)
        .bind(&row.watermark_settings)
        .bind(&row.asset_view_settings)
        .bind(&row.overlay)
        .bind(row.mfa_enabled)
        .bind(row.thumbnail_position)
        .bind(row.modified)
        .execute(db)
        .await?;
    Ok(())
}

/// Deletes a folder and all below it, as far as anybody can see.
///
/// # Errors
/// When the database fails.
pub async fn delete(db: &mut Db, id: ProjectId, now: Millis) -> Result<(), StoreError> {
    let sql = "WITH RECURSIVE below(id) AS (SELECT $1 UNION SELECT p.id FROM projects p \
               JOIN below b ON p.parent_project_id = b.id) \
               UPDATE projects SET status = 'DELETED', modified = $2 \
               WHERE id IN (SELECT id FROM below)";
    sqlx::query(sql).bind(id).bind(now).execute(db).await?;
    Ok(())
}

/// A person's own membership in a folder (not one inherited from above).
#[derive(Debug, Clone, PartialEq, FromRow)]
pub struct MemberRow {
    /// Their security group.
    pub security_group_id: i64,
    /// What they are called there.
    pub project_role: Option<String>,
}

/// Makes a person a member of a folder, or changes their membership.
///
/// # Errors
/// [`StoreError::ForeignKey`] when the folder, person or security group is absent.
pub async fn set_member(
    db: &mut Db,
    project: ProjectId,
    user: UserId,
    member: &MemberRow,
    now: Millis,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO project_members (project_id, user_id, security_group_id, project_role, created) \
               VALUES ($1, $2, $3, $4, $5) ON CONFLICT (project_id, user_id) DO UPDATE SET \
               security_group_id = excluded.security_group_id, project_role = excluded.project_role";
    sqlx::query(sql)
        .bind(project)
        .bind(user)
        .bind(member.security_group_id)
        .bind(&member.project_role)
        .bind(now)
        .execute(db)
        .await?;
    Ok(())
}
