//! Several channels of sound into two (ITU-R BS.775-3, annex 4, table 2).

/// The part of what stands in the middle, or behind on one side: -3 dB.
const HALF_POWER: f32 = std::f32::consts::FRAC_1_SQRT_2;

/// What of each channel goes to the left and to the right, in the order in which decoders give
/// channels out: front left and right, front centre, low frequencies, behind. None where there is no
/// rule for so many.
fn parts(channels: u8) -> Option<&'static [[f32; 2]]> {
    const LEFT: [f32; 2] = [1.0, 0.0];
    const RIGHT: [f32; 2] = [0.0, 1.0];
    const CENTRE: [f32; 2] = [HALF_POWER, HALF_POWER];
    const LEFT_BEHIND: [f32; 2] = [HALF_POWER, 0.0];
    const RIGHT_BEHIND: [f32; 2] = [0.0, HALF_POWER];
    // A single channel behind is heard on both sides.
    const BEHIND: [f32; 2] = [0.5, 0.5];
    const NOT_AT_ALL: [f32; 2] = [0.0, 0.0];
    Some(match channels {
        1 => &[[1.0, 1.0]],
        2 => &[LEFT, RIGHT],
        3 => &[LEFT, RIGHT, CENTRE],
        4 => &[LEFT, RIGHT, CENTRE, BEHIND],
        5 => &[LEFT, RIGHT, CENTRE, LEFT_BEHIND, RIGHT_BEHIND],
        6 => &[LEFT, RIGHT, CENTRE, NOT_AT_ALL, LEFT_BEHIND, RIGHT_BEHIND],
        _ => return None,
    })
}

/// Left and right of interleaved samples of so many channels, as quiet as it takes for the loudest
/// of all channels together not to clip. None where there is no rule for so many.
pub(super) fn stereo(pcm: &[f32], channels: u8) -> Option<Vec<f32>> {
    let parts = parts(channels)?;
    let left: f32 = parts.iter().map(|[left, _]| left).sum();
    let right: f32 = parts.iter().map(|[_, right]| right).sum();
    let loudest = left.max(right);
    let mut mixed = Vec::with_capacity(pcm.len() / parts.len() * 2);
    for samples in pcm.chunks_exact(parts.len()) {
        let (mut left, mut right) = (0.0, 0.0);
        for (sample, [to_left, to_right]) in samples.iter().zip(parts) {
            left += sample * to_left;
            right += sample * to_right;
        }
        mixed.extend([left / loudest, right / loudest]);
    }
    Some(mixed)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What one channel of so many alone becomes.
    fn alone(channel: usize, channels: u8) -> [f32; 2] {
        let mut samples = vec![0.0; channels.into()];
        samples[channel] = 1.0;
        stereo(&samples, channels).unwrap().try_into().unwrap()
    }

    fn assert_alike(got: [f32; 2], wanted: [f32; 2]) {
        assert!(got.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 1e-6), "{got:?} {wanted:?}");
    }

    #[test]
    fn each_channel_of_five_and_one_has_its_part() {
        let left = 1.0 / (1.0 + 2.0_f32.sqrt());
        let half = left / 2.0_f32.sqrt();
        let wanted = [[left, 0.0], [0.0, left], [half, half], [0.0, 0.0], [half, 0.0], [0.0, half]];
        for (channel, wanted) in wanted.into_iter().enumerate() {
            assert_alike(alone(channel, 6), wanted);
        }
    }

    #[test]
    fn each_channel_of_fewer_has_its_part() {
        let half = std::f32::consts::FRAC_1_SQRT_2;
        let front = [[1.0, 0.0], [0.0, 1.0], [half, half]];
        let behind_one = [0.5, 0.5];
        let behind_both = [[half, 0.0], [0.0, half]];
        // What the loudest of all channels together would be, which is 1 then.
        for (channels, behind, loudest) in [
            (3u8, &[][..], 1.0 + half),
            (4, &[behind_one][..], 1.5 + half),
            (5, &behind_both[..], 1.0 + 2.0 * half),
        ] {
            let wanted = front.iter().chain(behind);
            assert_eq!(wanted.clone().count(), usize::from(channels));
            for (channel, [left, right]) in wanted.enumerate() {
                assert_alike(alone(channel, channels), [left / loudest, right / loudest]);
            }
        }
    }

    #[test]
    fn nothing_clips_and_what_is_loudest_is_as_loud_as_it_may_be() {
        for channels in 1..=6 {
            let loud = stereo(&vec![1.0; channels.into()], channels).unwrap();
            assert_alike(loud.try_into().unwrap(), [1.0, 1.0]);
        }
    }

    #[test]
    fn one_channel_is_heard_on_both_sides_and_two_stay_as_they_are() {
        assert_eq!(stereo(&[0.25, -0.5], 1).unwrap(), [0.25, 0.25, -0.5, -0.5]);
        assert_eq!(stereo(&[0.25, -0.5], 2).unwrap(), [0.25, -0.5]);
        assert_eq!(stereo(&[0.0; 8], 8), None);
        assert_eq!(stereo(&[], 0), None);
    }
}
