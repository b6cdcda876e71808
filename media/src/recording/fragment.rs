//! A fragment of a recording: half a second of picture and sound.

use std::sync::Arc;

use crate::rtp::Codec;

use super::sets::Sets;
use super::time::Ticks;

/// A frame of the picture.
#[derive(Debug)]
pub(super) struct Frame {
    /// When it is shown.
    pub(super) at: Ticks,
    pub(super) key: bool,
    pub(super) data: Vec<u8>,
}

/// A packet of the sound.
#[derive(Debug)]
pub(super) struct Sound {
    /// When it is heard.
    pub(super) at: Ticks,
    /// How long it lasts, in samples.
    pub(super) samples: u32,
    pub(super) data: Arc<[u8]>,
}

/// A piece of a stream that a file can be made of.
#[derive(Debug)]
pub struct Fragment {
    /// In the order of decoding. What comes in another order is whole within a fragment.
    pub(super) frames: Vec<Frame>,
    pub(super) sounds: Vec<Sound>,
    /// The parameter sets of the picture, as they were when it began.
    pub(super) sets: Arc<Sets>,
}

impl Fragment {
    /// Whether a file may begin with it.
    #[must_use]
    pub fn begins(&self) -> bool {
        self.frames.first().is_some_and(|frame| frame.key)
    }

    /// The codec of its picture. A file has pictures of one alone.
    #[must_use]
    pub fn codec(&self) -> Codec {
        self.sets.syntax.codec()
    }

    /// When its first picture or sound is.
    #[must_use]
    pub fn start(&self) -> Ticks {
        let frames = self.frames.iter().map(|frame| frame.at);
        frames.chain(self.sounds.first().map(|sound| sound.at)).min().unwrap_or(Ticks(0))
    }

    /// When its last picture or sound is.
    #[must_use]
    pub fn end(&self) -> Ticks {
        let frames = self.frames.iter().map(|frame| frame.at);
        frames.chain(self.sounds.last().map(|sound| sound.at)).max().unwrap_or(Ticks(0))
    }

    /// Bytes of picture and sound.
    #[must_use]
    pub fn size(&self) -> usize {
        self.frames.iter().map(|frame| frame.data.len()).sum::<usize>()
            + self.sounds.iter().map(|sound| sound.data.len()).sum::<usize>()
    }
}
