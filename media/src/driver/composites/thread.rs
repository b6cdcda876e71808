//! The thread of a composite.

use std::collections::{BTreeSet, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, mpsc};

use crate::composite::{Canvas, Composer, DELAY, Heard, Mixer, Pace, SoundFrom, Tick, Unseen};
use crate::feed::{Cutter, Made, Moment, Sound, SoundData};
use crate::ids::StreamId;
use crate::picture::{EncodeError, Encoder, Encoding, Seen};
use crate::rtp::{Codec, Kind};
use crate::stream::Packet;
use crate::transcode::TranscodeRefusal;

use super::super::feeds::{FeedItem, Register};
use super::super::ffmpeg::Ffmpeg;
use super::super::outgoing::Outgoing;
use super::super::sessions::short;
use super::input::Input;
use super::{Item, Shared, SourceOfComposite};

/// How often it tells what it has done, and what was lost is given up.
const LOOK: Duration = Duration::from_secs(1);
/// A publisher that was ended, or for which there was no room, comes back after this.
const AGAIN: Duration = Duration::from_secs(1);
/// Tenths of a bit for each pixel of each picture.
const TENTHS: u64 = 1;
/// The least and the most bits a second.
const BITS: (u64, u64) = (300_000, 8_000_000);

/// What the thread begins with.
pub(super) struct Start {
    pub(super) composite: StreamId,
    pub(super) shared: Arc<Shared>,
    pub(super) inbox: Receiver<Item>,
    /// What wakes the thread when ffmpeg has given out something.
    pub(super) items: SyncSender<Item>,
    pub(super) ffmpeg: Option<Ffmpeg>,
    pub(super) feeds: mpsc::Sender<FeedItem>,
    pub(super) room: Arc<Semaphore>,
}

/// Runs until it is told to end, or the media plane is gone.
pub(super) fn run(start: Start) {
    let (mut thread, inbox) = Thread::new(Instant::now(), start);
    while !thread.shared.stop.load(Ordering::Relaxed) && !thread.feeds.is_closed() {
        let now = Instant::now();
        thread.follow(now);
        // Pictures come before packets: who decodes too slowly loses sources, not the composite.
        if let Some(tick) = thread.pace.due(now) {
            thread.guarded_tick(now, tick);
            continue;
        }
        let wait = thread.pace.next().saturating_duration_since(now);
        match inbox.recv_timeout(wait) {
            Ok(item) => {
                let now = Instant::now();
                // It may be of a source that is new.
                thread.follow(now);
                thread.guarded_item(now, item);
            }
            Err(RecvTimeoutError::Timeout) => {}
            // Never, as long as the thread itself has an end of it.
            Err(RecvTimeoutError::Disconnected) => std::thread::sleep(wait),
        }
    }
    thread.end();
}

struct Thread {
    composite: StreamId,
    shared: Arc<Shared>,
    items: SyncSender<Item>,
    ffmpeg: Option<Ffmpeg>,
    feeds: mpsc::Sender<FeedItem>,
    register: Register,
    outgoing: Option<Outgoing>,
    /// When to try to publish again.
    again: Instant,
    /// Viewers need a key frame.
    key: Arc<AtomicBool>,
    /// The time of all that is sent begins here.
    origin: Instant,
    version: u64,
    pace: Pace,
    composer: Composer,
    encoder: Option<Encoder>,
    cutter: Cutter,
    mixer: Option<Mixer>,
    inputs: HashMap<StreamId, Input>,
    looked: Instant,
    frames: u64,
    missed: u64,
    last: Option<u64>,
    problem: Option<String>,
}

impl Thread {
    fn new(now: Instant, start: Start) -> (Self, Receiver<Item>) {
        let Start { composite, shared, inbox, items, ffmpeg, feeds, room } = start;
        let layout = shared.layout.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let thread = Self {
            composite,
            items,
            ffmpeg,
            feeds: feeds.clone(),
            register: Register::new(feeds, room),
            outgoing: None,
            again: now,
            key: Arc::default(),
            origin: now,
            // None: the layout is taken up with the first look.
            version: 0,
            pace: Pace::new(now, layout.canvas().rate()),
            composer: Composer::new(layout),
            encoder: None,
            cutter: Cutter::new(Codec::H264),
            mixer: None,
            inputs: HashMap::new(),
            looked: now,
            frames: 0,
            missed: 0,
            last: None,
            problem: None,
            shared,
        };
        (thread, inbox)
    }

