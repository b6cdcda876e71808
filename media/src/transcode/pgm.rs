//! Pictures as another program gives them out: in "PGMYUV", each a header with its size, its luma, and
//! under each other lines with half a line of either chroma.

use thiserror::Error;

use crate::picture::{Planes, fits};
use crate::rtp::PictureSize;

/// The longest header: three lines, with two numbers of four digits.
const HEADER: usize = 24;

/// The program gave out something else than it was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("it gives out something else than pictures")]
pub(crate) struct Garbled;

/// Finds the pictures in what a program gives out.
#[derive(Debug, Default)]
pub(crate) struct Pgm {
    /// What came of the next picture, without its header once that is known.
    bytes: Vec<u8>,
    size: Option<PictureSize>,
}

impl Pgm {
    /// Takes some bytes, and gives out the pictures that are whole by then.
    ///
    /// # Errors
    /// When it is something else than pictures, or one that is too large.
    pub(crate) fn take(&mut self, mut bytes: &[u8]) -> Result<Vec<Planes>, Garbled> {
        let mut pictures = Vec::new();
        while !bytes.is_empty() {
            let Some(size) = self.size else {
                bytes = self.header(bytes)?;
                continue;
            };
            let luma = size.width as usize * size.height as usize;
            let (more, rest) = bytes.split_at(bytes.len().min(luma * 3 / 2 - self.bytes.len()));
            self.bytes.extend_from_slice(more);
            bytes = rest;
            if self.bytes.len() == luma * 3 / 2 {
                self.size = None;
                pictures.push(picture(size, std::mem::take(&mut self.bytes)).ok_or(Garbled)?);
            }
        }
        Ok(pictures)
    }

    /// Takes bytes of the header, and gives back those behind it.
    fn header<'a>(&mut self, bytes: &'a [u8]) -> Result<&'a [u8], Garbled> {
        for (at, byte) in bytes.iter().enumerate() {
            self.bytes.push(*byte);
            if *byte != b'\n' || self.bytes.iter().filter(|byte| **byte == b'\n').count() < 3 {
                if self.bytes.len() == HEADER {
                    return Err(Garbled);
                }
                continue;
            }
            let size = size(&self.bytes).ok_or(Garbled)?;
            self.size = Some(size);
            self.bytes = Vec::with_capacity(size.width as usize * size.height as usize * 3 / 2);
            return Ok(&bytes[at + 1..]);
        }
        Ok(&[])
    }
}

/// The size that a header tells.
fn size(header: &[u8]) -> Option<PictureSize> {
    let mut lines = std::str::from_utf8(header).ok()?.lines();
    let (kind, size, most) = (lines.next()?, lines.next()?, lines.next()?);
    let (width, rows) = size.split_once(' ')?;
    let (width, rows): (u32, u32) = (width.parse().ok()?, rows.parse().ok()?);
    // For two lines of luma there is one of chroma.
    let size = PictureSize { width, height: rows / 3 * 2 };
    let even = width.is_multiple_of(2) && rows.is_multiple_of(3);
    (kind == "P5" && most == "255" && even && fits(size)).then_some(size)
}

fn picture(size: PictureSize, mut y: Vec<u8>) -> Option<Planes> {
    let chroma = y.split_off(size.width as usize * size.height as usize);
    let (mut u, mut v) =
        (Vec::with_capacity(chroma.len() / 2), Vec::with_capacity(chroma.len() / 2));
    for line in chroma.chunks_exact(size.width as usize) {
        let (first, second) = line.split_at(line.len() / 2);
        u.extend_from_slice(first);
        v.extend_from_slice(second);
    }
    Planes::of(size, [y, u, v])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(width: usize, height: usize, seed: u8) -> Vec<u8> {
        let mut bytes = format!("P5\n{width} {}\n255\n", height * 3 / 2).into_bytes();
        bytes.extend((0..width * height * 3 / 2).map(|at| (at as u8).wrapping_add(seed)));
        bytes
    }

    #[test]
    fn pictures_come_out_whole_however_they_are_cut() {
        let bytes = [written(4, 2, 0), written(8, 4, 100)].concat();
        for piece in 1..bytes.len() {
            let mut pgm = Pgm::default();
            let cut = bytes.chunks(piece).flat_map(|piece| pgm.take(piece).unwrap());
            let pictures: Vec<Planes> = cut.collect();
            let [small, large] = &pictures[..] else { panic!("{pictures:?}") };
            assert_eq!(small.size(), PictureSize { width: 4, height: 2 });
            assert_eq!(small.y, [0, 1, 2, 3, 4, 5, 6, 7]);
            assert_eq!((&small.u[..], &small.v[..]), (&[8, 9][..], &[10, 11][..]));
            assert_eq!(large.size(), PictureSize { width: 8, height: 4 });
            assert_eq!(large.u, [132, 133, 134, 135, 140, 141, 142, 143]);
        }
    }

    #[test]
    fn what_is_none_is_noticed_within_its_header() {
        for header in [
            "P6\n4 3\n255\n",
            "P5\n4 3\n65535\n",
            "P5\n4 4\n255\n",
            "P5\n3 3\n255\n",
            "P5\n40000 30000\n255\n",
            "P5\n-4 3\n255\n",
            "P5\n\n\n",
            "ffmpeg version 9: what is said here",
        ] {
            assert_eq!(Pgm::default().take(header.as_bytes()), Err(Garbled), "{header:?}");
        }
        assert_eq!(Pgm::default().take(&[0; 1_000]), Err(Garbled));
    }
}
