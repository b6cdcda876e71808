//! VP8 (RFC 7741): key frames and their size.

use super::{Inspection, PictureSize};

pub(super) fn inspect(payload: &[u8]) -> Inspection {
    let descriptor = Descriptor::read(payload).filter(|descriptor| descriptor.begins);
    let frame = descriptor.and_then(|descriptor| payload.get(descriptor.length..));
    let Some(frame) = frame.filter(|frame| is_key(frame)) else { return Inspection::default() };
    Inspection { key: true, parameters: true, size: key_size(frame), ..Inspection::default() }
}

/// What stands in a payload before the bytes of the frame (RFC 7741, 4.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Descriptor {
    /// The packet begins a frame: it has the start of partition 0.
    pub(crate) begins: bool,
    /// Bytes of the descriptor.
    pub(crate) length: usize,
}

impl Descriptor {
    /// That of a payload; none where it is cut short.
    pub(crate) fn read(payload: &[u8]) -> Option<Self> {
        let first = *payload.first()?;
        let mut at = 1;
        if first & 0x80 != 0 {
            let extension = *payload.get(1)?;
            at += 1;
            if extension & 0x80 != 0 {
                at += if payload.get(at)? & 0x80 != 0 { 2 } else { 1 };
            }
            if extension & 0x40 != 0 {
                at += 1;
            }
            if extension & 0x30 != 0 {
                at += 1;
            }
        }
        let begins = first & 0x10 != 0 && first & 0x07 == 0;
        (at <= payload.len()).then_some(Self { begins, length: at })
    }
}

/// The lowest bit of the frame tag is 0 in a key frame (RFC 6386, 9.1).
pub(crate) fn is_key(frame: &[u8]) -> bool {
    frame.first().is_some_and(|tag| tag & 1 == 0)
}

/// The size in the header of a key frame, without what it says of scaling (RFC 6386, 9.1).
pub(crate) fn key_size(frame: &[u8]) -> Option<PictureSize> {
    match frame.get(3..10) {
        Some([0x9d, 0x01, 0x2a, w0, w1, h0, h1]) => Some(PictureSize {
            width: u32::from(u16::from_le_bytes([*w0, *w1]) & 0x3fff),
            height: u32::from(u16::from_le_bytes([*h0, *h1]) & 0x3fff),
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_frame_with_a_long_picture_id() {
        let payload = [
            0x90, 0x80, 0x81, 0x23, // descriptor: X S, I, 15-bit picture id
            0x50, 0x01, 0x00, 0x9d, 0x01, 0x2a, 0x00, 0x05, 0xd0, 0x02, 0x00,
        ];
        let found = inspect(&payload);
        assert!(found.key);
        assert_eq!(found.size, Some(PictureSize { width: 1280, height: 720 }));
    }

    #[test]
    fn neither_an_inter_frame_nor_a_continuation_is_key() {
        assert!(!inspect(&[0x10, 0x51, 0, 0]).key);
        assert!(!inspect(&[0x00, 0x50, 0, 0]).key);
        assert!(!inspect(&[0x11, 0x50, 0, 0]).key, "partition 1");
    }
}
