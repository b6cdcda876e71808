//! Copying folders: each row of one is made from the row it is a copy of, in the database.

use sqlx::FromRow;

use super::{Db, Json, Object, StoreError, projects::ProjectRow, text::ProjectStatus};
use crate::{
    ids::{AssetId, BatchId, FileId, GroupId, ProjectId, TaskId, TeamId, UserId},
    time::Millis,
};

/// What folders get from where they go, instead of what they have.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Settings, as clients keep them.
    pub settings: Json<Object>,
    /// Sizes to make.
    pub sizes: String,
    /// Formats to make.
    pub transcode_formats: Json<Object>,
    /// Settings of the watermark.
    pub watermark_settings: Json<Object>,
}

/// A folder and all below it that is not deleted; each after the one it is in.
///
/// # Errors
/// When the database fails.
pub async fn subtree(db: &mut Db, root: ProjectId) -> Result<Vec<ProjectRow>, StoreError> {
    let sql = "WITH RECURSIVE below(id, depth) AS (SELECT $1, 0 UNION SELECT p.id, b.depth + 1 \
               FROM projects p JOIN below b ON p.parent_project_id = b.id \
               WHERE p.status <> 'DELETED' AND b.depth < 100) \
               SELECT p.* FROM below b JOIN projects p ON p.id = b.id ORDER BY b.depth, p.id";
    Ok(sqlx::query_as(sql).bind(root).fetch_all(db).await?)
}

/// The folders of a production without a parent.
///
/// # Errors
/// When the database fails.
pub async fn roots(db: &mut Db, group: GroupId) -> Result<Vec<ProjectId>, StoreError> {
    let sql = "SELECT id FROM projects WHERE production_id = $1 AND parent_project_id IS NULL \
               AND status <> 'DELETED' ORDER BY id";
    Ok(sqlx::query_scalar(sql).bind(group).fetch_all(db).await?)
}

/// Where a new folder comes from, and goes.
#[derive(Debug, Clone, Copy)]
pub struct NewFolder {
    /// Its id.
    pub id: ProjectId,
    /// What it is a copy of.
    pub source: ProjectId,
    /// The production it goes into.
    pub group: GroupId,
    /// The folder it goes into.
    pub parent: Option<ProjectId>,
    /// Whose it is.
    pub owner: UserId,
    /// The task that makes it, if it is one that may end half-way.
    pub task: Option<TaskId>,
}

/// Makes a copy of a folder, which nobody sees until it is revealed.
///
/// # Errors
/// [`StoreError::ForeignKey`] when where it goes is absent.
pub async fn folder(db: &mut Db, new: NewFolder, now: Millis) -> Result<(), StoreError> {
    let sql = "INSERT INTO projects (id, production_id, parent_project_id, owner_id, name, \
               description, status, settings, sizes, transcode_formats, watermark_settings, \
               asset_view_settings, overlay, mfa_enabled, thumbnail_position, created, modified, \
               copied_by) SELECT $1, $2, $3, $4, name, description, 'DELETED', settings, sizes, \
               transcode_formats, watermark_settings, asset_view_settings, overlay, mfa_enabled, \
               thumbnail_position, $6, $6, $7 FROM projects WHERE id = $5";
    sqlx::query(sql)
        .bind(new.id)
        .bind(new.group)
        .bind(new.parent)
        .bind(new.owner)
        .bind(new.source)
        .bind(now)
        .bind(new.task)
        .execute(db)
        .await?;
    Ok(())
}

/// The folders that a task has made and not shown: what is left of it when it has failed. Without a
/// task those of all tasks.
///
/// # Errors
/// When the database fails.
pub async fn unfinished(db: &mut Db, task: Option<TaskId>) -> Result<Vec<ProjectId>, StoreError> {
    let sql = "SELECT id FROM projects WHERE copied_by IS NOT NULL \
               AND (CAST($1 AS TEXT) IS NULL OR copied_by = $1) ORDER BY id";
    Ok(sqlx::query_scalar(sql).bind(task).fetch_all(db).await?)
}

