//! Live sources: who may publish and view, what becomes of a source's asset, and the path that
//! stops a source.
//!
//! A source publishes over WHIP to `/start/live/whip/{project}/{device}/{stream}`, either with the
//! token of its registration, or with the token of a person who may upload into the folder; then
//! the names of device and stream are the client's own, and the same names find the same asset. A
//! project of QTAKE's that is registered stands for its folder ([`qtake`]).

pub(crate) mod composites;
mod converted;
mod declared;
pub mod ice;
pub(crate) mod layout;
pub mod metrics;
pub mod passphrase;
pub mod pictures;
pub mod qtake;
pub mod reach;
pub mod recordings;
pub mod rtp;
pub(crate) mod shares;
pub(crate) mod slates;
pub mod srt;
mod streams;
mod viewers;

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use axum::{
    Json, Router,
    extract::{ConnectInfo, Path, State},
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
    routing::any,
};
use rushes_media::{StreamId, StreamStatus};
use rushes_signaling::whip::{self, Access, IceServer, Refusal, Target, WhipPath};
use serde_json::json;

use crate::{
    access::{self, Permission},
    app::App,
    error::{ApiError, ApiResult, Code},
    ids::{AnyId, RegistrationId},
    rpc::{Caller, CallerKind, authenticate},
    store::{
        self, Db,
        live::{NewRegistration, RegistrationRow},
        text::SourceKind,
    },
    time::Millis,
    web::segment,
};

use streams::tell_rooms;
pub(crate) use streams::{connected, end, forget_streams, note};

/// The stream of a registration that the server names; devices may have several.
pub(crate) const FIRST_STREAM: &str = "1";
/// The longest name of a device or stream, in bytes.
const LONGEST_NAME: usize = 200;

/// The stream of a registration.
#[must_use]
pub fn stream_of(registration: RegistrationId) -> StreamId {
    StreamId(registration.as_u128())
}

/// The address that a registration publishes to.
#[must_use]
pub fn publish_url(app: &App, row: &RegistrationRow) -> String {
    let (device, stream) = (segment(&row.device), segment(&row.stream));
    format!("{}/start/live/whip/{}/{device}/{stream}", app.public_url(), row.project_id)
}

/// The address that a registration is viewed at.
#[must_use]
pub fn view_url(app: &App, registration: RegistrationId) -> String {
    format!("{}/live/whep/{registration}", app.public_url())
}

/// WHIP, WHEP, and the path that stops a source.
pub fn router(app: &Arc<App>) -> Router {
    let access = Arc::new(LiveAccess(Arc::clone(app)));
    let limits = app.config.limits.live();
    let (routes, viewing) = whip::router(app.media.clone(), Arc::clone(&access), limits);
    app.connections.spawn(viewers::watch(Arc::clone(app), viewing));
    Router::new()
        .route("/stop/live/whip/{project}/{device}/{stream}", any(stop))
        .with_state(access)
        .merge(routes)
}

/// The server's rules for WHIP and WHEP.
struct LiveAccess(Arc<App>);

impl Access for LiveAccess {
    async fn publish(
        &self,
        path: &WhipPath,
        bearer: Option<&str>,
        peer: IpAddr,
    ) -> Result<StreamId, Refusal> {
        self.admit(bearer, peer)?;
        let found = self.source(path, bearer.unwrap_or_default(), peer).await.map_err(refusal)?;
        let id = match found {
            Source::Registered(row) => row.id,
            Source::New(new, under) => self.register(new, under).await.map_err(refusal)?,
        };
        Ok(stream_of(id))
    }

    async fn accepted(&self, stream: StreamId) -> bool {
        match connected(&self.0, stream).await {
            Ok(known) => known,
            Err(error) => {
                // A full disk is no reason to send a camera away.
                tracing::error!(%stream, %error, "a publisher is not noted");
                true
            }
        }
    }

