//! Streams of real encoders. `media/tests/coded` has each as an IVF file of ten frames of 64x64, the
//! first and the sixth of which are key frames, and as the RTP packets that were made of that file:
//! VP8 and VP9 of libvpx by GStreamer 1.22 (`rtpvp8pay`, `rtpvp9pay`), AV1 of libaom by FFmpeg 8.0,
//! with packets of 400 bytes. VP9 and AV1 have frames that are not shown by themselves.
//!
//! As IVF files alone there are five frames of VP8 of 65x47 by FFmpeg, and 24 of VP9 by GStreamer whose
//! encoder had far too few bits, so that it went from 448x336 to 336x252 with the sixteenth, which is no
//! key frame.

use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use crate::coded::Coding;
use crate::rtp::av1::begins_sequence;
use crate::rtp::inspect;
use crate::stream::Packet;

pub(crate) const VP8_ODD: &[u8] = include_bytes!("../../../tests/coded/vp8-odd.ivf");
pub(crate) const VP9_RESIZED: &[u8] = include_bytes!("../../../tests/coded/vp9-resized.ivf");
/// Columns and rows of the other pictures.
pub(crate) const SIDE: usize = 64;

/// A stream, twice.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clip {
    pub(crate) coding: Coding,
    name: &'static str,
    rtp: &'static [u8],
    pub(crate) ivf: &'static [u8],
}

pub(crate) const VP8: Clip = Clip {
    coding: Coding::Vp8,
    name: "vp8.ivf",
    rtp: include_bytes!("../../../tests/coded/vp8.rtp"),
    ivf: include_bytes!("../../../tests/coded/vp8.ivf"),
};
pub(crate) const VP9: Clip = Clip {
    coding: Coding::Vp9,
    name: "vp9.ivf",
    rtp: include_bytes!("../../../tests/coded/vp9.rtp"),
    ivf: include_bytes!("../../../tests/coded/vp9.ivf"),
};
pub(crate) const AV1: Clip = Clip {
    coding: Coding::Av1,
    name: "av1.ivf",
    rtp: include_bytes!("../../../tests/coded/av1.rtp"),
    ivf: include_bytes!("../../../tests/coded/av1.ivf"),
};

/// Marker and payload of each packet of a frame.
pub(crate) type Payloads = Vec<(bool, Vec<u8>)>;

impl Clip {
    /// Where its IVF file is.
    pub(crate) fn path(&self) -> PathBuf {
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/coded").join(self.name)
    }

    /// Timestamp, marker and payload of each packet, which have neither extensions nor padding.
    pub(crate) fn packets(&self) -> Vec<(u32, bool, &'static [u8])> {
        let (mut rtp, mut packets) = (self.rtp, Vec::new());
        while let [high, low, rest @ ..] = rtp {
            let (packet, next) = rest.split_at(u16::from_be_bytes([*high, *low]).into());
            rtp = next;
            assert_eq!(packet[0], 0x80);
            let timestamp = u32::from_be_bytes(packet[4..8].try_into().unwrap());
            packets.push((timestamp, packet[1] & 0x80 != 0, &packet[12..]));
        }
        packets
    }

    /// The same, frame by frame.
    pub(crate) fn frames(&self) -> Vec<Payloads> {
        let packets = self.packets();
        let frames = packets.chunk_by(|(before, ..), (after, ..)| before == after);
        let of = |(_, marker, payload): &(u32, bool, &[u8])| (*marker, payload.to_vec());
        frames.map(|frame| frame.iter().map(of).collect()).collect()
    }

    /// The packets of a frame where the ten are sent again and again, 25 a second.
    pub(crate) fn shoot(&self, number: u64, captured: Instant) -> Vec<Packet> {
        let (codec, frames) = (self.coding.codec(), self.frames());
        let (round, at) = (number / frames.len() as u64, (number % frames.len() as u64) as usize);
        let count =
            |frames: &[Payloads]| frames.iter().map(|frame| frame.len() as u64).sum::<u64>();
        let first = round * count(&frames) + count(&frames[..at]);
        let packets = (first..).zip(&frames[at]).map(|(seq, (marker, payload))| Packet {
            codec,
            layer: 0,
            seq,
            timestamp: number as u32 * 3_600,
            marker: *marker,
            inspection: inspect(codec, payload),
            payload: payload.as_slice().into(),
            captured,
        });
        packets.collect()
    }

    /// The luma of all pictures, as ffmpeg decodes them from the file.
    pub(crate) fn luma(&self) -> Vec<Vec<u8>> {
        let decoded = Command::new("ffmpeg")
            .args(["-v", "error", "-i"])
            .arg(self.path())
            .args(["-f", "rawvideo", "-pix_fmt", "yuv420p", "-"])
            .output()
            .unwrap();
        assert!(decoded.status.success());
        let picture = SIDE * SIDE * 3 / 2;
        decoded.stdout.chunks_exact(picture).map(|all| all[..SIDE * SIDE].to_vec()).collect()
    }
}

/// The same packet of AV1 in a sequence that has a second spatial layer, which is missing.
pub(crate) fn lowest_of_two(payload: &[u8]) -> Vec<u8> {
    let mut payload = payload.to_vec();
    if begins_sequence(&payload) {
        assert_eq!(payload[..7], [0x68, 14, 0x08, 0, 0, 0, 2], "a sequence header comes first");
        // operating_point_idc (AV1 bitstream, 5.5.1): both layers.
        (payload[4], payload[5]) = (0x03, 0x01);
    }
    payload
}

/// The frames of an IVF file.
pub(crate) fn frames_of(ivf: &'static [u8]) -> Vec<&'static [u8]> {
    let (mut rest, mut frames) = (&ivf[32..], Vec::new());
    while let Some((head, behind)) = rest.split_at_checked(12) {
        let length = u32::from_le_bytes(*head.first_chunk().unwrap()) as usize;
        let (frame, next) = behind.split_at(length);
        frames.push(frame);
        rest = next;
    }
    frames
}

/// How far apart samples are, on average.
pub(crate) fn apart(a: impl Iterator<Item = u8>, b: &[u8]) -> f64 {
    let sum: u64 = a.zip(b).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    sum as f64 / b.len() as f64
}
