//! The demo's two clips: test patterns of ten seconds, encoded and muxed into
//! seekable MP4 (H.264 + Opus, index in front) the first time they are wanted.
//!
//! Picture number n is shown from n/25 s to (n+1)/25 s exactly: the video track counts
//! time in frames, there is no reordering, and the audio is as long as the video.

use std::fs;
use std::io;
use std::num::{NonZeroU16, NonZeroU32};
use std::path::{Path, PathBuf};
use std::thread;

use shiguredo_mp4::boxes::{
    AudioSampleEntryFields, Avc1Box, AvccBox, DopsBox, OpusBox, SampleEntry,
    VisualSampleEntryFields,
};
use shiguredo_mp4::mux::{
    Mp4FileMuxer, Mp4FileMuxerOptions, MuxError, Sample, estimate_maximum_moov_box_size,
};
use shiguredo_mp4::{FixedPointNumber, TrackKind, Uint};

use super::encode::{
    EncodeError, PACKET_MS, PACKET_SAMPLES, SAMPLE_RATE, Tone, ToneEncoder, VideoConfig,
    VideoEncoder, nal_units,
};
use super::pattern::{Clock, Pattern, PatternConfig};
use super::picture::{Colour, Size};
use super::strip::Source;

/// Frames a second of the clips.
pub const FPS: u32 = 25;
/// Frames of each clip.
pub const FRAMES: u32 = 250;
/// A key frame about twice a second: a seek decodes at most this many frames.
const KEY_INTERVAL: u32 = 12;
/// The video track's clock; a frame lasts a whole number of its ticks.
const VIDEO_TIMESCALE: u32 = 1_000 * FPS;

/// Why a clip could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ClipError {
    /// An encoder failed.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// The MP4 could not be put together.
    #[error("MP4: {0}")]
    Mux(#[from] MuxError),
    /// The file could not be written.
    #[error("{path}: {source}")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The encoder gave a stream that lacks what an MP4 must say.
    #[error("H.264: the first key frame carries no parameter sets")]
    NoParameterSets,
    /// The clip's size does not fit into an MP4.
    #[error("a clip of {0} is too large")]
    TooLarge(Size),
    /// A thread that encoded a clip died.
    #[error("a clip's encoder panicked")]
    Panicked,
}

/// What one clip shows and sounds like.
#[derive(Debug, Clone)]
pub struct ClipSpec {
    /// The file's name in the clips' folder.
    pub file_name: &'static str,
    /// The clip's name for people.
    pub title: &'static str,
    /// What the frame strip says.
    pub source: Source,
    /// Frames to make.
    pub frames: u32,
    /// Size in pixels.
    pub size: Size,
    accent: Colour,
    tone: Tone,
}

/// A clip on the disk.
#[derive(Debug, Clone)]
pub struct Clip {
    /// What it was made from.
    pub spec: ClipSpec,
    /// Where it lies.
    pub path: PathBuf,
    /// Bytes of the file.
    pub bytes: u64,
}

impl Clip {
    /// Milliseconds from the first to the end of the last frame.
    #[must_use]
    pub fn duration_ms(&self) -> u64 {
        u64::from(self.spec.frames) * 1000 / u64::from(FPS)
    }
}

/// The demo's two clips.
#[must_use]
pub fn demo_clips() -> [ClipSpec; 2] {
    let size = Size::new(960, 540).expect("even and within the bounds");
    [
        ClipSpec {
            file_name: "slate-a.mp4",
            title: "Slate A",
            source: Source::ClipA,
            frames: FRAMES,
            size,
            accent: Colour::rgb(90, 200, 250),
            tone: Tone { hertz: 330, beep_hertz: 1_320 },
        },
        ClipSpec {
            file_name: "slate-b.mp4",
            title: "Slate B",
            source: Source::ClipB,
            frames: FRAMES,
            size,
            accent: Colour::rgb(150, 230, 110),
            tone: Tone { hertz: 550, beep_hertz: 2_200 },
        },
    ]
}

