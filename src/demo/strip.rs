//! The machine-readable frame number of the test pattern.
//!
//! # Geometry
//! All lengths are fractions of the picture, so that the strip is found in a
//! picture of any size and after any scaling:
//!
//! - a black bed from x = 3/40 to 37/40 and y = 156/180 to 172/180;
//! - on it 32 cells side by side, each 1/40 of the width, from x = 4/40 to
//!   36/40, and from y = 158/180 to 170/180 (at 1280x720: 32 x 48 pixels a cell,
//!   at 320x180: 8 x 12).
//!
//! A white cell is 1 and a black cell 0. From left to right:
//!
//! | cells | meaning |
//! |---|---|
//! | 0-1 | sync: 1 0 |
//! | 2-3 | source, most significant bit first ([`Source`]) |
//! | 4-25 | frame number modulo 2^22, most significant bit first |
//! | 26-29 | CRC-4 (polynomial x^4 + x + 1, start 0b1010) of cells 2-25 |
//! | 30-31 | sync: 0 1 |
//!
//! A reader averages the middle half of each cell in both directions, takes the
//! middle between the white and the black sync cells as its threshold, and
//! refuses the picture when the sync or the CRC does not hold.
//! `tests/browser/frameStrip.ts` is the same reader for a canvas.

use std::ops::Range;

use super::picture::{Colour, Picture, Size};

/// Cells of the strip, sync marks included.
const CELLS: usize = 32;
/// The strip counts in this many columns and rows across the picture.
const COLUMNS: usize = 40;
const ROWS: usize = 180;
const FIRST_COLUMN: usize = 4;
const CELL_ROWS: Range<usize> = 158..170;
const BED_COLUMNS: Range<usize> = 3..37;
const BED_ROWS: Range<usize> = 156..172;
const FRAME_BITS: usize = 22;
const PAYLOAD_BITS: usize = 2 + FRAME_BITS;
/// Luma steps that white must be above black for the strip to count as one.
const MIN_CONTRAST: u32 = 60;

/// Frame numbers wrap at this many frames (46 hours at 25 frames a second).
pub const FRAME_MODULUS: u32 = 1 << FRAME_BITS;

/// Which picture a strip belongs to, so that a test can tell them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The live test pattern.
    Live = 0,
    /// The demo's first clip.
    ClipA = 1,
    /// The demo's second clip.
    ClipB = 2,
    /// Any other user of the pattern, `examples/publish_whip` for one.
    Other = 3,
}

/// What a strip says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// The picture's source.
    pub source: Source,
    /// The frame number, modulo [`FRAME_MODULUS`].
    pub frame: u32,
}

/// Pixels from `range` parts of `parts` of a side of `length` pixels.
fn pixels(range: Range<usize>, parts: usize, length: usize) -> Range<usize> {
    range.start * length / parts..range.end * length / parts
}

/// Where the black bed below the cells lies, in pixels (x, y).
#[must_use]
pub fn bed(size: Size) -> (Range<usize>, Range<usize>) {
    (pixels(BED_COLUMNS, COLUMNS, size.width()), pixels(BED_ROWS, ROWS, size.height()))
}

/// CRC-4 over the payload's bits, most significant first.
fn crc4(payload: u32) -> u32 {
    let mut crc = 0b1010;
    for bit in (0..PAYLOAD_BITS).rev() {
        let feedback = (crc >> 3) ^ (payload >> bit) & 1;
        crc = ((crc << 1) & 0xF) ^ if feedback == 1 { 0b0011 } else { 0 };
    }
    crc
}

/// The 32 cells as bits, cell 0 being the most significant.
fn code(reading: Reading) -> u32 {
    let payload = ((reading.source as u32) << FRAME_BITS) | (reading.frame % FRAME_MODULUS);
    (0b10 << 30) | (payload << 6) | (crc4(payload) << 2) | 0b01
}

/// Draws the strip (its bed is drawn once, by the background).
pub fn draw(picture: &mut Picture, reading: Reading) {
    let size = picture.size();
    let rows = pixels(CELL_ROWS, ROWS, size.height());
    let code = code(reading);
    for cell in 0..CELLS {
        let column = FIRST_COLUMN + cell;
        let columns = pixels(column..column + 1, COLUMNS, size.width());
        let white = code >> (CELLS - 1 - cell) & 1 == 1;
        let colour = if white { Colour::WHITE } else { Colour::BLACK };
        picture.fill(columns, rows.clone(), colour);
    }
}

