//! A fragment of a recording: half a second of picture and sound.

use std::io::{self, IoSlice, Write};

use crate::stream::Payload;

use super::config::{Config, Format};
use super::sample::Sample;
use super::time::Ticks;

/// A frame of the picture.
#[derive(Debug)]
pub(super) struct Frame {
    /// When it is shown.
    pub(super) at: Ticks,
    pub(super) key: bool,
    pub(super) data: Sample,
}

/// A packet of the sound.
#[derive(Debug)]
pub(super) struct Sound {
    /// When it is heard.
    pub(super) at: Ticks,
    /// How long it lasts, in samples.
    pub(super) samples: u32,
    pub(super) data: Payload,
}

/// A piece of a stream that a file can be made of.
#[derive(Debug)]
pub struct Fragment {
    /// In the order of decoding. What comes in another order is whole within a fragment.
    pub(super) frames: Vec<Frame>,
    pub(super) sounds: Vec<Sound>,
    /// What the picture said of itself when it began.
    pub(super) config: Config,
}

impl Fragment {
    /// Whether a file may begin with it.
    #[must_use]
    pub fn begins(&self) -> bool {
        self.frames.first().is_some_and(|frame| frame.key)
    }

    /// The format of its picture. A file has pictures of one alone.
    #[must_use]
    pub fn format(&self) -> Format {
        self.config.format()
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

/// A fragment as a file has it. Its samples stay where they are: there are more of them than of all
/// else that is written.
#[derive(Debug)]
pub struct Encoded<'a> {
    pub(super) head: Vec<u8>,
    pub(super) fragment: &'a Fragment,
}

impl Encoded<'_> {
    /// How many bytes it is.
    pub fn size(&self) -> u64 {
        (self.head.len() + self.fragment.size()) as u64
    }

    /// Writes all of it.
    ///
    /// # Errors
    /// When not all of it can be written. Some may be.
    pub fn write_to(&self, out: &mut impl Write) -> io::Result<()> {
        let frames = self.fragment.frames.iter().flat_map(|frame| frame.data.pieces());
        let sounds = self.fragment.sounds.iter().map(|sound| &sound.data[..]);
        let parts = std::iter::once(&self.head[..]).chain(frames).chain(sounds);
        let mut slices: Vec<IoSlice<'_>> = parts.map(IoSlice::new).collect();
        let mut rest = &mut slices[..];
        // Leaves out what is empty: nothing written is otherwise an error.
        IoSlice::advance_slices(&mut rest, 0);
        while !rest.is_empty() {
            match out.write_vectored(rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => IoSlice::advance_slices(&mut rest, written),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes seven bytes at a time, and is interrupted before each.
    #[derive(Default)]
    struct Slow(Vec<u8>, bool);

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.1 = !self.1;
            if self.1 {
                return Err(io::ErrorKind::Interrupted.into());
            }
            let taken = bytes.len().min(7);
            self.0.extend_from_slice(&bytes[..taken]);
            Ok(taken)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// A disk with no room.
    struct Full;

    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Ok(0)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn all_of_a_fragment_is_written_however_little_is_taken_at_once() {
        let frame = |first: u8, length| {
            let data: Vec<u8> = (0..length).map(|n| first.wrapping_add(n)).collect();
            Frame { at: Ticks(0), key: false, data: data.into() }
        };
        let sound = |data: &[u8]| Sound { at: Ticks(0), samples: 960, data: data.into() };
        let fragment = Fragment {
            frames: vec![frame(1, 20), frame(50, 0), frame(100, 3)],
            sounds: vec![sound(&[7; 9]), sound(&[])],
            config: Config::default(),
        };
        let encoded = Encoded { head: vec![9; 10], fragment: &fragment };
        let mut slow = Slow::default();
        encoded.write_to(&mut slow).unwrap();
        let samples: Vec<u8> = (1..21).chain(100..103).chain([7; 9]).collect();
        assert_eq!(slow.0, [vec![9; 10], samples].concat());
        assert_eq!(encoded.size(), slow.0.len() as u64);
        let full = encoded.write_to(&mut Full).unwrap_err();
        assert_eq!(full.kind(), io::ErrorKind::WriteZero);
    }
}
