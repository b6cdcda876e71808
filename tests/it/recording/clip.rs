//! A recording, read and decoded by others than wrote it.

use openh264::{decoder::Decoder, formats::YUVSource as _};
use rushes::demo::strip;
use shiguredo_mp4::{
    TrackKind,
    boxes::SampleEntry,
    demux::{Input, Mp4FileDemuxer},
};

use super::size;

/// What is in a file.
pub(super) struct Clip {
    /// The place of each frame, and the number that is written in its picture.
    numbers: Vec<(i64, i64)>,
    /// When each packet of sound is heard, in samples.
    sound: Vec<i64>,
}

impl Clip {
    pub(super) fn read(bytes: &[u8]) -> Self {
        let mut demuxer = Mp4FileDemuxer::new();
        demuxer.handle_input(Input { position: 0, data: bytes });
        let mut decoder = Decoder::new().unwrap();
        let (mut numbers, mut sound) = (Vec::new(), Vec::new());
        while let Some(sample) = demuxer.next_sample().unwrap() {
            let at = sample.timestamp as i64;
            if sample.track.kind == TrackKind::Audio {
                sound.push(at);
                continue;
            }
            if let Some(entry) = sample.sample_entry {
                assert!(matches!(entry, SampleEntry::Avc1(_)), "{entry:?}");
            }
            assert_eq!(sample.track.timescale.get(), 25_000);
            let data = &bytes[sample.data_offset as usize..][..sample.data_size];
            let picture = decoder.decode(&annex_b(data)).unwrap().expect("every frame is shown");
            let reading = strip::read(picture.y(), picture.strides().0, size());
            let number = reading.expect("every picture has its number").frame;
            numbers.push((at / 1000, number.into()));
        }
        Self { numbers, sound }
    }

    pub(super) fn numbers(&self) -> &[(i64, i64)] {
        &self.numbers
    }

    pub(super) fn sound(&self) -> &[i64] {
        &self.sound
    }
}

fn annex_b(sample: &[u8]) -> Vec<u8> {
    let mut stream = Vec::new();
    let mut rest = sample;
    while let Some((length, tail)) = rest.split_first_chunk::<4>() {
        let (unit, next) = tail.split_at(u32::from_be_bytes(*length) as usize);
        stream.extend_from_slice(&[0, 0, 0, 1]);
        stream.extend_from_slice(unit);
        rest = next;
    }
    stream
}
