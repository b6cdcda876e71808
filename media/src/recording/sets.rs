//! The parameter sets of a picture, as a file has them.

use crate::feed::{h264, h265};
use crate::nal::h264::{PPS, SPS};
use crate::nal::h265::{self as hevc, VPS};
use crate::nal::keep;
use crate::rtp::{PictureSize, inspect};

use super::syntax::Syntax;

/// The parameter sets of a picture.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Sets {
    pub(super) syntax: Syntax,
    /// Of the whole video: H.265 alone has them.
    pub(super) video: Vec<Vec<u8>>,
    pub(super) sequence: Vec<Vec<u8>>,
    pub(super) picture: Vec<Vec<u8>>,
}

impl Sets {
    /// None of a codec yet.
    pub(super) fn new(syntax: Syntax) -> Self {
        Self { syntax, ..Self::default() }
    }

    /// Whether a decoder can begin with them.
    pub(super) fn complete(&self) -> bool {
        let video = self.syntax == Syntax::H264 || !self.video.is_empty();
        video && !self.sequence.is_empty() && !self.picture.is_empty()
    }

    /// Takes a set; what is none is passed over.
    pub(super) fn take(&mut self, unit: &[u8]) {
        let Some(first) = unit.first() else { return };
        match (self.syntax, self.syntax.kind(*first)) {
            (Syntax::H264, SPS) if unit.len() > 4 => keep(&mut self.sequence, unit, h264::number),
            (Syntax::H264, PPS) => keep(&mut self.picture, unit, h264::number),
            _ if unit.len() <= self.syntax.header() => {}
            (Syntax::H265, VPS) => keep(&mut self.video, unit, h265::number),
            (Syntax::H265, hevc::SPS) => keep(&mut self.sequence, unit, h265::number),
            (Syntax::H265, hevc::PPS) => keep(&mut self.picture, unit, h265::number),
            _ => {}
        }
    }

    pub(super) fn size(&self) -> Option<PictureSize> {
        self.sequence.last().and_then(|set| inspect(self.syntax.codec(), set).size)
    }

    /// All of them, in the order in which a decoder wants them.
    pub(super) fn units(&self) -> impl Iterator<Item = &Vec<u8>> {
        self.video.iter().chain(&self.sequence).chain(&self.picture)
    }
}

/// The parameter sets that a sample begins with. Which codec they are of, the first says: no header
/// of H.264 with a sequence's set is one of H.265 with a video's.
pub(super) fn sets_of(sample: &[u8]) -> Sets {
    let of_hevc = sample.get(4).is_some_and(|first| hevc::kind(*first) == VPS && first & 0x81 == 0);
    let mut sets = Sets::new(if of_hevc { Syntax::H265 } else { Syntax::H264 });
    let mut rest = sample;
    while let Some((length, tail)) = rest.split_first_chunk::<4>() {
        let length = u32::from_be_bytes(*length) as usize;
        let Some(unit) = tail.get(..length) else { break };
        let kind = unit.first().map(|first| sets.syntax.kind(*first));
        if kind.is_none_or(|kind| sets.syntax.role(kind) != super::syntax::Role::Set) {
            break;
        }
        sets.take(unit);
        rest = &tail[length..];
    }
    sets
}
