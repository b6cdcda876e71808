//! VP8 (RFC 7741): key frames and their size.

use super::{Inspection, PictureSize};

pub(super) fn inspect(payload: &[u8]) -> Inspection {
    let Some(frame) = frame_start(payload) else { return Inspection::default() };
    // RFC 6386, 9.1: the lowest bit of the frame tag is 0 in a key frame.
    if frame.first().is_none_or(|tag| tag & 1 != 0) {
        return Inspection::default();
    }
    let size = match frame.get(3..10) {
        Some([0x9d, 0x01, 0x2a, w0, w1, h0, h1]) => Some(PictureSize {
            width: u32::from(u16::from_le_bytes([*w0, *w1]) & 0x3fff),
            height: u32::from(u16::from_le_bytes([*h0, *h1]) & 0x3fff),
        }),
        _ => None,
    };
    Inspection { key: true, parameters: true, size, ..Inspection::default() }
}

/// The frame's first bytes, if this packet begins a frame: start of partition 0.
fn frame_start(payload: &[u8]) -> Option<&[u8]> {
    let first = *payload.first()?;
    if first & 0x10 == 0 || first & 0x0f != 0 {
        return None;
    }
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
    payload.get(at..)
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
