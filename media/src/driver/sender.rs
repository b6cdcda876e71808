//! A fan-out thread: it owns the sending side of its viewers, and nothing else.
//!
//! Protocol is the media thread's; what comes here is packets to send on and
//! what viewers ask for. Jobs come in order through one bounded queue.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use crate::ahead::{Ahead, DEPTHS, ahead};
use crate::egress::Format;
use crate::ids::{ConnectionId, IdMap, IdSet, StreamId};
use crate::rtcp::WallClock;
use crate::rtp::Codec;
use crate::stream::{Burst, MADE, Outgoing, Packet, SOON, Stream, ViewerKey};

use super::delivery::{Delivery, Place};
use super::jobs::{Formats, Whose};
pub(super) use super::jobs::{Job, Join, Word};
use super::sessions::Slot;
use super::socket::{Outbox, Outlet, Route};

/// Reports go out this often (RFC 3550, 6.2 allows less for such rates).
const REPORTS: Duration = Duration::from_secs(1);
/// Before there is anything to report, it is looked for this often.
const FIRST_REPORT: Duration = Duration::from_millis(100);
/// Batches of jobs in a row before what is due gets its turn.
const BATCHES: usize = 16;
/// A stream that defects have disturbed more often has no viewers here any more.
const MOST_DEFECTS: u32 = 3;
/// With nothing to do, the thread looks around this often.
const IDLE: Duration = Duration::from_secs(1);

#[derive(Default)]
struct StreamState {
    core: Stream,
    /// By the viewers' keys.
    places: Vec<Option<Place>>,
    /// Packets of this round.
    batch: Vec<Burst>,
    /// So often a defect has disturbed it.
    defects: u32,
}

/// The thread's state.
pub(super) struct Sender {
    outlet: Outlet,
    outbox: Outbox,
    wall: WallClock,
    words: mpsc::Sender<Word>,
    streams: IdMap<StreamId, StreamState>,
    seats: HashMap<Slot, (StreamId, ViewerKey)>,
    /// Whom packets reach over TCP.
    connections: HashMap<ConnectionId, Slot>,
    /// Streams with packets to send on.
    touched: Vec<StreamId>,
    /// Streams with viewers who are behind.
    behind: IdSet<StreamId>,
    reports: BinaryHeap<Reverse<(Instant, Slot)>>,
}

impl Sender {
    pub(super) fn new(outlet: Outlet, wall: WallClock, words: mpsc::Sender<Word>) -> Self {
        Self {
            outlet,
            outbox: Outbox::default(),
            wall,
            words,
            streams: IdMap::default(),
            seats: HashMap::new(),
            connections: HashMap::new(),
            touched: Vec::new(),
            behind: IdSet::default(),
            reports: BinaryHeap::new(),
        }
    }

    /// Runs until the media thread is gone.
    pub(super) fn run(mut self, jobs: &Receiver<Vec<Job>>) {
        loop {
            let wait = self.deadline().saturating_duration_since(Instant::now());
            let first = match jobs.recv_timeout(wait) {
                Ok(batch) => Some(batch),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return,
            };
            let more = std::iter::from_fn(|| jobs.try_recv().ok());
            let batches = first.into_iter().chain(more).take(BATCHES);
            self.turn(batches);
        }
    }

    /// Does a piece of work. What a defect in it breaks is whom it was for: their viewers go on
    /// with the next key frame, or come again.
    fn contained(&mut self, now: Instant, whose: Option<Whose>, work: impl FnOnce(&mut Self)) {
        if self.whole(work) {
            return;
        }
        tracing::error!(?whose, "a defect disturbed the fan-out");
        match whose {
            Some(Whose::Viewer(slot)) => self.broken(slot),
            Some(Whose::Stream(stream)) => {
                let goes_on = self.whole(|sender| sender.disturbed(now, stream));
                if !goes_on {
                    self.give_up(stream);
                }
            }
            None => {}
        }
    }

    /// Says whether the work came to its end.
    fn whole(&mut self, work: impl FnOnce(&mut Self)) -> bool {
        let whole = catch_unwind(AssertUnwindSafe(|| work(self))).is_ok();
        if !whole {
            // What was being made may be half there.
            self.outbox.clear();
        }
        whole
    }

