//! Several channels of sound into two (ITU-R BS.775-3, annex 4, table 2).

/// The part of what stands in the middle, or behind on one side: -3 dB.
const HALF_POWER: f32 = std::f32::consts::FRAC_1_SQRT_2;

/// What of a channel goes to the left and to the right.
type Parts = [f32; 2];
const LEFT: Parts = [1.0, 0.0];
const RIGHT: Parts = [0.0, 1.0];
const CENTRE: Parts = [HALF_POWER, HALF_POWER];
const LEFT_BEHIND: Parts = [HALF_POWER, 0.0];
const RIGHT_BEHIND: Parts = [0.0, HALF_POWER];
/// A single channel behind is heard on both sides.
const BEHIND: Parts = [0.5, 0.5];
const NOT_AT_ALL: Parts = [0.0, 0.0];

/// Left and right of interleaved samples of so many channels, as quiet as it takes for the loudest
/// of all channels together not to clip. They come in the order in which decoders give them out:
/// front left and right, front centre, low frequencies, behind. None where there is no rule for so
/// many.
pub(super) fn stereo(pcm: &[f32], channels: u8) -> Option<Vec<f32>> {
    Some(match channels {
        1 => mix(pcm, [[1.0, 1.0]]),
        2 => pcm.to_vec(),
        3 => mix(pcm, [LEFT, RIGHT, CENTRE]),
        4 => mix(pcm, [LEFT, RIGHT, CENTRE, BEHIND]),
        5 => mix(pcm, [LEFT, RIGHT, CENTRE, LEFT_BEHIND, RIGHT_BEHIND]),
        6 => mix(pcm, [LEFT, RIGHT, CENTRE, NOT_AT_ALL, LEFT_BEHIND, RIGHT_BEHIND]),
        _ => return None,
    })
}

fn mix<const CHANNELS: usize>(pcm: &[f32], parts: [Parts; CHANNELS]) -> Vec<f32> {
    let side = |side: usize| parts.map(|part| part[side]);
    let (left, right) = (side(0), side(1));
    let loudest = left.iter().sum::<f32>().max(right.iter().sum());
    let (left, right) = (left.map(|part| part / loudest), right.map(|part| part / loudest));
    let of = |samples: &[f32; CHANNELS], side: &[f32; CHANNELS]| -> f32 {
        samples.iter().zip(side).map(|(sample, part)| sample * part).sum()
    };
    let (samples, _) = pcm.as_chunks();
    samples.iter().flat_map(|samples| [of(samples, &left), of(samples, &right)]).collect()
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
