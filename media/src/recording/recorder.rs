//! The packets of a stream into fragments.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::feed::sound::opus_samples;
use crate::rtcp::WallClock;
use crate::rtp::{Codec, Kind};
use crate::stream::Packet;

use super::config::{Config, Format};
use super::fragment::{Fragment, Frame, Sound};
use super::order::{Next, Order};
use super::sound::{SoundLine, near};
use super::source::{Source, Whole};
use super::time::{CLOCK, Ticks};

/// A fragment is ended after this, where that can be: what a crash may cost.
const LONG: i64 = CLOCK * 4 / 10;
/// After this it is ended in any case: an encoder that shows frames in an order of its own.
const LONGEST: i64 = CLOCK * 5;
/// A fragment has no more bytes than these.
const MOST: usize = 16 << 20;
/// What waits for more is handed on after this, if nothing comes.
const IDLE: Duration = Duration::from_millis(500);
/// Packets of sound that wait for the first picture; half of it makes a fragment without one.
const SOUNDS: usize = 40;

/// What became of a stream's picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counted {
    /// Frames that were kept.
    pub frames: u64,
    /// Frames that were left out: incomplete, or before the key frame after a loss.
    pub left_out: u64,
}

/// Makes fragments of a stream's packets. Time is an argument.
#[derive(Debug)]
pub struct Recorder {
    wall: WallClock,
    picture: Order,
    sound: Order,
    source: Source,
    line: SoundLine,
    /// Decoding can go on only with a key frame.
    waits: bool,
    /// It went on with the last key frame: what is shown before that one is not decoded.
    resumed: bool,
    codec: Option<Codec>,
    /// What the last key frame said.
    config: Config,
    frames: Vec<Frame>,
    sounds: Vec<Sound>,
    /// There was a key frame: what is heard from then on is kept.
    begun: bool,
    bytes: usize,
    /// When the last of what is kept came.
    touched: Option<Instant>,
    /// When the last frame came.
    seen: Option<Instant>,
    made: VecDeque<Fragment>,
    counted: Counted,
    last_sound: Option<Ticks>,
}

impl Recorder {
    /// One that nothing has come to.
    pub(crate) fn new(wall: WallClock) -> Self {
        Self {
            wall,
            picture: Order::default(),
            sound: Order::default(),
            source: Source::default(),
            line: SoundLine::default(),
            waits: true,
            resumed: false,
            codec: None,
            config: Config::default(),
            frames: Vec::new(),
            sounds: Vec::new(),
            begun: false,
            bytes: 0,
            touched: None,
            seen: None,
            made: VecDeque::new(),
            counted: Counted::default(),
            last_sound: None,
        }
    }

    /// Another publisher begins, or another layer of the picture: the numbers begin anew, and the
    /// picture goes on with the next key frame.
    pub fn publish(&mut self) {
        self.cut();
        self.picture.reset();
        self.sound.reset();
        self.source = self.source.anew();
        self.line.reset();
        self.waits = true;
    }

    /// The picture goes on in another codec, with a key frame: in fragments of its own.
    fn change(&mut self, source: Source) {
        self.cut();
        self.picture.reset();
        self.config = source.config();
        self.source = source;
        self.waits = true;
    }

    /// What became of the picture so far.
    #[must_use]
    pub fn counted(&self) -> Counted {
        self.counted
    }

    /// The format of the picture, as far as one is known and can be recorded.
    #[must_use]
    pub fn format(&self) -> Option<Format> {
        let known = self.codec == Some(self.source.codec());
        let awaited = matches!(self.config, Config::Awaited(_));
        (known && !awaited).then(|| self.config.format())
    }

    /// The codec of a picture that cannot be recorded, if that is what comes.
    #[must_use]
    pub fn refused(&self) -> Option<Codec> {
        self.codec.filter(|codec| Source::of(*codec).is_none())
    }

    /// Takes a packet; of the picture those of one layer.
    pub fn packet(&mut self, now: Instant, packet: Packet) {
        match packet.codec.kind() {
            Kind::Video => {
                self.codec = Some(packet.codec);
                if packet.codec != self.source.codec() {
                    let Some(source) = Source::of(packet.codec) else { return };
                    self.change(source);
                }
                self.picture.push(now, packet);
            }
            Kind::Audio => self.sound.push(now, packet),
        }
        self.take(now);
    }

