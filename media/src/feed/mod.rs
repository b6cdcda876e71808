//! Out of a transport stream, what a publisher of a [`Stream`](crate::stream::Stream) sends:
//! RTP packets of the picture, and sound for the decoder.

pub(crate) mod annexb;
mod cutter;
mod downmix;
mod elsewhere;
pub(crate) mod h264;
pub(crate) mod h265;
mod multiopus;
pub(crate) mod sound;
mod timeline;

use std::time::Instant;

use crate::rtp::Codec;
use crate::stream::Packet;
use crate::ts::{
    self, AacFrame, AdtsReader, Demuxer, Event, LatmReader, Profile, Track, TrackCodec, Unit,
};

pub(crate) use cutter::Cutter;
pub use elsewhere::Decoded;
pub(crate) use elsewhere::{Elsewhere, Foreign, Format};
pub(crate) use multiopus::CHANNELS as SURROUND;
pub use sound::{OpusPacket, Samples, Sound, SoundData, SoundError, Transcoder};
pub(crate) use sound::{opus_encoder, opus_samples};
pub(crate) use timeline::Moment;
use timeline::Timeline;

/// The most channels: 5.1.
const CHANNELS: u8 = 6;
/// What is wrong with a stream is told in so many sentences at most.
const PROBLEMS: usize = 8;
/// Frames before it is said that there is none among them with which decoding could begin.
const KEYLESS: u32 = 250;
/// Nothing of the stream is a picture.
pub(crate) const NO_PICTURE: &str = "There is no picture in the stream.";
const NO_KEY_FRAME: &str = "The picture has no key frame (IDR with its parameter sets): set the encoder to a \
     key frame every second, closed groups of pictures, and repeated headers.";

/// What came of some bytes.
#[derive(Debug)]
pub enum Made {
    /// The packets of a frame.
    Picture(Vec<Packet>),
    /// A piece of sound, to be decoded.
    Sound(Sound),
}

/// A publisher that sends a transport stream.
#[derive(Debug)]
pub struct Feed {
    demuxer: Demuxer,
    timeline: Timeline,
    video: Option<Video>,
    /// What numbers the packets of the next picture, while there is none.
    idle: Option<Cutter>,
    audio: Option<Audio>,
    problems: Vec<String>,
    /// What of the stream could not be used.
    units_lost: u64,
}

#[derive(Debug)]
struct Video {
    pid: u16,
    codec: Codec,
    cutter: Cutter,
    /// A key frame has come.
    begun: bool,
    /// Frames that came before it.
    keyless: u32,
}

#[derive(Debug)]
struct Audio {
    pid: u16,
    codec: TrackCodec,
    reader: Reader,
    /// The time of the frame that comes next, where no header says it.
    next: Option<i64>,
    /// A time that a header said.
    reference: Option<Moment>,
}

/// What finds the frames in the units of a track of sound.
#[derive(Debug)]
enum Reader {
    Adts(AdtsReader),
    Latm(LatmReader),
    Opus,
}

impl Reader {
    fn of(codec: TrackCodec) -> Self {
        match codec {
            TrackCodec::AacLatm => Self::Latm(LatmReader::default()),
            TrackCodec::Opus => Self::Opus,
            _ => Self::Adts(AdtsReader::default()),
        }
    }

    fn reset(&mut self) {
        match self {
            Self::Adts(reader) => reader.reset(),
            Self::Latm(reader) => reader.reset(),
            Self::Opus => {}
        }
    }

    fn push(&mut self, unit: &[u8]) -> Vec<Piece> {
        match self {
            Self::Adts(reader) => reader.push(unit).into_iter().map(Piece::aac).collect(),
            Self::Latm(reader) => reader.push(unit).into_iter().map(Piece::aac).collect(),
            Self::Opus => ts::opus_packets(unit).into_iter().map(Piece::opus).collect(),
        }
    }
}

impl Default for Feed {
    fn default() -> Self {
        Self::new()
    }
}

impl Feed {
    /// One that nothing has come of.
    pub fn new() -> Self {
        Self {
            demuxer: Demuxer::default(),
            timeline: Timeline::default(),
            video: None,
            idle: None,
            audio: None,
            problems: Vec::new(),
            units_lost: 0,
        }
    }

    /// What is wrong with the stream, in words for those who set the encoder up.
    pub fn problems(&self) -> &[String] {
        &self.problems
    }

