//! What was said in a room: as JSON lines, and as text for people.

use std::{fmt::Write as _, io, sync::Arc};

use axum::body::Body;
use futures_util::stream;
use rushes_signaling::chat::{ChatBody, MOST_HISTORY};
use serde_json::json;

use super::broken;
use crate::{app::App, error::ApiResult, ids::RoomId, store, time::Millis};

/// How messages are written: their media type, and the text of some.
pub(super) type Write = (&'static str, fn(&[ChatBody]) -> String);

/// As [`lines`].
pub(super) const JSONL: Write = ("application/x-ndjson", lines);
/// As [`text`].
pub(super) const TEXT: Write = ("text/plain; charset=utf-8", text);

/// All messages of a room in order: what is said while they are told, too.
pub(super) fn told(app: Arc<App>, room: RoomId, write: Write) -> (&'static str, Body) {
    let (kind, write) = write;
    let pages = stream::try_unfold((app, Some(0)), move |(app, after)| async move {
        let Some(after) = after else { return Ok::<_, io::Error>(None) };
        let (messages, more) = page(&app, room, after).await.map_err(|error| broken(&error))?;
        let next = messages.last().map(|message| message.seq).filter(|_| more);
        Ok(Some((write(&messages), (app, next))))
    });
    (kind, Body::from_stream(pages))
}

async fn page(app: &App, room: RoomId, after: u64) -> ApiResult<(Vec<ChatBody>, bool)> {
    let mut tx = app.store.read().await?;
    Ok(store::rooms::chat::after(&mut tx, room, after, MOST_HISTORY).await?)
}

fn at(message: &ChatBody) -> Millis {
    Millis(message.at_ms as i64)
}

/// An object of JSON on each line, in order.
fn lines(messages: &[ChatBody]) -> String {
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
    text
}

/// A paragraph for each message; the lines after its first are indented, so that none can be
/// taken for somebody else's.
fn text(messages: &[ChatBody]) -> String {
    let mut text = String::new();
    for message in messages {
        let said = message.text.replace('\n', "\n    ");
        let guest = if message.is_guest { " (guest)" } else { "" };
        // Writing to a string does not fail.
        let _ = writeln!(text, "{}  {}{guest}: {said}", at(message), message.name);
    }
    text
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
        assert_eq!(text(&said), expected);
        let lines = lines(&said);
        assert_eq!(lines.lines().count(), 2);
        let line: serde_json::Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
        assert_eq!((&line["seq"], &line["at"]), (&json!(1), &json!("1970-01-01T00:00:01.000Z")));
        assert!(line["cmd_id"].is_null());
    }
}
