//! A picture in memory: planar 4:2:0, as codecs have it.

use openh264::formats::YUVSource;

use crate::rtp::PictureSize;

/// The least width and height of a picture, in pixels.
const LEAST: u32 = 2;
/// The largest picture that is decoded, in pixels: 4K as cinema has it.
pub const LARGEST: PictureSize = PictureSize { width: 4096, height: 2304 };

/// A colour in limited-range BT.709.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Colour {
    pub(crate) y: u8,
    pub(crate) u: u8,
    pub(crate) v: u8,
}

impl Colour {
    /// No light.
    pub const BLACK: Self = Self { y: 16, u: 128, v: 128 };
    /// All light.
    pub const WHITE: Self = Self { y: 235, u: 128, v: 128 };
    /// What stands where there is no picture.
    pub const GREY: Self = Self { y: 44, u: 128, v: 128 };

    /// The colour of red, green and blue from 0 to 255.
    #[must_use]
    pub fn rgb(red: u8, green: u8, blue: u8) -> Self {
        let [r, g, b] = [red, green, blue].map(|part| f32::from(part) / 255.0);
        let luma = 0.2126 * r + 0.7152 * g + 0.0722 * b;
        // A float becomes the nearest number that a byte has.
        let byte = |value: f32| value.round() as u8;
        Self {
            y: byte(16.0 + 219.0 * luma),
            u: byte(128.0 + 224.0 * (b - luma) / 1.8556),
            v: byte(128.0 + 224.0 * (r - luma) / 1.5748),
        }
    }
}

/// The three planes of a picture, without gaps between lines. Its width and height are even.
#[derive(Clone, PartialEq, Eq)]
pub struct Planes {
    width: usize,
    height: usize,
    pub(crate) y: Vec<u8>,
    pub(crate) u: Vec<u8>,
    pub(crate) v: Vec<u8>,
}

impl std::fmt::Debug for Planes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Planes({}x{})", self.width, self.height)
    }
}

/// Whether a picture of this size is decoded; else it would take more memory than it is worth.
#[must_use]
pub fn fits(size: PictureSize) -> bool {
    let (long, short) = (size.width.max(size.height), size.width.min(size.height));
    (LEAST..=LARGEST.width).contains(&long) && (LEAST..=LARGEST.height).contains(&short)
}

impl Planes {
    /// A picture of one colour. An odd width or height becomes the next even one.
    #[must_use]
    pub fn filled(size: PictureSize, colour: Colour) -> Self {
        let even = |length: u32| length.max(LEAST).next_multiple_of(2) as usize;
        let (width, height) = (even(size.width), even(size.height));
        let chroma = width * height / 4;
        Self {
            width,
            height,
            y: vec![colour.y; width * height],
            u: vec![colour.u; chroma],
            v: vec![colour.v; chroma],
        }
    }

    /// A copy of what a decoder has; none when its planes are not as large as it says, or its size
    /// is odd, which 4:2:0 cannot be cropped to.
    pub(crate) fn copy(from: &impl YUVSource) -> Option<Self> {
        let (width, height) = from.dimensions();
        let (y, u, v) = from.strides();
        if !width.is_multiple_of(2) || !height.is_multiple_of(2) || width == 0 || height == 0 {
            return None;
        }
        Some(Self {
            width,
            height,
            y: plane(from.y(), y, width, height)?,
            u: plane(from.u(), u, width / 2, height / 2)?,
            v: plane(from.v(), v, width / 2, height / 2)?,
        })
    }

    /// A picture of planes that have no gaps; none when they are not as large as they have to be, or
    /// its width or height is odd.
    pub(crate) fn of(size: PictureSize, [y, u, v]: [Vec<u8>; 3]) -> Option<Self> {
        let (width, height) = (size.width as usize, size.height as usize);
        let even = width.is_multiple_of(2) && height.is_multiple_of(2) && width * height > 0;
        let chroma = width * height / 4;
        let lengths = (y.len(), u.len(), v.len());
        (even && lengths == (width * height, chroma, chroma)).then_some(Self {
            width,
            height,
            y,
            u,
            v,
        })
    }

