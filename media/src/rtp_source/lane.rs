//! The packets of one sender (SSRC), from their arrival to frames and sound.

use std::sync::Arc;
use std::time::Instant;

use crate::feed::{Feed, Made};
use crate::reception::Reported;
use crate::ts::{CLOCK, Track, TrackCodec};

use super::aac::Widths;
use super::classify::{Classifier, Told};
use super::clock::{Base, TrackClock};
use super::declared::{Framing, Terms};
use super::frames::{Frame, Frames, Video};
use super::packet::Packet;
use super::pcm::PcmFrames;
use super::reorder::{Out, Reorder};
use super::sound::Hearing;

/// The tracks' numbers in the feed.
const PICTURE: u16 = 0;
const SOUND: u16 = 1;
/// Packets that are kept until it is told what they are: so no first key frame is missed.
const HELD: usize = 600;
/// Frames before it is said that parameter sets are missing.
const SETLESS: u64 = 50;

/// What a lane carries.
#[derive(Debug)]
enum Content {
    /// It is being told.
    Unknown(Box<Classifier>, Vec<(Instant, Packet)>),
    Picture(Picture),
    Sound(Hearing),
    TransportStream,
    Other(&'static str, bool),
}

#[derive(Debug)]
struct Picture {
    video: Video,
    frames: Frames,
    /// Parameter sets for a sender that sends none.
    sets: Option<Arc<[u8]>>,
    /// Something was lost: the picture goes on with the next key frame.
    waits: bool,
    count: u64,
}

/// One sender's packets.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) ssrc: u32,
    /// The registered port that it sends from.
    pub(super) port: u16,
    pub(super) pt: u8,
    /// When a packet came last.
    pub(super) last: Instant,
    /// It said goodbye, and nothing came of it since.
    pub(super) left: bool,
    pub(super) packets: u64,
    pub(super) reorder: Reorder<Packet>,
    pub(super) clock: TrackClock,
    /// What it carries is declared, under its payload type.
    pub(super) declared: bool,
    content: Content,
    told: Option<Told>,
}

/// What the lanes of a source have in common.
#[derive(Debug, Default)]
pub(super) struct Works {
    pub(super) feed: Feed,
    pub(super) base: Base,
    /// The last report of each sender, also of those whose packets have not come.
    pub(super) reported: Vec<(u32, Reported)>,
    /// The senders whose picture and whose sound are taken.
    pub(super) picture: Option<(u32, Told)>,
    pub(super) sound: Option<(u32, Told)>,
    /// Frames that lost a packet, or came after one that did and before the next key frame.
    pub(super) left_out: u64,
}

impl Works {
    /// Takes what a sender sends, in place of what was taken before.
    pub(super) fn take(&mut self, ssrc: u32, told: Told) {
        let one = Some((ssrc, told));
        match told {
            Told::Picture(_) => self.picture = one,
            Told::Opus | Told::Aac(_) | Told::Pcm(_) => self.sound = one,
            Told::TransportStream => (self.picture, self.sound) = (one, one),
            Told::Other(..) => return,
        }
        if told == Told::TransportStream {
            // It tells its tracks itself.
            self.feed = Feed::new();
            return;
        }
        for taken in [&mut self.picture, &mut self.sound] {
            taken.take_if(|(_, told)| *told == Told::TransportStream);
        }
        let taken = [self.picture, self.sound].into_iter().flatten();
        let tracks: Vec<Track> = taken.filter_map(|(_, told)| track(told)).collect();
        self.feed.declare(&tracks);
    }

    fn takes(&self, ssrc: u32) -> bool {
        [&self.picture, &self.sound].into_iter().flatten().any(|taken| taken.0 == ssrc)
    }
}

