//! The log of a room as JSON.

use rushes_sessions::{AssetId, Frame, LogEntry, LogEvent, Op, Phase, State, SyncMode, UserId};
use serde::{Deserialize, Serialize};

use crate::room::{CompareBody, LoopBody, OpBody};

/// One line of the log.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct LogLine {
    /// When it happened: milliseconds since the Unix epoch on the server's clock.
    pub at_ms: f64,
    /// Whose doing it was; null for the room itself.
    pub by: Option<UserId>,
    /// What happened.
    #[serde(flatten)]
    pub what: LogBody,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(tag = "kind", rename_all = "SCREAMING_SNAKE_CASE")]
#[allow(missing_docs)] // The kinds and their parts are those of `rushes_sessions::LogEvent`.
pub enum LogBody {
    Command {
        cmd_id: String,
        #[serde(flatten)]
        op: OpBody,
        state: Box<LogState>,
    },
    StateSet {
        state: Box<LogState>,
    },
    Said {
        message: u64,
    },
    Drew {
        stroke_id: String,
        asset_id: AssetId,
        frame: Option<Frame>,
    },
    Erased {
        stroke_ids: Vec<String>,
    },
    Kept {
        comment_id: String,
        stroke_ids: Vec<String>,
    },
    Hosts {
        user_ids: Vec<UserId>,
    },
    Phase {
        phase: Phase,
    },
    Joined {
        name: String,
        guest: bool,
    },
    Left,
    Restored,
}

/// A state in the log: all of it but the client's own text, of which there is the length.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[allow(missing_docs)] // The fields are those of `rushes_sessions::State`.
pub struct LogState {
    pub epoch: u64,
    pub rev: u64,
    pub effective_ms: f64,
    pub sync_mode: SyncMode,
    pub driver: Option<UserId>,
    pub asset_id: Option<AssetId>,
    pub frame: Frame,
    pub frames: Option<i64>,
    pub fps_num: Option<u32>,
    pub fps_den: Option<u32>,
    pub playing: bool,
    pub rate: f64,
    pub r#loop: LoopBody,
    pub live_pts: Option<i64>,
    pub compare: Option<CompareBody>,
    pub live_ceiling_ms: u32,
    /// The length of `asset_state` in bytes.
    pub asset_state_bytes: usize,
}

impl From<&State> for LogState {
    fn from(state: &State) -> LogState {
        let fps = state.asset.and_then(|asset| asset.fps);
        LogState {
            epoch: state.epoch,
            rev: state.rev,
            effective_ms: state.effective_ms.0,
            sync_mode: state.sync_mode,
            driver: state.driver,
            asset_id: state.asset.map(|asset| asset.id),
            frame: state.frame,
            frames: state.asset.and_then(|asset| asset.frames),
            fps_num: fps.map(|fps| fps.num()),
            fps_den: fps.map(|fps| fps.den()),
            playing: state.playing,
            rate: state.rate.get(),
            r#loop: state.looping.into(),
            live_pts: state.live_pts,
            compare: state.compare.map(CompareBody::from),
            live_ceiling_ms: state.live_ceiling_ms,
            asset_state_bytes: state.asset_state.as_ref().map_or(0, String::len),
        }
    }
}

impl From<Op> for OpBody {
    fn from(op: Op) -> OpBody {
        match op {
            Op::Load { asset, frame } => OpBody::Load { asset_id: asset.id, frame },
            Op::Play { frame } => OpBody::Play { frame },
            Op::Pause { frame } => OpBody::Pause { frame },
            Op::Step { frame } => OpBody::Step { frame },
            Op::Seek { frame } => OpBody::Seek { frame },
            Op::Rate { rate } => OpBody::Rate { rate: rate.get() },
            Op::Loop { looping } => OpBody::Loop { r#loop: looping.into() },
            Op::Mode { sync_mode } => OpBody::Mode { sync_mode },
            Op::Compare { compare } => OpBody::Compare {
                asset_id: compare.map(|compare| compare.asset.id),
                layout: compare.map(|compare| compare.layout),
                split: compare.map(|compare| compare.split),
                offset: compare.map(|compare| compare.offset),
            },
            Op::Drive { to } => OpBody::Drive { user_id: to },
            Op::LiveCeiling { ms } => OpBody::LiveCeiling { ceiling_ms: ms },
        }
    }
}

impl From<&LogEntry> for LogLine {
    fn from(entry: &LogEntry) -> LogLine {
        let state = |state: &State| Box::new(LogState::from(state));
        let what = match &entry.what {
            LogEvent::Command { cmd_id, op, state: after } => {
                LogBody::Command { cmd_id: cmd_id.clone(), op: (*op).into(), state: state(after) }
            }
            LogEvent::StateSet(after) => LogBody::StateSet { state: state(after) },
            LogEvent::Said(message) => LogBody::Said { message: *message },
            LogEvent::Drew { stroke, on } => {
                LogBody::Drew { stroke_id: stroke.clone(), asset_id: on.asset, frame: on.frame }
            }
            LogEvent::Erased(ids) => LogBody::Erased { stroke_ids: ids.clone() },
            LogEvent::Kept { comment, strokes } => {
                LogBody::Kept { comment_id: comment.clone(), stroke_ids: strokes.clone() }
            }
            LogEvent::Hosts(hosts) => LogBody::Hosts { user_ids: hosts.clone() },
            LogEvent::Phase(phase) => LogBody::Phase { phase: *phase },
            LogEvent::Joined { name, guest } => {
                LogBody::Joined { name: name.clone(), guest: *guest }
            }
            LogEvent::Left => LogBody::Left,
            LogEvent::Restored => LogBody::Restored,
        };
        LogLine { at_ms: entry.at.0, by: entry.by, what }
    }
}

/// When somebody was in a room.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Attendance {
    /// Who.
    pub user_id: UserId,
    /// Their name, as it was last.
    pub name: String,
    /// Whether they are a guest.
    pub is_guest: bool,
    /// The time between, altogether; up to now where they are there.
    pub total_ms: f64,
    /// From when to when, in order; the last without an end where they are there.
    pub times: Vec<Stay>,
}

