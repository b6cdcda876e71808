//! What was received lately: for viewers who lost some of it.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::Packet;

/// For longer nobody asks: the picture has gone on.
const AGE: Duration = Duration::from_secs(2);
/// A second of 40 Mbit/s.
const PACKETS: usize = 4_096;

/// The packets of the last two seconds in the order of their numbers, kept once
/// for all viewers.
#[derive(Debug, Default)]
pub(super) struct Recent {
    entries: VecDeque<(Instant, Packet)>,
}

impl Recent {
    pub(super) fn push(&mut self, now: Instant, packet: &Packet) {
        let old = |at: Instant| now.saturating_duration_since(at) > AGE;
        while self.entries.len() >= PACKETS || self.entries.front().is_some_and(|e| old(e.0)) {
            self.entries.pop_front();
        }
        // Nearly always the last place: few packets come out of order.
        let mut place = self.entries.len();
        while place > 0 && self.entries[place - 1].1.seq > packet.seq {
            place -= 1;
        }
        self.entries.insert(place, (now, packet.clone()));
    }

    pub(super) fn get(&self, seq: u64) -> Option<&Packet> {
        let index = self.entries.binary_search_by_key(&seq, |(_, packet)| packet.seq).ok()?;
        Some(&self.entries[index].1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rtp::{Codec, Inspection};

    fn packet(seq: u64, now: Instant) -> Packet {
        Packet {
            codec: Codec::H264,
            layer: 0,
            seq,
            timestamp: 0,
            marker: false,
            payload: [seq as u8].as_slice().into(),
            captured: now,
            inspection: Inspection::default(),
        }
    }

    #[test]
    fn packets_are_found_by_number_whatever_their_order_until_they_are_old() {
        let start = Instant::now();
        let mut recent = Recent::default();
        for seq in [10, 12, 11, 15, 13] {
            recent.push(start, &packet(seq, start));
        }
        for seq in [10, 11, 12, 13, 15] {
            assert_eq!(recent.get(seq).map(|p| p.payload[0]), Some(seq as u8));
        }
        assert!(recent.get(14).is_none());
        recent.push(start + AGE + Duration::from_millis(1), &packet(16, start));
        assert!(recent.get(15).is_none() && recent.get(16).is_some());
    }

    #[test]
    fn it_is_bounded() {
        let now = Instant::now();
        let mut recent = Recent::default();
        for seq in 0..2 * PACKETS as u64 {
            recent.push(now, &packet(seq, now));
        }
        assert_eq!(recent.entries.len(), PACKETS);
    }
}
