//! Packets into frames.

use std::sync::Arc;

use crate::recording::Sample;
use crate::rtp::{self, vp8, vp9};
use crate::stream::{Packet, Payload};

use super::av1::Unit;
use super::{Coding, Head, Whole, said};

/// A frame is not larger than this. What claims to be is given up.
pub(super) const LARGEST: usize = 16 << 20;

/// What a payload has for a frame.
enum Carried {
    /// Bytes of it behind a descriptor. That they are its first is certain, or that they are not.
    Frame { begins: bool, ends: bool, descriptor: usize },
    /// Elements of a temporal unit, which are surely the first of it where it `begins`.
    Elements { begins: bool },
    /// Another spatial layer.
    Other,
    /// Nothing of the codec.
    Unknown,
}

impl Carried {
    fn of(coding: Coding, payload: &[u8]) -> Self {
        let carried = match coding {
            Coding::Vp8 => vp8::Descriptor::read(payload).map(|said| Self::Frame {
                begins: said.begins,
                ends: false, // only the marker says it
                descriptor: said.length,
            }),
            Coding::Vp9 => vp9::Descriptor::read(payload).map(|said| match said.spatial {
                0 => Self::Frame { begins: said.begins, ends: said.ends, descriptor: said.length },
                _ => Self::Other,
            }),
            Coding::Av1 => Some(Self::Elements { begins: begins(payload) }),
        };
        carried.unwrap_or(Self::Unknown)
    }

    fn begins(&self) -> bool {
        matches!(self, Self::Frame { begins: true, .. } | Self::Elements { begins: true })
    }
}

/// Whether a payload of AV1 is surely the first of its temporal unit. Else whole OBUs may have come
/// before it: nothing in a payload counts them.
fn begins(payload: &[u8]) -> bool {
    let first = || rtp::av1::Elements::of(payload).next().filter(|element| element.begins);
    let kind = || first()?.bytes.first().map(|byte| rtp::av1::kind(*byte));
    rtp::av1::begins_sequence(payload)
        || matches!(kind(), Some(rtp::av1::TEMPORAL_DELIMITER | rtp::av1::SEQUENCE_HEADER))
}

/// Puts frames together. Packets come in order; what is missing is said.
#[derive(Debug)]
pub(crate) struct Gatherer {
    coding: Coding,
    /// That of the frame under way.
    timestamp: Option<u32>,
    data: Sample,
    /// What is more of a temporal unit.
    unit: Unit,
    /// The packets before the next one are missing.
    gap: bool,
    broken: bool,
    /// Its last packet was there.
    ended: bool,
    /// What the last key frame said.
    head: Option<Arc<Head>>,
}

impl Gatherer {
    /// One of frames of a codec.
    pub(crate) fn new(coding: Coding) -> Self {
        Self {
            coding,
            timestamp: None,
            data: Sample::default(),
            unit: Unit::default(),
            gap: false,
            broken: false,
            ended: false,
            head: None,
        }
    }

    /// The codec of its frames.
    pub(crate) fn coding(&self) -> Coding {
        self.coding
    }

    /// The packets before the next one are missing.
    pub(crate) fn gap(&mut self) {
        // What is missing may be the end of this frame, or the beginning of the next one.
        self.gap = true;
        if self.timestamp.is_some() && !self.ended {
            self.give_up();
        }
    }

    /// A part of this frame is missing.
    fn give_up(&mut self) {
        self.broken = true;
        self.unit.give_up();
    }

    /// Takes a packet. Gives back the frames that are whole with it: the one before, where its end
    /// was not marked, and its own. None is one that cannot be used.
    pub(crate) fn push(&mut self, packet: Packet, whole: &mut impl FnMut(Option<Whole>)) {
        let Packet { timestamp, marker, payload, .. } = packet;
        if payload.is_empty() {
            return; // what fills the line carries nothing
        }
        let carried = Carried::of(self.coding, &payload);
        // In VP8 any partition may look like the first one, in VP9 no two frames of a layer are one.
        let another = self.coding == Coding::Vp9 && carried.begins();
        if self.timestamp != Some(timestamp) || another {
            self.finish(whole);
            // The gap may reach into this one; only its own first packet would tell.
            self.broken = self.gap && !carried.begins();
        }
        self.gap = false;
        self.timestamp = Some(timestamp);
        self.take(payload, &carried);
        if marker {
            self.finish(whole);
        }
    }

    fn take(&mut self, payload: Payload, carried: &Carried) {
        match *carried {
            Carried::Frame { begins, ends, descriptor } => {
                let first = self.data.len() == 0;
                if self.ended || (first && !begins) {
                    self.broken = true;
                }
                self.ended |= ends;
                self.data.share(payload.after(descriptor));
            }
            Carried::Elements { .. } => {
                if !self.unit.take(&payload, &mut self.data) {
                    self.give_up();
                }
            }
            Carried::Other => {}
            Carried::Unknown => self.broken = true,
        }
        self.broken |= self.data.len() > LARGEST;
        if self.broken {
            // It is thrown away when it ends, and it may never end.
            self.data = Sample::default();
        }
    }

    /// Ends the frame under way.
    fn finish(&mut self, whole: &mut impl FnMut(Option<Whole>)) {
        let seen = self.unit.end();
        let broken = std::mem::take(&mut self.broken) || seen.cut;
        self.ended = false;
        let mut data = std::mem::take(&mut self.data);
        let Some(timestamp) = self.timestamp.take() else { return };
        if broken {
            return whole(None);
        }
        if data.len() == 0 {
            return; // other layers alone
        }
        let head = match self.coding {
            Coding::Vp8 => said::vp8(&data).map(|head| self.shared(head)),
            Coding::Vp9 => said::vp9(&data).map(|head| self.shared(head)),
            Coding::Av1 if seen.frame.is_none() => return, // a sequence header or remarks alone
            Coding::Av1 => self.unit.head(seen, &mut data),
        };
        whole(head.map(|head| Whole { timestamp, key: head.is_some(), data, head }));
    }

    /// What a key frame says, where it is the same as before in the same place.
    fn shared(&mut self, head: Option<Head>) -> Option<Arc<Head>> {
        let head = head?;
        match &self.head {
            Some(last) if **last == head => {}
            _ => self.head = Some(Arc::new(head)),
        }
        self.head.clone()
    }
}

#[cfg(test)]
impl Gatherer {
    /// Bytes of the frame under way.
    pub(super) fn kept(&self) -> usize {
        self.data.len() + self.unit.kept()
    }
}