/// What a lane is to the feed.
fn track(told: Told) -> Option<Track> {
    let (pid, codec) = match told {
        Told::Picture(Video::H264) => (PICTURE, TrackCodec::H264),
        Told::Picture(Video::H265) => (PICTURE, TrackCodec::H265),
        Told::Opus => (SOUND, TrackCodec::Opus),
        Told::Aac(_) => (SOUND, TrackCodec::AacAdts),
        // Samples are not looked for in units.
        Told::Pcm(_) | Told::TransportStream | Told::Other(..) => return None,
    };
    Some(Track { pid, codec })
}

impl Lane {
    pub(super) fn new(now: Instant, ssrc: u32, port: u16, pt: u8) -> Self {
        Self {
            ssrc,
            port,
            pt,
            last: now,
            left: false,
            packets: 0,
            reorder: Reorder::default(),
            clock: TrackClock::new(CLOCK),
            declared: false,
            content: Content::Unknown(Box::default(), Vec::new()),
            told: None,
        }
    }

    /// It carries what is declared.
    pub(super) fn declare(&mut self, terms: Terms, works: &mut Works) {
        self.declared = true;
        self.tell(terms, works);
    }

    /// Whether its sound is AAC whose channels nobody has declared.
    pub(super) fn is_guessed(&self) -> bool {
        !self.declared && matches!(self.told, Some(Told::Aac(_)))
    }

    /// What it carries, once that is known.
    pub(super) fn told(&self) -> Option<Told> {
        self.told
    }

    /// The picture is to go on with a key frame: another was taken meanwhile.
    pub(super) fn wait(&mut self) {
        if let Content::Picture(picture) = &mut self.content {
            picture.waits = true;
        }
    }

    /// What is wrong with it, in words.
    pub(super) fn problem(&self) -> Option<String> {
        let (port, pt) = (self.port, self.pt);
        match &self.content {
            Content::Unknown(classifier, _) if classifier.gave_up() => Some(format!(
                "What comes from port {port} (payload type {pt}) is not recognised: send H.264 with \
                 AAC (RFC 3640) or Opus, or an MPEG transport stream, or declare what is sent \
                 (rushes/live/declare)."
            )),
            Content::Other(name, true) => Some(format!(
                "The picture from port {port} is {name}, which is not taken over RTP: set the \
                 encoder to H.264."
            )),
            Content::Other(name, false) => Some(format!(
                "The sound from port {port} is {name}, which is not taken over RTP unless it is \
                 declared (rushes/live/declare): set the encoder to AAC-LC, 48 kHz, stereo, or to Opus."
            )),
            Content::Picture(picture) if picture.lacks_sets() => Some(format!(
                "The picture from port {port} comes without its parameter sets (SPS and PPS), \
                     and cannot be decoded: let the encoder repeat them before each key frame \
                     (ffmpeg: -bsf:v dump_extra; x264: repeat-headers=1; GStreamer: rtph264pay \
                     config-interval=-1), or declare its SDP (rushes/live/declare)."
            )),
            _ => None,
        }
    }

    /// Whether it is, or may be, a picture that is not shown.
    pub(super) fn may_be_picture(&self) -> bool {
        matches!(self.content, Content::Unknown(..) | Content::Other(_, true))
    }

    /// Takes what is in order by now.
    pub(super) fn drain(&mut self, now: Instant, works: &mut Works, made: &mut dyn FnMut(Made)) {
        while let Some(out) = self.reorder.pop(now) {
            match out {
                Out::Item(packet) => self.item(now, packet, works, made),
                Out::Gap(_) => self.gap(),
                Out::Restart => {
                    self.gap();
                    self.clock.restart();
                }
            }
        }
    }

    fn gap(&mut self) {
        match &mut self.content {
            Content::Unknown(classifier, held) => {
                classifier.gap();
                // What follows a hole is told from what is before it by its number.
                held.clear();
            }
            Content::Picture(picture) => {
                picture.frames.gap();
                picture.waits = true;
            }
            Content::Sound(hearing) => hearing.gap(),
            _ => {}
        }
    }

