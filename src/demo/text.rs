//! Text for the test pattern: glyphs of Noto Sans Mono, scaled to the height
//! that a picture wants and kept.

use std::collections::HashMap;

use noto_sans_mono_bitmap::{FontWeight, RasterHeight, RasterizedChar, get_raster};

use super::picture::{Colour, Picture};

/// A fixed-pitch face at one height.
#[derive(Debug)]
pub struct Face {
    height: usize,
    width: usize,
    glyphs: HashMap<char, Vec<u8>>,
}

impl Face {
    /// A face whose lines are `height` pixels high, for printable ASCII.
    #[must_use]
    pub fn new(height: usize) -> Self {
        let height = height.max(8);
        let source = glyph(' ');
        let width = (height * source.width() / source.height()).max(1);
        let glyphs = (' '..='~').map(|c| (c, scale(glyph(c), width, height))).collect();
        Self { height, width, glyphs }
    }

    /// Width of one character in pixels.
    #[must_use]
    pub fn advance(&self) -> usize {
        self.width
    }

    /// Height of a line in pixels.
    #[must_use]
    pub fn height(&self) -> usize {
        self.height
    }

    /// Draws `text` with its upper left corner at (`x`, `y`).
    pub fn draw(&self, picture: &mut Picture, (x, y): (usize, usize), text: &str, colour: Colour) {
        let unknown = &self.glyphs[&'?'];
        for (index, c) in text.chars().enumerate() {
            let mask = self.glyphs.get(&c).unwrap_or(unknown);
            let left = x + index * self.width;
            for (row, line) in mask.chunks_exact(self.width).enumerate() {
                for (column, alpha) in line.iter().enumerate() {
                    picture.plot(left + column, y + row, colour, *alpha);
                }
            }
        }
    }

    /// Draws `text` with its middle at `centre_x` and its top at `y`.
    pub fn draw_centred(
        &self,
        picture: &mut Picture,
        (centre_x, y): (usize, usize),
        text: &str,
        colour: Colour,
    ) {
        let half = text.chars().count() * self.width / 2;
        self.draw(picture, (centre_x.saturating_sub(half), y), text, colour);
    }
}

fn glyph(c: char) -> RasterizedChar {
    get_raster(c, FontWeight::Bold, RasterHeight::Size32)
        .or_else(|| get_raster('?', FontWeight::Bold, RasterHeight::Size32))
        .expect("the face holds the ASCII characters, the question mark among them")
}

/// Scales a glyph to `width` x `height` with bilinear sampling.
fn scale(glyph: RasterizedChar, width: usize, height: usize) -> Vec<u8> {
    let at = |x: usize, y: usize| f32::from(glyph.pixel(x, y).unwrap_or(0));
    // Centres of target pixels in the source's coordinates.
    let locate = |target: usize, targets: usize, sources: usize| {
        let position = (target as f32 + 0.5) * sources as f32 / targets as f32 - 0.5;
        let position = position.clamp(0.0, (sources - 1) as f32);
        let low = position.floor() as usize;
        (low, (low + 1).min(sources - 1), position.fract())
    };
    let mut mask = Vec::with_capacity(width * height);
    for y in 0..height {
        let (top, bottom, down) = locate(y, height, glyph.height());
        for x in 0..width {
            let (left, right, along) = locate(x, width, glyph.width());
            let upper = at(left, top) * (1.0 - along) + at(right, top) * along;
            let lower = at(left, bottom) * (1.0 - along) + at(right, bottom) * along;
            mask.push((upper * (1.0 - down) + lower * down).round() as u8);
        }
    }
    mask
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::picture::Size;

    #[test]
    fn digits_differ_from_each_other() {
        let face = Face::new(24);
        let masks: Vec<&Vec<u8>> = ('0'..='9').map(|c| &face.glyphs[&c]).collect();
        for (i, one) in masks.iter().enumerate() {
            assert!(masks[i + 1..].iter().all(|other| other != one), "digit {i}");
        }
    }

    #[test]
    fn text_leaves_ink_where_it_is_drawn_and_nowhere_else() {
        let size = Size::new(320, 180).unwrap();
        let mut picture = Picture::new(size, Colour::BLACK);
        let face = Face::new(20);
        face.draw(&mut picture, (100, 50), "042", Colour::WHITE);
        let ink = |x: std::ops::Range<usize>, y: std::ops::Range<usize>| {
            y.flat_map(|y| x.clone().map(move |x| (x, y)))
                .filter(|(x, y)| picture.luma()[y * 320 + x] > 100)
                .count()
        };
        let inside = ink(100..100 + 3 * face.advance(), 50..70);
        assert!(inside > 50);
        assert_eq!(ink(0..320, 0..180), inside);
    }
}
