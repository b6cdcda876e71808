//! The media thread's end of the fan-out threads.

use std::collections::HashSet;
use std::io;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

use tokio::sync::mpsc;

use crate::ids::StreamId;
use crate::rtcp::WallClock;

use super::cores;
use super::sender::{Job, Sender, Word};
use super::sessions::Slot;
use super::socket::Outlet;

/// Batches of jobs that may wait in a thread's queue.
const QUEUE: usize = 256;
/// Packets that may wait besides, while the queue is full. Beyond, they are
/// dropped and the viewers go on with the next key frame.
const WAITING: usize = 8_192;
/// Requests for missing packets that may wait for the next hand-over. Beyond, and all of them while
/// the queue is full, they are dropped: a viewer that still misses something asks again.
const REQUESTS: usize = 8_192;
/// A stream's viewers stay together on a thread until it has so many viewers
/// more than another: together they are cheaper, apart they use all cores.
const UNEVEN: usize = 32;
/// Words that wait for the media thread.
const WORDS: usize = 4_096;

struct Thread {
    jobs: Option<SyncSender<Vec<Job>>>,
    pending: Vec<Job>,
    packets: usize,
    /// Requests for missing packets among what is pending.
    requests: usize,
    /// Who needs a key frame: once is enough, however often it is said.
    wishes: HashSet<Slot>,
    /// The queue had no room.
    full: bool,
    viewers: usize,
    handle: Option<JoinHandle<()>>,
}

/// All fan-out threads.
pub(super) struct Senders {
    threads: Vec<Thread>,
    dropped: u64,
}

impl Senders {
    /// Starts a thread for each outlet, and gives the way back from them.
    pub(super) fn start(
        outlets: Vec<Outlet>,
        wall: WallClock,
    ) -> io::Result<(Self, mpsc::Receiver<Word>)> {
        let (words, heard) = mpsc::channel(WORDS);
        let cores = cores::of(outlets.len());
        let mut threads = Vec::new();
        for (index, (outlet, core)) in outlets.into_iter().zip(cores).enumerate() {
            let (jobs, inbox) = sync_channel(QUEUE);
            let sender = Sender::new(outlet, wall, words.clone());
            let run = move || {
                if let Some(core) = core {
                    cores::stay_on(core);
                }
                sender.run(&inbox);
            };
            let handle =
                std::thread::Builder::new().name(format!("rushes-fanout{index}")).spawn(run)?;
            threads.push(Thread::new(jobs, Some(handle)));
        }
        Ok((Self { threads, dropped: 0 }, heard))
    }

    /// Whether all threads are there.
    pub(super) fn are_whole(&self) -> bool {
        self.threads.iter().all(|thread| thread.jobs.is_some())
    }

    pub(super) fn count(&self) -> usize {
        self.threads.len()
    }

    /// The thread for a further viewer of a stream that has so many on each.
    pub(super) fn choose(&mut self, of_stream: &[usize]) -> usize {
        let least = self.threads.iter().map(|t| t.viewers).min().unwrap_or_default();
        let here = |index: &usize| of_stream.get(*index).is_some_and(|count| *count > 0);
        let room = |index: &usize| self.threads[*index].viewers <= least + UNEVEN;
        let near = (0..self.threads.len()).filter(here).find(room);
        let chosen =
            near.or_else(|| (0..self.threads.len()).min_by_key(|i| self.threads[*i].viewers));
        let chosen = chosen.unwrap_or_default();
        self.threads[chosen].viewers += 1;
        chosen
    }

    /// A viewer left.
    pub(super) fn release(&mut self, thread: usize) {
        self.threads[thread].viewers = self.threads[thread].viewers.saturating_sub(1);
    }

    /// Something for a thread to do; it goes out with [`Senders::flush`].
    pub(super) fn push(&mut self, thread: usize, job: Job) {
        let thread = &mut self.threads[thread];
        if thread.jobs.is_none() {
            return;
        }
        match job {
            Job::Packets(_, ref burst) => thread.packets += burst.len(),
            Job::Missing { .. } if thread.full || thread.requests >= REQUESTS => return,
            Job::Missing { .. } => thread.requests += 1,
            Job::KeyFrame(slot) => {
                thread.wishes.insert(slot);
                return;
            }
            _ => {}
        }
        thread.pending.push(job);
    }

    /// Hands over what was pushed. Says whether some is left, because a thread
    /// is not keeping up.
    pub(super) fn flush(&mut self) -> bool {
        let mut left = false;
        for thread in &mut self.threads {
            if thread.flush() {
                continue;
            }
            left = true;
            if thread.packets > WAITING {
                self.dropped += thread.packets as u64;
                thread.drop_packets();
            }
        }
        left
    }

    /// Packets that no thread took in time.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Lets the threads do what they have, and waits for their end.
    pub(super) fn stop(&mut self) {
        for thread in &mut self.threads {
            if let Some(jobs) = thread.jobs.take() {
                // What the queue has no room for is of no consequence any more.
                let _ = jobs.try_send(std::mem::take(&mut thread.pending));
            }
        }
        for thread in &mut self.threads {
            if let Some(handle) = thread.handle.take()
                && handle.join().is_err()
            {
                tracing::error!("a fan-out thread ended of a defect");
            }
        }
    }
}

