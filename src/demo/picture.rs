//! A picture in I420 with BT.709 limited-range colours, and the few drawing
//! operations that the test pattern needs.

use std::ops::Range;

use openh264::formats::YUVSource;

/// Width and height of a picture in pixels; both are even and not zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    width: usize,
    height: usize,
}

impl Size {
    /// The largest side that the encoder takes.
    const MAX: usize = 2160;
    /// The smallest picture in which the frame strip stays readable.
    const MIN: (usize, usize) = (160, 90);

    /// Makes a size of `width` x `height` pixels.
    ///
    /// # Errors
    /// When a side is odd (I420 halves both), or the picture is too small for
    /// the frame strip or too large for the encoder.
    pub fn new(width: usize, height: usize) -> Result<Self, SizeError> {
        let even = width.is_multiple_of(2) && height.is_multiple_of(2);
        let fits = width >= Self::MIN.0 && height >= Self::MIN.1;
        if even && fits && width <= 3840 && height <= Self::MAX {
            Ok(Self { width, height })
        } else {
            Err(SizeError { width, height })
        }
    }

    /// Width in pixels.
    #[must_use]
    pub fn width(self) -> usize {
        self.width
    }

    /// Height in pixels.
    #[must_use]
    pub fn height(self) -> usize {
        self.height
    }
}

/// A picture size that the pattern cannot be drawn in.
#[derive(Debug, thiserror::Error)]
#[error("{width}x{height} is no usable picture size: even sides from 160x90 to 3840x2160 are")]
pub struct SizeError {
    width: usize,
    height: usize,
}

impl std::str::FromStr for Size {
    type Err = String;

    /// Reads `WIDTHxHEIGHT`, `1280x720` for example.
    fn from_str(text: &str) -> Result<Self, String> {
        let (width, height) =
            text.split_once('x').ok_or_else(|| format!("{text:?} is not of the form 1280x720"))?;
        let side = |side: &str| side.parse::<usize>().map_err(|error| format!("{side:?}: {error}"));
        Size::new(side(width)?, side(height)?).map_err(|error| error.to_string())
    }
}

impl std::fmt::Display for Size {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}

/// A colour as the encoder takes it: BT.709, limited range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Colour {
    /// Luma, 16 (black) to 235 (white).
    pub y: u8,
    /// Blue difference, 128 is neutral.
    pub u: u8,
    /// Red difference, 128 is neutral.
    pub v: u8,
}

impl Colour {
    /// Limited-range black.
    pub const BLACK: Self = Self::grey(16);
    /// Limited-range white.
    pub const WHITE: Self = Self::grey(235);

    /// A neutral colour of the luma `y`.
    #[must_use]
    pub const fn grey(y: u8) -> Self {
        Self { y, u: 128, v: 128 }
    }

    /// Converts gamma-coded RGB (0-255 each) with the BT.709 matrix.
    #[must_use]
    pub fn rgb(r: u8, g: u8, b: u8) -> Self {
        let [r, g, b] = [r, g, b].map(|part| f32::from(part) / 255.0);
        let luma = 0.2126 * r + 0.7152 * g + 0.0722 * b;
        let quantise = |value: f32| value.round().clamp(0.0, 255.0) as u8;
        Self {
            y: quantise(16.0 + 219.0 * luma),
            u: quantise(128.0 + 224.0 * (b - luma) / 1.8556),
            v: quantise(128.0 + 224.0 * (r - luma) / 1.5748),
        }
    }

    /// This colour at `alpha` (0-255) over `below`.
    fn over(self, below: Self, alpha: u8) -> Self {
        Self {
            y: blend(below.y, self.y, alpha),
            u: blend(below.u, self.u, alpha),
            v: blend(below.v, self.v, alpha),
        }
    }
}

fn blend(below: u8, above: u8, alpha: u8) -> u8 {
    let (below, above, alpha) = (u32::from(below), u32::from(above), u32::from(alpha));
    ((below * (255 - alpha) + above * alpha + 127) / 255) as u8
}

/// A picture in I420: a full luma plane and two quarter-size chroma planes.
#[derive(Debug, Clone)]
pub struct Picture {
    size: Size,
    y: Vec<u8>,
    u: Vec<u8>,
    v: Vec<u8>,
}

impl Picture {
    /// A picture filled with `colour`.
    #[must_use]
    pub fn new(size: Size, colour: Colour) -> Self {
        let luma = size.width * size.height;
        Self {
            size,
            y: vec![colour.y; luma],
            u: vec![colour.u; luma / 4],
            v: vec![colour.v; luma / 4],
        }
    }

    /// The picture's size.
    #[must_use]
    pub fn size(&self) -> Size {
        self.size
    }

    /// The luma plane, row by row without padding.
    #[must_use]
    pub fn luma(&self) -> &[u8] {
        &self.y
    }

