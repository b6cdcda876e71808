//! The pages that describe the protocol against the code.

use std::{collections::BTreeSet, fs, path::Path};

use rushes_sessions::{Frame, FrameRate, Loop, State, SyncMode};
use rushes_signaling::room::{ClosedReason, LoopBody, OpBody, StateBody};
use serde_json::{Value, json};

const PAGE: &str = include_str!("../../docs/realtime.md");

/// The Rust sources of the server and of its signalling, but for their tests.
fn sources() -> String {
    fn read(folder: &Path, text: &mut String) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                read(&path, text);
            } else if path.extension().is_some_and(|ending| ending == "rs")
                && !path.ends_with("tests.rs")
            {
                let source = fs::read_to_string(&path).unwrap();
                text.push_str(source.split("\n#[cfg(test)]\nmod tests").next().unwrap());
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut text = String::new();
    // The tables of the contract name all of its events, built or not.
    for folder in [
        "src/api",
        "src/jobs",
        "src/rpc",
        "src/live",
        "src/files.rs",
        "src/meetings.rs",
        "src/rooms.rs",
        "src/rooms",
        "signaling/src",
    ] {
        let path = root.join(folder);
        if path.is_dir() {
            read(&path, &mut text);
        } else {
            text.push_str(&fs::read_to_string(path).unwrap());
        }
    }
    text
}

/// What stands between these marks and looks like one of the names that are looked for.
fn names(text: &str, mark: char, is_name: impl Fn(&str) -> bool) -> BTreeSet<String> {
    // Names are in every other part, but a lone mark shifts them: so all parts are looked at.
    text.split(mark).filter(|part| is_name(part)).map(str::to_owned).collect()
}

fn is_event(name: &str) -> bool {
    let word = name.strip_prefix("REVIEW_SESSION_");
    word.is_some_and(|word| {
        !word.is_empty() && word.chars().all(|c| c.is_ascii_uppercase() || c == '_')
    })
}

fn is_endpoint(name: &str) -> bool {
    let path = name.strip_prefix("rushes/").filter(|path| !path.ends_with('/'));
    path.is_some_and(|path| path.chars().all(|c| c.is_ascii_lowercase() || "_/".contains(c)))
}

#[test]
fn every_event_and_endpoint_is_described_and_no_other() {
    let sources = sources();
    let events = names(&sources, '"', is_event);
    assert!(events.len() >= 10, "{events:?}");
    assert_eq!(names(PAGE, '`', is_event), events);
    let endpoints = names(&sources, '"', is_endpoint);
    assert!(endpoints.len() >= 5, "{endpoints:?}");
    assert_eq!(names(PAGE, '`', is_endpoint), endpoints);
    // Those of the contract are told under their names, and described when they are told.
    for name in rushes::contract::EVENTS {
        let told = sources.contains(&format!("\"{name}\""));
        assert!(told || !is_event(name), "{name} is never told");
        assert_eq!(PAGE.contains(&format!("`{name}`")), told, "{name}");
    }
}

/// The name of an operation. A new one does not compile until it stands here.
fn name(op: &OpBody) -> &'static str {
    match op {
        OpBody::Load { .. } => "LOAD",
        OpBody::Play { .. } => "PLAY",
        OpBody::Pause { .. } => "PAUSE",
        OpBody::Step { .. } => "STEP",
        OpBody::Seek { .. } => "SEEK",
        OpBody::Rate { .. } => "RATE",
        OpBody::Loop { .. } => "LOOP",
        OpBody::Mode { .. } => "MODE",
        OpBody::Compare { .. } => "COMPARE",
        OpBody::Drive { .. } => "DRIVE",
        OpBody::LiveCeiling { .. } => "LIVE_CEILING",
    }
}

#[test]
fn every_operation_is_described_with_what_stands_beside_it() {
    let (asset_id, frame) = (rushes_sessions::AssetId(1), Frame(1));
    let looping = Loop::Range { first: frame, last: frame };
    let ops = [
        OpBody::Load { asset_id, frame: Some(frame) },
        OpBody::Play { frame: Some(frame) },
        OpBody::Pause { frame },
        OpBody::Step { frame },
        OpBody::Seek { frame },
        OpBody::Rate { rate: 1.0 },
        OpBody::Loop { r#loop: LoopBody::from(looping) },
        OpBody::Mode { sync_mode: SyncMode::Host },
        OpBody::Compare { asset_id: None, layout: None, split: None, offset: None },
        OpBody::Drive { user_id: None },
        OpBody::LiveCeiling { ceiling_ms: 0 },
    ];
    let table = PAGE.split("## Operations").nth(1).unwrap().split("##").next().unwrap();
    for op in &ops {
        let line = table.lines().find(|line| {
            line.split('|').nth(1).is_some_and(|cell| cell.contains(&format!("`{}`", name(op))))
        });
        let line = line.unwrap_or_else(|| panic!("{} is not described", name(op)));
        let body = serde_json::to_value(op).unwrap();
        assert_eq!(body["op"], name(op));
        for part in body.as_object().unwrap().keys().filter(|part| *part != "op") {
            assert!(line.contains(&format!("`{part}")), "{line}: {part}");
        }
    }
    for mode in [SyncMode::Host, SyncMode::Everyone, SyncMode::Unsynced] {
        assert!(table.contains(&format!("`{}`", json!(mode).as_str().unwrap())));
    }
    let reasons = [
        ClosedReason::Removed,
        ClosedReason::Deleted,
        ClosedReason::Replaced,
        ClosedReason::Resync,
    ];
    for reason in reasons {
        assert!(PAGE.contains(&format!("`{}`", json!(reason).as_str().unwrap())));
    }
}

#[test]
fn a_state_is_described_with_its_parts() {
    let mut state = State::new(rushes_sessions::Millis(0.0));
    let rate = FrameRate::new(25, 1).unwrap();
    let clip = rushes_sessions::Asset::clip(rushes_sessions::AssetId(1), rate, Some(1));
    state.asset = Some(clip);
    let body: Value = serde_json::to_value(StateBody::new(&state, 0.0)).unwrap();
    let parts: BTreeSet<&str> = body.as_object().unwrap().keys().map(String::as_str).collect();
    let described = PAGE.split("## State").nth(1).unwrap();
    let described = described.split("`{").nth(1).unwrap().split("}`").next().unwrap();
    assert_eq!(described.split(", ").collect::<BTreeSet<_>>(), parts);
}
