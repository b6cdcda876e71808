//! The log of a room as OpenTimelineIO.

use std::io;

use axum::body::Body;
use futures_util::{StreamExt, stream};
use rushes_signaling::log::{LogBody, LogLine, LogState};
use serde_json::{Value, json};

use super::{Log, broken, written};
use crate::{
    error::{ApiError, ApiResult},
    ids::AssetId,
    store::{self, rooms::SeenRoom},
};

/// Where other pieces go in JSON that is written in pieces. In a text of JSON its quotation marks
/// would be escaped, so that nobody's name is taken for it.
const HOLE: &str = r#"["PIECES"]"#;

/// Some lines that follow each other in the log and all belong to one clip: less than a page.
struct Run {
    after: i64,
    last: i64,
}

/// A clip that was shown, and where in the log its markers are.
struct Clip {
    id: AssetId,
    state: Box<LogState>,
    /// When it was shown first: what has no frames is counted from there.
    since_ms: f64,
    runs: Vec<Run>,
}

/// A piece of the answer.
enum Piece {
    Text(String),
    /// The markers of a run of a clip that was first shown then; a comma before them, unless they
    /// are the clip's first.
    Markers(AssetId, f64, Run, bool),
}

/// A timeline with a track, in which every clip that was shown has a marker for each command, at
/// the frame where it left the clip. A live source has no frames: its markers are at the milliseconds
/// since it was first shown.
///
/// The log is read twice: for where in it the clips are, and then for their markers.
pub(super) async fn timeline(log: Log, room: &SeenRoom) -> ApiResult<Body> {
    let clips = clips(&log).await?;
    let mut track = composition("Track.1", "shown", json!(["PIECES"]));
    track["kind"] = json!("Video");
    let timeline = json!({
        "OTIO_SCHEMA": "Timeline.1",
        "name": room.row.name,
        "metadata": { "rushes": { "room_id": room.row.id } },
        "global_start_time": null,
        "tracks": composition("Stack.1", "tracks", json!([track])),
    });
    let (begin, end) = parted(&timeline);
    let mut pieces = vec![Piece::Text(format!("{begin}["))];
    for (n, shown) in clips.into_iter().enumerate() {
        let name = name(&log, shown.id).await?;
        let (begin, end) = parted(&clip(shown.id, &name, &shown.state));
        let comma = if n > 0 { "," } else { "" };
        pieces.push(Piece::Text(format!("{comma}{begin}[")));
        let runs = shown.runs.into_iter().enumerate();
        pieces.extend(runs.map(|(n, run)| Piece::Markers(shown.id, shown.since_ms, run, n > 0)));
        pieces.push(Piece::Text(format!("]{end}")));
    }
    pieces.push(Piece::Text(format!("]{end}")));
    let written = stream::unfold((log, pieces.into_iter()), |(log, mut pieces)| async move {
        let text = match pieces.next()? {
            Piece::Text(text) => Ok(text),
            Piece::Markers(id, since_ms, run, follows) => {
                markers(&log, id, since_ms, &run, follows).await
            }
        };
        Some((text, (log, pieces)))
    });
    Ok(Body::from_stream(written.map(|text| text.map_err(|error| -> io::Error { broken(&error) }))))
}

/// The text of JSON before and behind its hole.
fn parted(value: &Value) -> (String, String) {
    let text = value.to_string();
    let (begin, end) = text.split_once(HOLE).unwrap_or((&text, ""));
    (begin.to_owned(), end.to_owned())
}

/// What a line shows of a clip, if that is what it does.
fn shown(line: &LogLine) -> Option<(AssetId, Value, &LogState)> {
    let (op, state) = match &line.what {
        LogBody::Command { op, state, .. } => (json!(op)["op"].clone(), state),
        LogBody::StateSet { state } => (json!("STATE_SET"), state),
        _ => return None,
    };
    Some((state.asset_id?.into(), op, state))
}

/// The clips, in the order in which they were first shown.
async fn clips(log: &Log) -> ApiResult<Vec<Clip>> {
    let mut clips: Vec<Clip> = Vec::new();
    let mut after = 0;
    loop {
        let page = log.page(after, log.last).await?;
        let Some((end, _)) = page.last() else { return Ok(clips) };
        let mut before = None;
        for (seq, line) in &page {
            let Some((id, _, state)) = shown(line) else { continue };
            let place = clips.iter().position(|clip| clip.id == id).unwrap_or_else(|| {
                let (state, since_ms) = (Box::new(state.clone()), line.at_ms);
                clips.push(Clip { id, state, since_ms, runs: Vec::new() });
                clips.len() - 1
            });
            // Runs end with their page, so that one is read at once.
            match clips[place].runs.last_mut().filter(|_| before == Some(place)) {
                Some(run) => run.last = *seq,
                None => clips[place].runs.push(Run { after: seq - 1, last: *seq }),
            }
            before = Some(place);
        }
        after = *end;
    }
}

/// The name of an asset, as far as it is still there.
async fn name(log: &Log, id: AssetId) -> ApiResult<String> {
    let mut tx = log.app.store.read().await?;
    let found = store::assets::get(&mut tx, id).await?;
    Ok(found.map_or_else(|| id.to_string(), |found| found.row.name))
}

async fn markers(
    log: &Log,
    id: AssetId,
    since_ms: f64,
    run: &Run,
    follows: bool,
) -> Result<String, ApiError> {
    let mut text = String::new();
    for (seq, line) in &log.page(run.after, run.last).await? {
        let Some((_, op, state)) = shown(line).filter(|(of, ..)| *of == id) else { continue };
        if follows || !text.is_empty() {
            text.push(',');
        }
        let place = match rate(state) {
            Some(rate) => range(state.frame.0, 1, rate),
            None => range((line.at_ms - since_ms) as i64, 1, 1000.0),
        };
        let marker = marker(*seq, line, op.as_str().unwrap_or_default(), &place);
        text.push_str(&marker.to_string());
    }
    Ok(text)
}

fn composition(schema: &str, name: &str, children: Value) -> Value {
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

/// A clip with a hole for its markers.
fn clip(id: AssetId, name: &str, state: &LogState) -> Value {
    let whole = state.frames.zip(rate(state)).map(|(frames, rate)| range(0, frames, rate));
    json!({
        "OTIO_SCHEMA": "Clip.1", "name": name, "metadata": { "rushes": { "asset_id": id } },
        "source_range": whole, "effects": [], "markers": ["PIECES"], "enabled": true,
        "media_reference": {
            "OTIO_SCHEMA": "MissingReference.1", "name": name, "metadata": {},
            "available_range": whole,
        },
    })
}

fn marker(seq: i64, line: &LogLine, op: &str, place: &Value) -> Value {
    let color = match op {
        "PLAY" => "GREEN",
        "PAUSE" => "RED",
        "LOAD" => "BLUE",
        _ => "YELLOW",
    };
    json!({
        "OTIO_SCHEMA": "Marker.2", "name": op, "color": color, "comment": "",
        "marked_range": place,
        "metadata": { "rushes": written(seq, line) },
    })
}
