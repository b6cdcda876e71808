//! What a frame of VP8 or VP9 says of itself.

use crate::recording::Sample;
use crate::rtp::{vp8, vp9};

use super::Head;

/// Bytes of the frame tag, and of the header of a key frame (RFC 6386, 9.1).
const TAG: usize = 3;
const KEY: usize = 10;
/// The uncompressed header of a key frame of VP9 up to the size of it is not longer.
const HEADER: usize = 16;

/// What is known of a frame; none of one that cannot be decoded.
pub(super) type Said = Option<Option<Head>>;

fn beginning(frame: &Sample, most: usize) -> Vec<u8> {
    frame.pieces().flatten().take(most).copied().collect()
}

/// What a frame of VP8 says: the head of a key frame (RFC 6386, 9.1).
pub(super) fn vp8(frame: &Sample) -> Said {
    let start = beginning(frame, KEY);
    let [low, middle, high] = *start.first_chunk::<TAG>()?;
    let first_partition = u32::from_le_bytes([low, middle, high, 0]) >> 5;
    let head = if vp8::is_key(&start) {
        let size = vp8::key_size(&start).filter(|size| size.width > 0 && size.height > 0)?;
        Some(Head::Vp8 { size })
    } else {
        None
    };
    let header = if head.is_some() { KEY } else { TAG };
    // Nineteen bits. A frame that ends before its first partition does is a part of one.
    (frame.len() >= header + first_partition as usize).then_some(head)
}

/// What a frame of VP9 says: the head of a key frame (VP9 bitstream, 6.2).
pub(super) fn vp9(frame: &Sample) -> Said {
    match vp9::Frame::read(&beginning(frame, HEADER))? {
        vp9::Frame::Key(key) => Some(Some(Head::Vp9(key))),
        vp9::Frame::Other => Some(None),
    }
}
