//! What an event stream has told, and what it is to tell: no clock and no socket.

use std::fmt::Write as _;

use axum::http::StatusCode;
use rushes_media::{Feed, Layer};
use serde_json::{Value, json};

use super::problem::Problem;

/// The types of events.
pub(super) const NAMES: [&str; 5] = ["active", "inactive", "layers", "viewercount", "reconnect"];
const ACTIVE: usize = 0;
const INACTIVE: usize = 1;
const LAYERS: usize = 2;
const VIEWERCOUNT: usize = 3;
const RECONNECT: usize = 4;

/// Which events a client asked for.
pub(super) type Wanted = [bool; NAMES.len()];

/// What one event stream has told, and what it is to tell.
#[derive(Debug)]
pub(super) struct Teller {
    wanted: Wanted,
    /// The m-line that the layers belong to.
    picture: Option<usize>,
    /// Whether the last word was that somebody publishes; none before the first.
    active: Option<bool>,
    layers: Option<Vec<Layer>>,
    viewers: Option<usize>,
}

impl Teller {
    pub(super) fn new(wanted: Wanted, picture: Option<usize>) -> Self {
        Self { wanted, picture, active: None, layers: None, viewers: None }
    }

    /// A reader begins: it hears all that holds. That nobody publishes it hears only if it once
    /// heard the opposite.
    pub(super) fn begin(&mut self) {
        self.active = self.active.filter(|active| *active).map(|_| true);
        self.layers = None;
        self.viewers = None;
    }

    /// The messages for what is new, `first` time for a reader or later; empty if nothing is.
    pub(super) fn tell(&mut self, feed: &Feed, first: bool) -> String {
        let mut out = String::new();
        if feed.active && (first || self.active != Some(true)) {
            self.event(&mut out, ACTIVE, &json!({}));
        } else if !feed.active && self.active == Some(true) {
            self.event(&mut out, INACTIVE, &json!({}));
        }
        self.active = Some(feed.active).filter(|active| *active || self.active.is_some());
        // A layer without a name is the only one: there is nothing to choose.
        let layers: Vec<Layer> =
            feed.layers.iter().filter(|layer| !layer.rid.is_empty()).cloned().collect();
        if let Some(line) = self.picture
            && Layer::are_news(&layers, self.layers.as_deref().unwrap_or_default())
        {
            let told: Vec<Value> = layers.iter().map(layer).collect();
            self.event(&mut out, LAYERS, &json!({ line.to_string(): told }));
            self.layers = Some(layers);
        }
        if self.viewers != Some(feed.viewers) {
            self.event(&mut out, VIEWERCOUNT, &json!({ "viewercount": feed.viewers }));
            self.viewers = Some(feed.viewers);
        }
        if feed.reconnect {
            self.event(&mut out, RECONNECT, &json!({}));
        }
        out
    }

    fn event(&self, out: &mut String, event: usize, data: &Value) {
        if self.wanted[event] {
            // Writing to a String cannot fail. JSON has no line breaks of its own.
            let _ = write!(out, "event: {}\ndata: {data}\n\n", NAMES[event]);
        }
    }
}

/// A layer on the wire. It counts as inactive when it has no bit rate.
fn layer(layer: &Layer) -> Value {
    let bitrate = if layer.active { layer.bitrate } else { 0 };
    let mut value = json!({ "rid": layer.rid, "encodingId": layer.rid, "bitrate": bitrate });
    for (name, size) in [("width", layer.width), ("height", layer.height)] {
        if let Some(size) = size {
            value[name] = size.into();
        }
    }
    value
}

/// The events that a client asks for; all, if it does not say.
pub(super) fn wanted(body: &str) -> Result<Wanted, Problem> {
    if body.trim().is_empty() {
        return Ok([true; NAMES.len()]);
    }
    let names: Vec<String> = serde_json::from_str(body).map_err(|error| {
        let detail = format!("send an array such as [\"active\", \"inactive\"]: {error}");
        Problem::new(StatusCode::BAD_REQUEST, detail)
    })?;
    let mut wanted = [false; NAMES.len()];
    for name in names {
        match NAMES.iter().position(|known| *known == name) {
            Some(at) => wanted[at] = true,
            None => {
                let detail = format!("there are the events {}", NAMES.join(", "));
                return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail));
            }
        }
    }
    Ok(wanted)
}

