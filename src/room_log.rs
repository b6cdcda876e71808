//! The log of a room over HTTP: as JSON lines, as OpenTimelineIO, who attended when, and what was
//! said.
//!
//! It is for those who may change the room: its hosts, and the administrators of its production.

mod chat;

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
};

use axum::{
    Router,
    extract::{ConnectInfo, Path, State},
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
    routing::get,
};
use rushes_signaling::{
    chat::ChatBody,
    log::{LogBody, LogLine, LogState, attendance},
};
use serde_json::{Value, json};

use crate::{
    access,
    app::App,
    error::{ApiError, ApiResult, Code},
    ids::{AssetId, RoomId},
    rpc,
    store::{self, rooms::SeenRoom},
    time::Millis,
};

/// Lines that are read at once.
const PAGE: i64 = 1000;
/// Lines of one answer; the first ones, where there are more. Three hours of somebody who never
/// lets go of the seek bar have as many.
const MOST: usize = 200_000;

/// The routes of the log.
pub fn router(app: Arc<App>) -> Router {
    Router::new().route("/rooms/{id}/{what}", get(serve)).with_state(app)
}

async fn serve(
    State(app): State<Arc<App>>,
    ConnectInfo(peer): ConnectInfo<std::net::SocketAddr>,
    Path((id, what)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let write = match what.as_str() {
        "log.jsonl" => Export::Log(jsonl),
        "log.otio" => Export::Log(otio),
        "attendance.json" => Export::Log(attended),
        "chat.jsonl" => Export::Chat(chat::jsonl),
        "chat.txt" => Export::Chat(chat::text),
        _ => return Err(ApiError::new(Code::UNKNOWN_ENDPOINT)),
    };
    let token = rpc::header_token(&headers)?.ok_or(ApiError::new(Code::INVALID_TOKEN))?;
    let caller = match rpc::authenticate(&app, &token).await {
        Ok(caller) => caller,
        Err(error) => {
            app.limits.address(peer.ip().to_canonical())?;
            return Err(error);
        }
    };
    app.limits.user(caller.user_id)?;
    let id: RoomId = id.parse().map_err(|_| ApiError::new(Code::ROOM_NOT_FOUND))?;
    let mut tx = app.store.read().await?;
    let room = access::room(&mut tx, &caller, id).await?;
    room.need_edit()?;
    let (kind, text) = match write {
        Export::Chat(write) => write(&chat::messages(&mut tx, id).await?),
        Export::Log(write) => {
            let lines = lines(&mut tx, id).await?;
            let names = names(&mut tx, &lines).await?;
            write(&Log { room: &room, lines, names, now_ms: app.hub.now().0 })
        }
    };
    Ok(([(header::CONTENT_TYPE, kind)], text).into_response())
}

/// What is exported, and in which form: its media type and its text.
enum Export {
    Log(fn(&Log<'_>) -> (&'static str, String)),
    Chat(fn(&[ChatBody]) -> (&'static str, String)),
}

/// All that the log is exported from.
struct Log<'a> {
    room: &'a SeenRoom,
    lines: Vec<(i64, LogLine)>,
    names: HashMap<AssetId, String>,
    now_ms: f64,
}

async fn lines(db: &mut store::Db, room: RoomId) -> ApiResult<Vec<(i64, LogLine)>> {
    let mut lines: Vec<(i64, LogLine)> = Vec::new();
    while lines.len() < MOST {
        let after = lines.last().map_or(0, |(seq, _)| *seq);
        let page = store::rooms::log(db, room, after, PAGE).await?;
        if page.is_empty() {
            break;
        }
        lines.extend(page);
    }
    Ok(lines)
}

/// The names of the assets that were shown, as far as they are still there.
async fn names(
    db: &mut store::Db,
    lines: &[(i64, LogLine)],
) -> ApiResult<HashMap<AssetId, String>> {
    let mut names = HashMap::new();
    for id in lines.iter().filter_map(|(_, line)| state_of(line)?.asset_id) {
        let id = AssetId::from(id);
        if let Entry::Vacant(place) = names.entry(id) {
            let found = store::assets::get(db, id).await?;
            place.insert(found.map(|found| found.row.name).unwrap_or_else(|| id.to_string()));
        }
    }
    Ok(names)
}

fn state_of(line: &LogLine) -> Option<&LogState> {
    match &line.what {
        LogBody::Command { state, .. } | LogBody::StateSet { state } => Some(state),
        _ => None,
    }
}

/// A line with its number, and its time as people read it.
fn written(seq: i64, line: &LogLine) -> Value {
    let mut value = json!(line);
    value["seq"] = json!(seq);
    value["at"] = json!(Millis(line.at_ms as i64));
    value
}

/// An object of JSON on each line, in order.
fn jsonl(log: &Log<'_>) -> (&'static str, String) {
    let mut text = String::new();
    for (seq, line) in &log.lines {
        text.push_str(&written(*seq, line).to_string());
        text.push('\n');
    }
    ("application/x-ndjson", text)
}

fn attended(log: &Log<'_>) -> (&'static str, String) {
    let lines = log.lines.iter().map(|(_, line)| line.clone());
    let people = attendance(lines, log.now_ms);
    let answer = json!({ "id": log.room.row.id, "name": log.room.row.name, "users": people });
    ("application/json", answer.to_string())
}

/// A timeline with a track, in which every clip that was shown has a marker for each command, at
/// the frame where it left the clip. Live sources have no frames, and so no markers.
fn otio(log: &Log<'_>) -> (&'static str, String) {
    let mut clips: Vec<(AssetId, &LogState, Vec<Value>)> = Vec::new();
    for (seq, line) in &log.lines {
        let LogBody::Command { op, state, .. } = &line.what else { continue };
        let (Some(id), Some(rate)) = (state.asset_id, rate(state)) else { continue };
        let marker = marker(*seq, line, json!(op)["op"].as_str().unwrap_or_default(), state, rate);
        let id = AssetId::from(id);
        match clips.iter_mut().find(|(other, ..)| *other == id) {
            Some((.., markers)) => markers.push(marker),
            None => clips.push((id, state, vec![marker])),
        }
    }
    let clips: Vec<Value> = clips
        .into_iter()
        .map(|(id, state, markers)| {
            let name = log.names.get(&id).cloned().unwrap_or_else(|| id.to_string());
            clip(id, &name, state, markers)
        })
        .collect();
    let mut track = composition("Track.1", "shown", clips);
    track["kind"] = json!("Video");
    let timeline = json!({
        "OTIO_SCHEMA": "Timeline.1",
        "name": log.room.row.name,
        "metadata": { "rushes": { "room_id": log.room.row.id } },
        "global_start_time": null,
        "tracks": composition("Stack.1", "tracks", vec![track]),
    });
    ("application/json", timeline.to_string())
}

fn composition(schema: &str, name: &str, children: Vec<Value>) -> Value {
    json!({
        "OTIO_SCHEMA": schema, "name": name, "metadata": {}, "source_range": null,
        "effects": [], "markers": [], "enabled": true, "children": children,
    })
}

/// Frames a second.
fn rate(state: &LogState) -> Option<f64> {
    Some(f64::from(state.fps_num?) / f64::from(state.fps_den?))
}

fn range(start: i64, frames: i64, rate: f64) -> Value {
    let time = |value: i64| json!({ "OTIO_SCHEMA": "RationalTime.1", "value": value as f64, "rate": rate });
    json!({
        "OTIO_SCHEMA": "TimeRange.1", "start_time": time(start), "duration": time(frames),
    })
}

fn clip(id: AssetId, name: &str, state: &LogState, markers: Vec<Value>) -> Value {
    let whole = state.frames.zip(rate(state)).map(|(frames, rate)| range(0, frames, rate));
    json!({
        "OTIO_SCHEMA": "Clip.1", "name": name, "metadata": { "rushes": { "asset_id": id } },
        "source_range": whole, "effects": [], "markers": markers, "enabled": true,
        "media_reference": {
            "OTIO_SCHEMA": "MissingReference.1", "name": name, "metadata": {},
            "available_range": whole,
        },
    })
}

fn marker(seq: i64, line: &LogLine, op: &str, state: &LogState, rate: f64) -> Value {
    let color = match op {
        "PLAY" => "GREEN",
        "PAUSE" => "RED",
        "LOAD" => "BLUE",
        _ => "YELLOW",
    };
    json!({
        "OTIO_SCHEMA": "Marker.2", "name": op, "color": color, "comment": "",
        "marked_range": range(state.frame.0, 1, rate),
        "metadata": { "rushes": written(seq, line) },
    })
}
