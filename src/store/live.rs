//! Live registrations: named sources that may publish into a folder.

use sqlx::FromRow;

use super::{
    Db, StoreError, assets,
    assets::{AssetRow, NewAsset},
    batches, members,
    text::{AssetSubtype, SourceKind},
};
use crate::{
    access::Permission,
    ids::{AssetId, BatchId, ProjectId, RegistrationId, RoomId, UserId},
    secret::SecretDigest,
    time::Millis,
};

/// The batch that live assets are put into.
const BATCH: &str = "Live";

/// A registration.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct RegistrationRow {
    /// Its id, which is its stream's too.
    pub id: RegistrationId,
    /// The folder it publishes into.
    pub project_id: ProjectId,
    /// Who registered it.
    pub owner_id: UserId,
    /// How it publishes.
    pub kind: SourceKind,
    /// The room in which its owner shares their screen by it.
    pub room_id: Option<RoomId>,
    /// Its name.
    pub name: String,
    /// Free text.
    pub description: String,
    /// What the client calls the device.
    pub device: String,
    /// What the client calls the stream.
    pub stream: String,
    /// What is kept of its token; none for a source that publishes with a person's.
    pub token_sha256: Option<SecretDigest>,
    /// The asset that shows it, once it has published.
    pub asset_id: Option<AssetId>,
    /// When a publisher was last let in.
    pub last_connected: Option<Millis>,
    /// When it was registered.
    pub created: Millis,
    /// Nobody may publish it until it is started again.
    pub stopped: bool,
    /// The QTAKE registration that it is, or that it publishes under.
    pub qtake_id: Option<RegistrationId>,
    /// The project of that registration.
    pub qtake_project: Option<String>,
    /// Whether that registration's signature was checked.
    pub qtake_verified: Option<bool>,
    /// When that registration's token ended.
    pub qtake_expires: Option<Millis>,
    /// A composite's layout, as JSON.
    pub layout: Option<String>,
    /// Its viewers see a slate while nobody publishes it.
    pub slate: bool,
}

impl RegistrationRow {
    /// The QTAKE registration that this is, or that this source publishes under.
    #[must_use]
    pub fn qtake(&self) -> Option<qtake::QtakeRow> {
        Some(qtake::QtakeRow {
            registration_id: self.qtake_id?,
            qtake_project: self.qtake_project.clone()?,
            verified: self.qtake_verified?,
            expires: self.qtake_expires,
        })
    }

    /// A composite's layout.
    #[must_use]
    pub fn layout(&self) -> Option<super::Object> {
        serde_json::from_str(self.layout.as_deref()?).ok()
    }
}

/// What a new registration is created from.
#[derive(Debug, Clone)]
pub struct NewRegistration {
    /// Its id.
    pub id: RegistrationId,
    /// The folder it publishes into.
    pub project_id: ProjectId,
    /// Who registers it.
    pub owner_id: UserId,
    /// How it publishes.
    pub kind: SourceKind,
    /// The room in which its owner shares their screen by it.
    pub room_id: Option<RoomId>,
    /// Its name.
    pub name: String,
    /// Free text.
    pub description: String,
    /// What the client calls the device.
    pub device: String,
    /// What the client calls the stream.
    pub stream: String,
    /// What is kept of its token.
    pub token_sha256: Option<SecretDigest>,
}

macro_rules! select {
    ($tail:literal) => {
        concat!(
            "SELECT r.id, r.project_id, r.owner_id, r.kind, d.room_id, r.name, r.description, ",
            "r.device, r.stream, r.token_sha256, r.asset_id, r.last_connected, r.created, r.stopped, ",
            "q.registration_id AS qtake_id, q.qtake_project, q.verified AS qtake_verified, ",
            "q.expires AS qtake_expires, c.layout, z.registration_id IS NOT NULL AS slate ",
            "FROM live_registrations r JOIN projects p ON p.id = r.project_id ",
            "LEFT JOIN live_desktops d ON d.registration_id = r.id ",
            "LEFT JOIN live_qtake_streams s ON s.registration_id = r.id ",
            "LEFT JOIN live_qtake q ON q.registration_id = COALESCE(s.qtake_id, r.id) ",
            "LEFT JOIN live_composites c ON c.registration_id = r.id ",
            "LEFT JOIN live_slates z ON z.registration_id = r.id ",
            "JOIN productions n ON n.id = p.production_id ",
            "WHERE r.status <> 'DELETED' AND p.status <> 'DELETED' AND n.status <> 'DELETED' ",
            $tail
        )
    };
}

// Behind the macro, which it uses.
pub mod shares;

pub mod slates;

pub mod composites;
pub mod raw;

pub mod qtake;

