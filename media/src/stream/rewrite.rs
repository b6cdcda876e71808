//! Sequence numbers and timestamps of one track towards one viewer.

use std::time::{Duration, Instant};

/// Room below a viewer's first packet, for packets of the same frame that come late.
const HEADROOM: u64 = 64;

#[derive(Debug, Clone, Copy)]
struct Map {
    in_seq: u64,
    out_seq: u64,
    in_ts: u32,
    out_ts: u32,
}

/// Maps the publisher's numbering onto one that the viewer sees grow without a
/// break, whoever publishes.
#[derive(Debug)]
pub(crate) struct Rewriter {
    clock: u32,
    map: Option<Map>,
    /// The lowest sequence number that may still be sent.
    floor: u64,
    highest: Option<u64>,
    /// The latest timestamp sent, and when.
    last: Option<(u32, Instant)>,
}

impl Rewriter {
    pub(crate) fn new(clock: u32) -> Self {
        Self { clock, map: None, floor: 0, highest: None, last: None }
    }

    /// From now on the publisher's `in_seq` is the viewer's next number, and
    /// `in_ts` is the present. `lead` ticks of timestamps below the present's
    /// stay free (still above everything sent).
    pub(crate) fn rebase(&mut self, now: Instant, in_seq: u64, in_ts: u32, lead: u32) {
        let out_seq = match self.highest {
            // Below 65536 with room to spare: a receiver starts at rollover count 0
            // (RFC 3711, 3.3.1). A random start hides nothing here, it only avoids
            // the same numbers in every session.
            None => 1_000 + u64::from(rand::random::<u16>() % 20_000),
            Some(highest) => highest + 1,
        };
        self.floor = match self.highest {
            None => out_seq - HEADROOM,
            Some(highest) => highest + 1,
        };
        let out_ts = match self.last {
            None => rand::random::<u32>(),
            Some((last, at)) => {
                let elapsed = now.saturating_duration_since(at).min(Duration::from_secs(3600));
                let ticks = (elapsed.as_secs_f64() * f64::from(self.clock)) as u32;
                last.wrapping_add(ticks.max(self.clock / 30).saturating_add(lead))
            }
        };
        self.map = Some(Map { in_seq, out_seq, in_ts, out_ts });
    }

    /// The viewer's sequence number; none if that packet comes too late for it.
    pub(crate) fn seq(&mut self, in_seq: u64) -> Option<u64> {
        let map = self.map?;
        let out = if in_seq >= map.in_seq {
            map.out_seq.checked_add(in_seq - map.in_seq)?
        } else {
            map.out_seq.checked_sub(map.in_seq - in_seq)?
        };
        if out < self.floor {
            return None;
        }
        self.highest = Some(self.highest.map_or(out, |highest| highest.max(out)));
        Some(out)
    }

    /// What the publisher numbered below this is sent no more: its numbers were given to others.
    pub(super) fn close_below(&mut self, in_seq: u64) {
        if let Some(map) = self.map {
            let taken = in_seq.saturating_sub(map.in_seq);
            self.floor = self.floor.max(map.out_seq.saturating_add(taken));
        }
    }

    /// The viewer's timestamp for the publisher's.
    pub(crate) fn timestamp(&self, in_ts: u32) -> u32 {
        self.map.map_or(in_ts, |map| map.out_ts.wrapping_add(in_ts.wrapping_sub(map.in_ts)))
    }

    /// The viewer's timestamp that lies `ticks` before the present of the last rebase.
    pub(crate) fn before_present(&self, ticks: u32) -> u32 {
        self.map.map_or(0, |map| map.out_ts.wrapping_sub(ticks))
    }

    /// Remembers what was sent last.
    pub(crate) fn sent(&mut self, now: Instant, timestamp: u32) {
        let newer = self.last.is_none_or(|(last, _)| timestamp.wrapping_sub(last) < 1 << 31);
        if newer {
            self.last = Some((timestamp, now));
        }
    }
}