/// One time that somebody was there, in milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
pub struct Stay {
    /// Since when.
    pub from_ms: f64,
    /// Until when.
    pub to_ms: Option<f64>,
}

/// Who attended when, as the lines of a log tell it, one after the other.
#[derive(Clone, Debug, Default)]
pub struct Attendances {
    people: Vec<Attendance>,
    /// When the last thing happened.
    last_ms: Option<f64>,
}

impl Attendances {
    /// Takes the next line. Of those who were there when the room left memory without notice, the
    /// last thing that happened is when they were last seen.
    pub fn take(&mut self, line: LogLine) {
        let (people, last_ms) = (&mut self.people, self.last_ms.replace(line.at_ms));
        match (line.what, line.by) {
            (LogBody::Joined { name, guest }, Some(user_id)) => {
                come(people, user_id, name, guest, line.at_ms);
            }
            (LogBody::Left, Some(user_id)) => {
                let theirs = people.iter_mut().filter(|one| one.user_id == user_id);
                theirs.for_each(|one| go(one, line.at_ms));
            }
            (LogBody::Restored, _) => {
                let last_ms = last_ms.unwrap_or(line.at_ms);
                people.iter_mut().for_each(|one| go(one, last_ms));
            }
            _ => {}
        }
    }

    /// All who attended up to `now_ms`, in the order in which they first came.
    pub fn until(mut self, now_ms: f64) -> Vec<Attendance> {
        for one in &mut self.people {
            one.total_ms =
                one.times.iter().map(|stay| stay.to_ms.unwrap_or(now_ms) - stay.from_ms).sum();
        }
        self.people
    }
}

fn come(people: &mut Vec<Attendance>, user_id: UserId, name: String, is_guest: bool, at_ms: f64) {
    let stay = Stay { from_ms: at_ms, to_ms: None };
    match people.iter_mut().find(|one| one.user_id == user_id) {
        Some(one) => {
            one.name = name;
            go(one, at_ms);
            one.times.push(stay);
        }
        None => {
            people.push(Attendance { user_id, name, is_guest, total_ms: 0.0, times: vec![stay] });
        }
    }
}

fn go(one: &mut Attendance, at_ms: f64) {
    if let Some(stay) = one.times.last_mut()
        && stay.to_ms.is_none()
    {
        stay.to_ms = Some(at_ms.max(stay.from_ms));
    }
}

#[cfg(test)]
mod tests {
    use rushes_sessions::Millis;
    use serde_json::json;

    use super::*;

    fn line(at_ms: f64, user: u128, what: LogEvent) -> LogLine {
        let by = (user > 0).then_some(UserId(user));
        LogLine::from(&LogEntry { at: Millis(at_ms), by, what })
    }

    fn joined(name: &str) -> LogEvent {
        LogEvent::Joined { name: name.to_owned(), guest: false }
    }

    #[test]
    fn a_line_is_flat_and_reads_back() {
        let state = Box::new(State::new(Millis(5.0)));
        let op = Op::Seek { frame: Frame(7) };
        let command = LogEvent::Command { cmd_id: "c".into(), op, state };
        let written = serde_json::to_value(line(6.5, 1, command.clone())).unwrap();
        let parts = [("kind", json!("COMMAND")), ("op", json!("SEEK")), ("at_ms", json!(6.5))];
        for (part, value) in parts.into_iter().chain([("frame", json!(7))]) {
            assert_eq!(written[part], value, "{part}");
        }
        assert_eq!(written["state"]["rev"], 0);
        for what in [command, LogEvent::Left, joined("A"), LogEvent::Hosts(vec![UserId(1)])] {
            let line = line(1.0, 1, what);
            let text = serde_json::to_string(&line).unwrap();
            assert_eq!(serde_json::from_str::<LogLine>(&text).unwrap(), line, "{text}");
        }
    }

    #[test]
    fn who_attended_when() {
        let lines = [
            line(0.0, 0, LogEvent::Restored),
            line(10.0, 1, joined("A")),
            line(20.0, 2, joined("B")),
            line(30.0, 1, LogEvent::Left),
            line(40.0, 1, joined("A.")),
            line(50.0, 2, LogEvent::Hosts(Vec::new())),
            line(900.0, 0, LogEvent::Restored),
            line(1000.0, 2, joined("B")),
        ];
        let mut people = Attendances::default();
        lines.into_iter().for_each(|line| people.take(line));
        let people = people.until(1100.0);
        let stays = |i: usize| -> Vec<_> {
            people[i].times.iter().map(|stay| (stay.from_ms, stay.to_ms)).collect()
        };
        assert_eq!(stays(0), [(10.0, Some(30.0)), (40.0, Some(50.0))]);
        assert_eq!(stays(1), [(20.0, Some(50.0)), (1000.0, None)]);
        assert_eq!((people[0].name.as_str(), people[0].total_ms), ("A.", 30.0));
        assert_eq!(people[1].total_ms, 130.0);
    }
}
