//! The wire form of rooms: what goes over the WebSocket as JSON.
//!
//! These are the endpoints under `rushes/room/` and the events of a room. Ids are texts of 32
//! hexadecimal digits, times are milliseconds since the Unix epoch on the server's clock, with a
//! fraction.

mod command;
mod events;
mod people;
mod state;
mod subscription;
#[cfg(test)]
mod tests;
mod text;

use rushes_sessions::hub::HubError;
use rushes_sessions::{Reason, Refusal};

pub use command::{AckBody, BadCommand, CommandRequest, LoopBody, OpBody};
pub use events::{
    CLOSED, ClosedReason, LIVE_DELAY_CHANGED, STATE_CHANGED, USERS_CHANGED, closed_text,
    event_text, strokes_text,
};
pub use people::{PageBody, PageRequest, PeopleBody, ReportRequest, UserBody};
pub use state::{CompareBody, StateBody, StateChangedBody};
pub use subscription::{
    RoomRequest, SubscribeRequest, SubscribedBody, TimeAnswer, TimeRequest, UnshareRequest, YouBody,
};
pub use text::AssetStateBody;

/// The contract's error code for a refusal.
pub fn code_of(reason: Reason) -> u16 {
    match reason {
        Reason::NotPresent | Reason::NotHost | Reason::Unsynced => 403,
        Reason::NotStarted => 674,
        Reason::Complete => 675,
        Reason::StaleEpoch | Reason::StaleRevision => 650,
        Reason::TooFast => 900,
        Reason::Bad(_) => 407,
    }
}

/// What a failure is on the wire: the contract's code, what to say, and the state that stands
/// beside the error.
pub fn failure(error: &HubError, server_ms: f64) -> (u16, String, Option<StateBody>) {
    match error {
        HubError::NoRoom => (404, "Not found".to_owned(), None),
        HubError::Busy => (900, "The room is busy".to_owned(), None),
        HubError::Journal => (500, "The room's state could not be kept".to_owned(), None),
        HubError::Denied(reason) => (code_of(*reason), reason.to_string(), None),
        // Who does not attend a room is told nothing of it.
        HubError::Refused(Refusal { reason: reason @ Reason::NotPresent, .. }) => {
            (code_of(*reason), reason.to_string(), None)
        }
        HubError::Refused(Refusal { reason, snapshot }) => {
            (code_of(*reason), reason.to_string(), Some(StateBody::new(snapshot, server_ms)))
        }
    }
}
