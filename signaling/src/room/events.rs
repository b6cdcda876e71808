//! A room's events as the texts of WebSocket frames.

use rushes_sessions::hub::RoomEvent;
use rushes_sessions::{RoomId, Stroke};
use serde::{Deserialize, Serialize};

use crate::chat::{CHAT, ChatBody, ChatEvent};
use crate::drawing::{
    ERASED, ErasedEvent, KEPT, KeptEvent, POINTERS, PointersEvent, STROKES, StrokeBody,
    StrokesEvent,
};

use super::{PeopleBody, StateChangedBody};

#[derive(Serialize)]
struct Event<'a, T> {
    event_type: &'a str,
    data: T,
}

#[derive(Serialize)]
struct RoomClosed {
    id: RoomId,
    reason: ClosedReason,
}

#[derive(Serialize)]
struct UsersChanged {
    id: RoomId,
    #[serde(flatten)]
    people: PeopleBody,
}

#[derive(Serialize)]
struct LiveDelayChanged {
    id: RoomId,
    delay_ms: f64,
}

/// The event type of a changed state.
pub const STATE_CHANGED: &str = "REVIEW_SESSION_STATE_CHANGED";
/// The event type of a changed list of people.
pub const USERS_CHANGED: &str = "REVIEW_SESSION_USERS_CHANGED";
/// The event type of another common delay of a live source.
pub const LIVE_DELAY_CHANGED: &str = "REVIEW_SESSION_LIVE_DELAY_CHANGED";
/// The event type of the end of a subscription.
pub const CLOSED: &str = "REVIEW_SESSION_CLOSED";

/// Why no further events of a room come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum ClosedReason {
    /// They may not be in the room any more.
    Removed,
    /// The room was deleted.
    Deleted,
    /// They attend by too many connections; this was the most silent one.
    Replaced,
    /// The room had to begin anew: subscribe again.
    Resync,
}

/// The end of a subscription as the text of a WebSocket frame.
pub fn closed_text(room: RoomId, reason: ClosedReason) -> String {
    let event = Event { event_type: CLOSED, data: RoomClosed { id: room, reason } };
    serde_json::to_string(&event).expect("a struct of texts is always JSON")
}

/// All that is drawn in a room as the text of a WebSocket frame, for one who has just come.
pub fn strokes_text(room: RoomId, strokes: &[Stroke]) -> String {
    let strokes = strokes.iter().map(|stroke| StrokeBody::new(stroke, 0)).collect();
    let data = StrokesEvent { id: room, whole: true, strokes };
    let event = Event { event_type: STROKES, data };
    serde_json::to_string(&event).expect("a struct of texts and numbers is always JSON")
}

/// A room's event as the text of a WebSocket frame.
pub fn event_text(room: RoomId, event: &RoomEvent) -> String {
    let written = match event {
        RoomEvent::State { .. } => serde_json::to_string(&Event {
            event_type: STATE_CHANGED,
            data: StateChangedBody::new(room, event),
        }),
        RoomEvent::Users(people) => serde_json::to_string(&Event {
            event_type: USERS_CHANGED,
            data: UsersChanged { id: room, people: PeopleBody::from(people) },
        }),
        RoomEvent::Chat(message) => serde_json::to_string(&Event {
            event_type: CHAT,
            data: ChatEvent { id: room, message: ChatBody::from(message) },
        }),
        RoomEvent::Strokes(parts) => {
            let strokes = parts.iter().map(StrokeBody::from).collect();
            let data = StrokesEvent { id: room, whole: false, strokes };
            serde_json::to_string(&Event { event_type: STROKES, data })
        }
        RoomEvent::Pointers(pointers) => {
            let pointers = pointers.iter().map(Into::into).collect();
            let data = PointersEvent { id: room, pointers };
            serde_json::to_string(&Event { event_type: POINTERS, data })
        }
        RoomEvent::Erased { ids, by } => {
            let data = ErasedEvent { id: room, stroke_ids: ids.clone(), by: *by };
            serde_json::to_string(&Event { event_type: ERASED, data })
        }
        RoomEvent::Kept { comment, ids, by } => {
            let (comment_id, stroke_ids) = (comment.clone(), ids.clone());
            let data = KeptEvent { id: room, comment_id, stroke_ids, by: *by };
            serde_json::to_string(&Event { event_type: KEPT, data })
        }
        RoomEvent::LiveDelay(delay_ms) => serde_json::to_string(&Event {
            event_type: LIVE_DELAY_CHANGED,
            data: LiveDelayChanged { id: room, delay_ms: *delay_ms },
        }),
    };
    written.expect("a struct of texts and numbers is always JSON")
}
