//! AAC in RTP packets: the mode AAC-hbr of RFC 3640, 3.3.6, which encoders use: sizes of 13 bits
//! and indices of three.

/// Samples of a frame.
pub(crate) const FRAME: u32 = 1024;
/// Frames of a packet; ffmpeg puts five into one.
const FRAMES: usize = 64;

/// The sizes that a payload tells of its frames, and what follows them; none if it cannot be a
/// payload of this mode.
fn headers(payload: &[u8]) -> Option<(Vec<usize>, &[u8])> {
    let (bits, rest) = payload.split_first_chunk::<2>()?;
    let bits = usize::from(u16::from_be_bytes(*bits));
    let count = bits / 16;
    if bits % 16 != 0 || !(1..=FRAMES).contains(&count) || rest.len() < 2 * count {
        return None;
    }
    let (headers, data) = rest.split_at(2 * count);
    let mut sizes = Vec::with_capacity(count);
    for header in headers.chunks_exact(2) {
        let header = u16::from_be_bytes([header[0], header[1]]);
        // Frames follow each other without interleaving, and are not empty.
        if header & 7 != 0 || header >> 3 == 0 {
            return None;
        }
        sizes.push(usize::from(header >> 3));
    }
    Some((sizes, data))
}

/// How many frames a payload has, if it has them whole.
pub(crate) fn count(payload: &[u8]) -> Option<u32> {
    let (sizes, data) = headers(payload)?;
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
#[derive(Debug, Default)]
pub(crate) struct AacFrames {
    partial: Option<(u32, usize, Vec<u8>)>,
}

impl AacFrames {
    /// Packets before the next one are lost.
    pub(crate) fn gap(&mut self) {
        self.partial = None;
    }

    /// The frames that a packet completes.
    pub(crate) fn push(&mut self, timestamp: u32, payload: &[u8]) -> Vec<Vec<u8>> {
        let Some((sizes, mut data)) = headers(payload) else {
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