/// Deletes the folders of [`unfinished`] and all that is in them. Gives the locations of their
/// files, which nothing names any more.
///
/// # Errors
/// When the database fails.
pub async fn discard(db: &mut Db, task: Option<TaskId>) -> Result<Vec<String>, StoreError> {
    const FOLDERS: &str = "SELECT id FROM projects WHERE copied_by IS NOT NULL \
                           AND (CAST($1 AS TEXT) IS NULL OR copied_by = $1)";
    let assets = format!("SELECT id FROM assets WHERE project_id IN ({FOLDERS})");
    let sql = format!("SELECT location FROM asset_files WHERE asset_id IN ({assets})");
    let files = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).bind(task).fetch_all(&mut *db).await?;
    // Members and teams go with their folder.
    for sql in [
        format!("DELETE FROM asset_files WHERE asset_id IN ({assets})"),
        format!("DELETE FROM assets WHERE project_id IN ({FOLDERS})"),
        format!("DELETE FROM batches WHERE project_id IN ({FOLDERS})"),
        format!("DELETE FROM projects WHERE id IN ({FOLDERS})"),
    ] {
        sqlx::query(sqlx::AssertSqlSafe(sql)).bind(task).execute(&mut *db).await?;
    }
    Ok(files)
}

/// Gives a folder other settings.
///
/// # Errors
/// When the database fails.
pub async fn set_settings(
    db: &mut Db,
    id: ProjectId,
    settings: &Settings,
) -> Result<(), StoreError> {
    let sql = "UPDATE projects SET settings = $2, sizes = $3, transcode_formats = $4, \
               watermark_settings = $5 WHERE id = $1";
    sqlx::query(sql)
        .bind(id)
        .bind(&settings.settings)
        .bind(&settings.sizes)
        .bind(&settings.transcode_formats)
        .bind(&settings.watermark_settings)
        .execute(db)
        .await?;
    Ok(())
}

/// Shows a folder that was made by copying.
///
/// # Errors
/// When the database fails.
pub async fn reveal(db: &mut Db, id: ProjectId, status: ProjectStatus) -> Result<(), StoreError> {
    let sql = "UPDATE projects SET status = $2, copied_by = NULL WHERE id = $1";
    sqlx::query(sql).bind(id).bind(status).execute(db).await?;
    Ok(())
}

/// Gives one folder the members of another; those it has stay as they are.
///
/// # Errors
/// When the database fails.
pub async fn members(
    db: &mut Db,
    from: ProjectId,
    to: ProjectId,
    now: Millis,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO project_members \
               (project_id, user_id, security_group_id, project_role, created) \
               SELECT $2, user_id, security_group_id, project_role, $3 FROM project_members \
               WHERE project_id = $1 ON CONFLICT (project_id, user_id) DO NOTHING";
    sqlx::query(sql).bind(from).bind(to).bind(now).execute(db).await?;
    Ok(())
}

/// The teams that were let into just this folder.
///
/// # Errors
/// When the database fails.
pub async fn teams(db: &mut Db, project: ProjectId) -> Result<Vec<TeamId>, StoreError> {
    let sql = "SELECT team_id FROM project_teams WHERE project_id = $1 ORDER BY team_id";
    Ok(sqlx::query_scalar(sql).bind(project).fetch_all(db).await?)
}

/// Gives a folder of its own what its people have by the folders above `from`, so that they keep
/// it elsewhere. What people have by the whole production they keep in any case.
///
/// # Errors
/// When the database fails.
pub async fn inherited_people(
    db: &mut Db,
    from: ProjectId,
    to: ProjectId,
    now: Millis,
) -> Result<(), StoreError> {
    let above = "WITH RECURSIVE above(id, parent, depth) AS ( \
                 SELECT p.id, p.parent_project_id, 1 FROM projects p JOIN projects c \
                 ON c.parent_project_id = p.id WHERE c.id = $1 \
                 UNION SELECT p.id, p.parent_project_id, a.depth + 1 FROM projects p \
                 JOIN above a ON p.id = a.parent WHERE a.depth < 100) ";
    let members = "INSERT INTO project_members \
                   (project_id, user_id, security_group_id, project_role, created) \
                   SELECT $2, m.user_id, m.security_group_id, m.project_role, $3 \
                   FROM project_members m JOIN above a ON a.id = m.project_id \
                   WHERE NOT EXISTS (SELECT 1 FROM project_members n JOIN above b \
                   ON b.id = n.project_id WHERE n.user_id = m.user_id AND b.depth < a.depth) \
                   AND NOT EXISTS (SELECT 1 FROM project_members o \
                   WHERE o.project_id = $2 AND o.user_id = m.user_id)";
    let teams = "INSERT INTO project_teams (project_id, team_id, created) \
                 SELECT DISTINCT $2, x.team_id, $3 FROM project_teams x JOIN above a \
                 ON a.id = x.project_id WHERE NOT EXISTS (SELECT 1 FROM project_teams o \
                 WHERE o.project_id = $2 AND o.team_id = x.team_id)";
    for statement in [members, teams] {
        let sql = sqlx::AssertSqlSafe(format!("{above}{statement}"));
        sqlx::query(sql).bind(from).bind(to).bind(now).execute(&mut *db).await?;
    }
    Ok(())
}