    /// Its size in pixels.
    #[must_use]
    pub fn size(&self) -> PictureSize {
        // No more than `LARGEST`, or what fits a canvas.
        PictureSize { width: self.width as u32, height: self.height as u32 }
    }

    /// The colour at a pixel; none beyond its edges.
    #[must_use]
    pub fn colour(&self, x: usize, y: usize) -> Option<Colour> {
        if x >= self.width || y >= self.height {
            return None;
        }
        let chroma = (y / 2) * (self.width / 2) + x / 2;
        Some(Colour { y: self.y[y * self.width + x], u: self.u[chroma], v: self.v[chroma] })
    }

    /// Fills a part with a colour. What lies beyond the edges is left out, and odd numbers count as
    /// the even ones below.
    pub fn fill(&mut self, place: Place, colour: Colour) {
        let Some((to, _, (width, height))) = self.overlap(place) else { return };
        let stride = self.width;
        fill(&mut self.y, stride, to, (width, height), colour.y);
        let (to, half) = ((to.0 / 2, to.1 / 2), (width / 2, height / 2));
        fill(&mut self.u, stride / 2, to, half, colour.u);
        fill(&mut self.v, stride / 2, to, half, colour.v);
    }

    /// Puts another picture into this one, with its upper left corner at (`x`, `y`). What lies
    /// beyond the edges is left out, and odd numbers count as the even ones below.
    pub fn put(&mut self, (x, y): (i32, i32), other: &Planes) {
        let size = other.size();
        let place = Place { x, y, width: size.width, height: size.height };
        let Some((to, from, (width, height))) = self.overlap(place) else { return };
        let strides = (self.width, other.width);
        put(&mut self.y, &other.y, strides, (to, from), (width, height));
        let half = |(a, b): (usize, usize)| (a / 2, b / 2);
        let (strides, ends) = (half(strides), (half(to), half(from)));
        put(&mut self.u, &other.u, strides, ends, half((width, height)));
        put(&mut self.v, &other.v, strides, ends, half((width, height)));
    }

    /// Where a place lies in this picture, from where on in the place, and how much of it.
    #[expect(clippy::type_complexity, reason = "three pairs of one function's own")]
    fn overlap(&self, place: Place) -> Option<((usize, usize), (usize, usize), (usize, usize))> {
        let span = |at: i32, length: u32, most: usize| {
            let at = i64::from(at) & !1;
            let end = (at + i64::from(length)).min(most as i64) & !1;
            let begin = at.max(0);
            let length = end - begin;
            (length > 0).then_some((begin as usize, (begin - at) as usize, length as usize))
        };
        let (x, left, width) = span(place.x, place.width, self.width)?;
        let (y, top, height) = span(place.y, place.height, self.height)?;
        Some(((x, y), (left, top), (width, height)))
    }
}

/// A part of a picture, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Its left edge.
    pub x: i32,
    /// Its upper edge.
    pub y: i32,
    /// Its width.
    pub width: u32,
    /// Its height.
    pub height: u32,
}

impl YUVSource for Planes {
    fn dimensions(&self) -> (usize, usize) {
        (self.width, self.height)
    }