impl Thread {
    fn new(jobs: SyncSender<Vec<Job>>, handle: Option<JoinHandle<()>>) -> Self {
        Self {
            jobs: Some(jobs),
            pending: Vec::new(),
            packets: 0,
            requests: 0,
            wishes: HashSet::new(),
            full: false,
            viewers: 0,
            handle,
        }
    }

    /// Hands over what is pending; false if there is no room for it.
    fn flush(&mut self) -> bool {
        let before = self.pending.len();
        if before + self.wishes.len() == 0 {
            return true;
        }
        let Some(jobs) = &self.jobs else { return true };
        self.pending.extend(self.wishes.iter().copied().map(Job::KeyFrame));
        // About as many come in the next round.
        let next = Vec::with_capacity(self.pending.len());
        match jobs.try_send(std::mem::replace(&mut self.pending, next)) {
            Ok(()) => {
                self.wishes.clear();
                (self.packets, self.requests, self.full) = (0, 0, false);
            }
            Err(TrySendError::Full(mut pending)) => {
                // The wishes stay where they are told apart.
                pending.truncate(before);
                if self.requests > 0 {
                    pending.retain(|job| !matches!(job, Job::Missing { .. }));
                }
                self.pending = pending;
                (self.requests, self.full) = (0, true);
                return false;
            }
            Err(TrySendError::Disconnected(_)) => {
                tracing::error!("a fan-out thread is gone");
                self.jobs = None;
            }
        }
        true
    }

    fn drop_packets(&mut self) {
        let mut gaps: HashSet<StreamId> = HashSet::new();
        self.pending.retain(|job| match job {
            Job::Packets(stream, _) => {
                gaps.insert(*stream);
                false
            }
            _ => true,
        });
        self.pending.extend(gaps.into_iter().map(Job::Gap));
        self.packets = 0;
        tracing::warn!("a fan-out thread cannot keep up: its viewers go on with a key frame");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::Receiver;
    use std::time::Instant;

    use super::*;
    use crate::stream::Burst;

    /// A thread that has not begun to work.
    fn idle(room: usize) -> (Senders, Receiver<Vec<Job>>) {
        let (jobs, inbox) = sync_channel(room);
        (Senders { threads: vec![Thread::new(jobs, None)], dropped: 0 }, inbox)
    }

    fn missing(slot: Slot, first: u16) -> Job {
        Job::Missing { slot, first, following: 0 }
    }

    fn kinds(jobs: &[Job]) -> (usize, usize, usize) {
        let count = |of: fn(&Job) -> bool| jobs.iter().filter(|job| of(job)).count();
        (
            count(|job| matches!(job, Job::Missing { .. })),
            count(|job| matches!(job, Job::KeyFrame(_))),
            count(|job| matches!(job, Job::Leave(_))),
        )
    }

    #[test]
    fn what_a_viewer_asks_for_piles_up_nowhere() {
        let (mut senders, inbox) = idle(1);
        let slots = Slot::some();
        for first in 0..50_000u32 {
            senders.push(0, missing(slots[0], first as u16));
            senders.push(0, Job::KeyFrame(slots[0]));
        }
        senders.push(0, Job::KeyFrame(slots[1]));
        assert!(!senders.flush());
        // The queue is full from here on.
        for first in 0..50_000u32 {
            senders.push(0, missing(slots[0], first as u16));
            senders.push(0, Job::KeyFrame(slots[1]));
            if first % 1_000 == 0 {
                assert!(senders.flush());
            }
        }
        senders.push(0, Job::Leave(slots[0]));
        assert_eq!(kinds(&inbox.recv().unwrap()), (REQUESTS, 2, 0));
        assert!(!senders.flush());
        assert_eq!(kinds(&inbox.recv().unwrap()), (0, 1, 1), "what has to be done is done");
        senders.push(0, missing(slots[0], 7));
        assert!(!senders.flush());
        assert_eq!(kinds(&inbox.recv().unwrap()), (1, 0, 0), "there is room again");
    }

    #[test]
    fn a_thread_that_is_gone_is_noticed() {
        let (mut senders, inbox) = idle(1);
        assert!(senders.are_whole());
        drop(inbox);
        senders.push(0, missing(Slot::some()[0], 1));
        assert!(!senders.flush() && !senders.are_whole());
    }

    #[test]
    fn packets_that_no_thread_takes_are_dropped_and_a_gap_is_told() {
        let (mut senders, inbox) = idle(1);
        let stream = StreamId(1);
        let packet = super::super::tests::packet(Instant::now());
        for _ in 0..2 {
            senders.push(0, Job::Packets(stream, Burst::from([packet.clone()])));
            senders.flush();
        }
        for _ in 0..WAITING {
            senders.push(0, Job::Packets(stream, Burst::from([packet.clone()])));
        }
        assert!(senders.flush());
        assert_eq!(senders.dropped(), WAITING as u64 + 1);
        assert_eq!(inbox.recv().unwrap().len(), 1);
        assert!(!senders.flush());
        assert!(matches!(inbox.recv().unwrap()[..], [Job::Gap(of)] if of == stream));
    }
}
