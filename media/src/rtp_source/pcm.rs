//! Samples in RTP packets: L16 (RFC 3551, 4.5.11), L24 (RFC 3190, 4), and G.711 (RFC 3551, 4.5.14).

/// Packets may last 1 ms: so much is gathered before it goes on, in parts of a second.
const GATHERED: u32 = 100;
/// A hole up to this, in parts of a second, is filled with silence: what comes behind it stays in its place.
const FILLED: u32 = 10;

/// How a sample is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// 16 bits, the most significant first.
    L16,
    /// 24 of them.
    L24,
    /// G.711, mu-law.
    Mu,
    /// G.711, A-law.
    A,
}

impl Format {
    /// Bytes of a sample.
    fn bytes(self) -> usize {
        match self {
            Self::L16 => 2,
            Self::L24 => 3,
            Self::Mu | Self::A => 1,
        }
    }

    /// What people call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::L16 => "L16 (PCM)",
            Self::L24 => "L24 (PCM)",
            Self::Mu => "PCMU (G.711)",
            Self::A => "PCMA (G.711)",
        }
    }

    /// A sample between -1 and 1.
    fn sample(self, bytes: &[u8]) -> f32 {
        match (self, bytes) {
            (Self::L16, &[high, low]) => f32::from(i16::from_be_bytes([high, low])) / 32_768.0,
            (Self::L24, &[high, middle, low]) => {
                // With the sign where it belongs, and eight bits too far up.
                (i32::from_be_bytes([high, middle, low, 0]) >> 8) as f32 / 8_388_608.0
            }
            (Self::Mu, &[code]) => f32::from(mu_law(code)) / 32_768.0,
            (Self::A, &[code]) => f32::from(a_law(code)) / 32_768.0,
            _ => 0.0,
        }
    }
}

/// ITU-T G.711, table 2: 14 bits, here of 16.
fn mu_law(code: u8) -> i16 {
    let code = !code;
    let (exponent, mantissa) = (code >> 4 & 7, i16::from(code & 0xf));
    let height = (((mantissa << 3) + 0x84) << exponent) - 0x84;
    if code & 0x80 == 0 { height } else { -height }
}

/// ITU-T G.711, table 1: 13 bits, here of 16.
fn a_law(code: u8) -> i16 {
    let code = code ^ 0x55;
    let (exponent, mantissa) = (code >> 4 & 7, i16::from(code & 0xf));
    let height = match exponent {
        0 => (mantissa << 4) + 8,
        _ => ((mantissa << 4) + 0x108) << (exponent - 1),
    };
    if code & 0x80 == 0 { -height } else { height }
}

/// What of samples is declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pcm {
    pub(crate) format: Format,
    /// Samples a second, which is the clock of the timestamps too.
    pub(crate) rate: u32,
    /// Channels, interleaved: front left and right, front centre, low frequencies, behind.
    pub(crate) channels: u8,
}

impl Pcm {
    /// The samples of a payload; what is no whole one of all channels is left out.
    fn samples<'a>(&self, payload: &'a [u8]) -> impl Iterator<Item = f32> + use<'a> {
        let (format, channels) = (self.format, usize::from(self.channels.max(1)));
        let whole = payload.len() / (format.bytes() * channels) * format.bytes() * channels;
        payload[..whole].chunks_exact(format.bytes()).map(move |bytes| format.sample(bytes))
    }
}

/// Some samples, all channels of which begin at a timestamp.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Gathered {
    pub(crate) timestamp: u32,
    pub(crate) samples: Vec<f32>,
}

/// Gathers the samples of packets that are in order.
#[derive(Debug)]
pub(crate) struct PcmFrames {
    pcm: Pcm,
    pending: Option<Gathered>,
}

impl PcmFrames {
    pub(crate) fn new(pcm: Pcm) -> Self {
        Self { pcm, pending: None }
    }

