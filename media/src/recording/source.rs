//! Frames out of the packets of a picture, of whichever codec it is.

use std::sync::Arc;

use crate::coded::{self, Coding, Gatherer};
use crate::rtp::Codec;
use crate::stream::Packet;

use super::assembler::Assembler;
use super::config::Config;
use super::sample::Sample;
use super::sets::Sets;
use super::syntax::Syntax;

/// A frame that is whole.
#[derive(Debug)]
pub(super) struct Whole {
    /// Of its packets.
    pub(super) timestamp: u32,
    pub(super) key: bool,
    /// It cannot be decoded where decoding began with the key frame before it.
    pub(super) skipped: bool,
    /// A sample of an MP4. That of a key frame begins with what its decoder is to know.
    pub(super) data: Sample,
    /// The same of a key frame, for the entry of its track.
    pub(super) config: Option<Config>,
}

/// Puts frames together. Packets come in order; what is missing is said.
#[derive(Debug)]
pub(super) enum Source {
    /// Of H.264 and H.265, whose frames are made of NAL units.
    Units(Assembler),
    /// Of VP9 and AV1.
    Frames(Gatherer),
}

impl Default for Source {
    fn default() -> Self {
        Self::Units(Assembler::default())
    }
}

impl Source {
    /// One of a codec, where that is recorded.
    pub(super) fn of(codec: Codec) -> Option<Self> {
        let units = || Syntax::of(codec).map(|syntax| Self::Units(Assembler::new(syntax)));
        let frames = || Coding::of(codec).map(|coding| Self::Frames(Gatherer::new(coding)));
        // It could be put into MP4, but browsers do not play it there.
        if codec == Codec::Vp8 { None } else { units().or_else(frames) }
    }

    /// One of the same codec to which nothing has come.
    pub(super) fn anew(&self) -> Self {
        match self {
            Self::Units(assembler) => Self::Units(Assembler::new(assembler.syntax())),
            Self::Frames(gatherer) => Self::Frames(Gatherer::new(gatherer.coding())),
        }
    }

    pub(super) fn codec(&self) -> Codec {
        match self {
            Self::Units(assembler) => assembler.syntax().codec(),
            Self::Frames(gatherer) => gatherer.coding().codec(),
        }
    }

    /// What is known of its picture before the first key frame.
    pub(super) fn config(&self) -> Config {
        match self {
            Self::Units(assembler) => Config::Sets(Arc::new(Sets::new(assembler.syntax()))),
            Self::Frames(gatherer) => Config::Awaited(gatherer.coding()),
        }
    }

    /// The packets before the next one are missing.
    pub(super) fn gap(&mut self) {
        match self {
            Self::Units(assembler) => assembler.gap(),
            Self::Frames(gatherer) => gatherer.gap(),
        }
    }

    /// Takes a packet. Gives back the frames that are whole with it: the one before, where its end
    /// was not marked, and its own. None is one that cannot be used.
    pub(super) fn push(&mut self, packet: Packet, whole: &mut impl FnMut(Option<Whole>)) {
        match self {
            Self::Units(assembler) => assembler.push(packet, whole),
            Self::Frames(gatherer) => {
                gatherer.push(packet, &mut |frame| whole(frame.map(Whole::from)));
            }
        }
    }
}

impl From<coded::Whole> for Whole {
    fn from(frame: coded::Whole) -> Self {
        let coded::Whole { timestamp, key, data, head } = frame;
        // Frames are decoded in the order in which they are shown: none is shown before its key frame.
        Self { timestamp, key, skipped: false, data, config: head.map(Config::Head) }
    }
}
