//! What was said in a room: as JSON lines, and as text for people.

use std::fmt::Write;

use rushes_signaling::chat::{ChatBody, MOST_HISTORY};
use serde_json::json;

use super::MOST;
use crate::{error::ApiResult, ids::RoomId, store, time::Millis};

/// All messages of a room in order; the first [`MOST`], where there are more.
pub(super) async fn messages(db: &mut store::Db, room: RoomId) -> ApiResult<Vec<ChatBody>> {
    let mut messages: Vec<ChatBody> = Vec::new();
    while messages.len() < MOST {
        let last = messages.last().map_or(0, |message| message.seq);
        let (page, more) = store::rooms::chat::after(db, room, last, MOST_HISTORY).await?;
        messages.extend(page);
        if !more {
            break;
        }
    }
    Ok(messages)
}

fn at(message: &ChatBody) -> Millis {
    Millis(message.at_ms as i64)
}

/// An object of JSON on each line, in order.
pub(super) fn jsonl(messages: &[ChatBody]) -> (&'static str, String) {
    let mut text = String::new();
    for message in messages {
        let mut line = json!(message);
        line["at"] = json!(at(message));
        // It names a command of a client, and nothing afterwards.
        if let Some(parts) = line.as_object_mut() {
            parts.remove("cmd_id");
        }
        text.push_str(&line.to_string());
        text.push('\n');
    }
    ("application/x-ndjson", text)
}

/// A paragraph for each message; the lines after its first are indented, so that none can be
/// taken for somebody else's.
pub(super) fn text(messages: &[ChatBody]) -> (&'static str, String) {
    let mut text = String::new();
    for message in messages {
        let said = message.text.replace('\n', "\n    ");
        let guest = if message.is_guest { " (guest)" } else { "" };
        // Writing to a string does not fail.
        let _ = writeln!(text, "{}  {}{guest}: {said}", at(message), message.name);
    }
    ("text/plain; charset=utf-8", text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(seq: u64, text: &str) -> ChatBody {
        ChatBody {
            seq,
            at_ms: 1_000.0,
            user_id: rushes_sessions::UserId(7),
            name: "Host".into(),
            is_guest: seq == 2,
            cmd_id: "c".into(),
            text: text.into(),
        }
    }

    #[test]
    fn a_message_cannot_pass_for_another() {
        let said = [message(1, "one\n1970-01-01T00:00:01.000Z  Host: two"), message(2, "three")];
        let expected = "1970-01-01T00:00:01.000Z  Host: one\n    \
                        1970-01-01T00:00:01.000Z  Host: two\n\
                        1970-01-01T00:00:01.000Z  Host (guest): three\n";
        assert_eq!(text(&said).1, expected);
        let (_, lines) = jsonl(&said);
        assert_eq!(lines.lines().count(), 2);
        let line: serde_json::Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
        assert_eq!((&line["seq"], &line["at"]), (&json!(1), &json!("1970-01-01T00:00:01.000Z")));
        assert!(line["cmd_id"].is_null());
    }
}
