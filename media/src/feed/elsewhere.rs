//! Sound that another program decodes: what it is handed, and what its output belongs to.
//!
//! It is handed ADTS frames, and gives out a header (Sun/NeXT AU, 32-bit floats) and then samples,
//! for each frame as many as it stands for, as soon as it has it: so its output is told by counting.

use std::collections::VecDeque;
use std::time::Instant;

use thiserror::Error;

use crate::ts::{AAC_BLOCK, AacFrame, Profile, adts_frame};

/// HE-AAC at any usual rate has a core of at most this many samples a second, and nothing but
/// HE-AAC has.
const CORE_RATE: u32 = 24_000;
/// Frames that may be on their way: more than two seconds. Beyond, the program hangs.
const UNDER_WAY: usize = 128;
/// Where so many frames were handed over and not one of those times all before had come out, as
/// many as were missing each time never will: they were damaged.
const PATIENCE: u32 = 16;
/// The longest header.
const HEADER: usize = 1024;
/// What AU calls 32-bit floats.
const FLOATS: u32 = 6;

/// Sound that is not decoded here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Foreign {
    /// HE-AAC, or AAC that may be.
    HighEfficiency,
    /// More than two channels.
    Surround,
}

impl Foreign {
    /// Whether a frame is decoded by another program alone.
    pub(crate) fn of(frame: &AacFrame) -> Option<Self> {
        if frame.channels > 2 {
            Some(Self::Surround)
        } else if frame.profile == Profile::He || frame.rate <= CORE_RATE {
            Some(Self::HighEfficiency)
        } else {
            None
        }
    }

    /// What it is, in words.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::HighEfficiency => "HE-AAC, or AAC of 24 kHz or less",
            Self::Surround => "AAC of more than two channels",
        }
    }
}

/// The samples of a frame.
#[derive(Debug, Clone, PartialEq)]
pub struct Decoded {
    /// The samples, interleaved: front left and right, front centre, low frequencies, behind.
    pub pcm: Vec<f32>,
    /// Channels, 1 to 6.
    pub channels: u8,
    /// Samples a second.
    pub rate: u32,
    /// When it is to be heard, in ticks of 90 kHz.
    pub ticks: i64,
    /// When that was, on this machine's clock.
    pub captured: Instant,
}

/// The program gave out something else than it was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("it gives out something else than the sound that it was asked for")]
pub(crate) struct Garbled;

/// The program hangs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("it takes sound and gives none out")]
pub(crate) struct Hangs;

/// Frames of one format that are decoded elsewhere.
#[derive(Debug)]
pub(crate) struct Elsewhere {
    format: Format,
    /// The times of the frames that have not come out.
    under_way: VecDeque<(i64, Instant)>,
    /// Output that is no whole frame yet.
    bytes: Vec<u8>,
    output: Option<Output>,
    /// Frames handed over since something came out first, or since it was looked last.
    handed: u32,
    /// The fewest frames that were on their way then.
    fewest: usize,
}

/// What is the same for all frames that one decoder is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Format {
    /// Samples a second, of the core.
    rate: u32,
    channels: u8,
}

impl Format {
    pub(crate) fn of(frame: &AacFrame) -> Self {
        Self { rate: frame.rate, channels: frame.channels }
    }
}

/// What the header says.
#[derive(Debug, Clone, Copy)]
struct Output {
    rate: u32,
    channels: u8,
}

impl Output {
    /// Bytes for a frame.
    fn frame(self, format: Format) -> usize {
        let samples = AAC_BLOCK as usize * if self.rate > format.rate { 2 } else { 1 };
        samples * usize::from(self.channels) * 4
    }
}

impl Elsewhere {
    pub(crate) fn new(format: Format) -> Self {
        Self {
            format,
            under_way: VecDeque::new(),
            bytes: Vec::new(),
            output: None,
            handed: 0,
            fewest: usize::MAX,
        }
    }

    pub(crate) fn format(&self) -> Format {
        self.format
    }