    async fn view(
        &self,
        id: &str,
        bearer: Option<&str>,
        peer: IpAddr,
    ) -> Result<StreamId, Refusal> {
        self.admit(bearer, peer)?;
        let caller = self.caller(bearer.unwrap_or_default(), peer).await.map_err(refusal)?;
        self.visible(id, &caller).await.map(stream_of).map_err(refusal)
    }

    async fn still_views(&self, id: &str, bearer: &str) -> bool {
        let found = async {
            let caller = authenticate(&self.0, bearer).await?;
            self.visible(id, &caller).await
        };
        // What cannot be looked up at the moment is no reason to send anybody away.
        !matches!(found.await, Err(error) if matches!(error.status().as_u16(), 401 | 403 | 404))
    }

    async fn may(
        &self,
        target: Target<'_>,
        bearer: Option<&str>,
        peer: IpAddr,
    ) -> Result<(), Refusal> {
        match target {
            Target::Publish(path) => {
                self.admit(bearer, peer)?;
                let found = self.source(path, bearer.unwrap_or_default(), peer).await;
                found.map(|_| ()).map_err(refusal)
            }
            Target::View(id) => self.view(id, bearer, peer).await.map(|_| ()),
        }
    }

    fn ice_servers(&self) -> Vec<IceServer> {
        ice_servers(&self.0)
    }

    fn prefix(&self) -> &str {
        self.0.public_path()
    }
}

/// The STUN and TURN servers that clients are told of, with credentials that are good from now on.
#[must_use]
pub fn ice_servers(app: &App) -> Vec<IceServer> {
    ice::servers(&app.config.ice_servers, app.config.turn_secret.as_ref(), Millis::now())
}

/// What a path and a token lead to.
enum Source {
    Registered(RegistrationRow),
    /// A person's, who may upload here, under names that are new, or new for the QTAKE registration
    /// that they are published by.
    New(NewRegistration, Option<RegistrationId>),
}

impl LiveAccess {
    /// Whether anybody is let in at all, and somebody said who they are.
    fn admit(&self, bearer: Option<&str>, peer: IpAddr) -> Result<(), Refusal> {
        if self.0.draining.load(std::sync::atomic::Ordering::Relaxed) {
            return Err(Refusal::Unavailable(5));
        }
        if bearer.is_none() {
            self.0.limits.address(peer).map_err(refusal)?;
            return Err(Refusal::NoToken);
        }
        Ok(())
    }

    /// Whom a person's token belongs to.
    async fn caller(&self, bearer: &str, peer: IpAddr) -> ApiResult<Caller> {
        match authenticate(&self.0, bearer).await {
            Ok(caller) => {
                self.0.limits.user(caller.user_id)?;
                Ok(caller)
            }
            Err(error) => {
                self.0.limits.address(peer)?;
                Err(error)
            }
        }
    }

    async fn source(&self, path: &WhipPath, bearer: &str, peer: IpAddr) -> ApiResult<Source> {
        let mut db = self.0.store.read().await?;
        if let Some(row) = store::live::by_token(&mut db, bearer).await? {
            if !names(&row, path) {
                return Err(denied("the token belongs to another registration"));
            }
            if !shares::goes_on(&mut db, &row).await? {
                return Err(denied("this screen is not shared any more"));
            }
            return Ok(Source::Registered(row));
        }
        let caller = self.caller(bearer, peer).await?;
        if caller.kind != CallerKind::User {
            return Err(denied("guests do not publish"));
        }
        let unknown = || ApiError::new(Code::NOT_FOUND);
        let place = qtake::place(&mut db, &caller, &path.project).await?;
        if ![&path.device, &path.stream].into_iter().all(|name| is_name(name)) {
            return Err(unknown());
        }
        let (folder, device, stream) = (place.folder, &path.device, &path.stream);
        let known = store::live::by_source(&mut db, folder, device, stream).await?;
        let under = place.registration.as_ref().map(|row| row.id);
        let in_place = match (&known, under) {
            (Some(row), Some(under)) => qtake::is_under(row, under),
            _ => true,
        };
        Ok(match known {
            Some(row) if !is_whip(row.kind) => return Err(unknown()),
            Some(row) if row.room_id.is_some() => {
                return Err(denied("a screen that is shared in a room has a token of its own"));
            }
            Some(row) if in_place => Source::Registered(row),
            _ => {
                let named = place.registration.as_ref().map_or(device, |row| &row.name);
                let new = NewRegistration {
                    id: RegistrationId::new(),
                    project_id: folder,
                    owner_id: caller.user_id,
                    kind: SourceKind::Whip,
                    room_id: None,
                    name: format!("{named} {stream}"),
                    description: String::new(),
                    device: device.clone(),
                    stream: stream.clone(),
                    token_sha256: None,
                };
                Source::New(new, under)
            }
        })
    }