    /// Takes another layout up, and publishes where that is to be done again.
    fn follow(&mut self, now: Instant) {
        let version = self.shared.version.load(Ordering::Acquire);
        if version != self.version {
            self.version = version;
            self.take_up(now);
        }
        let gone = |outgoing: &Outgoing| outgoing.gone.load(Ordering::Relaxed);
        if self.outgoing.as_ref().is_some_and(gone) {
            self.outgoing = None;
            self.again = now + AGAIN;
        }
        if self.outgoing.is_none() && now >= self.again {
            self.publish(now);
        }
    }

    fn take_up(&mut self, now: Instant) {
        let layout = self.shared.layout.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let before = self.composer.layout().canvas();
        let canvas = layout.canvas();
        if before.rate() != canvas.rate() {
            self.pace = Pace::new(now, canvas.rate());
            self.last = None;
        }
        if before != canvas {
            self.encoder = None;
        }
        let sources = layout.sources();
        self.inputs.retain(|source, _| sources.contains(source));
        match layout.sound() {
            SoundFrom::Mix => {
                if let Some(mixer) = &mut self.mixer {
                    mixer.keep(&sources);
                } else {
                    self.mixer = Mixer::new(self.origin).ok();
                }
            }
            SoundFrom::Nothing | SoundFrom::Source(_) => self.mixer = None,
        }
        self.composer.update(layout);
        self.key.store(true, Ordering::Relaxed);
    }

    fn publish(&mut self, now: Instant) {
        self.again = now + AGAIN;
        let Some(permit) = self.register.place() else {
            self.problem = Some("There is no room for another publisher.".to_owned());
            return;
        };
        self.problem = None;
        let key = Some(Arc::clone(&self.key));
        let (id, feeds, gone) = self.register.begin_with(self.composite, permit, key);
        tracing::info!(session = %short(id), stream = %self.composite, "a composite is published");
        self.outgoing = Some(Outgoing::new(id, self.composite, feeds, gone, None));
        self.key.store(true, Ordering::Relaxed);
    }

    /// A defect in what a source sends costs that source a moment, and nobody else.
    fn guarded_item(&mut self, now: Instant, item: Item) {
        let source = item.source();
        if catch_unwind(AssertUnwindSafe(|| self.item(now, item))).is_err() {
            tracing::error!(%source, "a defect met a source of a composite");
            self.inputs.insert(source, Input::broken());
            // If ffmpeg decoded it, it does no more.
            self.shared.fault(source, TranscodeRefusal::Defect);
        }
    }

    fn item(&mut self, now: Instant, item: Item) {
        let source = item.source();
        // One that was taken out of the layout meanwhile.
        if !self.composer.layout().cells().iter().any(|cell| cell.source == source) {
            return;
        }
        let input = self.inputs.entry(source).or_default();
        let seen = match item {
            Item::Publish(_) => return input.publish(),
            Item::Packet(_, packet) if packet.codec.kind() == Kind::Audio => {
                return self.sound(now, source, &packet);
            }
            Item::Packet(_, packet) => input.packet(now, &packet),
            Item::Woken(_) => input.outputs(now),
            Item::Away(_) => {
                input.away();
                Ok(Vec::new())
            }
            Item::Refused(_, codec, refusal) => {
                input.refuse(codec, refusal);
                Ok(Vec::new())
            }
            Item::Outside(_, place) => {
                let Some(ffmpeg) = self.ffmpeg.clone() else { return };
                let items = self.items.clone();
                let wake = move || {
                    // With a full inbox the thread is awake, and looks with the source's next packet.
                    let _ = items.try_send(Item::Woken(source));
                };
                input.admit(ffmpeg, place, Arc::new(wake));
                Ok(Vec::new())
            }
        };
        self.seen(now, source, seen);
    }

    fn seen(&mut self, now: Instant, source: StreamId, seen: Result<Vec<Seen>, TranscodeRefusal>) {
        let Some(input) = self.inputs.get_mut(&source) else { return };
        let seen = seen.unwrap_or_else(|refusal| {
            tracing::warn!(%source, %refusal, "a source of a composite is not decoded");
            input.fail(refusal);
            self.shared.fault(source, refusal);
            Vec::new()
        });
        let unseen = input.unseen();
        for one in seen {
            self.composer.seen(now, source, one);
        }
        self.composer.unseen(source, unseen);
    }

    fn sound(&mut self, now: Instant, source: StreamId, packet: &Packet) {
        if !self.composer.layout().hears(source) {
            return;
        }
        let Some(input) = self.inputs.get_mut(&source) else { return };
        let heard = input.voice.packet(now, self.origin, packet);
        for (packet, place) in heard {
            if let Some(mixer) = &mut self.mixer {
                mixer.push(now, source, &packet.payload, place);
                continue;
            }
            let (payload, captured) = (packet.payload.to_vec(), packet.captured.min(now));
            self.hear(Heard { payload, samples: place, captured });
        }
    }