    /// This viewer's session cannot go on.
    fn broken(&mut self, slot: Slot) {
        if let Some((_, _, place)) = self.place(slot) {
            place.broken = true;
        }
        let _ = self.words.try_send(Word::Broken(slot));
    }

    /// A stream's viewers go on with the next key frame, unless that was tried in vain.
    fn disturbed(&mut self, now: Instant, stream: StreamId) {
        let Some(state) = self.streams.get_mut(&stream) else { return };
        state.batch.clear();
        state.defects += 1;
        if state.defects > MOST_DEFECTS {
            return self.give_up(stream);
        }
        state.core.gap(now);
        self.settle(stream);
    }

    /// Those who view the stream here have to come again.
    fn give_up(&mut self, stream: StreamId) {
        let Some(state) = self.streams.remove(&stream) else { return };
        self.behind.remove(&stream);
        for place in state.places.into_iter().flatten() {
            if let Some(connection) = place.route.tcp {
                self.connections.remove(&connection);
            }
            let _ = self.words.try_send(Word::Broken(place.slot));
        }
    }

    fn deadline(&self) -> Instant {
        let behind = self.behind.iter().filter_map(|id| self.streams.get(id)?.core.deadline());
        let reports = self.reports.peek().map(|Reverse((at, _))| *at);
        let idle = Instant::now() + IDLE;
        behind.chain(reports).min().unwrap_or(idle).min(idle)
    }

    fn turn(&mut self, batches: impl Iterator<Item = Vec<Job>>) {
        let now = Instant::now();
        for job in batches.flatten() {
            let whose = job.whose();
            self.contained(now, Some(whose), |sender| sender.job(now, job));
        }
        self.send_batches(now);
        self.feed(now);
        self.report(now);
        self.contained(now, None, |sender| sender.outbox.flush(&sender.outlet));
        self.contained(now, None, |sender| sender.look_at_full(now));
    }

    /// Viewers whose TCP connection was full go on with the next key frame.
    fn look_at_full(&mut self, now: Instant) {
        for connection in self.outlet.take_full() {
            if let Some(slot) = self.connections.get(&connection).copied() {
                self.with_viewer(now, slot, |core, key| core.fell_behind(now, key));
            }
        }
    }

    fn job(&mut self, now: Instant, job: Job) {
        match job {
            Job::Packets(stream, burst) => self.packets(stream, burst),
            Job::Open { stream, layers, cached } => self.open(now, stream, layers, &cached),
            Job::Forget(stream) => {
                self.streams.remove(&stream);
                self.behind.remove(&stream);
            }
            Job::Publish(stream, layers) => self.with(now, stream, |core, _| core.publish(layers)),
            Job::Unpublish(stream) => self.with(now, stream, |core, _| core.unpublish()),
            #[cfg(test)]
            Job::Gap(stream) if stream == super::tests::DEFECTIVE_STREAM => {
                super::tests::defect_in(stream);
            }
            Job::Gap(stream) => self.with(now, stream, |core, now| core.gap(now)),
            Job::ForgetMade(stream) => {
                self.with(now, stream, |core, now| core.forget_made(now));
            }
            Job::Join(join) => self.join(now, *join),
            Job::Leave(slot) => self.leave(slot),
            Job::Move(slot, route) => self.relocate(slot, route),
            Job::Follow(slot, formats) => self.follow(now, slot, formats),
            Job::Missing { slot, first, following } => self.again(now, slot, first, following),
            Job::KeyFrame(slot) => {
                self.with_viewer(now, slot, |core, key| core.lost_picture(now, key));
            }
            Job::Select { slot, layer, at_once } => {
                self.with_viewer(now, slot, |core, key| core.select(now, key, layer, at_once));
            }
        }
    }

    fn packets(&mut self, stream: StreamId, burst: Burst) {
        let Some(state) = self.streams.get_mut(&stream) else { return };
        if state.batch.is_empty() {
            self.touched.push(stream);
        }
        state.batch.push(burst);
    }

