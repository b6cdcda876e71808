//! What was received lately: for viewers who lost some of it.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::ahead::{Ahead, ahead, end_ahead};

use super::Packet;

/// For longer nobody asks: the picture has gone on.
const AGE: Duration = Duration::from_secs(2);
/// A second of 40 Mbit/s.
const PACKETS: usize = 4_096;
/// Missing packets that are known. Of more none is waited for.
const MISSING: usize = 512;
/// After this long a missing packet does not come any more: no publisher is asked for longer.
const MAY_COME: Duration = Duration::from_secs(1);

/// The packets of the last two seconds in the order of their numbers, kept once
/// for all viewers.
#[derive(Debug, Default)]
pub(super) struct Recent {
    entries: VecDeque<(Instant, Packet)>,
    /// The numbers that were passed over, in their order, and when.
    missing: VecDeque<(u64, Instant)>,
}

impl Recent {
    pub(super) fn push(&mut self, now: Instant, packet: &Packet) {
        let old = |at: Instant| now.saturating_duration_since(at) > AGE;
        while self.entries.len() >= PACKETS || self.entries.front().is_some_and(|e| old(e.0)) {
            self.entries.pop_front();
        }
        self.note_missing(now, packet.seq);
        // Nearly always the last place: few packets come out of order.
        let mut place = self.entries.len();
        while place > 0 && self.entries[place - 1].1.seq > packet.seq {
            place -= 1;
        }
        self.entries.insert(place, (now, packet.clone()));
    }

    fn note_missing(&mut self, now: Instant, seq: u64) {
        let Some(top) = self.entries.back().map(|(_, packet)| packet.seq) else {
            return self.missing.clear();
        };
        if seq < top {
            if let Ok(place) = self.missing.binary_search_by_key(&seq, |(number, _)| *number) {
                self.missing.remove(place);
            }
            return;
        }
        let room = (MISSING - self.missing.len()) as u64;
        if seq - top > room {
            return self.missing.clear();
        }
        self.missing.extend((top + 1..seq).map(|number| (number, now)));
        while self.missing.front().is_some_and(|(_, at)| is_lost(now, *at)) {
            self.missing.pop_front();
        }
    }

    /// Whether a packet is missing that may still come.
    pub(super) fn lacks_some(&self, now: Instant) -> bool {
        self.missing.back().is_some_and(|(_, at)| !is_lost(now, *at))
    }

    pub(super) fn get(&self, seq: u64) -> Option<&Packet> {
        let index = self.entries.binary_search_by_key(&seq, |(_, packet)| packet.seq).ok()?;
        Some(&self.entries[index].1)
    }
}

impl Ahead for Recent {
    fn ahead(&self, depth: u8) {
        if depth == 1 {
            // Those that are too old by now go.
            if let Some(first) = self.entries.front() {
                ahead(first);
            }
            end_ahead(&self.entries);
        }
    }
}

/// Whether what was missing at `since` will not come any more.
pub(super) fn is_lost(now: Instant, since: Instant) -> bool {
    now.saturating_duration_since(since) >= MAY_COME
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
    fn what_is_missing_is_known_until_it_comes_or_never_will() {
        let start = Instant::now();
        let mut recent = Recent::default();
        for seq in [10, 12, 15] {
            recent.push(start, &packet(seq, start));
        }
        for (late, lacks) in [(13, true), (11, true), (14, false)] {
            recent.push(start, &packet(late, start));
            assert_eq!(recent.lacks_some(start), lacks, "{late}");
        }
        recent.push(start, &packet(17, start));
        assert!(recent.lacks_some(start) && !recent.lacks_some(start + MAY_COME));
        // A jump is no loss that anybody mends.
        recent.push(start, &packet(u64::MAX - 5, start));
        assert!(!recent.lacks_some(start) && recent.missing.is_empty());
    }

    #[test]
    fn it_is_bounded() {
        let now = Instant::now();
        let mut recent = Recent::default();
        for seq in 0..2 * PACKETS as u64 {
            recent.push(now, &packet(2 * seq, now));
            assert!(recent.missing.len() <= MISSING);
        }
        assert_eq!(recent.entries.len(), PACKETS);
    }
}