    /// Copies `other` into this picture without allocating.
    ///
    /// # Panics
    /// When the sizes differ.
    pub fn copy_from(&mut self, other: &Picture) {
        assert_eq!(self.size, other.size, "pictures of one pattern share their size");
        self.y.copy_from_slice(&other.y);
        self.u.copy_from_slice(&other.u);
        self.v.copy_from_slice(&other.v);
    }

    /// Fills the rectangle `x` x `y` (pixels, clipped to the picture).
    pub fn fill(&mut self, x: Range<usize>, y: Range<usize>, colour: Colour) {
        let x = x.start.min(self.size.width)..x.end.min(self.size.width);
        let y = y.start.min(self.size.height)..y.end.min(self.size.height);
        if x.is_empty() || y.is_empty() {
            return;
        }
        for row in y.clone() {
            let at = row * self.size.width;
            self.y[at + x.start..at + x.end].fill(colour.y);
        }
        let half = self.size.width / 2;
        for row in y.start / 2..y.end.div_ceil(2) {
            let span = row * half + x.start / 2..row * half + x.end.div_ceil(2);
            self.u[span.clone()].fill(colour.u);
            self.v[span].fill(colour.v);
        }
    }

    /// Draws the outline of a rectangle with lines of `line` pixels inside it.
    pub fn frame(&mut self, x: Range<usize>, y: Range<usize>, line: usize, colour: Colour) {
        self.fill(x.clone(), y.start..y.start + line, colour);
        self.fill(x.clone(), y.end.saturating_sub(line)..y.end, colour);
        self.fill(x.start..x.start + line, y.clone(), colour);
        self.fill(x.end.saturating_sub(line)..x.end, y, colour);
    }

    /// Lays `colour` over one pixel with `alpha` (0 = nothing, 255 = opaque).
    ///
    /// The chroma that four pixels share follows the even ones, which is exact
    /// enough for the edges of text and discs.
    pub fn plot(&mut self, x: usize, y: usize, colour: Colour, alpha: u8) {
        if x >= self.size.width || y >= self.size.height || alpha == 0 {
            return;
        }
        let at = y * self.size.width + x;
        let chroma = (y / 2) * (self.size.width / 2) + x / 2;
        let below = Colour { y: self.y[at], u: self.u[chroma], v: self.v[chroma] };
        let mixed = colour.over(below, alpha);
        self.y[at] = mixed.y;
        if x.is_multiple_of(2) && y.is_multiple_of(2) {
            self.u[chroma] = mixed.u;
            self.v[chroma] = mixed.v;
        }
    }

    /// Draws a filled disc with soft edges; all lengths in pixels.
    pub fn disc(&mut self, centre: (f32, f32), radius: f32, colour: Colour) {
        let (cx, cy) = centre;
        let reach = radius + 1.0;
        let from = |c: f32| (c - reach).floor().max(0.0) as usize;
        let to = |c: f32| (c + reach).ceil().max(0.0) as usize;
        for y in from(cy)..to(cy) {
            for x in from(cx)..to(cx) {
                let (dx, dy) = (x as f32 + 0.5 - cx, y as f32 + 0.5 - cy);
                let cover = (radius - dx.hypot(dy) + 0.5).clamp(0.0, 1.0);
                self.plot(x, y, colour, (cover * 255.0) as u8);
            }
        }
    }
}

impl YUVSource for Picture {
    fn dimensions(&self) -> (usize, usize) {
        (self.size.width, self.size.height)
    }

    fn strides(&self) -> (usize, usize, usize) {
        (self.size.width, self.size.width / 2, self.size.width / 2)
    }

    fn y(&self) -> &[u8] {
        &self.y
    }

    fn u(&self) -> &[u8] {
        &self.u
    }

    fn v(&self) -> &[u8] {
        &self.v
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rgb_follows_bt709_limited_range() {
        assert_eq!(Colour::rgb(0, 0, 0), Colour::BLACK);
        assert_eq!(Colour::rgb(255, 255, 255), Colour::WHITE);
        assert_eq!(Colour::rgb(255, 0, 0), Colour { y: 63, u: 102, v: 240 });
        assert_eq!(Colour::rgb(0, 0, 255), Colour { y: 32, u: 240, v: 118 });
    }

    #[test]
    fn sizes_are_even_and_bounded() {
        assert_eq!("1280x720".parse::<Size>().unwrap(), Size::new(1280, 720).unwrap());
        for bad in ["1281x720", "1280x721", "32x32", "8000x720", "1280", "axb", "x"] {
            assert!(bad.parse::<Size>().is_err(), "{bad}");
        }
    }

    #[test]
    fn drawing_past_the_edge_is_clipped() {
        let size = Size::new(160, 90).unwrap();
        let mut picture = Picture::new(size, Colour::BLACK);
        picture.fill(150..400, 80..400, Colour::WHITE);
        picture.disc((159.0, 89.0), 30.0, Colour::WHITE);
        picture.plot(160, 90, Colour::WHITE, 255);
        assert_eq!(picture.luma()[0], 16);
        assert_eq!(picture.luma()[160 * 90 - 1], 235);
    }
}
