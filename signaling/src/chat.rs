//! The wire form of a room's chat.

use rushes_sessions::{ChatMessage, RoomId, Said, UserId};
use serde::{Deserialize, Serialize};

/// The event type of a message.
pub const CHAT: &str = "REVIEW_SESSION_CHAT";
/// The most messages of one page of the history.
pub const MOST_HISTORY: u32 = 200;
/// As many as there are in a page where nobody says how many.
const USUAL_HISTORY: u32 = 50;

/// Something to say.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct SayRequest {
    /// The room.
    pub id: RoomId,
    /// The client's own name for the message.
    pub cmd_id: String,
    /// The message.
    pub text: String,
}

/// The answer, once the message is on disk.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct SaidBody {
    /// The client's own name for the message.
    pub cmd_id: String,
    /// Its number in the room.
    pub seq: u64,
    /// When it was said, in milliseconds since the Unix epoch.
    pub at_ms: f64,
}

impl From<Said> for SaidBody {
    fn from(said: Said) -> SaidBody {
        SaidBody { cmd_id: said.cmd_id, seq: said.seq, at_ms: said.at.0 }
    }
}

/// A message.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[allow(missing_docs)] // The fields are those of `rushes_sessions::ChatMessage`.
pub struct ChatBody {
    pub seq: u64,
    pub at_ms: f64,
    pub user_id: UserId,
    pub name: String,
    pub is_guest: bool,
    pub cmd_id: String,
    pub text: String,
}

impl From<&ChatMessage> for ChatBody {
    fn from(message: &ChatMessage) -> ChatBody {
        ChatBody {
            seq: message.seq,
            at_ms: message.at.0,
            user_id: message.user,
            name: message.name.clone(),
            is_guest: message.guest,
            cmd_id: message.cmd_id.clone(),
            text: message.text.clone(),
        }
    }
}

/// What [`CHAT`] says.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct ChatEvent {
    /// The room.
    pub id: RoomId,
    /// The message.
    #[serde(flatten)]
    pub message: ChatBody,
}

/// A wish to read what was said: the last page, or the one before or after a message.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub struct HistoryRequest {
    /// The room.
    pub id: RoomId,
    /// Only messages before this one.
    pub before: Option<u64>,
    /// Only messages after this one; the oldest of them first where there are too many.
    pub after: Option<u64>,
    /// How many: 1 to [`MOST_HISTORY`].
    pub limit: Option<u32>,
}

impl HistoryRequest {
    /// How many messages are wanted, and may be had.
    pub fn most(&self) -> u32 {
        self.limit.unwrap_or(USUAL_HISTORY).clamp(1, MOST_HISTORY)
    }
}

/// A page of what was said.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct HistoryBody {
    /// The room.
    pub id: RoomId,
    /// The messages in their order.
    pub messages: Vec<ChatBody>,
    /// Whether there are more in the direction that was asked for.
    pub more: bool,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_page_has_bounds() {
        for (limit, most) in [(None, 50), (Some(0), 1), (Some(7), 7), (Some(9000), 200)] {
            let request = json!({ "id": RoomId(1), "limit": limit });
            let request: HistoryRequest = serde_json::from_value(request).unwrap();
            assert_eq!((request.most(), request.before), (most, None));
        }
    }
}
