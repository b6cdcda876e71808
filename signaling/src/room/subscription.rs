//! Attending a room, and measuring the clock by which it is followed.

use rushes_sessions::hub::Snapshot;
use rushes_sessions::{RoomId, UserId};
use serde::{Deserialize, Serialize};

use super::{PeopleBody, StateBody, StateChangedBody};

/// A request that names a room and nothing else.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub struct RoomRequest {
    /// The room.
    pub id: RoomId,
}

/// A wish to end what somebody shares in a room.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub struct UnshareRequest {
    /// The room.
    pub id: RoomId,
    /// Whose; the sender's own, where nobody is named.
    #[serde(default)]
    pub user_id: Option<UserId>,
}

/// A wish to attend a room.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub struct SubscribeRequest {
    /// The room.
    pub id: RoomId,
    /// The last revision that the client knows, if it was there before.
    #[serde(default)]
    pub since: Option<u64>,
}

/// One half of measuring a clock.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub struct TimeRequest {
    /// When it was sent, on the client's own clock; it comes back as it is.
    pub t0: f64,
}

/// The other half.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub struct TimeAnswer {
    /// The client's.
    pub t0: f64,
    /// When the request was received.
    pub t1: f64,
    /// When this was sent.
    pub t2: f64,
}

/// What the one who subscribed may do.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
pub struct YouBody {
    /// Who they are.
    pub user_id: UserId,
    /// Whether they are a host.
    pub is_host: bool,
    /// Whether they may drive, as things are.
    pub can_drive: bool,
}

/// The answer to a subscription.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct SubscribedBody {
    /// The room.
    pub id: RoomId,
    /// Its state.
    pub state: StateBody,
    /// Its people.
    #[serde(flatten)]
    pub people: PeopleBody,
    /// How old a live picture shall be when it is shown, in milliseconds; null where that is not
    /// known yet.
    pub live_delay_ms: Option<f64>,
    /// The one who subscribed.
    pub you: YouBody,
    /// The changes after [`SubscribeRequest::since`], in order; null where it was not given, or
    /// where the room does not remember them all. The state is always there.
    pub missed: Option<Vec<StateChangedBody>>,
    /// The number of the last message of the chat; 0 before the first.
    pub last_message: u64,
    /// When this was said.
    pub server_ms: f64,
}

impl SubscribedBody {
    /// What `user` is told who subscribed.
    pub fn new(room: RoomId, snapshot: &Snapshot, user: UserId) -> SubscribedBody {
        SubscribedBody {
            id: room,
            state: StateBody::new(&snapshot.state, snapshot.server_ms.0),
            people: PeopleBody::from(&snapshot.people),
            live_delay_ms: snapshot.live_delay_ms,
            you: YouBody {
                user_id: user,
                is_host: snapshot.is_host(user),
                can_drive: snapshot.can_drive(user),
            },
            missed: snapshot.missed.as_ref().map(|missed| {
                missed.iter().filter_map(|event| StateChangedBody::new(room, event)).collect()
            }),
            last_message: snapshot.last_message,
            server_ms: snapshot.server_ms.0,
        }
    }
}
