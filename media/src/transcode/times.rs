//! When the frames under way were captured.

use std::collections::VecDeque;
use std::time::Instant;

use crate::stream::Packet;

/// Frames whose times are kept: more than a decoder has, and than wait for one.
const UNDER_WAY: usize = 1_024;

/// When the last frames were captured, as their publisher's packets say: sound goes by that.
#[derive(Debug, Default)]
pub(super) struct Times(VecDeque<(u32, Instant)>);

impl Times {
    /// Takes note of when the frame of a packet was captured.
    pub(super) fn note(&mut self, packet: &Packet) {
        let known = |(timestamp, _): &(u32, Instant)| *timestamp == packet.timestamp;
        // The same frame's packets come one after another as a rule.
        if self.0.iter().rev().any(known) {
            return;
        }
        if self.0.len() == UNDER_WAY {
            self.0.pop_front();
        }
        self.0.push_back((packet.timestamp, packet.captured));
    }

    /// When the frame with this timestamp was captured.
    pub(super) fn captured(&self, timestamp: u32) -> Option<Instant> {
        self.0.iter().find(|(known, _)| *known == timestamp).map(|(_, captured)| *captured)
    }
}
