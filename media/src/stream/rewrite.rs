//! Sequence numbers and timestamps of one track towards one viewer.

use std::time::{Duration, Instant};

/// Room below a viewer's first packet, for packets of the same frame that come late.
const HEADROOM: u64 = 64;

/// So far a viewer's numbers may jump. A receiver takes 16 bits for the number that is nearest to
/// the last one it got (RFC 3711, 3.3.1), so that from 32,768 on, less what it lost itself, it
/// would decrypt nothing any more.
const MOST_JUMP: u64 = 1 << 14;

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

    /// From now on the publisher's `in_seq` is the viewer's next number, and `in_ts` is the
    /// present, wherever the publisher counts from.
    pub(crate) fn rebase(&mut self, now: Instant, in_seq: u64, in_ts: u32) {
        let out_ts = match self.last {
            None => rand::random(),
            Some((last, at)) => last.wrapping_add(self.elapsed(now, at)),
        };
        self.map(in_seq, in_ts, out_ts);
    }

    /// The same for timestamps that are everyone's (see [`super::Placing`]): they stay as they
    /// are. Room is made for `frames` that are played before the present, each but `most` ticks
    /// after the one before it; says how many there are.
    pub(super) fn rebase_placed(
        &mut self,
        now: Instant,
        in_seq: u64,
        in_ts: u32,
        frames: u32,
        most: u32,
    ) -> u32 {
        let (out_ts, apart) = match self.last {
            None => (in_ts, most),
            Some((last, at)) => {
                let (room, elapsed) = (in_ts.wrapping_sub(last), self.elapsed(now, at));
                // What lies elsewhere is not of that clock: the viewer's own time goes on.
                if room > frames + 1 && room < elapsed.saturating_add(self.clock) {
                    (in_ts, most.min(room / (frames + 2)).max(1))
                } else {
                    let lead = elapsed.saturating_add((frames + 1).saturating_mul(most));
                    (last.wrapping_add(lead), most)
                }
            }
        };
        self.map(in_seq, in_ts, out_ts);
        apart
    }

    /// Whether nothing newer than this everyone's timestamp was sent, or too little older for
    /// `frames` to be played before it.
    pub(super) fn is_cramped(&self, in_ts: u32, frames: u32) -> bool {
        self.last.is_some_and(|(last, _)| in_ts.wrapping_sub(last) <= frames + 1)
    }

    /// The ticks since something was sent; at least a frame's.
    fn elapsed(&self, now: Instant, since: Instant) -> u32 {
        let elapsed = now.saturating_duration_since(since).min(Duration::from_secs(3600));
        let ticks = (elapsed.as_secs_f64() * f64::from(self.clock)) as u32;
        ticks.max(self.clock / 30)
    }

    fn map(&mut self, in_seq: u64, in_ts: u32, out_ts: u32) {
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
        self.map = Some(Map { in_seq, out_seq, in_ts, out_ts });
    }

    /// The viewer's sequence number; none if that packet comes too late for it. Where the
    /// publisher's numbers jump by too much for a receiver, the viewer's do not.
    pub(crate) fn seq(&mut self, in_seq: u64) -> Option<u64> {
        let map = self.map.as_mut()?;
        let mut out = if in_seq >= map.in_seq {
            map.out_seq.checked_add(in_seq - map.in_seq)?
        } else {
            map.out_seq.checked_sub(map.in_seq - in_seq)?
        };
        if out < self.floor {
            return None;
        }
        if let Some(highest) = self.highest.filter(|highest| out > highest + MOST_JUMP) {
            // One number is left out, so that the viewer sees that something is missing.
            out = highest + 2;
            (map.in_seq, map.out_seq, self.floor) = (in_seq, out, out);
        }
        self.highest = Some(self.highest.map_or(out, |highest| highest.max(out)));
        Some(out)
    }

    /// Makes room for so many packets that are not the publisher's next, before the one of the last
    /// rebase; gives the first of their numbers. What the publisher numbered before that one is
    /// sent no more, however late it comes.
    pub(super) fn make_room(&mut self, packets: u64) -> u64 {
        let Some(map) = &mut self.map else { return 0 };
        let first = map.out_seq;
        if packets > 0 {
            map.out_seq += packets;
            self.floor = map.out_seq;
            self.highest = Some(map.out_seq - 1);
        }
        first
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jump_that_no_receiver_follows_is_made_a_small_one() {
        let now = Instant::now();
        let mut rewriter = Rewriter::new(90_000);
        rewriter.rebase(now, 500, 0);
        let first = rewriter.seq(500).unwrap();
        let mut last = first;
        // A receiver's guess: the number nearest to the last one.
        let mut follows = |out: u64| {
            let guess =
                last.checked_add_signed((out as u16).wrapping_sub(last as u16) as i16 as i64);
            last = out;
            guess == Some(out)
        };
        assert!(follows(rewriter.seq(500 + 16_000).unwrap()), "so much may be lost");
        assert_eq!(rewriter.seq(16_400), Some(first + 15_900), "and come late");
        for jump in [20_000, 32_768, 40_000, 65_536, 1 << 40] {
            let in_seq = 16_500 + jump * 100;
            let out = rewriter.seq(in_seq).unwrap();
            assert!(follows(out), "{jump}");
            assert_eq!(rewriter.seq(in_seq + 2), Some(out + 2));
            assert_eq!(rewriter.seq(in_seq + 1), Some(out + 1));
            assert_eq!(rewriter.seq(in_seq - 1), None, "its number may be another's");
            assert!(follows(out + 2));
        }
        // Timestamps are as they were.
        assert_eq!(rewriter.timestamp(3_000).wrapping_sub(rewriter.timestamp(0)), 3_000);
    }
}
