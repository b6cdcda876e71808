//! What a publisher sends: a synthetic stream or a recording, one picture or one packet
//! of sound at a time, each with its moment.

use std::sync::Arc;
use std::time::Duration;

use crate::recorded::{Player, Recording};
use crate::sdp::ProfileLevel;
use crate::synthetic::{self, Synthetic};

/// Length of an RTP header, in bytes.
pub(crate) const HEADER: usize = 12;
/// Length of a video packet with its RTP header, in bytes.
pub(crate) const VIDEO_PACKET: usize = 1158;
/// The RTP clock of the picture, in Hz.
pub(crate) const VIDEO_CLOCK: u32 = 90_000;
/// The RTP clock of Opus, in Hz.
pub(crate) const AUDIO_CLOCK: u32 = 48_000;

/// How the streams are made.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    /// Bits a second in all, on the level of RTP.
    pub(crate) bitrate: u64,
    /// Between two key frames of a synthetic stream.
    pub(crate) key_frames: Duration,
    /// Whether requests for key frames are followed.
    pub(crate) answers_pli: bool,
    /// The packets of a frame leave over this time; zero: at once.
    pub(crate) spread: Duration,
    /// What is published; none: a synthetic stream.
    pub(crate) recording: Option<Arc<Recording>>,
}

impl Shape {
    /// What the picture is.
    pub(crate) fn profile(&self) -> ProfileLevel {
        self.recording.as_ref().map_or(synthetic::PROFILE, |recording| recording.profile())
    }
}

/// What a unit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    Picture {
        key: bool,
        /// Until the next one.
        lasts: Duration,
        /// How many of its packets, the last ones, are filler data.
        filled: usize,
    },
    Sound,
}

/// The packets of one moment of one track.
#[derive(Debug)]
pub(crate) struct Unit {
    pub(crate) content: Content,
    /// On the RTP clock of its track, since the beginning of the stream.
    pub(crate) timestamp: u32,
    /// The payloads, each with the number in its mark if it has one.
    pub(crate) payloads: Vec<(Vec<u8>, Option<u64>)>,
}

/// Where the units of one stream come from.
#[derive(Debug)]
pub(crate) enum Source {
    Synthetic(Synthetic),
    Recorded(Player),
}

impl Source {
    pub(crate) fn new(shape: &Shape) -> Self {
        match &shape.recording {
            None => Self::Synthetic(Synthetic::new(shape)),
            Some(recording) => Self::Recorded(Player::new(recording.clone(), shape.bitrate)),
        }
    }

    /// When the next unit is due, since the beginning of the stream.
    pub(crate) fn at(&self) -> Duration {
        match self {
            Self::Synthetic(synthetic) => synthetic.at(),
            Self::Recorded(player) => player.at(),
        }
    }

    /// The next unit; if it is a picture and a key frame is wanted, a key frame.
    pub(crate) fn next(&mut self, key_wanted: bool) -> Unit {
        match self {
            Self::Synthetic(synthetic) => synthetic.next(key_wanted),
            Self::Recorded(player) => player.next(key_wanted),
        }
    }
}

/// A moment on an RTP clock, which turns over.
pub(crate) fn ticks(at: Duration, clock: u32) -> u32 {
    ((at.as_nanos() * u128::from(clock) + 500_000_000) / 1_000_000_000) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_become_ticks_and_turn_over() {
        assert_eq!(ticks(Duration::from_nanos(33_333_333), VIDEO_CLOCK), 3_000);
        assert_eq!(ticks(Duration::from_millis(20), AUDIO_CLOCK), 960);
        let turn = Duration::from_secs((1 << 32) / u64::from(VIDEO_CLOCK) + 1);
        assert_eq!(ticks(turn, VIDEO_CLOCK), (turn.as_secs() * 90_000 - (1 << 32)) as u32);
    }
}