    /// A frame as the program is handed it; none where that cannot be said in ADTS.
    ///
    /// # Errors
    /// When it has to be given up.
    pub(crate) fn hand_over(
        &mut self,
        frame: &AacFrame,
        ticks: i64,
        captured: Instant,
    ) -> Result<Option<Vec<u8>>, Hangs> {
        let Some(bytes) = adts_frame(frame) else { return Ok(None) };
        if self.output.is_some() {
            self.fewest = self.fewest.min(self.under_way.len());
            self.handed += 1;
            if self.handed == PATIENCE {
                self.under_way.drain(..self.fewest);
                (self.handed, self.fewest) = (0, usize::MAX);
            }
        }
        if self.under_way.len() == UNDER_WAY {
            return Err(Hangs);
        }
        self.under_way.push_back((ticks, captured));
        Ok(Some(bytes))
    }

    /// A frame that was to be handed over was not.
    pub(crate) fn take_back(&mut self) {
        self.under_way.pop_back();
    }

    /// Takes what the program gives out, and gives out the frames that are whole by then.
    ///
    /// # Errors
    /// When it is something else than asked for.
    pub(crate) fn take(&mut self, bytes: &[u8]) -> Result<Vec<Decoded>, Garbled> {
        self.bytes.extend_from_slice(bytes);
        let Some(output) = self.header()? else { return Ok(Vec::new()) };
        let length = output.frame(self.format);
        let whole = self.bytes.len() / length * length;
        let mut decoded = Vec::new();
        for frame in self.bytes[..whole].chunks_exact(length) {
            // More than was handed over: what was taken for lost came late.
            let Some((ticks, captured)) = self.under_way.pop_front() else { continue };
            let pcm = frame.as_chunks().0.iter().map(|bytes| float(*bytes)).collect();
            let Output { rate, channels } = output;
            decoded.push(Decoded { pcm, channels, rate, ticks, captured });
        }
        self.bytes.drain(..whole);
        Ok(decoded)
    }

    /// What the header says, once it is there.
    fn header(&mut self) -> Result<Option<Output>, Garbled> {
        if self.output.is_some() {
            return Ok(self.output);
        }
        let Some(head) = self.bytes.first_chunk::<24>() else { return Ok(None) };
        let word =
            |at: usize| u32::from_be_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let (length, kind, rate, channels) = (word(4) as usize, word(12), word(16), word(20));
        let is_asked_for = head.starts_with(b".snd")
            && (24..=HEADER).contains(&length)
            && kind == FLOATS
            && (rate == self.format.rate || rate == 2 * self.format.rate)
            && match self.format.channels {
                // Of one channel there may become two, by parametric stereo.
                1 => (1..=2).contains(&channels),
                theirs => channels == u32::from(theirs),
            };
        if !is_asked_for {
            return Err(Garbled);
        }
        if self.bytes.len() < length {
            return Ok(None);
        }
        self.bytes.drain(..length);
        self.output = Some(Output { rate, channels: channels as u8 });
        Ok(self.output)
    }
}