    /// Lets it know the time.
    pub fn tick(&mut self, now: Instant) {
        self.take(now);
        if self.touched.is_some_and(|at| now.saturating_duration_since(at) >= IDLE) {
            self.cut();
        }
    }

    /// When [`Recorder::tick`] is to be called next.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        let idle = self.touched.map(|at| at + IDLE);
        [self.picture.deadline(), self.sound.deadline(), idle].into_iter().flatten().min()
    }

    /// Ends the fragment under way.
    pub fn cut(&mut self) {
        self.touched = None;
        self.bytes = 0;
        let (frames, sounds) = (std::mem::take(&mut self.frames), std::mem::take(&mut self.sounds));
        if !frames.is_empty() || !sounds.is_empty() {
            self.made.push_back(Fragment { frames, sounds, config: self.config.clone() });
        }
    }

    /// A fragment that is ready.
    pub fn poll(&mut self) -> Option<Fragment> {
        self.made.pop_front()
    }

    fn take(&mut self, now: Instant) {
        while let Some(next) = self.picture.pop(now) {
            match next {
                Next::Gap => {
                    self.source.gap();
                    self.waits = true;
                }
                Next::Packet(packet) => {
                    // Two at most: the one before it, and its own.
                    let (mut whole, captured) = (Vec::new(), packet.captured);
                    self.source.push(packet, &mut |frame| whole.push(frame));
                    for frame in whole {
                        self.frame(now, captured, frame);
                    }
                }
            }
        }
        while let Some(next) = self.sound.pop(now) {
            if let Next::Packet(packet) = next {
                self.hear(now, &packet);
            }
        }
    }

    fn frame(&mut self, now: Instant, captured: Instant, frame: Option<Whole>) {
        let Some(frame) = frame.filter(|frame| frame.key || !self.waits) else {
            self.waits = true;
            self.counted.left_out += 1;
            return;
        };
        if self.resumed && frame.skipped {
            self.counted.left_out += 1;
            return;
        }
        if frame.key {
            self.resumed = self.waits;
        }
        let at = near(&self.wall, captured, frame.timestamp);
        if !self.frames.is_empty() && self.ends_before(at, frame.key) {
            self.cut();
        }
        if let Some(config) = frame.config {
            self.config = config;
        }
        if !self.begun {
            self.begun = true;
            self.sounds.retain(|sound| sound.at >= at);
        }
        self.waits = false;
        self.counted.frames += 1;
        self.bytes += frame.data.len();
        self.frames.push(Frame { at, key: frame.key, data: frame.data });
        (self.touched, self.seen) = (Some(now), Some(now));
    }

    /// Whether a new fragment begins with a frame. Frames that are shown in another order than they
    /// come in stay together: what is shown later than all before it comes after all of them.
    fn ends_before(&self, at: Ticks, key: bool) -> bool {
        let shown = || self.frames.iter().map(|frame| frame.at);
        let (first, last) = (shown().min().unwrap_or(at), shown().max().unwrap_or(at));
        let long = at.0 - first.0;
        let clean = at > last && (key || long >= LONG);
        clean || key || long >= LONGEST || self.bytes >= MOST
    }

    fn hear(&mut self, now: Instant, packet: &Packet) {
        let samples = opus_samples(&packet.payload);
        let at = self.line.place(&self.wall, packet);
        // Another publisher's may overlap with what the one before sent.
        if samples == 0 || self.last_sound.is_some_and(|last| at <= last) {
            return;
        }
        self.last_sound = Some(at);
        if !self.begun {
            // It may belong to the first picture, which is whole later than it.
            if self.sounds.len() == SOUNDS {
                self.sounds.remove(0);
            }
        } else {
            self.touched = Some(now);
        }
        self.sounds.push(Sound { at, samples, data: packet.payload.clone() });
        let alone = self.seen.is_none_or(|at| now.saturating_duration_since(at) >= IDLE);
        if self.begun && alone && self.sounds.len() >= SOUNDS / 2 {
            self.cut();
        }
    }
}