/// Finds or makes the demo's clips in `folder`, both at once.
///
/// # Errors
/// When a clip cannot be encoded or written.
pub fn ensure(folder: &Path) -> Result<Vec<Clip>, ClipError> {
    thread::scope(|scope| {
        let jobs = demo_clips().map(|spec| scope.spawn(move || ensure_one(folder, spec)));
        jobs.into_iter().map(|job| job.join().unwrap_or(Err(ClipError::Panicked))).collect()
    })
}

/// A file is put in place whole by a rename, so one that is there is complete.
fn ensure_one(folder: &Path, spec: ClipSpec) -> Result<Clip, ClipError> {
    let path = folder.join(spec.file_name);
    let at = |source| ClipError::Write { path: path.clone(), source };
    let bytes = match fs::metadata(&path) {
        Ok(found) => found.len(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let data = make(&spec)?;
            fs::create_dir_all(folder).map_err(at)?;
            let unfinished = path.with_extension("part");
            fs::write(&unfinished, &data).map_err(at)?;
            fs::rename(&unfinished, &path).map_err(at)?;
            data.len() as u64
        }
        Err(error) => return Err(at(error)),
    };
    Ok(Clip { spec, path, bytes })
}

/// Encodes and muxes a clip.
///
/// # Errors
/// When an encoder or the muxer fails.
pub fn make(spec: &ClipSpec) -> Result<Vec<u8>, ClipError> {
    let pattern = Pattern::new(PatternConfig {
        size: spec.size,
        fps: FPS,
        title: format!("RUSHES  {}", spec.title.to_uppercase()),
        accent: spec.accent,
        source: spec.source,
    });
    let mut picture = pattern.canvas();
    let mut video = VideoEncoder::new(VideoConfig { fps: FPS, key_interval: KEY_INTERVAL })?;
    let mut audio = ToneEncoder::new(spec.tone)?;
    let packets = u64::from(spec.frames) * 1000 / u64::from(FPS) / PACKET_MS;
    let mut file = File::new(spec, packets, audio.pre_skip()?)?;
    let mut next_packet = 0;
    for frame in 0..u64::from(spec.frames) {
        pattern.draw(&mut picture, frame, Clock::Elapsed);
        let unit = video.encode(&picture, false)?;
        file.add_video(&unit.data, unit.key)?;
        // The sound of a group of pictures follows its pictures, so that a player that
        // reads from the start finds both together.
        let group_ends = (frame + 1) % u64::from(KEY_INTERVAL) == 0;
        let shown_ms = (frame + 1) * 1000 / u64::from(FPS);
        while (group_ends || frame + 1 == u64::from(spec.frames))
            && next_packet < packets
            && next_packet * PACKET_MS < shown_ms
        {
            file.add_audio(&audio.packet(next_packet)?)?;
            next_packet += 1;
        }
    }
    file.finish()
}

/// An MP4 in the making, in memory.
struct File {
    muxer: Mp4FileMuxer,
    data: Vec<u8>,
    size: (u16, u16),
    video_entry: Option<SampleEntry>,
    audio_entry: SampleEntry,
}

impl File {
    fn new(spec: &ClipSpec, packets: u64, pre_skip: u16) -> Result<Self, ClipError> {
        let samples = [spec.frames as usize, packets as usize];
        let muxer = Mp4FileMuxer::with_options(Mp4FileMuxerOptions {
            reserved_moov_box_size: estimate_maximum_moov_box_size(&samples),
            ..Mp4FileMuxerOptions::default()
        })?;
        let side = |side: usize| u16::try_from(side).map_err(|_| ClipError::TooLarge(spec.size));
        Ok(Self {
            data: muxer.initial_boxes_bytes().to_vec(),
            muxer,
            size: (side(spec.size.width())?, side(spec.size.height())?),
            video_entry: None,
            audio_entry: opus_entry(pre_skip),
        })
    }

