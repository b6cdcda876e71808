//! What is written on pictures.

use noto_sans_mono_bitmap::{FontWeight, RasterHeight, RasterizedChar, get_raster};

use crate::picture::{Colour, Planes};
use crate::rtp::PictureSize;

/// Room on each side of a text, in pixels.
const MARGIN: usize = 6;

/// How large letters are, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Letters {
    Small,
    Middle,
    Large,
}

impl Letters {
    /// What is read in a cell of this height.
    pub(super) fn of(height: u32) -> Self {
        match height {
            0..=299 => Self::Small,
            300..=599 => Self::Middle,
            _ => Self::Large,
        }
    }

    fn raster(self) -> RasterHeight {
        match self {
            Self::Small => RasterHeight::Size16,
            Self::Middle => RasterHeight::Size24,
            Self::Large => RasterHeight::Size32,
        }
    }

    fn glyph(self, c: char) -> RasterizedChar {
        let raster = |c| get_raster(c, FontWeight::Regular, self.raster());
        raster(c)
            .or_else(|| raster('?'))
            .expect("the face holds the ASCII characters, the question mark among them")
    }
}

/// A text on a plate of a colour, no wider than `most` pixels: what does not fit is left out.
pub(super) fn plate(text: &str, letters: Letters, most: u32, ground: Colour) -> Planes {
    let advance = letters.glyph(' ').width();
    let room = (most as usize).saturating_sub(2 * MARGIN) / advance;
    let shown: Vec<char> = text.chars().take(room).collect();
    let height = letters.glyph(' ').height() + MARGIN;
    let size =
        PictureSize { width: (shown.len() * advance + 2 * MARGIN) as u32, height: height as u32 };
    let mut plate = Planes::filled(size, ground);
    let width = plate.size().width as usize;
    for (number, c) in shown.into_iter().enumerate() {
        let left = MARGIN + number * advance;
        let glyph = letters.glyph(c);
        for row in 0..glyph.height() {
            for column in 0..glyph.width() {
                let light = i32::from(glyph.pixel(column, row).unwrap_or(0));
                let span = i32::from(Colour::WHITE.y) - i32::from(ground.y);
                let luma = i32::from(ground.y) + span * light / 255;
                plate.y[(row + MARGIN / 2) * width + left + column] = luma as u8;
            }
        }
    }
    plate
}

/// A picture of nothing but lines of text, one below the other in its middle.
pub(crate) fn words(size: PictureSize, lines: &[&str]) -> Planes {
    let mut picture = Planes::filled(size, Colour::GREY);
    let letters = Letters::of(size.height);
    let plates: Vec<Planes> = lines
        .iter()
        .filter(|line| !line.is_empty())
        .map(|line| plate(line, letters, size.width, Colour::GREY))
        .collect();
    let height: u32 = plates.iter().map(|plate| plate.size().height).sum();
    let mut top = (i64::from(size.height) - i64::from(height)) as i32 / 2;
    for plate in plates {
        let left = (size.width as i32 - plate.size().width as i32) / 2;
        picture.put((left, top), &plate);
        top += plate.size().height as i32;
    }
    picture
}