    fn item(
        &mut self,
        now: Instant,
        packet: Packet,
        works: &mut Works,
        made: &mut dyn FnMut(Made),
    ) {
        let Content::Unknown(classifier, held) = &mut self.content else {
            return self.packet(now, packet, works, made);
        };
        let told = classifier.push(now, &packet);
        if held.len() < HELD {
            held.push((now, packet));
        }
        let Some(told) = told else { return };
        let held = std::mem::take(held);
        self.tell(Terms { told, sets: None, framing: Framing::Generic(Widths::HBR) }, works);
        // Sound of some time ago would only be late.
        if !matches!(told, Told::Aac(_)) {
            for (came, packet) in held {
                self.packet(came, packet, works, made);
            }
        }
    }

    fn tell(&mut self, terms: Terms, works: &mut Works) {
        let Terms { told, sets, framing } = terms;
        self.told = Some(told);
        let rate = match told {
            Told::Opus => 48_000,
            Told::Aac(kind) => kind.clock,
            Told::Pcm(pcm) => pcm.rate,
            _ => CLOCK,
        };
        self.clock = TrackClock::new(rate);
        if let Some((_, report)) = works.reported.iter().find(|(ssrc, _)| *ssrc == self.ssrc) {
            self.clock.report(*report);
        }
        self.content = match told {
            Told::Picture(video) => {
                let frames = Frames::new(video);
                Content::Picture(Picture { video, frames, sets, waits: true, count: 0 })
            }
            Told::Opus => Content::Sound(Hearing::Opus),
            Told::Aac(kind) => Content::Sound(Hearing::aac(kind, framing)),
            Told::Pcm(pcm) => Content::Sound(Hearing::Pcm(PcmFrames::new(pcm), pcm)),
            Told::TransportStream => Content::TransportStream,
            Told::Other(name, is_picture) => Content::Other(name, is_picture),
        };
        works.take(self.ssrc, told);
    }

    fn packet(
        &mut self,
        now: Instant,
        packet: Packet,
        works: &mut Works,
        made: &mut dyn FnMut(Made),
    ) {
        if !works.takes(self.ssrc) || packet.payload.is_empty() {
            return;
        }
        let Packet { timestamp, marker, payload, .. } = packet;
        match &mut self.content {
            Content::Picture(picture) => {
                for frame in picture.frames.push(timestamp, marker, &payload) {
                    let pts = self.clock.pts(&mut works.base, now, frame.timestamp);
                    picture.frame(now, pts, frame, works, made);
                }
            }
            Content::Sound(hearing) => {
                for (timestamp, data) in hearing.push(timestamp, marker, payload) {
                    let pts = self.clock.pts(&mut works.base, now, timestamp);
                    works.feed.heard(now, pts, data, &mut *made);
                }
            }
            Content::TransportStream => works.feed.push(now, &payload, made),
            Content::Unknown(..) | Content::Other(..) => {}
        }
    }
}

impl Picture {
    /// So many frames have come that there is no picture without parameter sets.
    fn lacks_sets(&self) -> bool {
        self.count >= SETLESS && self.sets.is_none() && !self.frames.has_sets()
    }

    fn frame(
        &mut self,
        now: Instant,
        pts: u64,
        frame: Frame,
        works: &mut Works,
        made: &mut dyn FnMut(Made),
    ) {
        self.count += 1;
        if !frame.whole {
            self.waits = true;
        }
        if self.waits && !(frame.whole && frame.key) {
            works.left_out += 1;
            return;
        }
        self.waits = false;
        let mut data = frame.data;
        if frame.key
            && !self.frames.has_sets()
            && let Some(sets) = &self.sets
        {
            data.splice(..0, sets.iter().copied());
        }
        let codec = match self.video {
            Video::H264 => TrackCodec::H264,
            Video::H265 => TrackCodec::H265,
        };
        works.feed.seen(now, Track { pid: PICTURE, codec }, pts, data, made);
    }
}
