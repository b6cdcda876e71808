//! A source of a composite, on its thread.

use std::time::Instant;

use crate::composite::{Unseen, Voice};
use crate::picture::{PictureTrack, Seen};
use crate::rtp::Codec;
use crate::stream::Packet;
use crate::transcode::{OutsideCodec, TranscodeRefusal};

use super::super::decoding::{Decoding, Wake};
use super::super::ffmpeg::Ffmpeg;
use super::super::transcodes::Place;

/// What is made of a source.
#[derive(Default)]
pub(super) struct Input {
    picture: PictureTrack,
    outside: Option<Outside>,
    /// Its codec where ffmpeg is to decode that, and why it does not.
    refused: Option<(Codec, TranscodeRefusal)>,
    pub(super) voice: Voice,
    /// A defect met it: it goes on, and this is told.
    pub(super) broken: bool,
}

/// A picture that ffmpeg decodes. It ends with this, before another one gets its place.
struct Outside {
    decoding: Decoding,
    _place: Place,
}

impl Input {
    /// One that begins anew after a defect.
    pub(super) fn broken() -> Self {
        Self { broken: true, ..Self::default() }
    }

    /// Another publisher, another layer, or packets were left out.
    pub(super) fn publish(&mut self) {
        self.picture.publish();
        self.voice.publish();
        if let Some(outside) = &mut self.outside {
            outside.decoding.gap();
        }
    }

    /// Its picture is ffmpeg's to decode from here on.
    pub(super) fn admit(&mut self, ffmpeg: Ffmpeg, place: Place, wake: Wake) {
        // The one before ends first.
        self.away();
        self.picture.publish();
        self.outside = Some(Outside { decoding: Decoding::new(ffmpeg, wake), _place: place });
    }

    /// Nobody publishes it: its place is for others.
    pub(super) fn away(&mut self) {
        (self.outside, self.refused) = (None, None);
    }

    /// It is not decoded by ffmpeg, or no more.
    pub(super) fn refuse(&mut self, codec: Codec, refusal: TranscodeRefusal) {
        self.outside = None;
        self.refused = Some((codec, refusal));
    }

    /// ffmpeg decodes it no more.
    pub(super) fn fail(&mut self, refusal: TranscodeRefusal) {
        if let Some(Outside { decoding, .. }) = &self.outside {
            self.refuse(decoding.track().codec(), refusal);
        }
    }

    /// Takes a packet of the picture, and gives out the pictures that can be shown by then.
    ///
    /// # Errors
    /// When ffmpeg does not go on: the packets of its picture are of no use any more.
    pub(super) fn packet(
        &mut self,
        now: Instant,
        packet: &Packet,
    ) -> Result<Vec<Seen>, TranscodeRefusal> {
        if OutsideCodec::of(packet.codec).is_none() {
            self.away();
            return Ok(self.picture.packet(now, packet));
        }
        let Some(outside) = &mut self.outside else { return Ok(Vec::new()) };
        outside.decoding.packet(now, packet)
    }

    /// Gives up what has been missing for too long.
    ///
    /// # Errors
    /// See [`Input::packet`].
    pub(super) fn tick(&mut self, now: Instant) -> Result<Vec<Seen>, TranscodeRefusal> {
        match &mut self.outside {
            Some(outside) => outside.decoding.tick(now),
            None => Ok(self.picture.tick(now)),
        }
    }

    /// The pictures that ffmpeg gave out.
    ///
    /// # Errors
    /// See [`Input::packet`].
    pub(super) fn outputs(&mut self, now: Instant) -> Result<Vec<Seen>, TranscodeRefusal> {
        self.outside.as_mut().map_or_else(|| Ok(Vec::new()), |out| out.decoding.outputs(now))
    }

    /// Why there is no picture, where that is known.
    pub(super) fn unseen(&self) -> Option<Unseen> {
        let outside = self.refused.map(|(codec, refusal)| Unseen::Outside(codec, refusal));
        outside.or(self.picture.refused().map(Unseen::Refused))
    }

    /// Frames that could not be used.
    pub(super) fn lost(&self) -> u64 {
        let track = self.outside.as_ref().map(|outside| outside.decoding.track());
        self.picture.lost() + track.map_or(0, |track| track.lost() + track.missed())
    }
}