    fn strides(&self) -> (usize, usize, usize) {
        (self.width, self.width / 2, self.width / 2)
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

/// A plane without what follows its lines.
fn plane(from: &[u8], stride: usize, width: usize, height: usize) -> Option<Vec<u8>> {
    let mut plane = Vec::with_capacity(width * height);
    for line in 0..height {
        plane.extend_from_slice(from.get(line * stride..)?.get(..width)?);
    }
    Some(plane)
}

fn fill(
    plane: &mut [u8],
    stride: usize,
    (x, y): (usize, usize),
    (width, height): (usize, usize),
    value: u8,
) {
    for line in plane.chunks_exact_mut(stride).skip(y).take(height) {
        line[x..x + width].fill(value);
    }
}

fn put(
    to: &mut [u8],
    from: &[u8],
    (to_stride, from_stride): (usize, usize),
    ((x, y), (left, top)): ((usize, usize), (usize, usize)),
    (width, height): (usize, usize),
) {
    let lines = from.chunks_exact(from_stride).skip(top).take(height);
    for (line, other) in to.chunks_exact_mut(to_stride).skip(y).zip(lines) {
        line[x..x + width].copy_from_slice(&other[left..left + width]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RED: Colour = Colour { y: 63, u: 102, v: 240 };

    fn size(width: u32, height: u32) -> PictureSize {
        PictureSize { width, height }
    }

    #[test]
    fn colours_are_those_of_the_standard() {
        assert_eq!(Colour::rgb(0, 0, 0), Colour::BLACK);
        assert_eq!(Colour::rgb(255, 255, 255), Colour::WHITE);
        assert_eq!(Colour::rgb(255, 0, 0), RED);
        assert_eq!(Colour::rgb(0, 0, 255), Colour { y: 32, u: 240, v: 118 });
    }

    #[test]
    fn a_picture_is_put_where_it_belongs_and_cut_at_the_edges() {
        let mut canvas = Planes::filled(size(16, 8), Colour::BLACK);
        let small = Planes::filled(size(4, 4), RED);
        canvas.put((2, 2), &small);
        canvas.put((-2, 6), &small);
        canvas.put((14, -2), &small);
        for (x, y, colour) in [
            (1, 2, Colour::BLACK),
            (2, 1, Colour::BLACK),
            (2, 2, RED),
            (5, 5, RED),
            (6, 5, Colour::BLACK),
            (0, 6, RED),
            (1, 7, RED),
            (2, 7, Colour::BLACK),
            (14, 0, RED),
            (15, 1, RED),
            (15, 2, Colour::BLACK),
        ] {
            assert_eq!(canvas.colour(x, y), Some(colour), "{x},{y}");
        }
        assert_eq!(canvas.colour(16, 0), None);
        canvas.put((100, 100), &small);
        canvas.put((i32::MIN, i32::MAX), &small);
        canvas.fill(Place { x: -10, y: -10, width: 100, height: 100 }, Colour::WHITE);
        assert_eq!(canvas, Planes::filled(size(16, 8), Colour::WHITE));
    }

    #[test]
    fn only_pictures_within_reason_are_decoded() {
        assert!(fits(size(4096, 2304)) && fits(size(2160, 3840)) && fits(size(16, 16)));
        assert!(!fits(size(4098, 2304)) && !fits(size(4096, 2306)) && !fits(size(0, 16)));
    }

    struct Padded(Vec<u8>, (usize, usize));

    impl YUVSource for Padded {
        fn dimensions(&self) -> (usize, usize) {
            self.1
        }
        fn strides(&self) -> (usize, usize, usize) {
            (8, 4, 4)
        }
        fn y(&self) -> &[u8] {
            &self.0
        }
        fn u(&self) -> &[u8] {
            &self.0
        }
        fn v(&self) -> &[u8] {
            &self.0
        }
    }

    #[test]
    fn what_a_decoder_pads_is_left_out_and_what_it_lacks_is_refused() {
        let bytes: Vec<u8> = (0..32).collect();
        let copied = Planes::copy(&Padded(bytes.clone(), (4, 4))).unwrap();
        assert_eq!(copied.y, [0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27]);
        assert_eq!(copied.u, [0, 1, 4, 5]);
        for bad in [(4, 6), (3, 4), (0, 0)] {
            assert!(Planes::copy(&Padded(bytes.clone(), bad)).is_none(), "{bad:?}");
        }
    }
}
