//! Folders (`project` in the API) and who may do what in them.

use std::collections::HashSet;

use futures_util::TryStreamExt as _;
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
#[derive(Debug, Clone, PartialEq)]
pub struct SeenProject {
    /// The folder.
    pub row: ProjectRow,
    /// The company of its production.
    pub company_id: CompanyId,
    /// Whether they may do everything in it.
    pub is_admin: bool,
    /// What their memberships and teams allow together, if they have any that reaches the folder.
    pub permissions: Option<Json<PermissionSet>>,
    /// Assets in it that are not deleted.
    pub asset_count: i64,
    /// Folders right below it that they see, where they were asked for; else 0.
    pub child_count: i64,
}

/// A folder with one of the security groups that somebody has in it.
#[derive(FromRow)]
struct Reached {
    #[sqlx(flatten)]
    row: ProjectRow,
    company_id: CompanyId,
    is_over_all: bool,
    group_is_admin: Option<bool>,
    permissions: Option<Json<PermissionSet>>,
    asset_count: i64,
    child_count: i64,
}

/// Adds what another security group allows in a folder. Rows of one folder follow each other.
fn merge(merged: &mut Vec<SeenProject>, found: Reached) {
    let is_admin = found.is_over_all || found.group_is_admin == Some(true);
    match merged.last_mut().filter(|last| last.row.id == found.row.id) {
        Some(last) => {
            last.is_admin |= is_admin;
            let before = last.permissions.map(|json| json.0).unwrap_or_default();
            let more = found.permissions.map(|json| json.0).unwrap_or_default();
            last.permissions = Some(Json(before.union(more)));
        }
        None => merged.push(SeenProject {
            row: found.row,
            company_id: found.company_id,
            is_admin,
            permissions: found.permissions,
            asset_count: found.asset_count,
            child_count: found.child_count,
        }),
    }
}

// What is asked of a folder once it is known which security groups has in it whoever ($1) asks. A
// production that is suspended, or outside its days, is there for its owner and the administrators
// alone; its last day counts whole (UTC). Folders are counted where $4 says so: whoever sees a
// folder sees all below it.
macro_rules! seen_of_reached {
    ($from:literal, $tail:literal) => {
        concat!(
            "SELECT p.id, p.production_id, p.parent_project_id, p.owner_id, p.name, ",
            "p.description, p.status, p.settings, p.sizes, p.transcode_formats, ",
            "p.watermark_settings, p.asset_view_settings, p.overlay, p.mfa_enabled, ",
            "p.thumbnail_position, p.created, p.modified, ",
            "n.company_id, (COALESCE(m.is_admin, FALSE) ",
            "OR (m.user_id IS NOT NULL AND n.owner_id = $1)) AS is_over_all, ",
            "sg.is_admin AS group_is_admin, sg.permissions, ",
            "(SELECT COUNT(*) FROM assets a WHERE a.project_id = p.id AND a.status <> 'DELETED' ",
            "AND a.room_id IS NULL) AS asset_count, CASE WHEN $4 THEN (SELECT COUNT(*) FROM projects c ",
            "WHERE c.parent_project_id = p.id AND c.status <> 'DELETED') ELSE 0 END AS child_count ",
            $from,
            "JOIN productions n ON n.id = p.production_id ",
            "LEFT JOIN company_members m ON m.company_id = n.company_id AND m.user_id = $1 ",
            "LEFT JOIN security_groups sg ON sg.id = r.security_group_id ",
            "WHERE p.status <> 'DELETED' AND n.status <> 'DELETED' AND n.template_of IS NULL ",
            "AND (m.is_admin OR (m.user_id IS NOT NULL AND n.owner_id = $1) ",
            "OR (r.security_group_id IS NOT NULL AND n.suspended IS NULL ",
            "AND (n.start_date IS NULL OR n.start_date <= $2) ",
            "AND (n.expiry_date IS NULL ",
            "OR n.expiry_date - n.expiry_date % 86400000 + 86400000 > $2))) ",
            $tail
        )
    };
}

// One folder, from it upwards. Of the memberships that somebody has in it, above it and in its
// production the nearest counts; of teams, all that were let in anywhere on that way.
macro_rules! select_one {
    () => {
        concat!(
            "WITH RECURSIVE above(id, parent, depth) AS ( ",
            "SELECT id, parent_project_id, 0 FROM projects WHERE id = $3 ",
            "UNION SELECT p.id, p.parent_project_id, a.depth + 1 FROM projects p ",
            "JOIN above a ON p.id = a.parent WHERE a.depth < 100), ",
            "own(security_group_id, depth) AS ( ",
            "SELECT m.security_group_id, a.depth FROM above a ",
            "JOIN project_members m ON m.project_id = a.id AND m.user_id = $1 ",
            "UNION ALL SELECT m.security_group_id, 1000 FROM projects p JOIN production_members m ",
            "ON m.production_id = p.production_id AND m.user_id = $1 WHERE p.id = $3), ",
            "reached(security_group_id) AS ( ",
            "SELECT security_group_id FROM own WHERE depth = (SELECT MIN(depth) FROM own) ",
            "UNION SELECT t.security_group_id FROM above a JOIN project_teams x ",
            "ON x.project_id = a.id JOIN team_people t ON t.team_id = x.team_id AND t.user_id = $1 ",
            "UNION SELECT t.security_group_id FROM projects p JOIN production_teams x ",
            "ON x.production_id = p.production_id JOIN team_people t ON t.team_id = x.team_id ",
            "AND t.user_id = $1 WHERE p.id = $3) ",
            seen_of_reached!("FROM projects p LEFT JOIN reached r ON TRUE ", "AND p.id = $3")
        )
    };
}