    fn add_video(&mut self, annex_b: &[u8], key: bool) -> Result<(), ClipError> {
        if self.video_entry.is_none() {
            self.video_entry = Some(avc_entry(annex_b, self.size)?);
        }
        let start = self.data.len();
        // The parameter sets stand in the sample entry; the rest gets length prefixes.
        for nal in nal_units(annex_b).filter(|nal| !matches!(nal[0] & 0x1F, 7 | 8)) {
            self.data.extend_from_slice(&(nal.len() as u32).to_be_bytes());
            self.data.extend_from_slice(nal);
        }
        let timing = (VIDEO_TIMESCALE, VIDEO_TIMESCALE / FPS);
        self.note(TrackKind::Video, self.video_entry.clone(), key, timing, start)
    }

    fn add_audio(&mut self, packet: &[u8]) -> Result<(), ClipError> {
        let start = self.data.len();
        self.data.extend_from_slice(packet);
        let timing = (SAMPLE_RATE, PACKET_SAMPLES as u32);
        self.note(TrackKind::Audio, Some(self.audio_entry.clone()), true, timing, start)
    }

    fn note(
        &mut self,
        track_kind: TrackKind,
        sample_entry: Option<SampleEntry>,
        keyframe: bool,
        (timescale, duration): (u32, u32),
        start: usize,
    ) -> Result<(), ClipError> {
        Ok(self.muxer.append_sample(&Sample {
            track_kind,
            sample_entry,
            keyframe,
            timescale: NonZeroU32::new(timescale).expect("both clocks are constants"),
            duration,
            composition_time_offset: None,
            data_offset: start as u64,
            data_size: self.data.len() - start,
        })?)
    }

    fn finish(mut self) -> Result<Vec<u8>, ClipError> {
        for (offset, bytes) in self.muxer.finalize()?.offset_and_bytes_pairs() {
            let start = offset as usize;
            let end = start + bytes.len();
            if self.data.len() < end {
                self.data.resize(end, 0);
            }
            self.data[start..end].copy_from_slice(bytes);
        }
        Ok(self.data)
    }
}

fn avc_entry(annex_b: &[u8], (width, height): (u16, u16)) -> Result<SampleEntry, ClipError> {
    let of_type = |wanted: u8| {
        let found = nal_units(annex_b).find(|nal| nal[0] & 0x1F == wanted);
        found.map(<[u8]>::to_vec).ok_or(ClipError::NoParameterSets)
    };
    let (sps, pps) = (of_type(7)?, of_type(8)?);
    let [_, profile, compatibility, level, ..] = sps[..] else {
        return Err(ClipError::NoParameterSets);
    };
    Ok(SampleEntry::Avc1(Avc1Box {
        visual: VisualSampleEntryFields {
            data_reference_index: VisualSampleEntryFields::DEFAULT_DATA_REFERENCE_INDEX,
            width,
            height,
            horizresolution: VisualSampleEntryFields::DEFAULT_HORIZRESOLUTION,
            vertresolution: VisualSampleEntryFields::DEFAULT_VERTRESOLUTION,
            frame_count: VisualSampleEntryFields::DEFAULT_FRAME_COUNT,
            compressorname: VisualSampleEntryFields::NULL_COMPRESSORNAME,
            depth: VisualSampleEntryFields::DEFAULT_DEPTH,
        },
        avcc_box: AvccBox {
            avc_profile_indication: profile,
            profile_compatibility: compatibility,
            avc_level_indication: level,
            length_size_minus_one: Uint::new(3),
            sps_list: vec![sps],
            pps_list: vec![pps],
            chroma_format: None,
            bit_depth_luma_minus8: None,
            bit_depth_chroma_minus8: None,
            sps_ext_list: Vec::new(),
        },
        unknown_boxes: Vec::new(),
    }))
}

