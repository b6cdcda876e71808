//! AAC in RTP packets (RFC 3640): the mode AAC-hbr of 3.3.6, which encoders use, with sizes of 13 bits
//! and indices of three; and what has other widths and is declared.

use crate::rtp::bits::Bits;

/// Samples of a frame.
pub(crate) const FRAME: u32 = 1024;
/// Frames of a packet; ffmpeg puts five into one.
const FRAMES: usize = 64;

/// How many bits the parts of an AU header have (RFC 3640, 3.2.1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Widths {
    /// The size of a frame.
    pub(crate) size: u32,
    /// The index of the first, which is 0.
    pub(crate) index: u32,
    /// How far the index of each further one is from the one before; 0, for the next.
    pub(crate) delta: u32,
}

impl Widths {
    /// Those of the mode AAC-hbr.
    pub(crate) const HBR: Self = Self { size: 13, index: 3, delta: 3 };
}

/// The sizes that a payload tells of its frames, and what follows them; none if it cannot be a
/// payload with headers of these widths.
fn headers(widths: Widths, payload: &[u8]) -> Option<(Vec<usize>, &[u8])> {
    let (length, rest) = payload.split_first_chunk::<2>()?;
    let length = usize::from(u16::from_be_bytes(*length));
    let (headers, data) = rest.split_at_checked(length.div_ceil(8))?;
    let mut bits = Bits::new(headers);
    let mut sizes = Vec::new();
    while bits.position() < length {
        let size = bits.take(widths.size)? as usize;
        let index = bits.take(if sizes.is_empty() { widths.index } else { widths.delta })?;
        // Frames follow each other without interleaving, and are not empty.
        if index != 0 || size == 0 || sizes.len() == FRAMES || bits.position() > length {
            return None;
        }
        sizes.push(size);
    }
    (!sizes.is_empty()).then_some((sizes, data))
}

/// How many frames a payload of AAC-hbr has, if it has them whole.
pub(crate) fn count(payload: &[u8]) -> Option<u32> {
    let (sizes, data) = headers(Widths::HBR, payload)?;
    (sizes.iter().sum::<usize>() == data.len()).then_some(sizes.len() as u32)
}

/// The channels of a frame, by the element that it begins with (ISO/IEC 14496-3, 4.4.2.1): one
/// channel, or a pair. None for what else there is.
pub(crate) fn channels(frame: &[u8]) -> Option<u8> {
    match frame.first()? >> 5 {
        0 => Some(1),
        1 => Some(2),
        _ => None,
    }
}

/// Puts frames together that a packet is too small for.
#[derive(Debug)]
pub(crate) struct AacFrames {
    widths: Widths,
    partial: Option<(u32, usize, Vec<u8>)>,
}

impl Default for AacFrames {
    fn default() -> Self {
        Self::new(Widths::HBR)
    }
}

impl AacFrames {
    pub(crate) fn new(widths: Widths) -> Self {
        Self { widths, partial: None }
    }

    /// Packets before the next one are lost.
    pub(crate) fn gap(&mut self) {
        self.partial = None;
    }

    /// The frames that a packet completes.
    pub(crate) fn push(&mut self, timestamp: u32, payload: &[u8]) -> Vec<Vec<u8>> {
        let Some((sizes, mut data)) = headers(self.widths, payload) else {
            self.partial = None;
            return Vec::new();
        };
        if let [size] = sizes[..]
            && size > data.len()
        {
            return self.fragment(timestamp, size, data);
        }
        self.partial = None;
        if sizes.iter().sum::<usize>() != data.len() {
            return Vec::new();
        }
        let mut frames = Vec::with_capacity(sizes.len());
        for size in sizes {
            let (frame, rest) = data.split_at(size);
            frames.push(frame.to_vec());
            data = rest;
        }
        frames
    }

    /// Each fragment tells the size of the whole (3.2.3.1).
    fn fragment(&mut self, timestamp: u32, size: usize, data: &[u8]) -> Vec<Vec<u8>> {
        let partial =
            self.partial.take().filter(|(of, whole, _)| (*of, *whole) == (timestamp, size));
        let (_, _, mut frame) = partial.unwrap_or((timestamp, size, Vec::new()));
        frame.extend_from_slice(data);
        if frame.len() < size {
            self.partial = Some((timestamp, size, frame));
            return Vec::new();
        }
        if frame.len() == size { vec![frame] } else { Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    pub(crate) fn packed(frames: &[Vec<u8>]) -> Vec<u8> {
        let mut payload = ((16 * frames.len()) as u16).to_be_bytes().to_vec();
        for frame in frames {
            payload.extend_from_slice(&((frame.len() as u16) << 3).to_be_bytes());
        }
        payload.extend(frames.iter().flatten());
        payload
    }

    #[test]
    fn a_large_frame_comes_in_pieces() {
        let frame: Vec<u8> = (0..3000u32).map(|n| n as u8).collect();
        let piece =
            |part: &[u8]| [&[0, 16][..], &((frame.len() as u16) << 3).to_be_bytes(), part].concat();
        let mut frames = AacFrames::default();
        assert_eq!(frames.push(7, &piece(&frame[..1400])), [[0; 0]; 0]);
        assert_eq!(frames.push(7, &piece(&frame[1400..2800])), [[0; 0]; 0]);
        assert_eq!(frames.push(7, &piece(&frame[2800..])), std::slice::from_ref(&frame));
        // One that misses its middle is no frame.
        frames.push(8, &piece(&frame[..1400]));
        frames.gap();
        assert_eq!(frames.push(8, &piece(&frame[2800..])), [[0; 0]; 0]);
        assert_eq!(frames.push(9, &piece(&frame[..1400])), [[0; 0]; 0], "nor is another's end");
    }

    /// AAC-lbr (3.3.5): sizes of six bits, indices of two.
    #[test]
    fn headers_have_the_widths_that_are_declared() {
        let lbr = Widths { size: 6, index: 2, delta: 2 };
        let mut frames = AacFrames::new(lbr);
        assert_eq!(frames.push(7, &[0, 16, 2 << 2, 1 << 2, 5, 6, 7]), [vec![5, 6], vec![7]]);
        assert_eq!(
            frames.push(8, &[0, 16, 2 << 2, 1 << 2 | 1, 5, 6, 7]),
            [[0; 0]; 0],
            "interleaved"
        );
        let odd = Widths { size: 7, index: 3, delta: 1 };
        let payload = [0, 18, 0b0000_0010, 0b0000_0001, 0, 5, 6, 7];
        assert_eq!(
            AacFrames::new(odd).push(7, &payload),
            [vec![5], vec![6, 7]].map(|f| f[..].to_vec())
        );
    }

    proptest! {
        #[test]
        fn frames_come_back(
            frames in proptest::collection::vec(
                proptest::collection::vec(any::<u8>(), 1..400), 1..20),
        ) {
            let payload = packed(&frames);
            prop_assert_eq!(count(&payload), Some(frames.len() as u32));
            prop_assert_eq!(AacFrames::default().push(0, &payload), frames);
        }

        #[test]
        fn no_payload_is_too_strange(
            payloads in proptest::collection::vec(
                proptest::collection::vec(0..20u8, 0..60), 0..20),
        ) {
            let mut frames = AacFrames::default();
            for payload in payloads {
                count(&payload);
                for frame in frames.push(1, &payload) {
                    channels(&frame);
                }
            }
        }
    }
}