// Many folders, from memberships and teams downwards. `reached` has one row for each folder and
// security group that a membership (`is_own`) or a team reaches; `found` those that somebody is
// over as well. UNION, and not UNION ALL, ends even on a circle, which nothing should ever make.
macro_rules! select_many {
    ($tail:literal) => {
        concat!(
            "WITH RECURSIVE reached(project_id, security_group_id, is_own) AS ( ",
            "SELECT project_id, security_group_id, TRUE FROM project_members WHERE user_id = $1 ",
            "UNION SELECT p.id, g.security_group_id, TRUE FROM production_members g ",
            "JOIN projects p ON p.production_id = g.production_id AND p.parent_project_id IS NULL ",
            "WHERE g.user_id = $1 AND NOT EXISTS (SELECT 1 FROM project_members o ",
            "WHERE o.project_id = p.id AND o.user_id = $1) ",
            "UNION SELECT x.project_id, t.security_group_id, FALSE FROM team_people t ",
            "JOIN project_teams x ON x.team_id = t.team_id WHERE t.user_id = $1 ",
            "UNION SELECT p.id, t.security_group_id, FALSE FROM team_people t ",
            "JOIN production_teams x ON x.team_id = t.team_id ",
            "JOIN projects p ON p.production_id = x.production_id WHERE t.user_id = $1 ",
            "UNION SELECT p.id, e.security_group_id, e.is_own FROM reached e ",
            "JOIN projects p ON p.parent_project_id = e.project_id ",
            "WHERE NOT e.is_own OR NOT EXISTS (SELECT 1 FROM project_members o ",
            "WHERE o.project_id = p.id AND o.user_id = $1)), ",
            "found(project_id, security_group_id) AS ( ",
            "SELECT project_id, security_group_id FROM reached ",
            "UNION ALL SELECT p.id, NULL FROM company_members m ",
            "JOIN productions n ON n.company_id = m.company_id ",
            "AND (m.is_admin OR n.owner_id = m.user_id) ",
            "JOIN projects p ON p.production_id = n.id WHERE m.user_id = $1) ",
            seen_of_reached!("FROM found r JOIN projects p ON p.id = r.project_id ", $tail)
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
    /// Those whose parent is not seen, or that have none.
    pub roots_only: bool,
    /// So many at most.
    pub limit: Option<usize>,
    /// Whether to count what is right below each.
    pub with_children: bool,
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

/// A folder, whoever asks.
///
/// # Errors
/// When the database fails.
pub async fn get(db: &mut Db, id: ProjectId) -> Result<Option<ProjectRow>, StoreError> {
    Ok(sqlx::query_as("SELECT * FROM projects WHERE id = $1").bind(id).fetch_optional(db).await?)
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
    let query = sqlx::query_as(select_one!()).bind(user).bind(Millis::now()).bind(id).bind(true);
    let mut merged = Vec::new();
    for found in query.fetch_all(db).await? {
        merge(&mut merged, found);
    }
    Ok(merged.pop())
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
    let sql = select_many!(
        "AND (CAST($3 AS TEXT) IS NULL OR n.company_id = $3) \
         AND (CAST($5 AS TEXT) IS NULL OR p.production_id = $5) \
         AND (CAST($6 AS TEXT) IS NULL OR p.parent_project_id = $6) \
         AND (CAST($7 AS TEXT) IS NULL OR p.owner_id = $7) \
         AND ($8 = FALSE OR p.parent_project_id IS NULL \
         OR p.parent_project_id NOT IN (SELECT project_id FROM found)) \
         ORDER BY LOWER(p.name), p.id"
    );
    let mut rows = sqlx::query_as(sql)
        .bind(user)
        .bind(Millis::now())
        .bind(filter.company)
        .bind(filter.with_children)
        .bind(filter.group)
        .bind(filter.parent)
        .bind(filter.owner)
        .bind(filter.roots_only)
        .fetch(db);
    let limit = filter.limit.unwrap_or(usize::MAX);
    let mut merged = Vec::new();
    // A folder may have several rows, so that it is not the database that counts.
    while let Some(found) = rows.try_next().await? {
        merge(&mut merged, found);
        if merged.len() > limit {
            merged.pop();
            break;
        }
    }
    Ok(merged)
}

/// The folders above one that somebody sees who sees the one, outermost first. `all` is for those
/// who see every folder of the production.
///
/// # Errors
/// When the database fails.
pub async fn ancestors_seen(
    db: &mut Db,
    user: UserId,
    id: ProjectId,
    all: bool,
) -> Result<Vec<(ProjectId, String)>, StoreError> {
    // Whoever sees a folder sees all between it and the one that they see it by.
    let sql = "WITH RECURSIVE above(id, name, parent, depth) AS ( \
                 SELECT p.id, p.name, p.parent_project_id, 0 FROM projects p WHERE p.id = $2 \
                 UNION SELECT p.id, p.name, p.parent_project_id, a.depth + 1 \
                 FROM projects p JOIN above a ON p.id = a.parent WHERE a.depth < 100), \
               seen_by(depth) AS ( \
                 SELECT a.depth FROM above a JOIN project_members m \
                   ON m.project_id = a.id AND m.user_id = $1 \
                 UNION SELECT a.depth FROM above a JOIN project_teams x ON x.project_id = a.id \
                   JOIN team_people t ON t.team_id = x.team_id AND t.user_id = $1 \
                 UNION SELECT 1000 FROM projects p JOIN production_members m \
                   ON m.production_id = p.production_id AND m.user_id = $1 WHERE p.id = $2 \
                 UNION SELECT 1000 FROM projects p JOIN production_teams x \
                   ON x.production_id = p.production_id \
                   JOIN team_people t ON t.team_id = x.team_id AND t.user_id = $1 \
                   WHERE p.id = $2) \
               SELECT id, name FROM above WHERE depth > 0 \
               AND ($3 OR depth <= (SELECT MAX(depth) FROM seen_by)) ORDER BY depth DESC";
    Ok(sqlx::query_as(sql).bind(user).bind(id).bind(all).fetch_all(db).await?)
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

/// Says whether a folder, and all below it, lets in only people whom another system manages.
/// Answers whether there is such a folder.
///
/// # Errors
/// When the database fails.
pub async fn set_externally_managed(
    db: &mut Db,
    id: ProjectId,
    only: bool,
) -> Result<bool, StoreError> {
    let sql = "UPDATE projects SET externally_managed = $2 WHERE id = $1 AND status <> 'DELETED'";
    Ok(sqlx::query(sql).bind(id).bind(only).execute(db).await?.rows_affected() > 0)
}

/// Whether a folder, or one above it, lets in only people whom another system manages.
///
/// # Errors
/// When the database fails.
pub async fn is_externally_managed(db: &mut Db, id: ProjectId) -> Result<bool, StoreError> {
    let sql = "WITH RECURSIVE above(id, parent, only, depth) AS ( \
                 SELECT p.id, p.parent_project_id, p.externally_managed, 0 FROM projects p \
                 WHERE p.id = $1 \
                 UNION SELECT p.id, p.parent_project_id, p.externally_managed, a.depth + 1 \
                 FROM projects p JOIN above a ON p.id = a.parent WHERE a.depth < 100) \
               SELECT EXISTS (SELECT 1 FROM above WHERE only)";
    Ok(sqlx::query_scalar(sql).bind(id).fetch_one(db).await?)
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

/// The folders of a production that somebody administers.
///
/// # Errors
/// When the database fails.
pub async fn administered(
    db: &mut Db,
    user: UserId,
    group: GroupId,
) -> Result<HashSet<ProjectId>, StoreError> {
    let filter = ProjectFilter { group: Some(group), ..ProjectFilter::default() };
    let seen = list_seen(db, user, filter).await?;
    Ok(seen.iter().filter(|folder| folder.is_admin).map(|folder| folder.row.id).collect())
}

/// How much is in a folder and all below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromRow)]
pub struct Usage {
    /// Folders, itself among them.
    pub projects: i64,
    /// Assets that are not deleted.
    pub assets: i64,
    /// Bytes of their files.
    pub bytes: i64,
}

/// How much is in a folder and all below it.
///
/// # Errors
/// When the database fails.
pub async fn usage(db: &mut Db, id: ProjectId, with_live: bool) -> Result<Usage, StoreError> {
    let sql = "WITH RECURSIVE below(id) AS (SELECT $1 UNION SELECT p.id FROM projects p \
               JOIN below b ON p.parent_project_id = b.id WHERE p.status <> 'DELETED'), \
               found(id) AS (SELECT a.id FROM below b JOIN assets a ON a.project_id = b.id \
               WHERE a.status <> 'DELETED' AND a.room_id IS NULL AND ($2 OR a.is_live = FALSE)) \
               SELECT (SELECT COUNT(*) FROM below) AS projects, \
               (SELECT COUNT(*) FROM found) AS assets, \
               (SELECT COALESCE(SUM(f.bytes), 0) FROM found x JOIN asset_files f \
               ON f.asset_id = x.id WHERE f.status <> 'DELETED') AS bytes";
    Ok(sqlx::query_as(sql).bind(id).bind(with_live).fetch_one(db).await?)
}
