//! A room's people: what their clients measure, and what the others are told of them.

use rushes_sessions::{AssetId, Frame, MAX_PAGE, Page, People, Report, RoomId, UserId, UserStatus};
use serde::{Deserialize, Serialize};

/// What a client measured of itself.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
pub struct ReportRequest {
    /// The room.
    pub id: RoomId,
    /// What it shows.
    pub asset_id: Option<AssetId>,
    /// The frame it shows.
    pub frame: Option<Frame>,
    /// How far it is ahead of the room, in milliseconds.
    pub error_ms: f64,
    /// The same in frames.
    pub error_frames: f64,
    /// The round trip to the server in milliseconds.
    pub rtt_ms: f64,
    /// Whether it waits for data.
    #[serde(default)]
    pub buffering: bool,
    /// The least age at which it can show the room's live source, in milliseconds; null where it
    /// does not take part in showing it together.
    #[serde(default)]
    pub live_ms: Option<f64>,
    /// Whether it follows the room.
    #[serde(default = "yes")]
    pub following: bool,
}

fn yes() -> bool {
    true
}

impl From<&ReportRequest> for Report {
    fn from(request: &ReportRequest) -> Report {
        Report {
            asset: request.asset_id,
            frame: request.frame,
            error_ms: request.error_ms,
            error_frames: request.error_frames,
            rtt_ms: request.rtt_ms,
            buffering: request.buffering,
            live_ms: request.live_ms,
            following: request.following,
        }
    }
}

/// One person of a room.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[allow(missing_docs)] // The fields are those of `rushes_sessions::UserStatus`.
pub struct UserBody {
    pub user_id: UserId,
    pub name: String,
    pub is_host: bool,
    pub is_guest: bool,
    pub online: bool,
    pub error_ms: Option<f64>,
    pub error_frames: Option<f64>,
    pub rtt_ms: Option<f64>,
    pub buffering: Option<bool>,
    pub following: Option<bool>,
}

impl From<&UserStatus> for UserBody {
    fn from(user: &UserStatus) -> UserBody {
        let report = user.report;
        UserBody {
            user_id: user.user,
            name: user.name.clone(),
            is_host: user.is_host,
            is_guest: user.is_guest,
            online: user.online,
            error_ms: report.map(|report| report.error_ms),
            error_frames: report.map(|report| report.error_frames),
            rtt_ms: report.map(|report| report.rtt_ms),
            buffering: report.map(|report| report.buffering),
            following: report.map(|report| report.following),
        }
    }
}

/// The people of a room, as everyone in it is told of them.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct PeopleBody {
    /// Those who are listed.
    pub users: Vec<UserBody>,
    /// How many are there now.
    pub online: usize,
    /// Whether there are others, who are asked for with a [`PageRequest`].
    pub more: bool,
}

impl From<&People> for PeopleBody {
    fn from(people: &People) -> PeopleBody {
        let users = people.listed.iter().map(UserBody::from).collect();
        PeopleBody { users, online: people.online, more: people.more }
    }
}

/// A wish for a part of the list of all people.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub struct PageRequest {
    /// The room.
    pub id: RoomId,
    /// The last one who is known; the list begins after them, or at its beginning.
    #[serde(default)]
    pub after: Option<UserId>,
    /// The most people that are wanted, 1 to [`MAX_PAGE`].
    #[serde(default)]
    pub limit: Option<u32>,
}

impl PageRequest {
    /// How many people are wanted: 100 unless somebody says so, and no more than [`MAX_PAGE`].
    pub fn most(&self) -> usize {
        (self.limit.unwrap_or(100) as usize).clamp(1, MAX_PAGE)
    }
}

/// A part of the list of all people.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct PageBody {
    /// The room.
    pub id: RoomId,
    /// The people, in the order of their ids.
    pub users: Vec<UserBody>,
    /// How many are in the room now.
    pub online: usize,
    /// Whether there are others after them.
    pub more: bool,
}

impl PageBody {
    /// A page as it is answered.
    pub fn new(id: RoomId, page: &Page) -> PageBody {
        let users = page.people.iter().map(UserBody::from).collect();
        PageBody { id, users, online: page.online, more: page.more }
    }
}