/// Ends all memberships of a folder and of all below it, and takes all teams off them.
///
/// # Errors
/// When the database fails.
pub async fn end_people(db: &mut Db, root: ProjectId) -> Result<(), StoreError> {
    let below = "WITH RECURSIVE below(id) AS (SELECT $1 UNION SELECT p.id FROM projects p \
                 JOIN below b ON p.parent_project_id = b.id) ";
    for table in ["project_members", "project_teams"] {
        let sql = format!("{below}DELETE FROM {table} WHERE project_id IN (SELECT id FROM below)");
        sqlx::query(sqlx::AssertSqlSafe(sql)).bind(root).execute(&mut *db).await?;
    }
    Ok(())
}

/// Puts a folder into another, or into none.
///
/// # Errors
/// When the database fails.
pub async fn set_parent(
    db: &mut Db,
    id: ProjectId,
    parent: Option<ProjectId>,
    now: Millis,
) -> Result<(), StoreError> {
    let sql = "UPDATE projects SET parent_project_id = $2, modified = $3 WHERE id = $1";
    sqlx::query(sql).bind(id).bind(parent).bind(now).execute(db).await?;
    Ok(())
}

/// Copies the batches of a folder into another. Gives pairs of old and new.
///
/// # Errors
/// When the database fails.
pub async fn batches(
    db: &mut Db,
    from: ProjectId,
    to: ProjectId,
    now: Millis,
) -> Result<Vec<(BatchId, BatchId)>, StoreError> {
    let sql = "SELECT id FROM batches WHERE project_id = $1 AND status <> 'DELETED' ORDER BY id";
    let old: Vec<BatchId> = sqlx::query_scalar(sql).bind(from).fetch_all(&mut *db).await?;
    let mut pairs = Vec::with_capacity(old.len());
    for old in old {
        let new = BatchId::new();
        let sql = "INSERT INTO batches (id, project_id, owner_id, name, hidden, created) \
                   SELECT $1, $2, owner_id, name, hidden, $4 FROM batches WHERE id = $3";
        sqlx::query(sql).bind(new).bind(to).bind(old).bind(now).execute(&mut *db).await?;
        pairs.push((old, new));
    }
    Ok(pairs)
}

/// An asset that can be copied: not deleted, and not live.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromRow)]
pub struct Copyable {
    /// The asset.
    pub id: AssetId,
    /// The folder it is in.
    pub project_id: ProjectId,
    /// The batch it is in.
    pub batch_id: Option<BatchId>,
}

/// The assets of a folder that can be copied. What is live is there once.
///
/// # Errors
/// When the database fails.
pub async fn assets(db: &mut Db, project: ProjectId) -> Result<Vec<Copyable>, StoreError> {
    let sql = "SELECT id, project_id, batch_id FROM assets WHERE project_id = $1 AND room_id IS NULL \
               AND status = 'ACTIVE' AND is_live = FALSE ORDER BY id";
    Ok(sqlx::query_as(sql).bind(project).fetch_all(db).await?)
}

/// Copies an asset into another folder. It keeps the uuid that a client chose.
///
/// # Errors
/// When the database fails.
pub async fn asset(
    db: &mut Db,
    from: AssetId,
    to: ProjectId,
    batch: Option<BatchId>,
    now: Millis,
) -> Result<AssetId, StoreError> {
    let id = AssetId::new();
    let sql = "INSERT INTO assets (id, project_id, batch_id, owner_id, uuid, name, ext, \
               description, status, asset_type, subtype, is_live, hidden, frames, fps_num, fps_den, \
               duration_ms, metadata, custom_metadata, tags, sort_index, created, modified) \
               SELECT $1, $2, $3, owner_id, uuid, name, ext, description, status, asset_type, \
               subtype, is_live, hidden, frames, fps_num, fps_den, duration_ms, metadata, \
               custom_metadata, tags, sort_index, $5, $5 FROM assets WHERE id = $4";
    sqlx::query(sql).bind(id).bind(to).bind(batch).bind(from).bind(now).execute(db).await?;
    Ok(id)
}

