//! Pictures in other sizes.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

use crate::rtp::PictureSize;

use super::planes::{Colour, Planes};

/// Scales pictures, and keeps the buffers that it needs for that.
#[derive(Debug, Default)]
pub struct Scaler(Resizer);

/// A part of a picture, in pixels and parts of them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Crop {
    /// Its left edge.
    pub left: f64,
    /// Its upper edge.
    pub top: f64,
    /// Its width.
    pub width: f64,
    /// Its height.
    pub height: f64,
}

impl Crop {
    /// All of a picture.
    #[must_use]
    pub fn whole(size: PictureSize) -> Self {
        let (width, height) = (f64::from(size.width), f64::from(size.height));
        Self { left: 0.0, top: 0.0, width, height }
    }

    /// The largest part of `from` in its middle that has the shape of `to`.
    #[must_use]
    pub fn covering(from: PictureSize, to: PictureSize) -> Self {
        let whole = Self::whole(from);
        let wanted = f64::from(to.width) / f64::from(to.height.max(1));
        let width = (whole.height * wanted).min(whole.width);
        let height = (whole.width / wanted).min(whole.height);
        Self {
            left: (whole.width - width) / 2.0,
            top: (whole.height - height) / 2.0,
            width,
            height,
        }
    }

    fn half(self) -> Self {
        let Self { left, top, width, height } = self;
        Self { left: left / 2.0, top: top / 2.0, width: width / 2.0, height: height / 2.0 }
    }
}

/// The largest even size with the shape of `from` that fits into `into`.
#[must_use]
pub fn contained(from: PictureSize, into: PictureSize) -> PictureSize {
    let [w, h, width, height] =
        [from.width, from.height, into.width, into.height].map(|part| u64::from(part.max(1)));
    // By the nearest even number, and no less than the smallest picture.
    let even = |length: u64, most: u64| ((length + 1) & !1).clamp(2, (most & !1).max(2)) as u32;
    if w * height > h * width {
        PictureSize { width: even(width, width), height: even(h * width / w, height) }
    } else {
        PictureSize { width: even(w * height / h, width), height: even(height, height) }
    }
}

impl Scaler {
    /// A part of a picture in another size; none if the part is none of the picture's.
    pub fn scale(&mut self, from: &Planes, part: Crop, to: PictureSize) -> Option<Planes> {
        let mut scaled = Planes::filled(to, Colour::BLACK);
        let size = from.size();
        if part == Crop::whole(size) && scaled.size() == size {
            return Some(from.clone());
        }
        let (whole, into) = (size, scaled.size());
        let half =
            |size: PictureSize| PictureSize { width: size.width / 2, height: size.height / 2 };
        self.plane(&from.y, whole, part, &mut scaled.y, into)?;
        self.plane(&from.u, half(whole), part.half(), &mut scaled.u, half(into))?;
        self.plane(&from.v, half(whole), part.half(), &mut scaled.v, half(into))?;
        Some(scaled)
    }

    fn plane(
        &mut self,
        from: &[u8],
        size: PictureSize,
        part: Crop,
        to: &mut [u8],
        into: PictureSize,
    ) -> Option<()> {
        let from = ImageRef::new(size.width, size.height, from, PixelType::U8).ok()?;
        let mut to = Image::from_slice_u8(into.width, into.height, to, PixelType::U8).ok()?;
        let options = ResizeOptions::new()
            .resize_alg(ResizeAlg::Convolution(FilterType::Bilinear))
            .crop(part.left, part.top, part.width, part.height);
        self.0.resize(&from, &mut to, &options).ok()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::picture::planes::Place;

    fn size(width: u32, height: u32) -> PictureSize {
        PictureSize { width, height }
    }

    #[test]
    fn shapes_are_kept() {
        assert_eq!(contained(size(1920, 1080), size(640, 360)), size(640, 360));
        assert_eq!(contained(size(640, 480), size(640, 360)), size(480, 360));
        assert_eq!(contained(size(2048, 858), size(640, 360)), size(640, 268));
        assert_eq!(contained(size(1080, 1920), size(640, 360)), size(202, 360));
        let part = Crop::covering(size(640, 480), size(640, 360));
        assert_eq!(part, Crop { left: 0.0, top: 60.0, width: 640.0, height: 360.0 });
        let part = Crop::covering(size(1920, 1080), size(100, 100));
        assert_eq!(part, Crop { left: 420.0, top: 0.0, width: 1080.0, height: 1080.0 });
    }

    #[test]
    fn what_is_scaled_has_its_colours_in_their_places() {
        let red = Colour::rgb(255, 0, 0);
        let mut picture = Planes::filled(size(64, 32), Colour::WHITE);
        picture.fill(Place { x: 0, y: 0, width: 32, height: 32 }, red);
        let mut scaler = Scaler::default();
        for to in [size(16, 8), size(128, 64), size(64, 32)] {
            let scaled = scaler.scale(&picture, Crop::whole(picture.size()), to).unwrap();
            assert_eq!(scaled.size(), to);
            let (width, height) = (to.width as usize, to.height as usize);
            assert_eq!(scaled.colour(width / 4, height / 2), Some(red));
            assert_eq!(scaled.colour(3 * width / 4, height / 2), Some(Colour::WHITE));
        }
        let right = Crop { left: 40.0, top: 0.0, width: 20.0, height: 32.0 };
        let scaled = scaler.scale(&picture, right, size(8, 8)).unwrap();
        assert_eq!(scaled, Planes::filled(size(8, 8), Colour::WHITE));
        let beyond = Crop { left: 60.0, top: 0.0, width: 20.0, height: 32.0 };
        assert!(scaler.scale(&picture, beyond, size(8, 8)).is_none());
    }

    proptest! {
        #[test]
        fn whatever_its_shape_it_fits_and_is_even(
            w in 1..5000u32, h in 1..5000u32, width in 2..2000u32, height in 2..2000u32,
        ) {
            let into = size(width & !1, height & !1);
            let inside = contained(size(w, h), into);
            prop_assert!(inside.width <= into.width && inside.height <= into.height);
            prop_assert!(inside.width >= 2 && inside.height >= 2);
            prop_assert!(inside.width.is_multiple_of(2) && inside.height.is_multiple_of(2));
            prop_assert!(inside.width == into.width || inside.height == into.height);
            let part = Crop::covering(size(w, h), into);
            prop_assert!(part.left >= 0.0 && part.top >= 0.0);
            prop_assert!(part.left + part.width <= f64::from(w) + 1e-6);
            prop_assert!(part.top + part.height <= f64::from(h) + 1e-6);
        }
    }
}