/// Reads the strip of a picture whose luma plane has `stride` bytes a row.
///
/// Returns `None` when the picture carries no intact strip.
#[must_use]
pub fn read(luma: &[u8], stride: usize, size: Size) -> Option<Reading> {
    let levels: Vec<u32> = (0..CELLS).map(|cell| cell_level(luma, stride, size, cell)).collect();
    let white = (levels[0] + levels[CELLS - 1]) / 2;
    let black = (levels[1] + levels[CELLS - 2]) / 2;
    if white < black + MIN_CONTRAST {
        return None;
    }
    let threshold = (white + black) / 2;
    let code = levels.iter().fold(0, |code, level| code << 1 | u32::from(*level > threshold));
    let payload = code >> 6 & ((1 << PAYLOAD_BITS) - 1);
    let sound = code >> 30 == 0b10 && code & 0b11 == 0b01 && code >> 2 & 0xF == crc4(payload);
    let source = match payload >> FRAME_BITS {
        0 => Source::Live,
        1 => Source::ClipA,
        2 => Source::ClipB,
        _ => Source::Other,
    };
    sound.then_some(Reading { source, frame: payload % FRAME_MODULUS })
}

/// Mean luma of the middle half of a cell.
fn cell_level(luma: &[u8], stride: usize, size: Size, cell: usize) -> u32 {
    // Quarters of a cell: from the first to the third quarter of it.
    let column = (FIRST_COLUMN + cell) * 4;
    let x = pixels(column + 1..column + 3, COLUMNS * 4, size.width());
    let height = CELL_ROWS.len();
    let y =
        pixels(CELL_ROWS.start * 4 + height..CELL_ROWS.end * 4 - height, ROWS * 4, size.height());
    // A tiny picture may round a range to nothing; one pixel always remains.
    let x = x.start..x.end.max(x.start + 1);
    let y = y.start..y.end.max(y.start + 1);
    let count = (x.len() * y.len()) as u32;
    let sum: u32 = y
        .map(|row| {
            let row = &luma[row * stride..];
            row[x.clone()].iter().map(|level| u32::from(*level)).sum::<u32>()
        })
        .sum();
    sum / count
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_source() -> impl Strategy<Value = Source> {
        prop_oneof![
            Just(Source::Live),
            Just(Source::ClipA),
            Just(Source::ClipB),
            Just(Source::Other)
        ]
    }

    proptest! {
        #[test]
        fn what_is_drawn_is_read(
            source in any_source(),
            frame in 0..FRAME_MODULUS,
            width in 80_usize..960,
            height in 45_usize..540,
        ) {
            let size = Size::new(width * 2, height * 2).unwrap();
            let mut picture = Picture::new(size, Colour::BLACK);
            let reading = Reading { source, frame };
            draw(&mut picture, reading);
            prop_assert_eq!(read(picture.luma(), size.width(), size), Some(reading));
        }

        #[test]
        fn one_wrong_cell_is_noticed(frame in 0..FRAME_MODULUS, wrong in 0..32_usize) {
            let size = Size::new(640, 360).unwrap();
            let mut picture = Picture::new(size, Colour::BLACK);
            let reading = Reading { source: Source::Live, frame };
            draw(&mut picture, reading);
            let x = pixels(wrong + FIRST_COLUMN..wrong + FIRST_COLUMN + 1, COLUMNS, 640);
            let y = pixels(CELL_ROWS, ROWS, 360);
            let white = code(reading) >> (31 - wrong) & 1 == 1;
            picture.fill(x, y, if white { Colour::BLACK } else { Colour::WHITE });
            prop_assert_eq!(read(picture.luma(), 640, size), None);
        }
    }

    #[test]
    fn the_code_is_what_the_browser_reader_expects() {
        // The same three values stand in tests/browser/frameStrip.spec.ts.
        let encoded = |source, frame| code(Reading { source, frame });
        assert_eq!(encoded(Source::Live, 0), 0x8000_0021);
        assert_eq!(encoded(Source::ClipA, 249), 0x9000_3E61);
        assert_eq!(encoded(Source::Other, FRAME_MODULUS - 1), 0xBFFF_FFCD);
    }

    #[test]
    fn a_plain_picture_has_no_strip() {
        let size = Size::new(320, 180).unwrap();
        for colour in [Colour::BLACK, Colour::WHITE, Colour::grey(128)] {
            assert_eq!(read(Picture::new(size, colour).luma(), 320, size), None);
        }
    }

    #[test]
    fn the_number_wraps() {
        let size = Size::new(320, 180).unwrap();
        let mut picture = Picture::new(size, Colour::BLACK);
        draw(&mut picture, Reading { source: Source::Live, frame: FRAME_MODULUS + 7 });
        let reading = read(picture.luma(), 320, size).unwrap();
        assert_eq!(reading.frame, 7);
    }
}
