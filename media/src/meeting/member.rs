//! One of those in a meeting.

use std::time::{Duration, Instant};

use crate::ids::AttendeeId;
use crate::rtp::Kind;

use super::ears::Ears;
use super::rules::Rules;
use super::voice::Voice;
use super::{Incoming, LAYERS};

/// Packets and bytes that a member may send in a second; further ones go nowhere.
/// Both layers of a camera and a voice are some 200 packets and 110 KB.
const PACKETS: u32 = 1_000;
const BYTES: usize = 500_000;
/// A layer that was not sent for this long is not there.
const SILENT: Duration = Duration::from_millis(1_500);
/// A key frame is asked for this often at most.
const ASK: Duration = Duration::from_millis(500);

/// Somebody who comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Joining {
    /// Who it is.
    pub who: AttendeeId,
    /// What they are called.
    pub name: String,
    /// Whether they are a host.
    pub is_host: bool,
}

/// One of those in a meeting, as all of them are told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attending {
    /// Who it is.
    pub who: AttendeeId,
    /// What they are called.
    pub name: String,
    /// Whether they are a host.
    pub is_host: bool,
    /// Whether nothing of what they say is heard.
    pub muted: bool,
    /// Whether they may unmute themselves.
    pub may_unmute: bool,
    /// Whether their camera is on.
    pub camera: bool,
}

/// What a member may send.
#[derive(Debug)]
pub(super) struct Budget {
    since: Instant,
    packets: u32,
    bytes: usize,
}

impl Budget {
    fn new(now: Instant) -> Self {
        Self { since: now, packets: 0, bytes: 0 }
    }

    /// Takes a packet of that many bytes, or says that it is too much.
    pub(super) fn takes(&mut self, now: Instant, bytes: usize) -> bool {
        if now.saturating_duration_since(self.since) >= Duration::from_secs(1) {
            *self = Self::new(now);
        }
        self.packets = self.packets.saturating_add(1);
        self.bytes = self.bytes.saturating_add(bytes);
        self.packets <= PACKETS && self.bytes <= BYTES
    }
}

/// A layer of somebody's camera.
#[derive(Debug, Clone, Copy, Default)]
struct Layer {
    last: Option<Instant>,
    /// Somebody waits for a key frame.
    wanted: bool,
    asked: Option<Instant>,
}

/// A member with what they send and receive.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) name: String,
    pub(super) is_host: bool,
    pub(super) muted: bool,
    /// A host let them talk: they may unmute whatever the room's rules.
    pub(super) granted: bool,
    pub(super) camera: bool,
    /// The how manieth they were to come.
    pub(super) joined: u64,
    pub(super) voice: Voice,
    pub(super) budget: Budget,
    pub(super) ears: Ears,
    /// How everyone was told of them last.
    pub(super) told: Option<Attending>,
    layers: [Layer; LAYERS],
    who: AttendeeId,
}

impl Member {
    pub(super) fn new(now: Instant, joining: Joining, joined: u64) -> Self {
        let Joining { who, name, is_host } = joining;
        Self {
            name,
            is_host,
            muted: true,
            granted: false,
            camera: false,
            joined,
            voice: Voice::new(now),
            budget: Budget::new(now),
            ears: Ears::default(),
            told: None,
            layers: [Layer::default(); LAYERS],
            who,
        }
    }

    pub(super) fn may_unmute(&self, rules: Rules) -> bool {
        self.is_host || rules.unmute_self || self.granted
    }

    pub(super) fn attending(&self, rules: Rules) -> Attending {
        Attending {
            who: self.who,
            name: self.name.clone(),
            is_host: self.is_host,
            muted: self.muted,
            may_unmute: self.may_unmute(rules),
            camera: self.camera,
        }
    }

    /// Notes a packet of the camera; false if it is of no layer there is.
    pub(super) fn sends(&mut self, now: Instant, packet: &Incoming) -> bool {
        debug_assert_eq!(packet.kind, Kind::Video);
        let Some(layer) = self.layers.get_mut(usize::from(packet.layer)) else { return false };
        layer.last = Some(now);
        if packet.key {
            layer.wanted = false;
        }
        true
    }

    /// Whether that layer is being sent.
    pub(super) fn is_sending(&self, now: Instant, layer: u8) -> bool {
        let last = self.layers.get(usize::from(layer)).and_then(|layer| layer.last);
        last.is_some_and(|at| now.saturating_duration_since(at) < SILENT)
    }

    /// Somebody waits for a key frame of that layer.
    pub(super) fn want_keyframe(&mut self, layer: u8) {
        if let Some(layer) = self.layers.get_mut(usize::from(layer)) {
            layer.wanted = true;
        }
    }

    /// The layers that a key frame is to be asked of now.
    pub(super) fn poll_keyframes(&mut self, now: Instant) -> impl Iterator<Item = u8> + '_ {
        let camera = self.camera;
        let due = move |layer: &mut Layer| {
            let long_ago = |at: Instant| now.saturating_duration_since(at) >= ASK;
            let due = camera && layer.wanted && layer.asked.is_none_or(long_ago);
            if due {
                layer.asked = Some(now);
            }
            due
        };
        self.layers
            .iter_mut()
            .enumerate()
            .filter_map(move |(at, layer)| due(layer).then_some(at as u8))
    }
}