/// A file of an asset.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct CopyableFile {
    /// Its id.
    pub id: FileId,
    /// Where it is, below the data folder.
    pub location: String,
}

/// The complete files of an asset.
///
/// # Errors
/// When the database fails.
pub async fn files(db: &mut Db, asset: AssetId) -> Result<Vec<CopyableFile>, StoreError> {
    let sql = "SELECT id, location FROM asset_files WHERE asset_id = $1 AND status = 'ACTIVE' \
               ORDER BY id";
    Ok(sqlx::query_as(sql).bind(asset).fetch_all(db).await?)
}

/// Takes note of a copy of a file.
///
/// # Errors
/// When the database fails.
pub async fn file(
    db: &mut Db,
    from: FileId,
    asset: AssetId,
    location: &str,
    now: Millis,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO asset_files (id, asset_id, owner_id, location, file_name, category, \
               status, container, video_codec, audio_codec, width, height, fps_num, fps_den, \
               audio_channels, audio_rate, bitrate_kbps, colorspace, tc_start, tc_end, bytes, \
               is_playable, is_primary, created) \
               SELECT $1, $2, owner_id, $3, file_name, category, status, container, video_codec, \
               audio_codec, width, height, fps_num, fps_den, audio_channels, audio_rate, \
               bitrate_kbps, colorspace, tc_start, tc_end, bytes, is_playable, is_primary, $5 \
               FROM asset_files WHERE id = $4";
    sqlx::query(sql)
        .bind(FileId::new())
        .bind(asset)
        .bind(location)
        .bind(from)
        .bind(now)
        .execute(db)
        .await?;
    Ok(())
}

/// Gives a production the members of another.
///
/// # Errors
/// When the database fails.
pub async fn group_members(
    db: &mut Db,
    from: GroupId,
    to: GroupId,
    now: Millis,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO production_members \
               (production_id, user_id, security_group_id, project_role, created) \
               SELECT $2, user_id, security_group_id, project_role, $3 FROM production_members \
               WHERE production_id = $1";
    sqlx::query(sql).bind(from).bind(to).bind(now).execute(db).await?;
    Ok(())
}

/// Gives a production teams of its own like those of another, with their people if asked for. Gives
/// pairs of old and new.
///
/// # Errors
/// When the database fails.
pub async fn group_teams(
    db: &mut Db,
    from: GroupId,
    to: GroupId,
    with_people: bool,
    now: Millis,
) -> Result<Vec<(TeamId, TeamId)>, StoreError> {
    let sql = "SELECT id FROM teams WHERE production_id = $1 ORDER BY id";
    let old: Vec<TeamId> = sqlx::query_scalar(sql).bind(from).fetch_all(&mut *db).await?;
    let mut pairs = Vec::with_capacity(old.len());
    for old in old {
        let new = TeamId::new();
        let sql = "INSERT INTO teams (id, company_id, production_id, scope, name, name_key, \
                   default_security_group, settings, created) SELECT $1, company_id, $2, $2, name, \
                   name_key, default_security_group, settings, $4 FROM teams WHERE id = $3";
        sqlx::query(sql).bind(new).bind(to).bind(old).bind(now).execute(&mut *db).await?;
        if with_people {
            let sql = "INSERT INTO team_members \
                       (team_id, user_id, security_group_id, role_id, created) \
                       SELECT $1, user_id, security_group_id, role_id, $3 FROM team_members \
                       WHERE team_id = $2";
            sqlx::query(sql).bind(new).bind(old).bind(now).execute(&mut *db).await?;
        }
        pairs.push((old, new));
    }
    Ok(pairs)
}

/// The teams that were let into a whole production.
///
/// # Errors
/// When the database fails.
pub async fn teams_of_group(db: &mut Db, group: GroupId) -> Result<Vec<TeamId>, StoreError> {
    let sql = "SELECT team_id FROM production_teams WHERE production_id = $1 ORDER BY team_id";
    Ok(sqlx::query_scalar(sql).bind(group).fetch_all(db).await?)
}