/// A sample that no codec trips over.
fn float(bytes: [u8; 4]) -> f32 {
    let sample = f32::from_be_bytes(bytes);
    if sample.is_finite() { sample.clamp(-1.0, 1.0) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frame(rate: u32, channels: u8) -> AacFrame {
        let payload = vec![1, 2, 3];
        AacFrame { profile: Profile::Lc, rate, channels, blocks: 1, payload, began: 0 }
    }

    fn head(rate: u32, channels: u32) -> Vec<u8> {
        let words = [32, u32::MAX, FLOATS, rate, channels, 0, 0];
        [&b".snd"[..], &words.map(u32::to_be_bytes).concat()].concat()
    }

    /// The output for a frame, all of whose samples are the same.
    fn block(samples: usize, level: f32) -> Vec<u8> {
        level.to_be_bytes().repeat(samples)
    }

    struct World {
        elsewhere: Elsewhere,
        frame: AacFrame,
        now: Instant,
        next: i64,
    }

    impl World {
        fn new(rate: u32, channels: u8) -> Self {
            let frame = frame(rate, channels);
            let elsewhere = Elsewhere::new(Format::of(&frame));
            Self { elsewhere, frame, now: Instant::now(), next: 0 }
        }

        /// Hands the next frame over: the time of each is its number.
        fn hand_over(&mut self) {
            let bytes = self.elsewhere.hand_over(&self.frame, self.next, self.now).unwrap();
            assert!(bytes.unwrap().ends_with(&[1, 2, 3]));
            self.next += 1;
        }

        /// The numbers of the frames that come of some output.
        fn take(&mut self, bytes: &[u8]) -> Vec<i64> {
            self.elsewhere.take(bytes).unwrap().iter().map(|decoded| decoded.ticks).collect()
        }
    }

    #[test]
    fn what_is_not_decoded_here_is_told_by_its_header() {
        let of =
            |rate, channels, profile| Foreign::of(&AacFrame { profile, ..frame(rate, channels) });
        assert_eq!(of(48_000, 2, Profile::Lc), None);
        assert_eq!(of(32_000, 1, Profile::Lc), None);
        assert_eq!(of(24_000, 2, Profile::Lc), Some(Foreign::HighEfficiency));
        assert_eq!(of(48_000, 2, Profile::He), Some(Foreign::HighEfficiency));
        assert_eq!(of(48_000, 6, Profile::Lc), Some(Foreign::Surround));
    }

    #[test]
    fn each_frame_comes_out_with_its_time_however_the_output_is_cut() {
        let mut world = World::new(24_000, 1);
        let mut output = head(48_000, 2);
        for number in 0..6_u8 {
            world.hand_over();
            output.extend(block(2 * 2048, f32::from(number) / 10.0));
        }
        let mut decoded = Vec::new();
        for part in output.chunks(1_111) {
            decoded.extend(world.elsewhere.take(part).unwrap());
        }
        assert_eq!(decoded.len(), 6);
        for (number, decoded) in decoded.iter().enumerate() {
            assert_eq!((decoded.rate, decoded.channels), (48_000, 2));
            assert_eq!(decoded.ticks, number as i64);
            assert_eq!(decoded.pcm, vec![number as f32 / 10.0; 4096]);
        }
    }

    #[test]
    fn times_are_right_again_soon_after_a_frame_that_does_not_come_out() {
        let mut world = World::new(48_000, 6);
        let one = block(6 * 1024, 0.5);
        world.hand_over();
        assert_eq!(world.take(&[head(48_000, 6), one.clone()].concat()), [0]);
        world.hand_over(); // damaged
        for _ in 0..2 * PATIENCE {
            world.hand_over();
            world.take(&one);
        }
        world.hand_over();
        assert_eq!(world.take(&one), [world.next - 1]);
    }

    /// A machine that has no time for the program is no damage.
    #[test]
    fn what_comes_late_is_no_loss_for_good() {
        let mut world = World::new(48_000, 6);
        let one = block(6 * 1024, 0.5);
        world.hand_over();
        assert_eq!(world.take(&[head(48_000, 6), one.clone()].concat()), [0]);
        for _ in 0..40 {
            world.hand_over();
        }
        world.take(&one.repeat(40));
        world.hand_over();
        assert_eq!(world.take(&one), [world.next - 1]);
    }

    #[test]
    fn a_program_that_gives_nothing_out_is_given_up() {
        let mut world = World::new(48_000, 6);
        for _ in 0..UNDER_WAY {
            world.hand_over();
        }
        let refused = world.elsewhere.hand_over(&world.frame, 0, world.now);
        assert_eq!(refused, Err(Hangs));
        world.elsewhere.take_back();
        world.hand_over();
    }

    #[test]
    fn what_was_not_asked_for_is_refused() {
        let garbled = |bytes: &[u8]| World::new(48_000, 6).elsewhere.take(bytes).is_err();
        assert!(!garbled(&head(48_000, 6)));
        assert!(garbled(&head(48_000, 2)) && garbled(&head(44_100, 6)));
        assert!(garbled(&[b'x'; 24]));
        let mut integers = head(48_000, 6);
        integers[15] = 3;
        assert!(garbled(&integers));
        assert!(!garbled(b".sn"), "it may go on");
    }

    #[test]
    fn samples_are_numbers_within_bounds() {
        let samples = [f32::NAN, f32::INFINITY, -7.0, 0.25].map(|one| float(one.to_be_bytes()));
        assert_eq!(samples, [0.0, 0.0, -1.0, 0.25]);
    }

    proptest! {
        #[test]
        fn no_output_is_too_strange(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let mut world = World::new(24_000, 1);
            let _ = world.elsewhere.take(&bytes);
            let _ = world.elsewhere.take(&[head(24_000, 1), bytes].concat());
        }
    }
}