    /// Makes a source, if there is none by now, and puts it under its QTAKE registration.
    async fn register(
        &self,
        new: NewRegistration,
        under: Option<RegistrationId>,
    ) -> ApiResult<RegistrationId> {
        let mut tx = self.0.store.write().await?;
        // There is one writer: nobody registers between the look and the insertion.
        let (project, device, stream) = (new.project_id, &new.device, &new.stream);
        if store::live::by_source(&mut tx, project, device, stream).await?.is_none() {
            store::live::create(&mut tx, &new, Millis::now()).await?;
        }
        let row = store::live::by_source(&mut tx, project, device, stream).await?;
        let row = row.ok_or(ApiError::new(Code::NOT_FOUND))?;
        if let Some(under) = under {
            qtake::put_under(&mut tx, &row, under).await?;
        }
        tx.commit().await.map_err(|error| ApiError::internal(&error))?;
        Ok(row.id)
    }

    /// The registration that goes by an id of its own or of its asset, if the caller may watch it.
    async fn visible(&self, id: &str, caller: &Caller) -> ApiResult<RegistrationId> {
        let mut db = self.0.store.read().await?;
        let row = by_name(&mut db, id).await?;
        may_watch(&mut db, caller, &row).await?;
        Ok(row.id)
    }
}

/// The registration that goes by an id of its own or of its asset, whoever asks.
pub(crate) async fn by_name(db: &mut Db, id: &str) -> ApiResult<RegistrationRow> {
    let unknown = || ApiError::new(Code::NOT_FOUND);
    let id: AnyId = id.parse().map_err(|_| unknown())?;
    let row = match store::live::get(db, id.cast()).await? {
        Some(row) => Some(row),
        None => store::live::by_asset(db, id.cast()).await?,
    };
    row.ok_or_else(unknown)
}

/// The id in the address that a registration is viewed at; the whole text, if it is an id itself.
#[must_use]
pub(crate) fn id_in_url(uri: &str) -> &str {
    let path = uri.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/');
    path.rsplit('/').next().unwrap_or_default()
}

/// What is wrong with what a source sends, in words for those who set the encoder up.
#[must_use]
pub(crate) fn problems(status: &StreamStatus, source: Option<&[String]>) -> Vec<String> {
    let mut problems = source.map(<[String]>::to_vec).unwrap_or_default();
    if let Some(video) = &status.video {
        problems.extend(converted::problems(video, status.transcode.as_ref()));
    }
    problems
}

/// Whether somebody may watch a source: they see its asset in its folder, or attend a room that
/// shows it. Before it has published there is its folder alone.
pub(crate) async fn may_watch(
    db: &mut Db,
    caller: &Caller,
    row: &RegistrationRow,
) -> ApiResult<()> {
    let Some(asset) = row.asset_id else {
        access::project_for(db, caller, row.project_id, Permission::View).await?;
        return Ok(());
    };
    access::asset(db, caller, asset).await?;
    Ok(())
}

/// A source by its own id or that of its asset, for somebody who changes it: a person who manages the
/// live sources of its folder.
async fn changeable(db: &mut Db, caller: &Caller, id: &str) -> ApiResult<RegistrationRow> {
    if caller.kind != CallerKind::User {
        return Err(ApiError::new(Code::ACCESS_DENIED).message("Guests do not change sources"));
    }
    let row = by_name(db, id).await?;
    of_folder(db, caller, &row).await?;
    Ok(row)
}

