//! The log of a room over HTTP: as JSON lines, as OpenTimelineIO, who attended when, and what was
//! said.
//!
//! It is for those who may change the room: its hosts, and the administrators of its production. A
//! log of any length is told whole: it is read and written a page at a time, when the client takes
//! it, and never held in memory.

mod chat;
mod otio;

use std::{io, sync::Arc};

use axum::{
    Router,
    body::Body,
    extract::{Path, State},
    http::header,
    response::{IntoResponse, Response},
    routing::get,
};
use futures_util::stream;
use rushes_signaling::log::{Attendances, LogLine};
use serde_json::{Value, json};

use crate::{
    access,
    app::App,
    error::{ApiError, ApiResult, Code},
    ids::RoomId,
    rpc::Asking,
    store::{self, rooms::SeenRoom},
    time::Millis,
};

/// Lines that are read at once.
const PAGE: i64 = 1000;

/// The routes of the log.
pub fn router(app: Arc<App>) -> Router {
    Router::new().route("/rooms/{id}/{what}", get(serve)).with_state(app)
}

async fn serve(
    State(app): State<Arc<App>>,
    Asking { caller, .. }: Asking,
    Path((id, what)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let export = match what.as_str() {
        "log.jsonl" => Export::Lines,
        "log.otio" => Export::Timeline,
        "attendance.json" => Export::Attendance,
        "chat.jsonl" => Export::Chat(chat::JSONL),
        "chat.txt" => Export::Chat(chat::TEXT),
        _ => return Err(ApiError::new(Code::UNKNOWN_ENDPOINT)),
    };
    let id: RoomId = id.parse().map_err(|_| ApiError::new(Code::ROOM_NOT_FOUND))?;
    let (room, last) = {
        let mut tx = app.store.read().await?;
        let room = access::room(&mut tx, &caller, id).await?;
        room.need_edit()?;
        (room, store::rooms::last_line(&mut tx, id).await?)
    };
    let log = Log { app, room: id, last };
    let (kind, body) = match export {
        Export::Lines => ("application/x-ndjson", jsonl(log)),
        Export::Timeline => ("application/json", otio::timeline(log, &room).await?),
        Export::Attendance => ("application/json", attended(&log, &room).await?),
        Export::Chat(write) => chat::told(log.app, id, write),
    };
    Ok(([(header::CONTENT_TYPE, kind)], body).into_response())
}

/// What is exported.
enum Export {
    Lines,
    Timeline,
    Attendance,
    Chat(chat::Write),
}

/// The log of a room, up to what was its last line when somebody asked for it.
struct Log {
    app: Arc<App>,
    room: RoomId,
    last: i64,
}

impl Log {
    /// The lines after a number and up to another, as many as are read at once; none at the end.
    ///
    /// # Errors
    /// 672 when the room was deleted meanwhile, and its log with it.
    async fn page(&self, after: i64, last: i64) -> ApiResult<Vec<(i64, LogLine)>> {
        if after >= last {
            return Ok(Vec::new());
        }
        let mut tx = self.app.store.read().await?;
        let most = PAGE.min(last - after);
        let page = store::rooms::log(&mut tx, self.room, after, most).await?;
        if page.is_empty() { Err(ApiError::new(Code::ROOM_NOT_FOUND)) } else { Ok(page) }
    }
}

/// What ends the body of an answer that cannot be written whole: its client sees that it broke off.
fn broken(error: &ApiError) -> io::Error {
    tracing::warn!(%error, "the log of a room was not told to its end");
    io::Error::other(error.to_string())
}

/// A line with its number, and its time as people read it.
fn written(seq: i64, line: &LogLine) -> Value {
    let mut value = json!(line);
    value["seq"] = json!(seq);
    value["at"] = json!(Millis(line.at_ms as i64));
    value
}

/// An object of JSON on each line, in order.
fn jsonl(log: Log) -> Body {
    Body::from_stream(stream::try_unfold((log, 0), |(log, after)| async move {
        let page = log.page(after, log.last).await.map_err(|error| broken(&error))?;
        let Some((end, _)) = page.last() else { return Ok::<_, io::Error>(None) };
        let end = *end;
        let mut text = String::new();
        for (seq, line) in &page {
            text.push_str(&written(*seq, line).to_string());
            text.push('\n');
        }
        Ok(Some((text, (log, end))))
    }))
}

async fn attended(log: &Log, room: &SeenRoom) -> ApiResult<Body> {
    let (mut people, mut after) = (Attendances::default(), 0);
    loop {
        let page = log.page(after, log.last).await?;
        let Some((end, _)) = page.last() else { break };
        after = *end;
        page.into_iter().for_each(|(_, line)| people.take(line));
    }
    let people = people.until(log.app.hub.now().0);
    let answer = json!({ "id": room.row.id, "name": room.row.name, "users": people });
    Ok(answer.to_string().into())
}
