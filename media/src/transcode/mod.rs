//! A stream's picture, decoded and encoded again so that every browser shows it: H.264 without B-frames.
//!
//! A pure core: packets and the time are arguments. [`admit`] says whether it is done, and how;
//! a [`Converter`] does it where the picture is decoded here, and a [`Relay`] where another program
//! decodes it: how that one is spoken to says an [`OutsideTrack`], also where nothing is encoded again.

mod converter;
mod framer;
mod outside;
mod pgm;
mod relay;
mod remaker;
mod terms;
#[cfg(test)]
mod tests;
mod times;

use std::time::Instant;

pub(crate) use converter::Converter;
pub(crate) use framer::{Framed, Framer, OutsideCodec};
pub(crate) use outside::{Decoded, OutsideTrack, Shown, Step, single};
pub(crate) use pgm::Pgm;
pub(crate) use relay::Relay;
pub(crate) use terms::{Growth, Measured, admit, encoding};
pub use terms::{OutsideFault, TranscodeLimits, TranscodeRefusal};

use crate::picture::Encoding;
use crate::stream::Packet;

/// What became of the frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Counted {
    /// Pictures that were encoded.
    pub(crate) frames: u64,
    /// Pictures that were decoded, and are not among them.
    pub(crate) missed: u64,
    /// Frames that could not be decoded.
    pub(crate) lost: u64,
}

/// The packets of each picture that was made, or why it is of no use to go on.
pub(crate) type Pictures = Result<Vec<Vec<Packet>>, TranscodeRefusal>;

/// What makes another picture of a publisher's packets. It encodes nothing before
/// [`Convert::begin`].
pub(crate) trait Convert {
    /// From here on pictures that are later than this timestamp are encoded.
    fn begin(&mut self, after: u32);

    /// Whether pictures are encoded.
    fn has_begun(&self) -> bool;

    /// Whether a picture was decoded.
    fn sees(&self) -> bool;

    /// Whether decoding goes on with a key frame alone.
    fn waits(&self) -> bool;

    /// Packets were left out: it goes on with the next key frame.
    fn gap(&mut self);

    /// A viewer needs a key frame.
    fn want_key(&mut self, now: Instant);

    /// How it is to be encoded. What is not far from that goes on.
    fn aim(&mut self, encoding: Encoding);

    /// What became of the frames so far.
    fn counted(&self) -> Counted;

    /// Takes a packet, and gives out the packets of each picture that can be shown with it.
    ///
    /// # Errors
    /// When it is of no use to go on.
    fn packet(&mut self, now: Instant, packet: &Packet) -> Pictures;

    /// Gives up what has been missing for too long.
    ///
    /// # Errors
    /// When it is of no use to go on.
    fn tick(&mut self, now: Instant) -> Pictures;

    /// Takes what another program has made of it meanwhile.
    ///
    /// # Errors
    /// When it is of no use to go on.
    fn outputs(&mut self, _now: Instant) -> Pictures {
        Ok(Vec::new())
    }
}