/// Whether somebody manages the live sources of a folder. A screen that is shared in a room is
/// there for its administrators alone.
async fn of_folder(db: &mut Db, caller: &Caller, row: &RegistrationRow) -> ApiResult<()> {
    may_watch(db, caller, row).await?;
    let manages = Permission::CreateLiveStream;
    let seen = access::project_for(db, caller, row.project_id, manages).await?;
    let hidden = row.room_id.is_some() && !seen.rights().is_admin;
    if hidden { Err(ApiError::new(Code::NOT_FOUND)) } else { Ok(()) }
}

/// Whether such sources publish by WHIP.
fn is_whip(kind: SourceKind) -> bool {
    matches!(kind, SourceKind::Whip | SourceKind::Desktop)
}

/// Whether a path is the registration's own.
fn names(row: &RegistrationRow, path: &WhipPath) -> bool {
    is_whip(row.kind)
        && path.project.parse() == Ok(row.project_id)
        && row.device.eq_ignore_ascii_case(&path.device)
        && row.stream == path.stream
}

/// Whether a text can be a part of a source's address. `.` and `..` cannot: clients take them for
/// the folder itself and the one above.
pub(crate) fn is_name(name: &str) -> bool {
    !name.trim().is_empty()
        && name.len() <= LONGEST_NAME
        && !name.chars().any(char::is_control)
        && !matches!(name.trim(), "." | "..")
}

fn denied(why: &'static str) -> ApiError {
    ApiError::new(Code::ACCESS_DENIED).message(why)
}

/// What an error is to a client of WHIP and WHEP.
fn refusal(error: ApiError) -> Refusal {
    match error.status().as_u16() {
        401 => Refusal::BadToken,
        403 => Refusal::Forbidden(error.body()["message"].as_str().unwrap_or("no").to_owned()),
        404 => Refusal::NotFound,
        429 => Refusal::TooMany(1),
        _ => Refusal::Unavailable(5),
    }
}

/// `/stop/live/whip/…`: ends the publisher of a source; its viewers wait for the next one.
async fn stop(
    State(access): State<Arc<LiveAccess>>,
    Path((project, device, stream)): Path<(String, String, String)>,
    peer: ConnectInfo<SocketAddr>,
    headers: HeaderMap,
) -> Response {
    let path = WhipPath { project, device, stream };
    let token = token(&headers);
    let stopped = async {
        let token = token.ok_or(ApiError::new(Code::INVALID_TOKEN))?;
        let peer = peer.0.ip().to_canonical();
        match access.source(&path, &token, peer).await? {
            Source::Registered(row) => Ok(access.0.media.close_publisher(stream_of(row.id)).await),
            // There is none, or it was never published by this QTAKE registration.
            Source::New(..) => Err(ApiError::new(Code::NOT_FOUND)),
        }
    };
    match stopped.await {
        Ok(_) => Json(json!({})).into_response(),
        Err(error) => error.into_response(),
    }
}

fn token(headers: &HeaderMap) -> Option<String> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let bearer = text(header::AUTHORIZATION.as_str())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token);
    text("x-token").or(bearer).map(|token| token.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_devices_are_free_within_reason() {
        assert!(is_name("Camera A / 1") && is_name("Kamera Ä"));
        assert!(!is_name(" ") && !is_name("a\nb") && !is_name(&"a".repeat(201)));
        assert!(!is_name(".") && !is_name("..") && is_name("..."));
        assert_eq!(segment("Camera A/1ä"), "Camera%20A%2F1%C3%A4");
    }

    #[test]
    fn the_token_may_stand_in_either_header() {
        let headers = |name: &'static str, value: &'static str| {
            HeaderMap::from_iter([(name.parse().unwrap(), value.parse().unwrap())])
        };
        assert_eq!(token(&headers("x-token", "A")), Some("A".to_owned()));
        assert_eq!(token(&headers("authorization", "bearer A")), Some("A".to_owned()));
        assert_eq!(token(&headers("authorization", "Basic A")), None);
    }
}
