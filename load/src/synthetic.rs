//! A stream without a picture and without a sound, of an even bit rate, whose packets
//! carry marks.

use std::time::Duration;

use crate::h264;
use crate::marker;
use crate::sdp::ProfileLevel;
use crate::source::{Content, HEADER, Shape, Unit, VIDEO_CLOCK, VIDEO_PACKET};

/// Frames a second.
const FRAME_RATE: u32 = 30;
const FRAME: Duration = Duration::from_nanos(1_000_000_000 / FRAME_RATE as u64);
/// One Opus packet.
const AUDIO: Duration = Duration::from_millis(20);
/// The same on its RTP clock.
const AUDIO_TICKS: u32 = 960;
/// Length of an audio packet with its RTP header, in bytes: 128 kbit/s.
const AUDIO_PACKET: usize = HEADER + 320;
/// Configuration 31 (CELT, full band, 20 ms), stereo, one frame (RFC 6716, 3.1).
const OPUS_TOC: u8 = 0xfc;
/// Constrained baseline, level 3.1, as the parameter sets say.
pub(crate) const PROFILE: ProfileLevel = ProfileLevel([0x42, 0xe0, 0x1f]);

/// One such stream.
#[derive(Debug)]
pub(crate) struct Synthetic {
    /// Video packets a frame.
    packets: usize,
    /// Between two key frames.
    key_frames: Duration,
    /// Of the next packet's mark.
    number: u64,
    frames: u32,
    sounds: u32,
    since_key: u32,
    last_key: Option<Duration>,
}

impl Synthetic {
    pub(crate) fn new(shape: &Shape) -> Self {
        Self {
            packets: packets_for(shape.bitrate),
            key_frames: shape.key_frames,
            number: 0,
            frames: 0,
            sounds: 0,
            since_key: 0,
            last_key: None,
        }
    }

    /// When the next frame or packet of sound is due.
    pub(crate) fn at(&self) -> Duration {
        self.frame_at().min(self.sound_at())
    }

    /// The next frame or packet of sound.
    pub(crate) fn next(&mut self, key_wanted: bool) -> Unit {
        if self.frame_at() <= self.sound_at() { self.frame(key_wanted) } else { self.sound() }
    }

    fn frame_at(&self) -> Duration {
        FRAME * self.frames
    }

    fn sound_at(&self) -> Duration {
        AUDIO * self.sounds
    }

    fn frame(&mut self, key_wanted: bool) -> Unit {
        let at = self.frame_at();
        let mut payloads = Vec::with_capacity(1 + self.packets);
        let key = key_wanted || self.last_key.is_none_or(|last| at - last >= self.key_frames);
        if key {
            (self.last_key, self.since_key) = (Some(at), 0);
            payloads.push((h264::parameter_sets(), None));
        }
        let (count, len) = (self.packets, VIDEO_PACKET - HEADER);
        for packet in 0..count {
            let number = self.number();
            let payload = h264::fragment(key, self.since_key, packet, count, len, number);
            payloads.push((payload, Some(number)));
        }
        let timestamp = self.frames.wrapping_mul(VIDEO_CLOCK / FRAME_RATE);
        self.since_key += 1;
        self.frames += 1;
        Unit { content: Content::Picture { key, lasts: FRAME, filled: 0 }, timestamp, payloads }
    }

    fn sound(&mut self) -> Unit {
        let number = self.number();
        let mut payload = vec![OPUS_TOC];
        payload.extend_from_slice(&marker::write(number));
        h264::fill(&mut payload, AUDIO_PACKET - HEADER, number);
        let timestamp = self.sounds.wrapping_mul(AUDIO_TICKS);
        self.sounds += 1;
        Unit { content: Content::Sound, timestamp, payloads: vec![(payload, Some(number))] }
    }

    fn number(&mut self) -> u64 {
        self.number += 1;
        self.number - 1
    }
}

/// So many packets a frame as come nearest to `bitrate` (bit/s) in all.
fn packets_for(bitrate: u64) -> usize {
    let bits = |bytes: usize, per_second: u64| bytes as u64 * 8 * per_second;
    let audio = bits(AUDIO_PACKET, 50);
    let per_packet = bits(VIDEO_PACKET, FRAME_RATE.into());
    let packets = (bitrate.saturating_sub(audio) + per_packet / 2) / per_packet;
    usize::try_from(packets.clamp(1, 500)).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bit_rate_becomes_packets_a_frame() {
        assert_eq!(packets_for(2_650_000), 9);
        assert_eq!(packets_for(10_000), 1);
        assert_eq!(packets_for(8_000_000), 28);
    }

    fn synthetic() -> Synthetic {
        Synthetic::new(&Shape {
            bitrate: 2_650_000,
            key_frames: Duration::from_secs(2),
            answers_pli: true,
            spread: Duration::ZERO,
            recording: None,
        })
    }

    #[test]
    fn a_second_has_thirty_frames_and_fifty_packets_of_sound_with_a_mark_each() {
        let mut synthetic = synthetic();
        let (mut keys, mut frames, mut sounds, mut numbers) = (0, 0, 0, Vec::new());
        while synthetic.at() < Duration::from_secs(1) - FRAME / 2 {
            let unit = synthetic.next(false);
            match unit.content {
                Content::Picture { key, filled, .. } => {
                    assert_eq!((unit.timestamp, filled), (frames * 3_000, 0));
                    keys += u32::from(key);
                    frames += 1;
                }
                Content::Sound => {
                    assert_eq!(unit.timestamp, sounds * 960);
                    sounds += 1;
                }
            }
            numbers.extend(unit.payloads.iter().filter_map(|(_, number)| *number));
        }
        assert_eq!((keys, frames, sounds), (1, 30, 50));
        assert_eq!(numbers, (0..30 * 9 + 50).collect::<Vec<_>>());
    }

    #[test]
    fn key_frames_come_in_time_and_when_wanted() {
        let mut synthetic = synthetic();
        let mut keys = Vec::new();
        while synthetic.frames < 130 {
            let frame = synthetic.frames;
            if let Content::Picture { key: true, .. } = synthetic.next(frame == 20).content {
                keys.push(frame);
            }
        }
        // 60 frames last a little less than two seconds.
        assert_eq!(keys, [0, 20, 81]);
    }
}
