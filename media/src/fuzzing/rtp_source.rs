//! What a registered source sends over RTP.

use std::time::{Duration, Instant};

use crate::feed::{Made, Transcoder};
use crate::rtp_source::{AacFrames, Frames, RtpSource, Video};

/// Datagrams of a source, each behind a byte of how it comes and two of its length: five bits are
/// milliseconds since the one before, one says the port, and two that the time passes first.
pub fn rtp(mut data: &[u8]) {
    let mut now = Instant::now();
    let (mut source, mut transcoder) = (RtpSource::new(now), Transcoder::new());
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
fn payloads(mut data: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
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