    /// Frames that were lost with what carried them.
    pub fn lost(&self) -> u64 {
        self.units_lost
    }

    /// Takes bytes of the stream.
    pub fn push(&mut self, now: Instant, bytes: &[u8], mut made: impl FnMut(Made)) {
        let mut events = Vec::new();
        self.demuxer.push(bytes, |event| events.push(event));
        for event in events {
            match event {
                Event::Tracks(tracks) => self.tracks(&tracks),
                Event::Unit(unit) => {
                    self.unit(now, &unit, &mut made);
                    self.demuxer.recycle(unit.data);
                }
            }
        }
    }

    /// The tracks of a source that sends no transport stream.
    pub(crate) fn declare(&mut self, tracks: &[Track]) {
        self.tracks(tracks);
    }

    /// Takes a whole frame of a declared track's picture (annex B), whose time is that of
    /// [`Unit::pts`].
    pub(crate) fn seen(
        &mut self,
        now: Instant,
        track: Track,
        pts: u64,
        data: Vec<u8>,
        mut made: impl FnMut(Made),
    ) {
        let Track { pid, codec } = track;
        let unit = Unit { pid, codec, pts: Some(pts), dts: None, data, whole: true };
        self.unit(now, &unit, &mut made);
    }

    /// Takes a frame of sound, whose time is that of [`Unit::pts`].
    pub(crate) fn heard(
        &mut self,
        now: Instant,
        pts: u64,
        data: SoundData,
        mut made: impl FnMut(Made),
    ) {
        let Moment { ticks, captured } = self.timeline.moment(now, pts);
        let problem = match &data {
            SoundData::Aac(frame) => refusal(frame),
            SoundData::Opus(_) | SoundData::Pcm(_) => None,
        };
        match problem {
            Some(problem) => self.complain(problem.to_owned()),
            None => made(Made::Sound(Sound { data, ticks, captured })),
        }
    }

    /// The first picture and the first sound that can be used are.
    fn tracks(&mut self, tracks: &[Track]) {
        self.problems.clear();
        let video = tracks.iter().find_map(|track| Some((track.pid, picture(track.codec)?)));
        let sound = [TrackCodec::AacAdts, TrackCodec::AacLatm, TrackCodec::Opus];
        let audio = tracks.iter().find(|track| sound.contains(&track.codec));
        if video.is_none() {
            self.complain_of_picture(tracks);
        }
        if audio.is_none() {
            self.complain_of_sound(tracks);
        }
        if video != self.video.as_ref().map(|video| (video.pid, video.codec)) {
            self.look_at(video);
        }
        let of = |audio: &Audio| (audio.pid, audio.codec);
        if audio.map(|track| (track.pid, track.codec)) != self.audio.as_ref().map(of) {
            self.audio = audio.map(|track| Audio {
                pid: track.pid,
                codec: track.codec,
                reader: Reader::of(track.codec),
                next: None,
                reference: None,
            });
        }
    }

    /// Another picture, whose packets follow those of the one before, or none.
    fn look_at(&mut self, video: Option<(u16, Codec)>) {
        let before = self.video.take().map(|video| video.cutter).or_else(|| self.idle.take());
        let Some((pid, codec)) = video else {
            self.idle = before;
            return;
        };
        let cutter = match before {
            Some(cutter) => cutter.anew(codec),
            None => Cutter::new(codec),
        };
        self.video = Some(Video { pid, codec, cutter, begun: false, keyless: 0 });
    }

    fn complain_of_picture(&mut self, tracks: &[Track]) {
        let other = tracks.iter().find(|track| track.codec.is_video());
        self.complain(match other.map(|track| track.codec) {
            None => NO_PICTURE.to_owned(),
            Some(codec) => format!(
                "The picture is {}, which is not shown yet: set the encoder to H.264.",
                codec.name()
            ),
        });
    }

    fn complain_of_sound(&mut self, tracks: &[Track]) {
        if let Some(other) = tracks.iter().find(|track| track.codec.is_audio()) {
            self.complain(format!(
                "The sound is {}, which is not supported: set the encoder to AAC-LC, 48 kHz, stereo.",
                other.codec.name()
            ));
        }
    }

