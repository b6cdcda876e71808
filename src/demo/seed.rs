//! What the demo shows: a company with its people, a production with a folder of
//! clips and one of live sources, and a room that has started.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rushes_sessions::hub::HubError;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::api::{Api, ApiCallError};
use super::clip::{self, Clip, ClipError};
use crate::ids::{AssetId, CompanyId, GroupId, PlaylistId, ProjectId, RoomId, UserId};
use crate::provision::{self, ProvisionError};
use crate::server::RunError;
use crate::store::asset_files::NewAssetFile;
use crate::store::assets::NewAsset;
use crate::store::companies::MembershipRow;
use crate::store::playlists::{self, NewPlaylist};
use crate::store::text::{PlaylistSource, PlaylistType};
use crate::store::{Db, Store, StoreError, companies, groups, projects, rooms, security, users};
use crate::time::Millis;

/// Where in the data folder the clips are made.
const CLIP_FOLDER: &str = "clips";

const HOST_EMAIL: &str = "host@rushes.test";
const PRODUCER_EMAIL: &str = "producer@rushes.test";
const GUEST_EMAIL: &str = "guest@rushes.test";
/// How long the guest's link works.
const DEMO_LINK_LIFETIME: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

/// Why the demo could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// The clips could not be made.
    #[error(transparent)]
    Clip(#[from] ClipError),
    /// The database refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An asset could not be put in place.
    #[error(transparent)]
    Provision(#[from] ProvisionError),
    /// The demo's own file cannot be written.
    #[error(transparent)]
    Save(#[from] RunError),
    /// The demo's own file cannot be read.
    #[error("{}: {cause}", file.display())]
    State {
        /// The file.
        file: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// The server's own API did not do what it was asked.
    #[error(transparent)]
    Api(#[from] ApiCallError),
    /// The room did not take a command.
    #[error("the room: {0}")]
    Room(#[from] HubError),
    /// A thread of this process panicked.
    #[error("making the clips panicked")]
    Panicked,
}

/// The production and who works on it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Tree {
    pub(super) host: UserId,
    pub(super) producer: UserId,
    pub(super) group: GroupId,
    /// The folder that the live sources stream into.
    pub(super) live: ProjectId,
    /// What the room shows: the live sources, and the clips.
    pub(super) playlists: Vec<PlaylistId>,
    pub(super) clips: Vec<AssetId>,
}

/// A WHIP registration, with its bearer, which the server itself keeps only as a digest.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct LiveSource {
    pub(super) registration: String,
    /// The path of its WHIP endpoint; the host is whatever this start is reached by.
    pub(super) path: String,
    pub(super) bearer: String,
}

impl std::fmt::Debug for LiveSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LiveSource").field("path", &self.path).finish_non_exhaustive()
    }
}

/// The room and its guest.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Room {
    pub(super) id: RoomId,
    /// What a guest signs in with; the server keeps only its digest.
    pub(super) guest: Option<String>,
}

/// Makes the clips and the production, in one transaction.
pub(super) async fn tree(store: &Store, data: &Path) -> Result<Tree, SeedError> {
    let folder = data.join(CLIP_FOLDER);
    let clips = tokio::task::spawn_blocking(move || clip::ensure(&folder))
        .await
        .map_err(|_| SeedError::Panicked)??;
    let mut tx = store.write().await?;
    let tree = production(&mut tx, data, &clips, Millis::now()).await?;
    tx.commit().await.map_err(StoreError::from)?;
    Ok(tree)
}

async fn production(
    db: &mut Db,
    data: &Path,
    clips: &[Clip],
    now: Millis,
) -> Result<Tree, SeedError> {
    let company = companies::create(db, "Rushes Demo", now).await?;
    let host = person(db, company, HOST_EMAIL, "Host", now).await?;
    let producer = person(db, company, PRODUCER_EMAIL, "Producer", now).await?;
    let group = groups::create(db, company, host, "The Demo Production", now).await?.id;
    let dailies = projects::create(db, group, None, host, "Dailies", now).await?.id;
    let live = projects::create(db, group, None, host, "Live", now).await?.id;
    for project in [dailies, live] {
        for (user, role) in
            [(host, security::default::ADMINISTRATOR), (producer, security::default::MANAGER)]
        {
            provision::add_project_member(db, project, user, role, now).await?;
        }
    }
    let mut assets = Vec::new();
    for clip in clips {
        assets.push(asset(db, data, (dailies, host), clip, now).await?);
    }
    let playlist = |name: &str, description: &str, source| NewPlaylist {
        company_id: Some(company),
        production_id: Some(group),
        owner_id: host,
        name: name.to_owned(),
        description: description.to_owned(),
        playlist_type: PlaylistType::User,
        source,
    };
    // This one follows its folder: whoever streams into it shows up in the room.
    let folder = Some((PlaylistSource::Folder, live));
    let sources = playlist("On set", "Whatever streams at the moment", folder);
    let sources = playlists::create(db, &sources, now).await?.id;
    let selects = playlist("Today's selects", "Two slates, to the frame", None);
    let selects = playlists::create(db, &selects, now).await?.id;
    playlists::set_assets(db, selects, &assets, now).await?;
    Ok(Tree { host, producer, group, live, playlists: vec![sources, selects], clips: assets })
}