    /// Takes the next packet, and gives out what is enough by then.
    pub(crate) fn push(&mut self, timestamp: u32, payload: &[u8]) -> Vec<Gathered> {
        let Pcm { rate, channels, .. } = self.pcm;
        let channels = usize::from(channels.max(1));
        let mut out = Vec::new();
        if let Some(mut before) = self.pending.take() {
            let end = before.timestamp.wrapping_add((before.samples.len() / channels) as u32);
            let hole = timestamp.wrapping_sub(end);
            if hole <= rate / FILLED {
                before.samples.resize(before.samples.len() + hole as usize * channels, 0.0);
                self.pending = Some(before);
            } else if !before.samples.is_empty() {
                // Before the hole there may still be something.
                out.push(before);
            }
        }
        let pending = self.pending.get_or_insert(Gathered { timestamp, samples: Vec::new() });
        pending.samples.extend(self.pcm.samples(payload));
        let count = (pending.samples.len() / channels) as u32;
        if count >= rate / GATHERED {
            let next = pending.timestamp.wrapping_add(count);
            out.push(Gathered {
                timestamp: pending.timestamp,
                samples: std::mem::take(&mut pending.samples),
            });
            pending.timestamp = next;
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEREO: Pcm = Pcm { format: Format::L16, rate: 48_000, channels: 2 };

    /// What so many stereo samples of one height are in L16.
    fn packet(count: usize, height: i16) -> Vec<u8> {
        height.to_be_bytes().repeat(2 * count)
    }

    #[test]
    fn samples_are_read_as_they_are_written() {
        let of = |format, bytes: &[u8]| Pcm { format, ..STEREO }.samples(bytes).collect::<Vec<_>>();
        assert_eq!(
            of(Format::L16, &[0x40, 0, 0x80, 0, 1]),
            [0.5, -1.0],
            "a part of one is left out"
        );
        assert_eq!(of(Format::L24, &[0x40, 0, 0, 0xff, 0xff, 0xff]), [0.5, -1.0 / 8_388_608.0]);
        // The loudest and the quietest of G.711.
        let wanted = [-32_124.0, 32_124.0, 0.0, 0.0].map(|height| height / 32_768.0);
        assert_eq!(of(Format::Mu, &[0x00, 0x80, 0x7f, 0xff]), wanted);
        let wanted = [32_256.0, -32_256.0, 8.0, -8.0].map(|height| height / 32_768.0);
        assert_eq!(of(Format::A, &[0xaa, 0x2a, 0xd5, 0x55]), wanted);
    }

    #[test]
    fn small_packets_are_gathered_in_their_place() {
        let mut frames = PcmFrames::new(STEREO);
        let mut out = Vec::new();
        for number in 0..30_u32 {
            let timestamp = (u32::MAX - 99).wrapping_add(48 * number);
            out.extend(frames.push(timestamp, &packet(48, 8_192)));
        }
        assert_eq!(out.len(), 3);
        for (number, gathered) in out.iter().enumerate() {
            assert_eq!(gathered.timestamp, (u32::MAX - 99).wrapping_add(480 * number as u32));
            assert_eq!(gathered.samples, vec![0.25; 960]);
        }
    }

    #[test]
    fn a_hole_is_silence_and_a_long_one_a_new_beginning() {
        let mut frames = PcmFrames::new(STEREO);
        assert_eq!(frames.push(0, &packet(480, 8_192)).len(), 1);
        let filled = frames.push(480 + 96, &packet(480, 8_192));
        assert_eq!(filled[0].timestamp, 480);
        assert_eq!(filled[0].samples, [vec![0.0; 192], vec![0.25; 960]].concat());
        // What had been gathered before a long one is not lost.
        assert_eq!(frames.push(1_056, &packet(48, 8_192)).len(), 0);
        let both = frames.push(100_000, &packet(480, 8_192));
        let places: Vec<(u32, usize)> =
            both.iter().map(|g| (g.timestamp, g.samples.len())).collect();
        assert_eq!(places, [(1_056, 96), (100_000, 960)]);
    }
}