/// Creates a registration.
///
/// # Errors
/// [`StoreError::Unique`] (`uq_live_registrations_source`) when the folder has this source
/// already; [`StoreError::ForeignKey`] when its folder or owner is absent.
pub async fn create(db: &mut Db, new: &NewRegistration, now: Millis) -> Result<(), StoreError> {
    let sql = "INSERT INTO live_registrations (id, project_id, owner_id, kind, name, description, \
               device, stream, token_sha256, created) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    sqlx::query(sql)
        .bind(new.id)
        .bind(new.project_id)
        .bind(new.owner_id)
        .bind(new.kind)
        .bind(&new.name)
        .bind(&new.description)
        .bind(&new.device)
        .bind(&new.stream)
        .bind(&new.token_sha256)
        .bind(now)
        .execute(&mut *db)
        .await?;
    if new.kind == SourceKind::Desktop {
        let sql = "INSERT INTO live_desktops (registration_id, room_id) VALUES ($1, $2)";
        sqlx::query(sql).bind(new.id).bind(new.room_id).execute(db).await?;
    }
    Ok(())
}

/// A registration that is not deleted, whoever asks.
///
/// # Errors
/// When the database fails.
pub async fn get(db: &mut Db, id: RegistrationId) -> Result<Option<RegistrationRow>, StoreError> {
    Ok(sqlx::query_as(select!("AND r.id = $1")).bind(id).fetch_optional(db).await?)
}

/// The registration whose token this is.
///
/// # Errors
/// When the database fails.
pub async fn by_token(db: &mut Db, presented: &str) -> Result<Option<RegistrationRow>, StoreError> {
    let digest = SecretDigest::of(presented);
    Ok(sqlx::query_as(select!("AND r.token_sha256 = $1")).bind(digest).fetch_optional(db).await?)
}

/// The source that goes by these names in a folder.
///
/// # Errors
/// When the database fails.
pub async fn by_source(
    db: &mut Db,
    project: ProjectId,
    device: &str,
    stream: &str,
) -> Result<Option<RegistrationRow>, StoreError> {
    let sql = select!("AND r.project_id = $1 AND r.device = $2 AND r.stream = $3");
    Ok(sqlx::query_as(sql).bind(project).bind(device).bind(stream).fetch_optional(db).await?)
}

/// The registration whose pictures an asset shows.
///
/// # Errors
/// When the database fails.
pub async fn by_asset(db: &mut Db, asset: AssetId) -> Result<Option<RegistrationRow>, StoreError> {
    let sql = select!("AND r.asset_id = $1 ORDER BY r.created DESC, r.id DESC LIMIT 1");
    Ok(sqlx::query_as(sql).bind(asset).fetch_optional(db).await?)
}

/// The registrations of a folder, oldest first.
///
/// # Errors
/// When the database fails.
pub async fn of_project(
    db: &mut Db,
    project: ProjectId,
) -> Result<Vec<RegistrationRow>, StoreError> {
    let sql = select!("AND r.project_id = $1 ORDER BY r.created, r.id");
    Ok(sqlx::query_as(sql).bind(project).fetch_all(db).await?)
}

/// The registrations in the companies that a user administers, the one that published last first.
///
/// # Errors
/// When the database fails.
pub async fn administered(
    db: &mut Db,
    user: UserId,
    most: i64,
) -> Result<Vec<RegistrationRow>, StoreError> {
    let sql = select!(
        "AND n.company_id IN (SELECT company_id FROM company_members \
         WHERE user_id = $1 AND is_admin) \
         ORDER BY CASE WHEN r.last_connected IS NULL THEN 1 ELSE 0 END, \
         r.last_connected DESC, r.id LIMIT $2"
    );
    Ok(sqlx::query_as(sql).bind(user).bind(most).fetch_all(db).await?)
}

/// Whether a user administers any company.
///
/// # Errors
/// When the database fails.
pub async fn is_administrator(db: &mut Db, user: UserId) -> Result<bool, StoreError> {
    let sql = "SELECT COUNT(*) FROM company_members WHERE user_id = $1 AND is_admin";
    let count: i64 = sqlx::query_scalar(sql).bind(user).fetch_one(db).await?;
    Ok(count > 0)
}

/// Lets nobody publish a registration, or lets them again.
///
/// # Errors
/// When the database fails.
pub async fn set_stopped(db: &mut Db, id: RegistrationId, stopped: bool) -> Result<(), StoreError> {
    let sql = "UPDATE live_registrations SET stopped = $2 WHERE id = $1";
    sqlx::query(sql).bind(id).bind(stopped).execute(db).await?;
    Ok(())
}

/// Gives a registration another name and description.
///
/// # Errors
/// When the database fails.
pub async fn describe(
    db: &mut Db,
    id: RegistrationId,
    name: &str,
    description: &str,
) -> Result<(), StoreError> {
    let sql = "UPDATE live_registrations SET name = $2, description = $3 WHERE id = $1";
    sqlx::query(sql).bind(id).bind(name).bind(description).execute(db).await?;
    Ok(())
}

/// Deletes a registration, and with it what is kept of its token.
///
/// # Errors
/// When the database fails.
pub async fn delete(db: &mut Db, id: RegistrationId) -> Result<(), StoreError> {
    let sql = "UPDATE live_registrations SET status = 'DELETED', token_sha256 = NULL WHERE id = $1";
    sqlx::query(sql).bind(id).execute(db).await?;
    Ok(())
}

