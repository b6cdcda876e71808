//! What a registered source sends over RTP.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::feed::{Made, Transcoder};
use crate::rtp_source::{AacFrames, Declaration, Frames, RtpSource, Video};

/// Datagrams of a source, each behind a byte of how it comes and two of its length: five bits are
/// milliseconds since the one before, one says the port, and two that the time passes first.
pub fn rtp(data: &[u8]) {
    let now = Instant::now();
    datagrams(now, RtpSource::new(now), data);
}

/// An SDP up to the first byte of zero, and behind it datagrams of the source that it declares.
pub fn rtp_sdp(data: &[u8]) {
    let end = data.iter().position(|byte| *byte == 0).unwrap_or(data.len());
    let Ok(text) = std::str::from_utf8(&data[..end]) else { return };
    let Ok(declared) = Declaration::parse(text) else { return };
    let ports = (5000, 5002);
    if declared.goes_with(ports).is_err() {
        return;
    }
    let now = Instant::now();
    let mut source = RtpSource::new(now);
    source.declare(ports, Some(Arc::new(declared)));
    datagrams(now, source, data.get(end + 1..).unwrap_or_default());
}

fn datagrams(mut now: Instant, mut source: RtpSource, mut data: &[u8]) {
    let mut transcoder = Transcoder::new();
    let mut made = |made: Made| match made {
        Made::Picture(packets) => {
            assert!(packets.iter().all(|packet| packet.payload.len() <= 1200));
        }
        Made::Sound(sound) => {
            let _ = transcoder.push(sound);
        }
    };
    while let [how, high, low, rest @ ..] = data {
        let length = usize::from(u16::from_be_bytes([*high, *low])).min(rest.len());
        let (datagram, next) = rest.split_at(length);
        data = next;
        now += Duration::from_millis(u64::from(how >> 3));
        if how & 6 == 6 {
            now += Duration::from_secs(1);
            source.tick(now, &mut made);
        }
        source.datagram(now, 5000 + 2 * u16::from(how & 1), datagram, &mut made);
    }
    source.tick(now + Duration::from_secs(1), &mut made);
    let status = source.status();
    assert!(status.tracks.len() <= 4 && source.problems().len() < 20);
}

/// Payloads, each behind a byte of what its packet says and one of its length.
pub(super) fn payloads(mut data: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    std::iter::from_fn(move || {
        let [how, length, rest @ ..] = data else { return None };
        let (payload, next) = rest.split_at(usize::from(*length).min(rest.len()));
        data = next;
        Some((*how, payload))
    })
}

fn frames(video: Video, data: &[u8]) {
    let mut frames = Frames::new(video);
    for (how, payload) in payloads(data) {
        if how & 4 != 0 {
            frames.gap();
        }
        for frame in frames.push(u32::from(how >> 3), how & 1 != 0, payload) {
            assert!(!frame.whole || frame.data.starts_with(&[0, 0, 0, 1]));
        }
    }
}

/// Payloads of H.264.
pub fn rtp_h264(data: &[u8]) {
    frames(Video::H264, data);
}

/// Payloads of H.265.
pub fn rtp_h265(data: &[u8]) {
    frames(Video::H265, data);
}

/// Payloads of AAC.
pub fn rtp_aac(data: &[u8]) {
    let mut frames = AacFrames::default();
    for (how, payload) in payloads(data) {
        if how & 4 != 0 {
            frames.gap();
        }
        for frame in frames.push(u32::from(how >> 3), payload) {
            assert!(!frame.is_empty());
        }
    }
}
