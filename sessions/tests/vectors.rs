//! The law of position against values that were computed with exact fractions. The browser's
//! implementation is held against the same file.
#![allow(clippy::unwrap_used)]

use rushes_sessions::{Frame, FrameRate, Loop, Millis, Rate, Timeline};
use serde_json::Value;

fn looping(value: &Value) -> Loop {
    match value {
        Value::Bool(true) => Loop::All,
        Value::Object(points) => Loop::Range {
            first: Frame(points["in"].as_i64().unwrap()),
            last: Frame(points["out"].as_i64().unwrap()),
        },
        _ => Loop::Off,
    }
}

fn timeline(value: &Value) -> Timeline {
    let part = |name: &str| value[name].as_u64().map(|part| u32::try_from(part).unwrap());
    Timeline {
        effective_ms: Millis(value["effective_ms"].as_f64().unwrap()),
        frame: Frame(value["frame"].as_i64().unwrap()),
        frames: value["frames"].as_i64(),
        fps: part("fps_num").zip(part("fps_den")).map(|(n, d)| FrameRate::new(n, d).unwrap()),
        playing: value["playing"].as_bool().unwrap(),
        rate: Rate::new(value["rate"].as_f64().unwrap()).unwrap(),
        looping: looping(&value["loop"]),
    }
}

#[test]
fn the_law_holds() {
    let vectors: Value = serde_json::from_str(include_str!("vectors.json")).unwrap();
    let mut samples = 0;
    for case in vectors["law"].as_array().unwrap() {
        let timeline = timeline(&case["timeline"]);
        for sample in case["samples"].as_array().unwrap() {
            let at = Millis(sample["at_ms"].as_f64().unwrap());
            let position = timeline.position_at(at);
            let what = format!("{} at {}", case["name"], sample["at_ms"]);
            assert!((position - sample["position"].as_f64().unwrap()).abs() < 1e-6, "{what}");
            assert_eq!(timeline.frame_at(at).0, sample["frame"].as_i64().unwrap(), "{what}");
            assert_eq!(timeline.ended_at(at), sample["ended"].as_bool().unwrap(), "{what}");
            samples += 1;
        }
    }
    assert!(samples > 80, "{samples}");
}
