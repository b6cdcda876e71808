//! The sources (SSRCs) of a session and the layers that they are of.

use std::time::Instant;

use super::clock::Reports;
use super::missing::{Answer, Missing, RoundTrip};
use super::statistics::Statistics;
use super::window::Window;

/// What a source is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// The packets of a layer.
    Main,
    /// Those of its packets that are sent again (RFC 4588).
    Repair,
    /// Another source took its place.
    Replaced,
}

/// One SSRC. It is known as long as the session lasts: what was recorded of it must never count
/// again.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) ssrc: u32,
    pub(super) track: usize,
    pub(super) layer: usize,
    pub(super) role: Role,
    pub(super) window: Window,
    pub(super) heard: Instant,
}

/// One encoding of a track.
#[derive(Debug)]
pub(super) struct Layer {
    /// Its name in the offer.
    pub(super) name: Option<String>,
    /// Its source, by the place in the table, once a packet has come.
    pub(super) main: Option<usize>,
    pub(super) statistics: Statistics,
    pub(super) missing: Missing,
    /// The newest timestamp, and the lowest number that may belong to it.
    newest: Option<(u32, u64)>,
    pub(super) reports: Reports,
    /// A key frame is wanted.
    pub(super) wish: bool,
    /// Commands to send one.
    pub(super) commands: u8,
}

impl Layer {
    pub(super) fn new(name: Option<String>, clock: u32) -> Self {
        Self {
            name,
            main: None,
            statistics: Statistics::new(clock),
            missing: Missing::default(),
            newest: None,
            reports: Reports::new(clock),
            wish: false,
            commands: 0,
        }
    }

    /// Goes on with another source.
    pub(super) fn begin(&mut self, main: usize, clock: u32) {
        let (name, commands) = (self.name.take(), self.commands);
        *self = Self { main: Some(main), commands, ..Self::new(name, clock) };
    }

    /// A packet that is new, as its source is sent or sent again. `before` is the highest number
    /// so far, and `asks` whether missing packets may be asked for. Gives back what it says of the
    /// round trip.
    pub(super) fn packet(
        &mut self,
        now: Instant,
        (number, timestamp): (u64, u32),
        before: Option<u64>,
        asks: bool,
        trip: RoundTrip,
    ) -> Option<Answer> {
        let Some(before) = before else {
            self.newest = Some((timestamp, number));
            return None;
        };
        if number < before {
            return self.missing.came(now, number, trip);
        }
        if self.newest.is_none_or(|(newest, _)| newest != timestamp) {
            self.newest = Some((timestamp, before + 1));
        }
        if asks && number > before + 1 {
            self.missing.gap(now, before + 1, number, trip);
        } else {
            self.missing.advance(number, trip);
        }
        None
    }

    /// The frame of this timestamp needs nothing that came before it.
    pub(super) fn key_frame(&mut self, timestamp: u32, trip: RoundTrip) {
        if let Some((_, first)) = self.newest.filter(|(newest, _)| *newest == timestamp) {
            self.missing.forget_below(first, trip);
        }
    }
}
