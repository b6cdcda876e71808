//! What a viewer was sent lately, so that it can be sent again.

use crate::stream::{Origin, Outgoing};

/// Packets that are remembered: two seconds of 5 Mbit/s. A power of two.
const REMEMBERED: usize = 1_024;
/// So often one packet is sent again: enough when one datagram in three is lost. Some clients
/// (the `webrtc` crate) never notice what came as RTX, ask for it ten times a second, and
/// would use up what they may have sent again with what they already have.
const MOST_TIMES: u8 = 6;

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

/// The last packets, by their number.
#[derive(Debug, Default)]
pub(super) struct History {
    sent: Vec<Option<Sent>>,
}

impl History {
    /// Remembers a packet. False if that number was used before, as far as is known.
    pub(super) fn note(&mut self, sent: Sent) -> bool {
        if self.sent.is_empty() {
            self.sent = vec![None; REMEMBERED];
        }
        let place = &mut self.sent[sent.seq as usize % REMEMBERED];
        if place.is_some_and(|before| before.seq >= sent.seq) {
            return false;
        }
        *place = Some(sent);
        true
    }

    /// Nothing of what was sent so far is sent again.
    pub(super) fn seal(&mut self) {
        for sent in self.sent.iter_mut().flatten() {
            sent.left = 0;
        }
    }

    /// The packet that goes by these 16 bits, if it may be sent again.
    pub(super) fn find(&self, seq: u16) -> Option<Sent> {
        let sent = *self.sent.get(usize::from(seq) % REMEMBERED)?;
        sent.filter(|sent| sent.seq as u16 == seq && sent.left > 0)
    }

    /// That packet was sent again.
    pub(super) fn sent_again(&mut self, seq: u16) {
        if let Some(Some(sent)) = self.sent.get_mut(usize::from(seq) % REMEMBERED) {
            sent.left = sent.left.saturating_sub(1);
        }
    }
}
