//! The pages that describe the protocol against the code.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use rushes_sessions::{Frame, FrameRate, Loop, State, SyncMode};
use rushes_signaling::room::{ClosedReason, LoopBody, OpBody, StateBody};
use serde_json::{Value, json};

const PAGE: &str = include_str!("../../docs/realtime.md");

/// The Rust sources of the server and of its signalling, but for their tests.
fn sources() -> Vec<String> {
    fn read(folder: &Path, sources: &mut Vec<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            // The tables of the contract name all of its events, built or not.
            if path.is_dir() && !path.ends_with("src/contract") {
                read(&path, sources);
            } else if path.extension().is_some_and(|ending| ending == "rs")
                && !path.ends_with("tests.rs")
            {
                let source = fs::read_to_string(&path).unwrap();
                let source = source.split("\n#[cfg(test)]\nmod tests").next().unwrap();
                sources.push(source.to_owned());
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sources = Vec::new();
    for folder in ["src", "signaling/src"] {
        read(&root.join(folder), &mut sources);
    }
    sources
}

fn is_constant(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_uppercase() || c == '_')
}

/// The texts that constants stand for.
fn constants(source: &str) -> BTreeMap<&str, &str> {
    source
        .split("const ")
        .filter_map(|rest| rest.split_once(": &str = \""))
        .filter(|(name, _)| is_constant(name))
        .filter_map(|(name, rest)| Some((name, rest.split_once('"')?.0)))
        .collect()
}

/// The events that are told: what stands where an event is made and where one is handed to whoever
/// makes it. A name that is a constant is what the constant says; one that is a parameter stands
/// elsewhere.
fn told(sources: &[String]) -> BTreeSet<String> {
    let everywhere: BTreeMap<_, _> = sources.iter().flat_map(|source| constants(source)).collect();
    let mut events = BTreeSet::new();
    for source in sources {
        let here = constants(source);
        let made = source.split("Event {").skip(1).filter_map(|rest| {
            let inside = rest.split('}').next()?;
            let name = inside.split_once("event_type: ").or_else(|| inside.split_once("name: "));
            Some(name?.1)
        });
        let handed = ["tell(ctx, ", "told(ctx.db(), ", "told(db, ", ".event("].into_iter();
        let handed = handed.flat_map(|mark| source.split(mark).skip(1));
        for rest in made.chain(handed) {
            let name = rest.split([',', ' ', '\n', ')']).next().unwrap();
            let constant = name.rsplit("::").next().unwrap();
            if let Some(text) = name.strip_prefix('"') {
                events.insert(text.trim_end_matches('"').to_owned());
            } else if is_constant(constant) {
                let text = here.get(constant).or_else(|| everywhere.get(constant));
                events.insert((*text.unwrap_or_else(|| panic!("what is {name}?"))).to_owned());
            }
        }
    }
    events
}

#[test]
fn an_event_is_found_whatever_its_name_is_written_as() {
    let sources = [
        "const A: &str = \"ONE_THING\"; bus.publish(&Event { name: A, data, to });",
        "tell(ctx, \"TWO_THINGS\", room); Event { name, data, to }; mailbox.event(names::B, data)",
        "pub const B: &str = \"THREE\"; pub struct Event { pub name: &'static str }",
        "to_string(&Event {\n event_type: B,\n data })",
    ];
    let found = told(&sources.map(str::to_owned));
    assert_eq!(found, ["ONE_THING", "THREE", "TWO_THINGS"].map(str::to_owned).into());
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
    let files = sources();
    let told = told(&files);
    let undescribed = |name: &&String| !PAGE.contains(&format!("`{name}`"));
    assert_eq!(told.iter().filter(undescribed).collect::<Vec<_>>(), [""; 0]);
    let sources = files.concat();
    let events = names(&sources, '"', is_event);
    assert!(events.len() >= 10, "{events:?}");
    assert_eq!(names(PAGE, '`', is_event), events);
    assert!(
        told.contains("LIVE_RECORDING_CHANGED"),
        "a constant, and no event of a room: {told:?}"
    );
    let endpoints = names(&sources, '"', is_endpoint);
    assert!(endpoints.len() >= 5, "{endpoints:?}");
    assert_eq!(names(PAGE, '`', is_endpoint), endpoints);
    // Those of the contract are told under their names, and described when they are told.
    for name in rushes::contract::EVENTS {
        let told = told.contains(*name);
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
