//! Playlists: ordered selections of assets.

use sqlx::FromRow;

use super::{
    Db, StoreError,
    text::{PlaylistSource, PlaylistType, ThumbnailType},
};
use crate::{
    ids::{AssetId, CompanyId, GroupId, PlaylistAssetId, PlaylistId, ProjectId, UserId},
    time::Millis,
};

/// A playlist.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct PlaylistRow {
    /// Its id.
    pub id: PlaylistId,
    /// The company it belongs to.
    pub company_id: Option<CompanyId>,
    /// The production it belongs to.
    pub production_id: Option<GroupId>,
    /// Whose it is.
    pub owner_id: UserId,
    /// Its name.
    pub name: String,
    /// Free text.
    pub description: String,
    /// Whether it is a person's or a room's own.
    pub playlist_type: PlaylistType,
    /// How one of a folder came to its assets; none for one filled by hand.
    pub playlist_source: Option<PlaylistSource>,
    /// The folder that it was made of.
    pub source_project_id: Option<ProjectId>,
    /// Where its thumbnail comes from.
    pub thumbnail_type: ThumbnailType,
    /// The asset that gives its thumbnail.
    pub thumbnail_asset_id: Option<AssetId>,
    /// When it was created.
    pub created: Millis,
    /// When it was last changed.
    pub modified: Millis,
}

impl PlaylistRow {
    /// Whether its assets are those of a folder at any time, and nobody changes them by hand.
    #[must_use]
    pub fn is_dynamic(&self) -> bool {
        self.playlist_source == Some(PlaylistSource::Folder)
    }
}

/// What a new playlist is created from.
#[derive(Debug, Clone)]
pub struct NewPlaylist {
    /// The company it belongs to.
    pub company_id: Option<CompanyId>,
    /// The production it belongs to.
    pub production_id: Option<GroupId>,
    /// Whose it is.
    pub owner_id: UserId,
    /// Its name.
    pub name: String,
    /// Free text.
    pub description: String,
    /// Whether it is a person's or a room's own.
    pub playlist_type: PlaylistType,
    /// The folder to make it of, and how.
    pub source: Option<(PlaylistSource, ProjectId)>,
}

/// An asset's place in a playlist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromRow)]
pub struct EntryRow {
    /// The place's own id.
    pub id: PlaylistAssetId,
    /// The asset.
    pub asset_id: AssetId,
    /// Its place, counted from 0.
    pub sort_index: i64,
}

/// Creates a playlist without assets.
///
/// # Errors
/// [`StoreError::ForeignKey`] when something it refers to is absent.
pub async fn create(
    db: &mut Db,
    playlist: &NewPlaylist,
    now: Millis,
) -> Result<PlaylistRow, StoreError> {
    let sql = "INSERT INTO playlists (id, company_id, production_id, owner_id, name, description, \
               playlist_type, playlist_source, source_project_id, created, modified) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10) RETURNING *";
    let row = sqlx::query_as(sql)
        .bind(PlaylistId::new())
        .bind(playlist.company_id)
        .bind(playlist.production_id)
        .bind(playlist.owner_id)
        .bind(&playlist.name)
        .bind(&playlist.description)
        .bind(playlist.playlist_type)
        .bind(playlist.source.map(|(source, _)| source))
        .bind(playlist.source.map(|(_, project)| project))
        .bind(now)
        .fetch_one(db)
        .await?;
    Ok(row)
}

/// A playlist, whoever asks.
///
/// # Errors
/// When the database fails.
pub async fn get(db: &mut Db, id: PlaylistId) -> Result<Option<PlaylistRow>, StoreError> {
    Ok(sqlx::query_as("SELECT * FROM playlists WHERE id = $1").bind(id).fetch_optional(db).await?)
}

/// The playlists of a person that are no room's, by name; of one company or production, if named.
///
/// # Errors
/// When the database fails.
pub async fn of_owner(
    db: &mut Db,
    owner: UserId,
    company: Option<CompanyId>,
    group: Option<GroupId>,
) -> Result<Vec<PlaylistRow>, StoreError> {
    let sql = "SELECT * FROM playlists WHERE owner_id = $1 AND playlist_type = 'USER' \
               AND (CAST($2 AS TEXT) IS NULL OR company_id = $2) \
               AND (CAST($3 AS TEXT) IS NULL OR production_id = $3) ORDER BY LOWER(name), id";
    Ok(sqlx::query_as(sql).bind(owner).bind(company).bind(group).fetch_all(db).await?)
}

/// The assets of a playlist that are not deleted, in their order.
///
/// # Errors
/// When the database fails.
pub async fn entries(db: &mut Db, id: PlaylistId) -> Result<Vec<EntryRow>, StoreError> {
    let sql = "SELECT e.id, e.asset_id, e.sort_index FROM playlist_assets e \
               JOIN assets a ON a.id = e.asset_id \
               WHERE e.playlist_id = $1 AND a.status <> 'DELETED' ORDER BY e.sort_index, e.id";
    Ok(sqlx::query_as(sql).bind(id).fetch_all(db).await?)
}

