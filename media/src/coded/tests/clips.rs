//! Streams of real encoders. `media/tests/coded` has each as an IVF file of ten frames of 64x64, the
//! first and the sixth of which are key frames, and as the RTP packets that were made of that file:
//! VP8 and VP9 of libvpx by GStreamer 1.22 (`rtpvp8pay`, `rtpvp9pay`), AV1 of libaom by FFmpeg 8.0,
//! with packets of 400 bytes. VP9 and AV1 have frames that are not shown by themselves.

use std::path::PathBuf;

use crate::coded::Coding;

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
}
