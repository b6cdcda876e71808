//! AAC in ADTS frames (ISO/IEC 13818-7, 6.2).

use super::aac::{AacFrame, Profile, RATES};
use super::framer::{Framer, Framing};

/// Finds frames in the units of a track, which may be cut anywhere.
#[derive(Debug, Default)]
pub struct AdtsReader(Framer);

/// By the sync word, and what may stand behind it.
struct Adts;

impl Framing for Adts {
    const HEAD: usize = 7;

    fn length(head: &[u8]) -> Option<usize> {
        Header::parse(head).map(|header| header.length)
    }
}

impl AdtsReader {
    /// Forgets a frame under way: something was lost.
    pub fn reset(&mut self) {
        self.0.reset();
    }

    /// Takes bytes, and gives out the frames that are whole.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<AacFrame> {
        let mut frames = Vec::new();
        self.0.push::<Adts>(bytes, |frame, began| {
            let Some(header) = frame.get(..Adts::HEAD).and_then(Header::parse) else { return };
            frames.push(AacFrame {
                profile: header.profile,
                rate: header.rate,
                channels: header.channels,
                blocks: header.blocks,
                payload: frame.get(header.head..).unwrap_or_default().to_vec(),
                began,
            });
        });
        frames
    }
}

/// A frame of AAC-LC, or of HE-AAC with a core of it, with a header; none where the header has no
/// number for what it says.
pub(crate) fn adts_frame(frame: &AacFrame) -> Option<Vec<u8>> {
    let index = RATES.iter().position(|rate| *rate == frame.rate)? as u8;
    let length = frame.payload.len() + Adts::HEAD;
    if !(1..=7).contains(&frame.channels) || frame.blocks != 1 || length >= 1 << 13 {
        return None;
    }
    let mut bytes = Vec::with_capacity(length);
    bytes.extend([
        0xff,
        0xf1,
        1 << 6 | index << 2 | frame.channels >> 2,
        (frame.channels & 3) << 6 | (length >> 11) as u8,
        (length >> 3) as u8,
        ((length & 7) as u8) << 5 | 0x1f,
        0xfc,
    ]);
    bytes.extend_from_slice(&frame.payload);
    Some(bytes)
}

struct Header {
    profile: Profile,
    rate: u32,
    channels: u8,
    blocks: u8,
    head: usize,
    length: usize,
}

impl Header {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let &[a, b, c, d, e, f, g] = bytes else { return None };
        // The sync word; the layer is always 0.
        if a != 0xff || b & 0xf6 != 0xf0 {
            return None;
        }
        let head = if b & 1 == 0 { 9 } else { 7 };
        let length = usize::from(d & 3) << 11 | usize::from(e) << 3 | usize::from(f >> 5);
        if length <= head {
            return None;
        }
        Some(Self {
            profile: if c >> 6 == 1 { Profile::Lc } else { Profile::Other },
            rate: *RATES.get(usize::from(c >> 2 & 0xf))?,
            channels: (c & 1) << 2 | d >> 6,
            blocks: (g & 3) + 1,
            head,
            length,
        })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A frame of AAC-LC, 48 kHz.
    pub(crate) fn frame(channels: u8, payload: &[u8]) -> Vec<u8> {
        let length = payload.len() + 7;
        let mut out = vec![
            0xff,
            0xf1,
            1 << 6 | 3 << 2 | channels >> 2,
            channels << 6 | (length >> 11) as u8,
            (length >> 3) as u8,
            (length << 5) as u8 | 0x1f,
            0xfc,
        ];
        out.extend_from_slice(payload);
        out
    }

    #[test]
    fn headers_are_read() {
        let found = &AdtsReader::default().push(&frame(2, &[1, 2, 3]))[0];
        let expected = AacFrame {
            profile: Profile::Lc,
            rate: 48_000,
            channels: 2,
            blocks: 1,
            payload: vec![1, 2, 3],
            began: 0,
        };
        assert_eq!(*found, expected);
    }

    #[test]
    fn a_header_says_what_was_read() {
        for (rate, channels) in [(24_000, 1), (48_000, 6), (7_350, 2)] {
            let (profile, payload) = (Profile::Lc, vec![0x55; 1_234]);
            let frame = AacFrame { profile, rate, channels, blocks: 1, payload, began: 0 };
            let bytes = adts_frame(&frame).unwrap();
            assert_eq!(AdtsReader::default().push(&bytes), [frame]);
        }
        let frame = AdtsReader::default().push(&frame(2, &[1])).remove(0);
        assert_eq!(adts_frame(&AacFrame { rate: 47_999, ..frame.clone() }), None);
        assert_eq!(adts_frame(&AacFrame { payload: vec![0; 8_185], ..frame }), None);
    }

    #[test]
    fn frames_are_found_behind_rubbish_and_after_a_loss() {
        let mut reader = AdtsReader::default();
        let mut bytes = vec![0xff, 0xf1, 0, 9];
        bytes.extend(frame(1, &[7; 40]));
        bytes.extend(frame(1, &[8; 40]));
        let found = reader.push(&bytes);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].began, 4);
        reader.push(&frame(1, &[9; 40])[..20]);
        reader.reset();
        assert_eq!(reader.push(&frame(1, &[7; 40])).len(), 1);
    }

    proptest! {
        #[test]
        fn how_they_are_cut_is_no_matter(
            sizes in proptest::collection::vec(1..400usize, 1..20),
            cut in 1..700usize,
        ) {
            // No byte of it looks like a header.
            let bytes: Vec<u8> = sizes.iter().flat_map(|n| frame(2, &vec![0x55; *n])).collect();
            let mut reader = AdtsReader::default();
            let found: Vec<usize> =
                bytes.chunks(cut).flat_map(|c| reader.push(c)).map(|f| f.payload.len()).collect();
            prop_assert_eq!(found, sizes);
        }

        #[test]
        fn nothing_is_too_strange(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            let mut reader = AdtsReader::default();
            for chunk in bytes.chunks(50) {
                reader.push(chunk);
            }
        }
    }
}