/// Puts an asset at the end of a playlist.
///
/// # Errors
/// [`StoreError::Unique`] (`uq_playlist_assets_asset`) when it is in there already.
pub async fn append(
    db: &mut Db,
    id: PlaylistId,
    asset: AssetId,
    now: Millis,
) -> Result<PlaylistAssetId, StoreError> {
    let entry = PlaylistAssetId::new();
    let sql = "INSERT INTO playlist_assets (id, playlist_id, asset_id, sort_index, created) \
               VALUES ($1, $2, $3, (SELECT COALESCE(MAX(sort_index) + 1, 0) FROM playlist_assets \
               WHERE playlist_id = $2), $4)";
    sqlx::query(sql).bind(entry).bind(id).bind(asset).bind(now).execute(db).await?;
    Ok(entry)
}

/// Takes an entry out of a playlist; says whether it was in there.
///
/// # Errors
/// When the database fails.
pub async fn remove(
    db: &mut Db,
    id: PlaylistId,
    entry: PlaylistAssetId,
) -> Result<bool, StoreError> {
    let done = sqlx::query("DELETE FROM playlist_assets WHERE playlist_id = $1 AND id = $2")
        .bind(id)
        .bind(entry)
        .execute(db)
        .await?;
    Ok(done.rows_affected() > 0)
}

/// Gives an entry its place.
///
/// # Errors
/// When the database fails.
pub async fn set_place(
    db: &mut Db,
    entry: PlaylistAssetId,
    place: usize,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE playlist_assets SET sort_index = $2 WHERE id = $1")
        .bind(entry)
        .bind(i64::try_from(place).unwrap_or(i64::MAX))
        .execute(db)
        .await?;
    Ok(())
}

/// Makes these the assets of a playlist, in this order. Entries that stay keep their ids.
///
/// # Errors
/// [`StoreError::ForeignKey`] when an asset is absent; [`StoreError::Unique`] when one is named
/// twice.
pub async fn set_assets(
    db: &mut Db,
    id: PlaylistId,
    assets: &[AssetId],
    now: Millis,
) -> Result<(), StoreError> {
    let before = entries(db, id).await?;
    for entry in before.iter().filter(|entry| !assets.contains(&entry.asset_id)) {
        remove(db, id, entry.id).await?;
    }
    for (place, asset) in assets.iter().enumerate() {
        let entry = match before.iter().find(|entry| entry.asset_id == *asset) {
            Some(entry) => entry.id,
            None => append(db, id, *asset, now).await?,
        };
        set_place(db, entry, place).await?;
    }
    Ok(())
}

/// Writes a changed playlist back.
///
/// # Errors
/// When the database fails.
pub async fn update(db: &mut Db, row: &PlaylistRow) -> Result<(), StoreError> {
    let sql = "UPDATE playlists SET name = $2, description = $3, production_id = $4, \
               thumbnail_type = $5, thumbnail_asset_id = $6, modified = $7 WHERE id = $1";
    sqlx::query(sql)
        .bind(row.id)
        .bind(&row.name)
        .bind(&row.description)
        .bind(row.production_id)
        .bind(row.thumbnail_type)
        .bind(row.thumbnail_asset_id)
        .bind(row.modified)
        .execute(db)
        .await?;
    Ok(())
}

/// Brings a playlist into another production, and its company.
///
/// # Errors
/// When the database fails.
pub async fn set_production(
    db: &mut Db,
    id: PlaylistId,
    (company, production): (CompanyId, GroupId),
    now: Millis,
) -> Result<(), StoreError> {
    let sql =
        "UPDATE playlists SET company_id = $2, production_id = $3, modified = $4 WHERE id = $1";
    sqlx::query(sql).bind(id).bind(company).bind(production).bind(now).execute(db).await?;
    Ok(())
}

/// Deletes a playlist; its assets stay.
///
/// # Errors
/// When the database fails.
pub async fn delete(db: &mut Db, id: PlaylistId) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM playlists WHERE id = $1").bind(id).execute(db).await?;
    Ok(())
}

/// How many assets a playlist has from each folder: production, folder, count.
///
/// # Errors
/// When the database fails.
pub async fn counts(
    db: &mut Db,
    id: PlaylistId,
) -> Result<Vec<(GroupId, String, ProjectId, String, i64)>, StoreError> {
    let sql = "SELECT n.id, n.name, p.id, p.name, COUNT(*) FROM playlist_assets e \
               JOIN assets a ON a.id = e.asset_id JOIN projects p ON p.id = a.project_id \
               JOIN productions n ON n.id = p.production_id \
               WHERE e.playlist_id = $1 AND a.status <> 'DELETED' \
               GROUP BY n.id, n.name, p.id, p.name ORDER BY n.name, p.name, p.id";
    Ok(sqlx::query_as(sql).bind(id).fetch_all(db).await?)
}
