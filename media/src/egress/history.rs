//! What a viewer was sent lately, so that it can be sent again.

use crate::ahead::{Ahead, ahead};
use crate::stream::{Origin, Outgoing};

/// Packets that are remembered: two seconds of 5 Mbit/s. A power of two.
const REMEMBERED: usize = 1_024;
/// So often one packet is sent again: enough when one datagram in three is lost. Some clients
/// (the `webrtc` crate) never notice what came as RTX, ask for it ten times a second, and
/// would use up what they may have sent again with what they already have.
const MOST_TIMES: u8 = 6;
/// Packets of a frame, mostly.
const NEXT: u64 = 12;
/// Packets in a line of the caches.
const PER_LINE: usize = 4;

/// A packet as one viewer knows it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sent {
    pub(super) seq: u64,
    pub(super) timestamp: u32,
    pub(super) marker: bool,
    /// How often it may be sent again.
    pub(super) left: u8,
    pub(super) origin: Origin,
}

impl Sent {
    pub(super) fn of(out: &Outgoing<'_>) -> Self {
        Self {
            seq: out.seq,
            timestamp: out.timestamp,
            marker: out.marker,
            left: if out.origin.is_some() { MOST_TIMES } else { 0 },
            origin: out.origin.unwrap_or_default(),
        }
    }
}

/// The same in little room: there are a thousand for each viewer, and whatever is sent needs its own.
#[derive(Debug, Clone, Copy, Default)]
struct Kept {
    /// The lower bits of its number.
    seq: u32,
    timestamp: u32,
    /// Its number at the publisher's, which like all such numbers has 48 bits (RFC 3711, 3.3.1).
    origin: [u8; 6],
    layer: u8,
    /// How often it may be sent again, and [`MARKER`] and [`IS_THERE`].
    how: u8,
}

const MARKER: u8 = 0x40;
const IS_THERE: u8 = 0x80;

/// The last packets, by their number.
#[derive(Debug, Default)]
pub(super) struct History {
    kept: Vec<Kept>,
    highest: Option<u64>,
    /// Of the last packet: none of another one is sent again.
    epoch: u32,
}

impl History {
    /// Remembers a packet. False if that number was used before, or may have been.
    pub(super) fn note(&mut self, sent: Sent) -> bool {
        if self.kept.is_empty() {
            self.kept = vec![Kept::default(); REMEMBERED];
        }
        let late = self.highest.filter(|highest| sent.seq <= *highest);
        if late.is_some_and(|highest| !self.is_unused(highest, sent.seq)) {
            return false;
        }
        self.highest = self.highest.max(Some(sent.seq));
        if sent.left > 0 && sent.origin.epoch() != self.epoch {
            self.seal();
            self.epoch = sent.origin.epoch();
        }
        self.kept[place(sent.seq)] = Kept::of(&sent);
        true
    }

    /// Whether a number up to the highest was surely passed over.
    fn is_unused(&self, highest: u64, seq: u64) -> bool {
        let kept = &self.kept[place(seq)];
        // What is there has a number up to the highest: how far back it is 32 bits tell.
        let behind = (highest as u32).wrapping_sub(kept.seq);
        let is_free = kept.how & IS_THERE == 0 || u64::from(behind) > highest - seq;
        is_free && highest - seq < REMEMBERED as u64
    }

    /// Nothing of what was sent so far is sent again.
    pub(super) fn seal(&mut self) {
        for kept in &mut self.kept {
            kept.how &= MARKER | IS_THERE;
        }
    }

    /// The packet that goes by these 16 bits, if it may be sent again.
    pub(super) fn find(&self, seq: u16) -> Option<Sent> {
        let kept = self.kept.get(place(seq.into()))?;
        let highest = self.highest.filter(|_| kept.seq as u16 == seq && kept.left() > 0)?;
        let behind = (highest as u32).wrapping_sub(kept.seq);
        Some(kept.sent(highest.checked_sub(behind.into())?, self.epoch))
    }

    /// That packet was sent again.
    pub(super) fn sent_again(&mut self, seq: u16) {
        if let Some(kept) = self.kept.get_mut(place(seq.into())).filter(|kept| kept.left() > 0) {
            kept.how -= 1;
        }
    }
}