impl Teller {
    /// The events that it tells, as a list.
    pub(super) fn wanted(&self) -> String {
        let wanted = NAMES.iter().zip(self.wanted).filter(|(_, wanted)| *wanted);
        wanted.map(|(name, _)| *name).collect::<Vec<_>>().join(",")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(rid: &str, bitrate: u64) -> Layer {
        Layer {
            rid: rid.to_owned(),
            width: Some(640),
            height: Some(360),
            fps: 30.0,
            bitrate,
            active: true,
        }
    }

    fn feed(active: bool, viewers: usize) -> Feed {
        Feed { active, layers: Vec::new(), viewers, reconnect: false }
    }

    /// The types of the events in some messages, each of which has a single line of JSON data.
    fn types(text: &str) -> Vec<&str> {
        let messages = text.split("\n\n").filter(|message| !message.is_empty());
        let typed = messages.filter(|message| !message.starts_with(':')).map(|message| {
            let (event, data) = message.split_once('\n').unwrap();
            let data = data.strip_prefix("data: ").unwrap();
            serde_json::from_str::<Value>(data).unwrap();
            event.strip_prefix("event: ").unwrap()
        });
        typed.collect()
    }

    fn all() -> Teller {
        Teller::new(wanted("").unwrap(), Some(1))
    }

    #[test]
    fn there_is_no_inactive_before_the_first_active() {
        let mut teller = all();
        assert_eq!(types(&teller.tell(&feed(false, 0), true)), ["viewercount"]);
        assert_eq!(types(&teller.tell(&feed(true, 0), false)), ["active"]);
        assert_eq!(teller.tell(&feed(true, 0), false), "", "nothing is told twice");
        assert_eq!(types(&teller.tell(&feed(false, 0), false)), ["inactive"]);
        assert_eq!(teller.tell(&feed(false, 0), false), "");
        assert_eq!(types(&teller.tell(&feed(true, 1), false)), ["active", "viewercount"]);
    }

    #[test]
    fn one_who_comes_back_hears_what_holds_now() {
        let mut teller = all();
        teller.tell(&feed(true, 1), true);
        teller.begin();
        assert_eq!(types(&teller.tell(&feed(false, 1), true)), ["inactive", "viewercount"]);
        teller.begin();
        assert_eq!(types(&teller.tell(&feed(false, 1), true)), ["viewercount"]);
        teller.begin();
        assert_eq!(types(&teller.tell(&feed(true, 1), true)), ["active", "viewercount"]);
    }

    #[test]
    fn layers_are_told_by_m_line_and_when_they_change() {
        let mut teller = Teller::new(wanted(r#"["layers"]"#).unwrap(), Some(1));
        let mut now = feed(true, 3);
        assert_eq!(teller.tell(&now, true), "");
        now.layers = vec![layer("h", 1_000_000), layer("l", 100_000)];
        let told = teller.tell(&now, false);
        assert_eq!(types(&told), ["layers"]);
        let data = told.lines().nth(1).unwrap().strip_prefix("data: ").unwrap();
        let data: Value = serde_json::from_str(data).unwrap();
        assert_eq!(data["1"][0]["rid"], "h");
        assert_eq!(data["1"][1]["bitrate"], 100_000);
        now.layers[0].bitrate = 1_100_000;
        assert_eq!(teller.tell(&now, false), "", "a small change of the bit rate is none");
        now.layers[0].active = false;
        let told = teller.tell(&now, false);
        assert!(told.contains(r#""bitrate":0"#), "{told}");
        now.layers.clear();
        assert_eq!(types(&teller.tell(&now, false)), ["layers"]);
        now.layers = vec![layer("", 1_000_000)];
        assert_eq!(teller.tell(&now, false), "", "one alone is no choice");
        let mut sound = Teller::new(wanted("").unwrap(), None);
        now.layers = vec![layer("h", 1)];
        assert_eq!(types(&sound.tell(&now, true)), ["active", "viewercount"], "no picture");
    }

    #[test]
    fn only_what_was_asked_for_is_told() {
        let mut teller = Teller::new(wanted(r#"["reconnect", "inactive"]"#).unwrap(), Some(0));
        assert_eq!(teller.tell(&feed(true, 5), true), "");
        assert_eq!(types(&teller.tell(&feed(false, 5), false)), ["inactive"]);
        let last = Feed { reconnect: true, ..feed(false, 5) };
        assert_eq!(types(&teller.tell(&last, false)), ["reconnect"]);
        for bad in ["{}", "[1]", r#"["scte35"]"#] {
            assert!(wanted(bad).is_err(), "{bad}");
        }
    }
}
