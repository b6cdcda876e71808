//! What one member receives: their slots and what is in them.

use std::time::Instant;

use crate::ids::AttendeeId;
use crate::rtp::Kind;
use crate::stream::Rewriter;

use super::{Incoming, Outgoing, PictureNumbers, Slots};

/// Bits of VP8's PictureID.
const PICTURE_BITS: u16 = 0x7fff;

/// A track towards one member that carries one voice or picture after the other.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) source: Option<AttendeeId>,
    rewriter: Rewriter,
    /// The layer that is sent; none before the first packet of the source.
    pub(super) layer: Option<u8>,
    /// The layer that is to be sent.
    pub(super) target: u8,
    numbers: Numbers,
}

impl Slot {
    fn new(kind: Kind) -> Self {
        Self {
            source: None,
            rewriter: Rewriter::new(kind.clock()),
            layer: None,
            target: 0,
            numbers: Numbers::default(),
        }
    }

    /// From now on it carries this one's.
    pub(super) fn carry(&mut self, source: Option<AttendeeId>) {
        if self.source != source {
            self.source = source;
            self.layer = None;
        }
    }

    /// Whether it needs a key frame to go on.
    pub(super) fn waits(&self) -> bool {
        self.source.is_some() && self.layer != Some(self.target)
    }

    /// The numbers of a packet of its source; none if it does not go out.
    fn take(
        &mut self,
        now: Instant,
        packet: &Incoming,
    ) -> Option<(u64, u32, PictureNumbers, bool)> {
        let starts = self.layer != Some(packet.layer);
        if starts {
            let may = packet.kind == Kind::Audio || (packet.layer == self.target && packet.key);
            if !may {
                return None;
            }
            self.rewriter.rebase(now, packet.seq, packet.timestamp);
            self.numbers.rebase(packet.numbers);
            self.layer = Some(packet.layer);
        }
        let seq = self.rewriter.seq(packet.seq)?;
        let timestamp = self.rewriter.timestamp(packet.timestamp);
        self.rewriter.sent(now, timestamp);
        Some((seq, timestamp, self.numbers.map(packet.numbers), starts))
    }
}

/// Maps the picture numbers of several sources onto one that grows without a break.
#[derive(Debug, Default)]
struct Numbers {
    picture: (u16, u16),
    tl0: (u8, u8),
    /// The highest that were sent.
    last: (u16, u8),
}

impl Numbers {
    /// What has these numbers comes next.
    fn rebase(&mut self, from: PictureNumbers) {
        let (picture, tl0) = self.last;
        self.picture = (from.picture.unwrap_or(0), picture.wrapping_add(1));
        self.tl0 = (from.tl0.unwrap_or(0), tl0.wrapping_add(1));
    }

    fn map(&mut self, from: PictureNumbers) -> PictureNumbers {
        let picture = from.picture.map(|picture| {
            let out = self.picture.1.wrapping_add(picture.wrapping_sub(self.picture.0));
            let out = out & PICTURE_BITS;
            if out.wrapping_sub(self.last.0) & PICTURE_BITS < 1 << 14 {
                self.last.0 = out;
            }
            out
        });
        let tl0 = from.tl0.map(|tl0| {
            let out = self.tl0.1.wrapping_add(tl0.wrapping_sub(self.tl0.0));
            if out.wrapping_sub(self.last.1) < 1 << 7 {
                self.last.1 = out;
            }
            out
        });
        PictureNumbers { picture, tl0 }
    }
}

/// Whose voices and whose pictures are in which slot.
pub(super) type Filled = (Vec<Option<AttendeeId>>, Vec<Option<AttendeeId>>);

/// A member's slots.
#[derive(Debug, Default)]
pub(super) struct Ears {
    pub(super) audio: Vec<Slot>,
    pub(super) video: Vec<Slot>,
    /// What the network carries, in bits a second, once it is known.
    pub(super) estimate: Option<u64>,
    /// The network carried no pictures: none are sent until then.
    pub(super) paused_until: Option<Instant>,
    /// Whose picture is wanted large.
    pub(super) watched: Option<AttendeeId>,
    /// Whose picture is large.
    pub(super) large: Option<AttendeeId>,
    /// What is in the slots as the member was told last.
    pub(super) told: Option<Filled>,
}

impl Ears {
    /// Has at least these slots from now on.
    pub(super) fn grow(&mut self, slots: Slots) {
        while self.audio.len() < slots.audio {
            self.audio.push(Slot::new(Kind::Audio));
        }
        while self.video.len() < slots.video {
            self.video.push(Slot::new(Kind::Video));
        }
    }

    pub(super) fn slots(&self) -> Slots {
        Slots { audio: self.audio.len(), video: self.video.len() }
    }

    /// A packet of `from`: where it goes, if it does.
    pub(super) fn take(
        &mut self,
        now: Instant,
        to: AttendeeId,
        from: AttendeeId,
        packet: &Incoming,
    ) -> Option<Outgoing> {
        let slots = match packet.kind {
            Kind::Audio => &mut self.audio,
            Kind::Video => &mut self.video,
        };
        let at = slots.iter().position(|slot| slot.source == Some(from))?;
        let (seq, timestamp, numbers, first) = slots[at].take(now, packet)?;
        Some(Outgoing { to, slot: at, seq, timestamp, numbers, first })
    }

    /// Puts these sources into the slots; who has one keeps it.
    pub(super) fn fill(slots: &mut [Slot], sources: &[AttendeeId]) {
        let count = slots.len();
        let sources = &sources[..sources.len().min(count)];
        for slot in slots.iter_mut() {
            if slot.source.is_some_and(|source| !sources.contains(&source)) {
                slot.carry(None);
            }
        }
        for source in sources {
            if slots.iter().any(|slot| slot.source == Some(*source)) {
                continue;
            }
            if let Some(free) = slots.iter_mut().find(|slot| slot.source.is_none()) {
                free.carry(Some(*source));
            }
        }
    }

    /// What is in the slots.
    pub(super) fn sources(&self) -> Filled {
        let of = |slots: &[Slot]| slots.iter().map(|slot| slot.source).collect();
        (of(&self.audio), of(&self.video))
    }
}