/// What became of a registration when a publisher was let in.
#[derive(Debug, Clone, PartialEq)]
pub struct Connected {
    /// The asset that shows it.
    pub asset: AssetId,
    /// That asset, if it had to be made.
    pub created: Option<AssetRow>,
}

/// Notes that a publisher was let in; makes the asset that shows it, if there is none or somebody
/// deleted it. Nothing if the registration is gone.
///
/// # Errors
/// When the database fails.
pub async fn connected(
    db: &mut Db,
    id: RegistrationId,
    now: Millis,
) -> Result<Option<Connected>, StoreError> {
    let Some(row) = get(db, id).await? else { return Ok(None) };
    let connected = asset_of(db, &row, now).await?;
    let sql = "UPDATE live_registrations SET last_connected = $2 WHERE id = $1";
    sqlx::query(sql).bind(id).bind(now).execute(&mut *db).await?;
    qtake::connected(db, id, now).await?;
    Ok(Some(connected))
}

/// The asset that shows a registration. It is made, if there is none or somebody deleted it.
///
/// # Errors
/// When the database fails.
pub async fn asset_of(
    db: &mut Db,
    row: &RegistrationRow,
    now: Millis,
) -> Result<Connected, StoreError> {
    if let Some(asset) = row.asset_id
        && assets::get(db, asset).await?.is_some()
    {
        return Ok(Connected { asset, created: None });
    }
    let created = create_asset(db, row, now).await?;
    let sql = "UPDATE live_registrations SET asset_id = $2 WHERE id = $1";
    sqlx::query(sql).bind(row.id).bind(created.id).execute(db).await?;
    Ok(Connected { asset: created.id, created: Some(created) })
}

async fn create_asset(
    db: &mut Db,
    row: &RegistrationRow,
    now: Millis,
) -> Result<AssetRow, StoreError> {
    let mut asset = NewAsset::video(row.project_id, row.owner_id, row.name.as_str());
    asset.subtype = Some(AssetSubtype::Streaming);
    asset.room_id = row.room_id;
    // What is a room's own stands in no batch of the folder.
    if row.room_id.is_none() {
        asset.batch_id = Some(live_batch(db, row.project_id, row.owner_id, now).await?);
    }
    assets::create(db, &asset, now).await
}

/// The batch of a folder that live assets and recordings are put into, made if there is none.
///
/// # Errors
/// When the database fails.
pub async fn live_batch(
    db: &mut Db,
    project: ProjectId,
    owner: UserId,
    now: Millis,
) -> Result<BatchId, StoreError> {
    let known = batches::of_project(db, project).await?;
    match known.into_iter().find(|batch| batch.name == BATCH) {
        Some(batch) => Ok(batch.id),
        None => Ok(batches::create(db, project, owner, BATCH, now).await?.id),
    }
}

/// Says of all assets that nobody publishes them, and takes shared screens out of their rooms: what
/// a server knows when it starts.
///
/// # Errors
/// When the database fails.
pub async fn all_offline(db: &mut Db, now: Millis) -> Result<(), StoreError> {
    sqlx::query("UPDATE assets SET is_live = FALSE, modified = $1 WHERE is_live")
        .bind(now)
        .execute(&mut *db)
        .await?;
    shares::hide_all(db).await
}

/// The rooms in whose playlists an asset is, as long as they are not over.
///
/// # Errors
/// When the database fails.
pub async fn rooms_with(db: &mut Db, asset: AssetId) -> Result<Vec<RoomId>, StoreError> {
    let sql = "SELECT DISTINCT r.id FROM rooms r \
               LEFT JOIN room_playlists rp ON rp.room_id = r.id \
               JOIN playlists l ON l.id = r.session_playlist_id OR l.id = rp.playlist_id \
               LEFT JOIN playlist_assets pa ON pa.playlist_id = l.id AND pa.asset_id = $1 \
               LEFT JOIN assets a ON a.id = $1 AND l.playlist_source = 'FOLDER' \
               AND a.project_id = l.source_project_id \
               WHERE r.status <> 'COMPLETE' AND (pa.asset_id IS NOT NULL OR a.id IS NOT NULL)";
    Ok(sqlx::query_scalar(sql).bind(asset).fetch_all(db).await?)
}

/// Those who see the assets of a folder: whom an event about one is for.
///
/// # Errors
/// When the database fails.
pub async fn audience(db: &mut Db, project: ProjectId) -> Result<Vec<UserId>, StoreError> {
    let people = members::of_project(&mut *db, project).await?;
    let sees = people.iter().filter(|person| person.rights.may(Permission::View));
    let mut seeing: Vec<UserId> = sees.map(|person| person.user.id).collect();
    let sql = "SELECT c.user_id FROM projects p JOIN productions n ON n.id = p.production_id \
               JOIN company_members c ON c.company_id = n.company_id \
               WHERE p.id = $1 AND (c.is_admin OR c.user_id = n.owner_id)";
    let over_all: Vec<UserId> = sqlx::query_scalar(sql).bind(project).fetch_all(db).await?;
    seeing.extend(over_all);
    seeing.sort_unstable();
    seeing.dedup();
    Ok(seeing)
}