/// A person of the demo, who may be there from a start that was cut short.
async fn person(
    db: &mut Db,
    company: CompanyId,
    email: &str,
    name: &str,
    now: Millis,
) -> Result<UserId, SeedError> {
    if let Some(found) = users::by_email(db, email).await? {
        let membership = MembershipRow { company_id: company, is_admin: true, is_owner: true };
        companies::set_member(db, found.id, membership, now).await?;
        return Ok(found.id);
    }
    Ok(provision::create_user(db, company, email, (name, "Demo"), true, now).await?)
}

async fn asset(
    db: &mut Db,
    data: &Path,
    (project, owner): (ProjectId, UserId),
    clip: &Clip,
    now: Millis,
) -> Result<AssetId, SeedError> {
    let fps = (clip::FPS, 1);
    let new = NewAsset {
        frames: Some(clip.spec.frames.into()),
        fps: Some(fps),
        duration_ms: i64::try_from(clip.duration_ms()).ok(),
        ..NewAsset::video(project, owner, clip.spec.title)
    };
    let side = |side: usize| u32::try_from(side).unwrap_or(u32::MAX);
    let file = NewAssetFile {
        container: Some("mp4".to_owned()),
        video_codec: Some("h264".to_owned()),
        audio_codec: Some("opus".to_owned()),
        size: Some((side(clip.spec.size.width()), side(clip.spec.size.height()))),
        fps: Some(fps),
        audio: Some((2, 48_000)),
        // Bits in a millisecond are kilobits in a second.
        bitrate_kbps: Some((clip.bytes * 8) as f64 / clip.duration_ms() as f64),
        ..NewAssetFile::default()
    };
    let (row, _) = provision::create_asset_with_file(db, data, &new, &clip.path, file, now).await?;
    Ok(row.id)
}

/// Registers a WHIP source in the live folder, as a script would.
pub(super) async fn live_source(
    api: &Api,
    tree: &Tree,
    name: &str,
    description: &str,
) -> Result<LiveSource, SeedError> {
    let source = json!({ "name": name, "description": description, "project_id": tree.live });
    let made = api.call("/create/live/registration/whip", source).await?;
    let url = made.text("url")?;
    // Whatever the server is called today, the path stays.
    let path = reqwest::Url::parse(&url).map_or(url.clone(), |url| url.path().to_owned());
    Ok(LiveSource { registration: made.text("id")?, path, bearer: made.text("token")? })
}

/// Creates the room with its people and playlists, and starts it.
pub(super) async fn room(api: &Api, tree: &Tree) -> Result<RoomId, SeedError> {
    let room = json!({
        "name": "Dailies review",
        "description": "The demo's room: the host drives, everybody sees the same frame",
        "group_id": tree.group,
        "host_user_ids": [tree.host],
        "user_ids": [tree.host, tree.producer],
        "playlist_ids": tree.playlists,
    });
    let id = api.call("/create/review_session", room).await?.text("id")?;
    api.call("/start/review_session", json!({ "id": id })).await?;
    let invited = json!({ "review_session_id": id, "emails": [GUEST_EMAIL] });
    api.call("/create/review_session/users", invited).await?;
    id.parse().map_err(|_| {
        let path = "/create/review_session".to_owned();
        ApiCallError::Missing { path, field: "id" }.into()
    })
}

/// Draws the guest's link. Mail would carry it; the demo prints it.
pub(super) async fn guest_link(store: &Store, room: RoomId) -> Result<Option<String>, SeedError> {
    let mut tx = store.write().await?;
    let Some(seat) = rooms::guest_with_email(&mut tx, room, GUEST_EMAIL).await? else {
        return Ok(None);
    };
    // The demo prints the same link for as long as its data folder is there.
    let expires = Millis::now().plus(DEMO_LINK_LIFETIME);
    let link = rooms::new_link(&mut tx, seat.id, expires).await?;
    tx.commit().await.map_err(StoreError::from)?;
    Ok(Some(link))
}
