//! Six channels of sound in one Opus packet: four streams, of which two are stereo.

use super::sound::{MOST, RATE};

/// Channels of what is encoded.
pub(crate) const CHANNELS: u8 = 6;
/// Opus streams in a packet, and how many of them are stereo. They come first.
pub(crate) const STREAMS: u8 = 4;
pub(crate) const COUPLED: u8 = 2;
/// For each channel, in the order in which decoders give channels out (front left and right, front
/// centre, low frequencies, behind), where it is among those of the streams: both in front, both behind,
/// the centre, low frequencies. The streams are those of RFC 7845, 5.1.1.2, which has the channels in
/// another order.
pub(crate) const MAPPING: [u8; CHANNELS as usize] = [0, 1, 4, 5, 2, 3];
/// Bits a second of all streams together: some 640 bytes a packet, which leaves room in a datagram. A
/// pair of channels gets 85 kbit/s of it, and a single one 43.
const BITRATE: i32 = 256_000;
/// The highest that does not look for pitches, which would take half as long again.
const COMPLEXITY: i32 = 4;

/// The encoder of six channels.
pub(super) struct MultiOpus(opus::MSEncoder);

impl MultiOpus {
    /// It looks ahead by as much as that of two channels.
    pub(super) fn new() -> Result<Self, opus::Error> {
        let quick = opus::Application::LowDelay;
        let mut encoder = opus::MSEncoder::new(RATE, STREAMS, COUPLED, &MAPPING, quick)?;
        encoder.set_bitrate(opus::Bitrate::Bits(BITRATE))?;
        encoder.set_complexity(COMPLEXITY)?;
        Ok(Self(encoder))
    }

    /// A packet of samples of all channels.
    pub(super) fn encode(&mut self, frame: &[f32]) -> Result<Vec<u8>, opus::Error> {
        self.0.encode_vec_float(frame, MOST)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::f64::consts::TAU;

    use proptest::prelude::*;

    use super::*;

    /// Samples of a channel in a packet.
    const FRAME: usize = 960;
    /// A tone for each channel.
    pub(crate) const TONES: [f64; 6] = [300.0, 500.0, 700.0, 60.0, 1_100.0, 1_300.0];

    /// So much of the tones, all channels interleaved.
    pub(crate) fn tones(rate: u32, samples: std::ops::Range<usize>) -> Vec<f32> {
        let at = |number: usize, hertz: f64| TAU * hertz * number as f64 / f64::from(rate);
        let of = |number| TONES.map(|hertz| 0.2 * at(number, hertz).sin() as f32);
        samples.flat_map(of).collect()
    }

    /// Hears packets one after the other, in the order that `mapping` gives the channels.
    pub(crate) struct Listener {
        decoder: opus::MSDecoder,
        /// What is heard in each channel, at 48 kHz.
        pub(crate) samples: [Vec<f32>; 6],
    }

    impl Listener {
        pub(crate) fn new(mapping: [u8; 6]) -> Self {
            let decoder = opus::MSDecoder::new(RATE, STREAMS, COUPLED, &mapping).unwrap();
            Self { decoder, samples: Default::default() }
        }

        pub(crate) fn hear(&mut self, packet: &[u8]) {
            let mut pcm = [0.0; 6 * FRAME];
            assert_eq!(self.decoder.decode_float(packet, &mut pcm, false).unwrap(), FRAME);
            for samples in pcm.as_chunks::<6>().0 {
                for (channel, sample) in self.samples.iter_mut().zip(samples) {
                    channel.push(*sample);
                }
            }
        }

        /// The heights of all tones in each channel, between two samples.
        pub(crate) fn heights(&self, between: std::ops::Range<usize>) -> [[f64; 6]; 6] {
            let height = |samples: &[f32], hertz: f64| {
                let (mut sine, mut cosine) = (0.0, 0.0);
                for (number, sample) in samples.iter().enumerate() {
                    let angle = TAU * hertz * number as f64 / f64::from(RATE);
                    sine += f64::from(*sample) * angle.sin();
                    cosine += f64::from(*sample) * angle.cos();
                }
                2.0 * f64::hypot(sine, cosine) / samples.len() as f64
            };
            self.samples
                .each_ref()
                .map(|all| TONES.map(|hertz| height(&all[between.clone()], hertz)))
        }
    }

    /// Each channel has its own tone and nothing of the others'.
    pub(crate) fn assert_each_in_its_place(heights: [[f64; 6]; 6], order: [usize; 6]) {
        for (channel, tone) in order.into_iter().enumerate() {
            for (other, height) in heights[channel].into_iter().enumerate() {
                let wanted = if other == tone { 0.2 } else { 0.0 };
                assert!(
                    (height - wanted).abs() < 0.015,
                    "{channel}: {} Hz: {height}",
                    TONES[other]
                );
            }
        }
    }

    #[test]
    fn each_channel_is_heard_where_it_is_to_be_in_both_orders() {
        let mut encoder = MultiOpus::new().unwrap();
        // Left, right, centre, low frequencies, both behind; and as RFC 7845 has them.
        let orders =
            [([0, 1, 4, 5, 2, 3], [0, 1, 2, 3, 4, 5]), ([0, 4, 1, 2, 3, 5], [0, 2, 1, 4, 5, 3])];
        let mut listeners = orders.map(|(mapping, _)| Listener::new(mapping));
        let mut bytes = 0;
        for packet in 0..100 {
            let frame = tones(RATE, packet * FRAME..(packet + 1) * FRAME);
            let packet = encoder.encode(&frame).unwrap();
            bytes += packet.len();
            listeners.iter_mut().for_each(|listener| listener.hear(&packet));
        }
        assert!(bytes <= 100 * BITRATE as usize / 8 / 50 * 11 / 10, "{bytes}");
        for (listener, (_, order)) in listeners.iter().zip(orders) {
            assert_each_in_its_place(listener.heights(24_000..72_000), order);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20))]

        /// Whatever is heard, a packet fits a datagram and stands for 20 ms.
        #[test]
        fn no_sound_is_too_much_for_a_packet(seed in any::<u32>(), height in 0.0f32..8.0) {
            let mut encoder = MultiOpus::new().unwrap();
            let mut listener = Listener::new(MAPPING);
            let mut state = seed;
            for _ in 0..20 {
                let noise = std::iter::repeat_with(|| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    height * (state as i32 as f32 / i32::MAX as f32)
                });
                let frame: Vec<f32> = noise.take(6 * FRAME).collect();
                let packet = encoder.encode(&frame).unwrap();
                prop_assert!((8..=MOST).contains(&packet.len()), "{}", packet.len());
                listener.hear(&packet);
            }
        }
    }
}