    fn complain(&mut self, problem: String) {
        if self.problems.len() < PROBLEMS && !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    fn unit(&mut self, now: Instant, unit: &Unit, made: &mut impl FnMut(Made)) {
        if !unit.whole {
            self.units_lost += 1;
        }
        let moment = unit.pts.map(|pts| self.timeline.moment(now, pts));
        if let Some(video) = self.video.as_mut().filter(|video| video.pid == unit.pid) {
            // A frame with a hole shows worse than the one before it, kept.
            if let (true, Some(moment)) = (unit.whole, moment) {
                let packets = video.frame(&unit.data, moment);
                match video.keyless {
                    0 => self.problems.retain(|problem| problem != NO_KEY_FRAME),
                    KEYLESS => self.complain(NO_KEY_FRAME.to_owned()),
                    _ => {}
                }
                if !packets.is_empty() {
                    made(Made::Picture(packets));
                }
            }
        } else if self.audio.as_ref().is_some_and(|audio| audio.pid == unit.pid) {
            self.sound(unit, moment, made);
        }
    }

    fn sound(&mut self, unit: &Unit, moment: Option<Moment>, made: &mut impl FnMut(Made)) {
        let Some(audio) = &mut self.audio else { return };
        if !unit.whole {
            audio.reader.reset();
            audio.next = None;
        }
        if moment.is_some() {
            audio.reference = moment;
        }
        let pieces = audio.reader.push(&unit.data);
        // The unit's time is that of the first piece that begins in it.
        let mut told = moment;
        let mut problem = None;
        for piece in pieces {
            if piece.begins_here
                && let Some(moment) = told.take()
            {
                audio.next = Some(moment.ticks);
            }
            let (Some(ticks), Some(reference)) = (audio.next, audio.reference) else { continue };
            audio.next = Some(ticks + piece.duration);
            match piece.problem {
                Some(found) => problem = Some(found),
                None => {
                    let captured = reference.at(ticks);
                    made(Made::Sound(Sound { data: piece.data, ticks, captured }));
                }
            }
        }
        if let Some(problem) = problem {
            self.complain(problem.to_owned());
        }
    }
}

/// The codec of a picture that is taken.
fn picture(codec: TrackCodec) -> Option<Codec> {
    match codec {
        TrackCodec::H264 => Some(Codec::H264),
        TrackCodec::H265 => Some(Codec::H265),
        _ => None,
    }
}

impl Video {
    /// The packets of a frame; none before the first key frame.
    fn frame(&mut self, bytes: &[u8], moment: Moment) -> Vec<Packet> {
        let packets = self.cutter.frame(bytes, moment);
        let key = packets.iter().any(|packet| packet.inspection.key);
        self.begun |= self.cutter.has_parameters() && key;
        if !self.begun {
            self.keyless = self.keyless.saturating_add(1);
            return Vec::new();
        }
        self.keyless = 0;
        packets
    }
}

/// A frame of sound as it is found in a unit.
struct Piece {
    data: SoundData,
    /// In ticks of 90 kHz.
    duration: i64,
    /// It begins in this unit, and not in the one before.
    begins_here: bool,
    problem: Option<&'static str>,
}

impl Piece {
    fn opus(packet: &[u8]) -> Self {
        let duration = i64::from(opus_samples(packet)) * 15 / 8;
        let data = SoundData::Opus(packet.to_vec());
        Self { data, duration, begins_here: true, problem: None }
    }

    fn aac(frame: AacFrame) -> Self {
        let samples = i64::from(ts::AAC_BLOCK) * i64::from(frame.blocks);
        let duration = samples * i64::from(ts::CLOCK) / i64::from(frame.rate.max(1));
        let begins_here = frame.began >= 0;
        let problem = refusal(&frame);
        Self { data: SoundData::Aac(frame), duration, begins_here, problem }
    }
}

/// Why a frame of AAC is decoded nowhere.
fn refusal(frame: &AacFrame) -> Option<&'static str> {
    if frame.profile == Profile::Other {
        return Some(
            "The sound is AAC of another profile than LC, which is not supported: set the encoder \
             to AAC-LC, 48 kHz, stereo.",
        );
    }
    if !(1..=CHANNELS).contains(&frame.channels) {
        return Some(
            "The sound has more channels than 5.1, or does not say how many, which is not \
             supported: set the encoder to stereo.",
        );
    }
    (frame.blocks != 1).then_some(
        "The sound is AAC with several blocks in a frame, which is not supported: set the encoder \
         to AAC-LC, 48 kHz, stereo.",
    )
}

#[cfg(test)]
pub(crate) mod tests;