/// Where a number is kept.
fn place(seq: u64) -> usize {
    seq as usize % REMEMBERED
}

impl Kept {
    fn of(sent: &Sent) -> Self {
        let [0, 0, origin @ ..] = sent.origin.seq().to_be_bytes() else {
            // There is no such number: it is not found again.
            return Self { seq: sent.seq as u32, how: IS_THERE, ..Self::default() };
        };
        Self {
            seq: sent.seq as u32,
            timestamp: sent.timestamp,
            origin,
            layer: sent.origin.layer(),
            how: sent.left | if sent.marker { MARKER } else { 0 } | IS_THERE,
        }
    }

    fn left(&self) -> u8 {
        self.how & !(MARKER | IS_THERE)
    }

    fn sent(&self, seq: u64, epoch: u32) -> Sent {
        let mut origin = [0; 8];
        origin[2..].copy_from_slice(&self.origin);
        Sent {
            seq,
            timestamp: self.timestamp,
            marker: self.how & MARKER != 0,
            left: self.left(),
            origin: Origin::new(epoch, self.layer, u64::from_be_bytes(origin)),
        }
    }
}

impl Ahead for History {
    /// Where the next packets go.
    fn ahead(&self, depth: u8) {
        if depth == 1
            && let Some(highest) = self.highest
        {
            for next in (1..=NEXT).step_by(PER_LINE) {
                if let Some(kept) = self.kept.get(place(highest + next)) {
                    ahead(kept);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(seq: u64, epoch: u32) -> Sent {
        let (timestamp, marker) = ((seq as u32).wrapping_mul(3), seq.is_multiple_of(3));
        Sent { seq, timestamp, marker, left: MOST_TIMES, origin: Origin::new(epoch, 2, seq << 7) }
    }

    #[test]
    fn what_was_sent_is_found_whole_until_it_is_old() {
        let mut history = History::default();
        let start = (1 << 33) - 700;
        for seq in start..start + 3_000 {
            assert!(history.note(sent(seq, 1)));
        }
        for seq in start..start + 3_000 {
            let found = history.find(seq as u16).map(|s| (s.seq, s.timestamp, s.marker, s.origin));
            let Sent { timestamp, marker, origin, .. } = sent(seq, 1);
            let kept = seq >= start + 3_000 - REMEMBERED as u64;
            assert_eq!(found, kept.then_some((seq, timestamp, marker, origin)), "{seq}");
        }
    }

    #[test]
    fn no_number_is_used_twice() {
        let mut history = History::default();
        let start = (1 << 32) - 20;
        for seq in (start..start + 40).filter(|seq| seq % 4 != 0) {
            assert!(history.note(sent(seq, 1)));
        }
        for seq in start..start + 39 {
            assert_eq!(history.note(sent(seq, 1)), seq % 4 == 0, "late: {seq}");
            assert!(!history.note(sent(seq, 1)), "{seq}");
        }
        let later = start + 40 + 5 * REMEMBERED as u64;
        assert!(history.note(sent(later, 1)));
        for seq in start..=later - REMEMBERED as u64 {
            assert!(!history.note(sent(seq, 1)), "nobody knows any more: {seq}");
        }
        for seq in later - REMEMBERED as u64 + 1..later {
            assert!(history.note(sent(seq, 1)), "passed over: {seq}");
        }
    }

    #[test]
    fn it_is_sent_again_only_so_often_and_not_after_the_publisher_has_changed() {
        let mut history = History::default();
        history.note(sent(7, 1));
        for _ in 0..MOST_TIMES {
            assert!(history.find(7).is_some());
            history.sent_again(7);
        }
        history.sent_again(7);
        assert!(history.find(7).is_none());
        history.note(sent(8, 1));
        history.note(Sent { left: 0, origin: Origin::default(), ..sent(9, 1) });
        assert!(history.find(8).is_some() && history.find(9).is_none());
        history.note(sent(10, 2));
        assert!(history.find(8).is_none(), "another publisher's");
        assert_eq!(history.find(10).map(|sent| sent.origin), Some(Origin::new(2, 2, 10 << 7)));
    }

    #[test]
    fn a_packet_takes_a_quarter_of_a_line() {
        assert_eq!(size_of::<Kept>(), 16);
    }
}