    fn open(&mut self, now: Instant, stream: StreamId, layers: Option<usize>, cached: &[Packet]) {
        let state = self.streams.entry(stream).or_default();
        if let Some(layers) = layers {
            state.core.publish(layers);
            state.core.packets(now, cached, &mut |_: ViewerKey, _: Outgoing<'_>| {});
        }
    }

    /// Does something with a stream, after what came before it was sent.
    fn with(&mut self, now: Instant, stream: StreamId, work: impl FnOnce(&mut Stream, Instant)) {
        self.send_batch(now, stream);
        if let Some(state) = self.streams.get_mut(&stream) {
            work(&mut state.core, now);
            self.settle(stream);
        }
    }

    fn with_viewer(&mut self, now: Instant, slot: Slot, work: impl FnOnce(&mut Stream, ViewerKey)) {
        if let Some((stream, key)) = self.seats.get(&slot).copied() {
            self.with(now, stream, |core, _| work(core, key));
        }
    }

    fn place(&mut self, slot: Slot) -> Option<(StreamId, ViewerKey, &mut Place)> {
        let (stream, key) = *self.seats.get(&slot)?;
        let state = self.streams.get_mut(&stream)?;
        Some((stream, key, state.places.get_mut(key.0 as usize)?.as_mut()?))
    }

    fn join(&mut self, now: Instant, join: Join) {
        let Join { stream, slot, mut egress, formats, route, ready, layer } = join;
        self.send_batch(now, stream);
        let Some(state) = self.streams.get_mut(&stream) else { return self.broken(slot) };
        egress.follow(formats.0, formats.1);
        let key = state.core.add_viewer(now, ready, layer);
        if let Some(audio) = formats.1 {
            state.core.hear(key, lane_of(audio));
        }
        let index = key.0 as usize;
        if state.places.len() <= index {
            state.places.resize_with(index + 1, || None);
        }
        state.places[index] = Some(Place { slot, egress, route, broken: false });
        self.seats.insert(slot, (stream, key));
        self.note_connection(slot, route);
        self.reports.push(Reverse((ready.max(now) + FIRST_REPORT, slot)));
        self.settle(stream);
    }

    fn follow(&mut self, now: Instant, slot: Slot, (video, audio): Formats) {
        if let Some(audio) = audio {
            self.with_viewer(now, slot, |core, key| core.hear(key, lane_of(audio)));
        }
        if let Some((_, _, place)) = self.place(slot) {
            place.egress.follow(video, audio);
        }
    }

    fn relocate(&mut self, slot: Slot, route: Route) {
        let Some((_, _, place)) = self.place(slot) else { return };
        let before = std::mem::replace(&mut place.route, route);
        if let Some(connection) = before.tcp {
            self.connections.remove(&connection);
        }
        self.note_connection(slot, route);
    }

    fn note_connection(&mut self, slot: Slot, route: Route) {
        if let Some(connection) = route.tcp {
            self.connections.insert(connection, slot);
        }
    }

    fn leave(&mut self, slot: Slot) {
        let Some((stream, key)) = self.seats.remove(&slot) else { return };
        let Some(state) = self.streams.get_mut(&stream) else { return };
        state.core.remove_viewer(key);
        let place = state.places.get_mut(key.0 as usize).and_then(Option::take);
        if let Some(mut place) = place {
            if let Some(connection) = place.route.tcp {
                self.connections.remove(&connection);
            }
            let start = self.outbox.begin(&self.outlet, place.route);
            if place.egress.write_bye(self.outbox.buffer()) {
                self.outbox.commit(&self.outlet, start);
            }
        }
    }

    /// Sends all packets of this round, and asks for what the next streams need meanwhile.
    fn send_batches(&mut self, now: Instant) {
        let mut touched = std::mem::take(&mut self.touched);
        let steps = usize::from(DEPTHS);
        for depth in 0..DEPTHS {
            touched.iter().take(steps).for_each(|stream| self.stream_ahead(stream, depth));
        }
        for (index, stream) in touched.iter().enumerate() {
            for (depth, step) in (0..DEPTHS).zip((0..steps).rev()) {
                if let Some(later) = touched.get(index + step + 1) {
                    self.stream_ahead(later, depth);
                }
            }
            let whose = Whose::Stream(*stream);
            self.contained(now, Some(whose), |sender| sender.send_batch(now, *stream));
        }
        touched.clear();
        self.touched = touched;
    }

    fn stream_ahead(&self, stream: &StreamId, depth: u8) {
        if let Some(state) = self.streams.get(stream) {
            state.ahead(depth);
        }
    }

    /// Sends a stream's packets of this round to its viewers, one viewer after the other.
    fn send_batch(&mut self, now: Instant, stream: StreamId) {
        let Self { streams, outbox, outlet, words, .. } = self;
        let Some(state) = streams.get_mut(&stream).filter(|s| !s.batch.is_empty()) else { return };
        let StreamState { core, places, batch, .. } = state;
        // Not to be met again, should a defect be in them.
        let mut bursts = std::mem::take(batch);
        let packets = bursts.iter().flat_map(|burst| burst.iter());
        core.packets(now, packets, &mut Delivery { now, places, outbox, outlet, words });
        bursts.clear();
        *batch = bursts;
        self.settle(stream);
    }

    /// Feeds viewers who are behind.
    fn feed(&mut self, now: Instant) {
        let due = |id: &&StreamId| {
            let state = self.streams.get(*id);
            state.and_then(|s| s.core.deadline()).is_some_and(|at| at <= now)
        };
        let due: Vec<StreamId> = self.behind.iter().filter(due).copied().collect();
        for stream in due {
            let whose = Whose::Stream(stream);
            self.contained(now, Some(whose), |sender| sender.pump(now, stream));
        }
    }

    fn pump(&mut self, now: Instant, stream: StreamId) {
        let Self { streams, outbox, outlet, words, .. } = self;
        let Some(StreamState { core, places, .. }) = streams.get_mut(&stream) else { return };
        core.pump(now, &mut Delivery { now, places, outbox, outlet, words });
        self.settle(stream);
    }

    /// After anything was done with a stream: what it wants is passed on.
    fn settle(&mut self, stream: StreamId) {
        let Some(state) = self.streams.get_mut(&stream) else { return };
        match state.core.deadline() {
            Some(_) => self.behind.insert(stream),
            None => self.behind.remove(&stream),
        };
        for layer in state.core.take_wishes() {
            // Full: the viewers will wish again.
            let _ = self.words.try_send(Word::KeyFrame(stream, layer));
        }
    }

    fn again(&mut self, now: Instant, slot: Slot, first: u16, following: u16) {
        let Some((stream, key)) = self.seats.get(&slot).copied() else { return };
        // Before the packets of this round: what is asked for was sent before them.
        let Self { streams, outbox, outlet, .. } = self;
        let Some(StreamState { core, places, .. }) = streams.get_mut(&stream) else { return };
        let Some(Some(place)) = places.get_mut(key.0 as usize) else { return };
        // TCP loses nothing: what is missing was dropped here, and for a reason.
        if place.route.tcp.is_some() {
            return;
        }
        let later = (0..16).filter(|bit| following >> bit & 1 == 1).map(|bit| bit + 1);
        for offset in std::iter::once(0).chain(later) {
            let missing = first.wrapping_add(offset);
            let start = outbox.begin(outlet, place.route);
            let store = |origin| core.stored(origin);
            if place.egress.write_again(now, missing, store, outbox.buffer()) {
                outbox.commit(outlet, start);
            }
        }
    }

    fn report(&mut self, now: Instant) {
        while let Some(Reverse((at, slot))) = self.reports.peek().copied() {
            if at > now {
                return;
            }
            self.reports.pop();
            self.contained(now, Some(Whose::Viewer(slot)), |sender| sender.report_to(now, slot));
        }
    }

    fn report_to(&mut self, now: Instant, slot: Slot) {
        let Some((stream, key)) = self.seats.get(&slot).copied() else { return };
        let Self { streams, outbox, outlet, wall, .. } = self;
        let place = streams.get_mut(&stream).and_then(|s| s.places.get_mut(key.0 as usize));
        let Some(Some(place)) = place else { return };
        let start = outbox.begin(outlet, place.route);
        let reported = place.egress.write_report(now, wall, outbox.buffer());
        if reported {
            outbox.commit(outlet, start);
        }
        let next = now + if reported { REPORTS } else { FIRST_REPORT };
        self.reports.push(Reverse((next, slot)));
    }
}

impl Ahead for StreamState {
    fn ahead(&self, depth: u8) {
        match depth {
            0 => ahead(self),
            1 => self.places.iter().take(SOON).for_each(ahead),
            2 => self.places.iter().take(1).flatten().for_each(|place| place.egress.ahead(1)),
            _ => {}
        }
        self.core.ahead(depth);
    }
}

/// The lane in which sound of this format goes.
fn lane_of(audio: Format) -> u8 {
    if audio.codec == Codec::MultiOpus { MADE } else { 0 }
}

#[cfg(test)]
mod tests;
