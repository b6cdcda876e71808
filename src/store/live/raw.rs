//! Sources that send plain RTP, and the addresses they send from.

use std::net::IpAddr;

use sqlx::FromRow;

use super::{Db, StoreError};
use crate::ids::{AssetId, RegistrationId};

/// Where a source sends from.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct RawSource {
    /// The registration.
    pub registration_id: RegistrationId,
    /// Its address, in its shortest form.
    pub source_ip: String,
    /// The port of its picture; 0: it has none.
    pub video_port: i64,
    /// The port of its sound; 0: it has none.
    pub audio_port: i64,
    /// The SDP of what it is declared to send.
    pub sdp: Option<String>,
}

/// Gives a registration the addresses it sends from, and the asset that shows it.
///
/// # Errors
/// [`StoreError::ForeignKey`] when the registration or the asset is absent.
pub async fn set(
    db: &mut Db,
    id: RegistrationId,
    ip: IpAddr,
    (video, audio): (u16, u16),
    asset: AssetId,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO live_raw_sources (registration_id, source_ip, video_port, audio_port) \
               VALUES ($1, $2, $3, $4)";
    sqlx::query(sql)
        .bind(id)
        .bind(ip.to_canonical().to_string())
        .bind(i64::from(video))
        .bind(i64::from(audio))
        .execute(&mut *db)
        .await?;
    let sql = "UPDATE live_registrations SET asset_id = $2 WHERE id = $1";
    sqlx::query(sql).bind(id).bind(asset).execute(db).await?;
    Ok(())
}

macro_rules! sources {
    ($tail:literal) => {
        concat!(
            "SELECT w.registration_id, w.source_ip, w.video_port, w.audio_port, e.sdp ",
            "FROM live_raw_sources w JOIN live_registrations r ON r.id = w.registration_id ",
            "LEFT JOIN live_rtp_declared e ON e.registration_id = w.registration_id ",
            "JOIN projects p ON p.id = r.project_id JOIN productions n ON n.id = p.production_id ",
            "WHERE r.status <> 'DELETED' AND p.status <> 'DELETED' AND n.status <> 'DELETED' ",
            $tail
        )
    };
}

/// Whether a registration has one of these ports of an address. Where the caller has the one
/// writing transaction, nobody takes it meanwhile.
///
/// # Errors
/// When the database fails.
pub async fn is_taken(
    db: &mut Db,
    ip: IpAddr,
    (video, audio): (u16, u16),
) -> Result<bool, StoreError> {
    let sql = sources!("AND w.source_ip = $1");
    let ip = ip.to_canonical().to_string();
    let known: Vec<RawSource> = sqlx::query_as(sql).bind(ip).fetch_all(db).await?;
    let has = |source: &RawSource, port: u16| {
        port != 0 && [source.video_port, source.audio_port].contains(&i64::from(port))
    };
    Ok(known.iter().any(|source| has(source, video) || has(source, audio)))
}

/// A source that is not deleted.
///
/// # Errors
/// When the database fails.
pub async fn get(db: &mut Db, id: RegistrationId) -> Result<Option<RawSource>, StoreError> {
    let sql = sources!("AND w.registration_id = $1");
    Ok(sqlx::query_as(sql).bind(id).fetch_optional(db).await?)
}

/// Declares what a source sends, by an SDP; or nothing.
///
/// # Errors
/// [`StoreError::ForeignKey`] when the registration is absent.
pub async fn declare(db: &mut Db, id: RegistrationId, sdp: Option<&str>) -> Result<(), StoreError> {
    let query = match sdp {
        Some(sdp) => sqlx::query(
            "INSERT INTO live_rtp_declared (registration_id, sdp) VALUES ($1, $2) \
             ON CONFLICT (registration_id) DO UPDATE SET sdp = excluded.sdp",
        )
        .bind(id)
        .bind(sdp),
        None => sqlx::query("DELETE FROM live_rtp_declared WHERE registration_id = $1").bind(id),
    };
    query.execute(db).await?;
    Ok(())
}

/// All sources, the newest first: where two have one address, which only folders that come back
/// can bring about, the older is the last and has it.
///
/// # Errors
/// When the database fails.
pub async fn all(db: &mut Db) -> Result<Vec<RawSource>, StoreError> {
    let sql = sources!("ORDER BY r.created DESC, r.id DESC");
    Ok(sqlx::query_as(sql).fetch_all(db).await?)
}