fn opus_entry(pre_skip: u16) -> SampleEntry {
    SampleEntry::Opus(OpusBox {
        audio: AudioSampleEntryFields {
            data_reference_index: NonZeroU16::MIN,
            channelcount: 2,
            samplesize: AudioSampleEntryFields::DEFAULT_SAMPLESIZE,
            samplerate: FixedPointNumber::new(SAMPLE_RATE as u16, 0),
        },
        dops_box: DopsBox {
            output_channel_count: 2,
            pre_skip,
            input_sample_rate: SAMPLE_RATE,
            output_gain: 0,
        },
        unknown_boxes: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use openh264::decoder::Decoder;
    use openh264::formats::YUVSource;
    use shiguredo_mp4::demux::{Input, Mp4FileDemuxer};

    use super::*;
    use crate::demo::strip::{self, Reading};

    fn short_spec() -> ClipSpec {
        let [mut spec, _] = demo_clips();
        spec.frames = 50;
        spec.size = Size::new(320, 180).unwrap();
        spec
    }

    #[test]
    fn every_picture_lies_at_its_exact_time_and_carries_its_number() {
        let spec = short_spec();
        let data = make(&spec).unwrap();
        let mut demuxer = Mp4FileDemuxer::new();
        demuxer.handle_input(Input { position: 0, data: &data });
        let mut decoder = Decoder::new().unwrap();
        let (mut frame, mut sound_ms) = (0_u32, 0);
        let mut start = Vec::new();
        while let Some(sample) = demuxer.next_sample().unwrap() {
            let bytes = &data[sample.data_offset as usize..][..sample.data_size];
            if sample.track.kind == TrackKind::Audio {
                sound_ms += u64::from(sample.duration) * 1000 / u64::from(SAMPLE_RATE);
                continue;
            }
            assert_eq!(sample.timestamp * u64::from(FPS), u64::from(frame * VIDEO_TIMESCALE));
            assert_eq!(sample.keyframe, frame.is_multiple_of(KEY_INTERVAL));
            if let Some(SampleEntry::Avc1(entry)) = sample.sample_entry {
                for set in [&entry.avcc_box.sps_list[0], &entry.avcc_box.pps_list[0]] {
                    start.extend_from_slice(&[0, 0, 0, 1]);
                    start.extend_from_slice(set);
                }
            }
            let mut annex_b = std::mem::take(&mut start);
            annex_b.extend_from_slice(&[0, 0, 0, 1]);
            annex_b.extend_from_slice(&bytes[4..]);
            let decoded = decoder.decode(&annex_b).unwrap().expect("no delay");
            let reading = strip::read(decoded.y(), decoded.strides().0, spec.size);
            assert_eq!(reading, Some(Reading { source: Source::ClipA, frame }));
            frame += 1;
        }
        assert_eq!((frame, sound_ms), (50, 2_000));
    }

    #[test]
    fn the_index_stands_before_the_media() {
        let data = make(&short_spec()).unwrap();
        let mut kinds = Vec::new();
        let mut at = 0;
        while at < data.len() {
            let word =
                |at: usize| u32::from_be_bytes(data[at..at + 4].try_into().unwrap()) as usize;
            kinds.push(String::from_utf8(data[at + 4..at + 8].to_vec()).unwrap());
            at += if word(at) == 1 { word(at + 12) } else { word(at) };
        }
        assert_eq!(at, data.len());
        assert_eq!(kinds.first().map(String::as_str), Some("ftyp"));
        assert!(kinds.iter().position(|k| k == "moov") < kinds.iter().position(|k| k == "mdat"));
    }

    #[test]
    fn a_clip_is_made_once() {
        let folder = tempfile::TempDir::new().unwrap();
        let first = ensure_one(folder.path(), short_spec()).unwrap();
        let made = fs::metadata(&first.path).unwrap().modified().unwrap();
        let second = ensure_one(folder.path(), short_spec()).unwrap();
        assert_eq!(fs::metadata(&second.path).unwrap().modified().unwrap(), made);
        assert_eq!((first.bytes, first.duration_ms()), (second.bytes, 2_000));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing unfinished remains");
    }
}
