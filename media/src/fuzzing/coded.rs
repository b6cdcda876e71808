//! Frames of VP8, VP9 and AV1.

use std::time::Instant;

use crate::coded::{Coding, Gatherer};
use crate::rtp;
use crate::stream::Packet;

use super::rtp_source::payloads;

const CODINGS: [Coding; 3] = [Coding::Vp8, Coding::Vp9, Coding::Av1];

/// A byte that says the codec, and payloads of it.
pub fn rtp_coded(data: &[u8]) {
    let Some((coding, data)) = data.split_first() else { return };
    let coding = CODINGS[usize::from(*coding) % CODINGS.len()];
    let (codec, now) = (coding.codec(), Instant::now());
    let mut gatherer = Gatherer::new(coding);
    for (seq, (how, payload)) in (0..).zip(payloads(data)) {
        if how & 4 != 0 {
            gatherer.gap();
        }
        let packet = Packet {
            codec,
            layer: 0,
            seq,
            timestamp: u32::from(how >> 3),
            marker: how & 1 != 0,
            payload: payload.into(),
            captured: now,
            inspection: rtp::inspect(codec, payload),
        };
        gatherer.push(packet, &mut |frame| {
            let Some(frame) = frame else { return };
            assert!(frame.data.pieces().map(<[u8]>::len).sum::<usize>() == frame.data.len());
            assert!(frame.key == frame.head.is_some() && frame.data.len() > 0);
        });
    }
}
