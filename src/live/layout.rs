//! The layout of a composite as JSON (`docs/live.md`).

use rushes_media::{
    StreamId,
    composite::{Canvas, Cell, Fit, Layout, LayoutError, SoundFrom},
    picture::{Colour, Place},
    rtp::PictureSize,
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use super::stream_of;
use crate::{ids::RegistrationId, store::Object};

/// Why a layout is none, in words for those who wrote it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadLayout {
    /// A part of it is not what it should be.
    #[error("layout.{0}")]
    Form(String),
    /// It cannot be shown.
    #[error("layout.{0}")]
    Rule(#[from] LayoutError),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CanvasJson {
    #[serde(default = "width")]
    width: u32,
    #[serde(default = "height")]
    height: u32,
    #[serde(default = "fps")]
    fps: u32,
    #[serde(default = "black")]
    background: String,
}

fn width() -> u32 {
    1280
}

fn height() -> u32 {
    720
}

fn fps() -> u32 {
    25
}

fn black() -> String {
    "#000000".to_owned()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CellJson {
    source: RegistrationId,
    x: i32,
    y: i32,
    width: u32,
    height: u32,
    #[serde(default)]
    fit: FitJson,
    #[serde(default)]
    label: String,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "UPPERCASE")]
enum FitJson {
    #[default]
    Contain,
    Cover,
    Stretch,
}

#[derive(Deserialize)]
#[serde(tag = "mode", rename_all = "UPPERCASE", deny_unknown_fields)]
enum AudioJson {
    None,
    Source { source: RegistrationId },
    Mix,
}

/// Reads a layout. What is left out has its default: a canvas of 1280 x 720 at 25 pictures a
/// second, no cells, the sound of the first cell, and slates.
///
/// # Errors
/// See [`BadLayout`]; it names the place.
pub(crate) fn parse(layout: &Object) -> Result<Layout, BadLayout> {
    const PARTS: [&str; 4] = ["canvas", "cells", "audio", "slate"];
    if let Some(unknown) = layout.keys().find(|key| !PARTS.contains(&key.as_str())) {
        return Err(BadLayout::Form(format!("{unknown} is not a part of a layout")));
    }
    let part = |name: &str| layout.get(name).filter(|value| !value.is_null()).cloned();
    let canvas: CanvasJson = read("canvas", part("canvas").unwrap_or_else(empty))?;
    let cells: Vec<Value> = read("cells", part("cells").unwrap_or_else(|| Value::Array(vec![])))?;
    let cells: Result<Vec<Cell>, BadLayout> = cells.into_iter().enumerate().map(cell).collect();
    let cells = cells?;
    let sound = match part("audio") {
        Some(audio) => sound(read("audio", audio)?),
        None => cells.first().map_or(SoundFrom::Nothing, |cell| SoundFrom::Source(cell.source)),
    };
    let slate = part("slate").map_or(Ok(true), |slate| read("slate", slate))?;
    let background = colour(&canvas.background)
        .ok_or_else(|| BadLayout::Form("canvas.background has to be like #1A2B3C".to_owned()))?;
    let size = PictureSize { width: canvas.width, height: canvas.height };
    let canvas = Canvas::new(size, canvas.fps, background)?;
    Ok(Layout::new(canvas, cells, sound, slate)?)
}

fn empty() -> Value {
    Value::Object(Object::new())
}

fn read<T: DeserializeOwned>(place: &str, value: Value) -> Result<T, BadLayout> {
    serde_json::from_value(value).map_err(|error| BadLayout::Form(format!("{place}: {error}")))
}

fn cell((number, value): (usize, Value)) -> Result<Cell, BadLayout> {
    let cell: CellJson = read(&format!("cells[{number}]"), value)?;
    let CellJson { source, x, y, width, height, fit, label } = cell;
    let fit = match fit {
        FitJson::Contain => Fit::Contain,
        FitJson::Cover => Fit::Cover,
        FitJson::Stretch => Fit::Stretch,
    };
    Ok(Cell { source: stream_of(source), place: Place { x, y, width, height }, fit, label })
}

fn sound(audio: AudioJson) -> SoundFrom {
    match audio {
        AudioJson::None => SoundFrom::Nothing,
        AudioJson::Source { source } => SoundFrom::Source(stream_of(source)),
        AudioJson::Mix => SoundFrom::Mix,
    }
}

/// `#RRGGBB`.
fn colour(text: &str) -> Option<Colour> {
    let [red, green, blue] = *hex::decode(text.strip_prefix('#')?).ok()?.as_slice() else {
        return None;
    };
    Some(Colour::rgb(red, green, blue))
}

/// The registration of a cell's source.
pub(crate) fn registration_of(source: StreamId) -> RegistrationId {
    RegistrationId::from_u128(source.0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn layout(value: Value) -> Result<Layout, String> {
        parse(value.as_object().unwrap()).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_left_out_has_its_default() {
        let found = layout(json!({})).unwrap();
        assert_eq!(found.canvas().size(), PictureSize { width: 1280, height: 720 });
        assert_eq!((found.canvas().rate(), found.slate()), (25, true));
        assert_eq!((found.cells().len(), found.sound()), (0, SoundFrom::Nothing));
        let id = RegistrationId::new();
        let cell = json!({ "source": id, "x": 0, "y": 0, "width": 64, "height": 64 });
        let found = layout(json!({ "cells": [cell], "audio": null })).unwrap();
        assert_eq!(found.cells()[0].fit, Fit::Contain);
        assert_eq!(found.sound(), SoundFrom::Source(stream_of(id)));
        assert_eq!(registration_of(found.cells()[0].source), id);
    }

    #[test]
    fn all_of_it_is_read() {
        let id = RegistrationId::new();
        let cell = json!({
            "source": id, "x": 2, "y": 4, "width": 64, "height": 66, "fit": "COVER", "label": "A",
        });
        let found = layout(json!({
            "canvas": { "width": 640, "height": 360, "fps": 30, "background": "#FF0000" },
            "cells": [cell], "audio": { "mode": "MIX" }, "slate": false,
        }))
        .unwrap();
        assert_eq!(found.canvas().background(), Colour::rgb(255, 0, 0));
        assert_eq!(found.cells()[0].place, Place { x: 2, y: 4, width: 64, height: 66 });
        assert_eq!((found.cells()[0].label.as_str(), found.slate()), ("A", false));
        assert_eq!(found.sound(), SoundFrom::Mix);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        let id = RegistrationId::new();
        let cell = json!({ "source": id, "x": 0, "y": 0, "width": 64, "height": 64 });
        let with = |name: &str, value: Value| {
            let mut cell = cell.clone();
            cell[name] = value;
            json!({ "cells": [cell] })
        };
        for (value, says) in [
            (json!({ "cell": [] }), "layout.cell is not a part"),
            (json!({ "cells": {} }), "layout.cells: "),
            (json!({ "cells": [cell, {}] }), "layout.cells[1]: missing field `source`"),
            (with("fit", json!("FILL")), "layout.cells[0]: unknown variant `FILL`"),
            (with("z", json!(1)), "layout.cells[0]: unknown field `z`"),
            (with("x", json!(1)), "layout.cells[0]: x, y, width and height have to be even"),
            (with("width", json!(-2)), "layout.cells[0]: "),
            (with("source", json!("camera")), "layout.cells[0]: "),
            (json!({ "canvas": { "fps": 0 } }), "layout.canvas.fps"),
            (json!({ "canvas": { "width": 1e9 } }), "layout.canvas: "),
            (json!({ "canvas": { "background": "red" } }), "layout.canvas.background"),
            (json!({ "canvas": { "background": "#ff" } }), "layout.canvas.background"),
            (json!({ "audio": { "mode": "LOUD" } }), "layout.audio: "),
            (json!({ "audio": { "mode": "SOURCE" } }), "layout.audio: missing field `source`"),
            (json!({ "audio": { "mode": "SOURCE", "source": id } }), "layout.audio.source"),
            (json!({ "slate": "yes" }), "layout.slate: "),
        ] {
            let error = layout(value.clone()).unwrap_err();
            assert!(error.starts_with(says), "{value}: {error}");
        }
    }
}
