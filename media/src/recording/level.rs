//! The levels of VP9.

use crate::rtp::PictureSize;

use super::grid::FrameRate;

/// Each with the luma samples in a second and in a picture, and the longer side of a picture, that it
/// allows at most (WebM project, "VP9 Levels").
const LEVELS: [(u8, u64, u64, u32); 14] = [
    (10, 829_440, 36_864, 512),
    (11, 2_764_800, 73_728, 768),
    (20, 4_608_000, 122_880, 960),
    (21, 9_216_000, 245_760, 1_344),
    (30, 20_736_000, 552_960, 2_048),
    (31, 36_864_000, 983_040, 2_752),
    (40, 83_558_400, 2_228_224, 4_160),
    (41, 160_432_128, 2_228_224, 4_160),
    (50, 311_951_360, 8_912_896, 8_384),
    (51, 588_251_136, 8_912_896, 8_384),
    (52, 1_176_502_272, 8_912_896, 8_384),
    (60, 1_176_502_272, 35_651_584, 16_832),
    (61, 2_353_004_544, 35_651_584, 16_832),
    (62, 4_706_009_088, 35_651_584, 16_832),
];
/// No level is known.
const UNDEFINED: u8 = 0;

/// The smallest level for pictures of a size at a rate, as a `vpcC` has it.
pub(super) fn vp9_level(size: PictureSize, rate: FrameRate) -> u8 {
    let samples = u64::from(size.width) * u64::from(size.height);
    let per_second = (samples as f64 * rate.value()).ceil() as u64;
    let side = size.width.max(size.height);
    let fits = |(_, second, picture, longest): &&(u8, u64, u64, u32)| {
        per_second <= *second && samples <= *picture && side <= *longest
    };
    LEVELS.iter().find(fits).map_or(UNDEFINED, |(level, ..)| *level)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_level_is_the_smallest_that_allows_size_and_rate() {
        let level = |width, height, num, den| {
            vp9_level(PictureSize { width, height }, FrameRate { num, den })
        };
        assert_eq!(level(64, 64, 25, 1), 10);
        assert_eq!(level(640, 360, 30, 1), 21);
        assert_eq!((level(1280, 720, 30, 1), level(1280, 720, 60, 1)), (31, 40));
        assert_eq!((level(1920, 1080, 30_000, 1001), level(1920, 1080, 60, 1)), (40, 41));
        assert_eq!((level(3840, 2160, 30, 1), level(3840, 2160, 60, 1)), (50, 51));
        assert_eq!(level(7680, 4320, 25, 1), 60);
        assert_eq!(level(2_000, 16, 25, 1), 30, "for its longer side");
        assert_eq!(level(65_536, 65_536, 25, 1), UNDEFINED);
    }
}
