//! The thread that converts one picture.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use crate::ids::StreamId;
use crate::stream::Packet;
use crate::transcode::{Convert, Converter, TranscodeRefusal};

use super::super::feeds::FeedItem;
use super::super::ffmpeg::Ffmpeg;
use super::outside::Outside;
use super::{Item, Place, Shared, Told, Transcoded};

/// How often it tells what it has done, and takes up what is measured.
const LOOK: Duration = Duration::from_secs(1);
/// A packet that has waited longer than this is too late: the picture is left out up to a key
/// frame that has not.
const LATE: Duration = Duration::from_secs(1);
/// What was kept for newcomers is decoded all at once at first, and waits for longer.
const LATE_AT_FIRST: Duration = Duration::from_secs(4);
/// Looks for which it counts as behind after a picture was missed.
const BEHIND: usize = 10;

/// What the thread begins with.
pub(super) struct Start {
    pub(super) stream: StreamId,
    pub(super) id: u64,
    pub(super) shared: Arc<Shared>,
    pub(super) inbox: Receiver<Item>,
    pub(super) feeds: mpsc::Sender<FeedItem>,
    pub(super) place: Place,
    /// What decodes it, and what wakes the thread then; none: it is decoded here.
    pub(super) outside: Option<(Ffmpeg, SyncSender<Item>)>,
}

/// Runs until it is told to end, nobody is left to tell, or it is of no use to go on.
pub(super) fn run(start: Start) {
    let Start { stream, id, shared, inbox, feeds, place, outside } = start;
    let converter: Box<dyn Convert> = match outside {
        Some((ffmpeg, items)) => Box::new(Outside::new(shared.aim(), ffmpeg, items)),
        None => Box::new(Converter::new(shared.aim())),
    };
    let mut thread = Thread::new(Instant::now(), stream, id, (shared, feeds), converter);
    while !thread.shared.stop.load(Ordering::Relaxed) {
        let step = match inbox.recv_timeout(LOOK) {
            Ok(item) => thread.guarded(Some(item)),
            Err(RecvTimeoutError::Timeout) => thread.guarded(None),
            Err(RecvTimeoutError::Disconnected) => break,
        };
        if let Err(refusal) = step {
            thread.tell(Some(refusal));
            break;
        }
    }
    drop(place);
}

pub(super) struct Thread {
    stream: StreamId,
    id: u64,
    shared: Arc<Shared>,
    feeds: mpsc::Sender<FeedItem>,
    converter: Box<dyn Convert>,
    /// What comes is left out up to a key frame.
    skips: bool,
    /// What was made is left out up to a key frame: there was no room for it.
    waits_for_key: bool,
    /// Pictures that were left out here.
    left_out: u64,
    /// How long it was at work since it looked last.
    busy: Duration,
    looked: Instant,
    /// All pictures that were missed, as of the last looks.
    looks: VecDeque<u64>,
    told: Told,
}

impl Thread {
    pub(super) fn new(
        now: Instant,
        stream: StreamId,
        id: u64,
        (shared, feeds): (Arc<Shared>, mpsc::Sender<FeedItem>),
        converter: Box<dyn Convert>,
    ) -> Self {
        Self {
            stream,
            id,
            shared,
            feeds,
            converter,
            skips: false,
            waits_for_key: false,
            left_out: 0,
            busy: Duration::ZERO,
            looked: now,
            looks: VecDeque::from([0]),
            told: Told::default(),
        }
    }

    /// A defect in what the source sends is the end of this conversion, and of nothing else.
    fn guarded(&mut self, item: Option<Item>) -> Result<(), TranscodeRefusal> {
        let now = Instant::now();
        let step = catch_unwind(AssertUnwindSafe(|| self.step(now, item)));
        self.busy += now.elapsed();
        step.unwrap_or_else(|_| {
            tracing::error!(stream = %self.stream, "a defect ended the conversion of a picture");
            Err(TranscodeRefusal::Defect)
        })
    }

    pub(super) fn step(
        &mut self,
        now: Instant,
        item: Option<Item>,
    ) -> Result<(), TranscodeRefusal> {
        if self.shared.viewers_wish.swap(false, Ordering::Relaxed) {
            self.converter.want_key(now);
        }
        let made = match item {
            Some(Item::Packet(at, packet)) => self.packet(now, at, &packet)?,
            Some(Item::Gap) => {
                self.converter.gap();
                Vec::new()
            }
            Some(Item::Begin(after)) => {
                self.converter.begin(after);
                Vec::new()
            }
            Some(Item::Woken) => self.converter.outputs(now)?,
            None => self.converter.tick(now)?,
        };
        for packets in made {
            self.hand_over(now, packets);
        }
        if now.saturating_duration_since(self.looked) >= LOOK {
            self.look(now);
        }
        Ok(())
    }

    fn packet(
        &mut self,
        now: Instant,
        at: Instant,
        packet: &Packet,
    ) -> Result<Vec<Vec<Packet>>, TranscodeRefusal> {
        if self.is_late(now.saturating_duration_since(at), packet) {
            self.left_out += u64::from(packet.marker && self.converter.has_begun());
            self.shared.wish.store(true, Ordering::Relaxed);
            return Ok(Vec::new());
        }
        let made = self.converter.packet(now, packet)?;
        if self.converter.waits() {
            self.shared.wish.store(true, Ordering::Relaxed);
        }
        if self.converter.sees() && !self.converter.has_begun() {
            self.send(Vec::new()); // again with the next packet, if there is no room
        }
        Ok(made)
    }

    /// Whether a packet is left out, because it waited too long or because others did.
    fn is_late(&mut self, waited: Duration, packet: &Packet) -> bool {
        let begins = packet.inspection.key || packet.inspection.parameters;
        let patience = if self.converter.has_begun() { LATE } else { LATE_AT_FIRST };
        if self.skips && begins && waited < patience / 2 {
            self.skips = false;
            self.converter.gap();
        } else if waited > patience {
            self.skips = true;
        }
        self.skips
    }

    fn hand_over(&mut self, now: Instant, packets: Vec<Packet>) {
        let key = packets.iter().any(|packet| packet.inspection.key);
        let left_out = self.waits_for_key && !key;
        self.waits_for_key = left_out || !self.send(packets);
        if self.waits_for_key {
            self.left_out += 1;
            self.converter.want_key(now);
        }
    }

    /// Says whether there was room.
    fn send(&self, packets: Vec<Packet>) -> bool {
        let made = Transcoded { stream: self.stream, id: self.id, packets };
        self.feeds.try_send(FeedItem::Transcoded(made)).is_ok()
    }

    fn look(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.looked);
        self.looked = now;
        let busy = std::mem::take(&mut self.busy);
        self.told.busy = (busy.as_secs_f64() / passed.as_secs_f64()).min(1.0);
        self.converter.aim(self.shared.aim());
        let missed = self.missed();
        self.told.behind = self.looks.front().is_some_and(|before| missed > *before);
        if self.looks.len() == BEHIND {
            self.looks.pop_front();
        }
        self.looks.push_back(missed);
        self.tell(None);
    }

    /// Pictures that were missed, here or before they came here.
    fn missed(&self) -> u64 {
        let before = self.shared.left_out.load(Ordering::Relaxed);
        self.converter.counted().missed + self.left_out + before
    }

    fn tell(&mut self, refusal: Option<TranscodeRefusal>) {
        let counted = self.converter.counted();
        self.told.frames = counted.frames;
        self.told.missed = self.missed();
        self.told.lost = counted.lost;
        self.told.refusal = refusal;
        *self.shared.told.lock().unwrap_or_else(PoisonError::into_inner) = self.told;
    }
}
