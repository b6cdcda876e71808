//! What comes in a transport stream, up to the samples.

use std::time::{Duration, Instant};

use crate::feed::{Feed, Made, Sound, SoundData, Transcoder};
use crate::ts::{AacFrame, AdtsReader, LatmReader};

/// A transport stream, cut into pieces as its first byte says, up to the packets and the sound.
pub fn ts(data: &[u8]) {
    let Some((cut, data)) = data.split_first() else { return };
    let size = usize::from(*cut) * 7 + 1;
    let (mut feed, mut transcoder, now) = (Feed::new(), Transcoder::new(), Instant::now());
    for (number, chunk) in data.chunks(size).enumerate() {
        let now = now + Duration::from_millis(number as u64);
        feed.push(now, chunk, |made| match made {
            Made::Picture(packets) => {
                assert!(packets.iter().all(|packet| packet.payload.len() <= 1200));
            }
            Made::Sound(sound) => {
                let _ = transcoder.push(sound);
            }
        });
    }
    let _ = crate::ts::opus_packets(data);
}

/// The units of a track of AAC in ADTS, decoded.
pub fn adts(data: &[u8]) {
    let mut reader = AdtsReader::default();
    decode(data.chunks(400).flat_map(|chunk| reader.push(chunk)).collect());
}

/// The same in LATM.
pub fn latm(data: &[u8]) {
    let mut reader = LatmReader::default();
    decode(data.chunks(400).flat_map(|chunk| reader.push(chunk)).collect());
}

fn decode(frames: Vec<AacFrame>) {
    let (mut transcoder, captured) = (Transcoder::new(), Instant::now());
    for (number, frame) in frames.into_iter().enumerate() {
        let ticks = number as i64 * 1920;
        let _ = transcoder.push(Sound { data: SoundData::Aac(frame), ticks, captured });
    }
}