    fn hear(&mut self, heard: Heard) {
        let Some(outgoing) = &mut self.outgoing else { return };
        let Heard { payload, samples, captured } = heard;
        let (data, ticks) = (SoundData::Opus(payload), samples * 15 / 8);
        outgoing.take(Made::Sound(Sound { data, ticks, captured }));
    }

    fn guarded_tick(&mut self, now: Instant, tick: Tick) {
        if catch_unwind(AssertUnwindSafe(|| self.tick(now, tick))).is_err() {
            tracing::error!(stream = %self.composite, "a defect met a composite");
            let layout = self.composer.layout().clone();
            self.composer = Composer::new(layout);
            self.encoder = None;
        }
    }

    fn tick(&mut self, now: Instant, tick: Tick) {
        if let Some(last) = self.last {
            self.missed += (tick.number - last).saturating_sub(1);
        }
        self.last = Some(tick.number);
        let key = self.key.swap(false, Ordering::Relaxed);
        match self.picture(tick, key) {
            Ok(()) => {}
            Err(error) => {
                self.encoder = None;
                self.problem = Some(error.to_string());
            }
        }
        let mixed = self.mixer.as_mut().map(|mixer| mixer.due(now));
        match mixed {
            Some(Ok(heard)) => heard.into_iter().for_each(|heard| self.hear(heard)),
            Some(Err(error)) => {
                tracing::warn!(%error, "the sound of a composite is not encoded");
                self.mixer = Mixer::new(self.origin).ok();
            }
            None => {}
        }
        if now.saturating_duration_since(self.looked) >= LOOK {
            self.looked = now;
            self.look(now);
        }
    }

    fn picture(&mut self, tick: Tick, key: bool) -> Result<(), EncodeError> {
        let encoding = encoding(self.composer.layout().canvas());
        let encoder = match &mut self.encoder {
            Some(encoder) => encoder,
            none => none.insert(Encoder::new(encoding)?),
        };
        let picture = self.composer.paint(tick.at);
        let Some(frame) = encoder.encode(picture, key)? else { return Ok(()) };
        self.frames += 1;
        // What is shown was captured that much before.
        let captured = tick.at.checked_sub(DELAY).unwrap_or(tick.at);
        let since = tick.at.saturating_duration_since(self.origin).as_micros() as i64;
        let ticks = (since - DELAY.as_micros() as i64) * 9 / 100;
        let packets = self.cutter.frame(&frame, Moment { ticks, captured });
        if let Some(outgoing) = &mut self.outgoing {
            outgoing.take(Made::Picture(packets));
        }
        Ok(())
    }

    /// Tells what was done, and gives up what is missing.
    fn look(&mut self, now: Instant) {
        self.register.say();
        let sources = self.composer.layout().sources();
        for source in &sources {
            let Some(input) = self.inputs.get_mut(source) else { continue };
            let seen = input.tick(now);
            self.seen(now, *source, seen);
        }
        let shown: Vec<StreamId> = self.composer.shown(now).collect();
        let of = |source: &StreamId| SourceOfComposite {
            id: *source,
            shown: shown.contains(source),
            frames_lost: self.inputs.get(source).map_or(0, |input| input.lost()),
        };
        let broken = self.inputs.values().any(|input| input.broken);
        let defect = broken.then(|| "A source met a defect of this server.".to_owned());
        let mut status = self.shared.status.lock().unwrap_or_else(PoisonError::into_inner);
        status.frames = self.frames;
        status.frames_missed = self.missed;
        status.sources = sources.iter().map(of).collect();
        let unseen = self.inputs.values().filter_map(Input::unseen);
        // Each is said once, and always in one order.
        let unseen: BTreeSet<String> = unseen.filter_map(Unseen::problem).collect();
        status.problems = self.problem.iter().cloned().chain(defect).chain(unseen).collect();
    }

    fn end(&mut self) {
        if let Some(outgoing) = self.outgoing.take() {
            self.register.end(outgoing.id);
        }
        // The media thread has to hear of it, and takes it within moments.
        while !self.register.is_done() && !self.feeds.is_closed() {
            std::thread::sleep(Duration::from_millis(10));
            self.register.say();
        }
    }
}

/// How a canvas is encoded.
fn encoding(canvas: Canvas) -> Encoding {
    let (size, rate) = (canvas.size(), canvas.rate());
    let pixels = u64::from(size.width) * u64::from(size.height) * u64::from(rate);
    let bits = (pixels * TENTHS / 10).clamp(BITS.0, BITS.1);
    // No more than `BITS` has.
    Encoding { rate, bits: bits as u32 }
}
