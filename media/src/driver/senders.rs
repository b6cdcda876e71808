//! The media thread's end of the fan-out threads.

use std::collections::HashSet;
use std::io;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

use tokio::sync::mpsc;

use crate::ids::StreamId;
use crate::rtcp::WallClock;

use super::sender::{Job, Sender, Word};
use super::socket::Outlet;

/// Batches of jobs that may wait in a thread's queue.
const QUEUE: usize = 256;
/// Packets that may wait besides, while the queue is full. Beyond, they are
/// dropped and the viewers go on with the next key frame.
const WAITING: usize = 8_192;
/// A stream's viewers stay together on a thread until it has so many viewers
/// more than another: together they are cheaper, apart they use all cores.
const UNEVEN: usize = 32;
/// Words that wait for the media thread.
const WORDS: usize = 4_096;

struct Thread {
    jobs: Option<SyncSender<Vec<Job>>>,
    pending: Vec<Job>,
    packets: usize,
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
        let mut threads = Vec::new();
        for (index, outlet) in outlets.into_iter().enumerate() {
            let (jobs, inbox) = sync_channel(QUEUE);
            let sender = Sender::new(outlet, wall, words.clone());
            let handle = std::thread::Builder::new()
                .name(format!("rushes-fanout{index}"))
                .spawn(move || sender.run(&inbox))?;
            threads.push(Thread {
                jobs: Some(jobs),
                pending: Vec::new(),
                packets: 0,
                viewers: 0,
                handle: Some(handle),
            });
        }
        Ok((Self { threads, dropped: 0 }, heard))
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
        thread.packets += usize::from(matches!(job, Job::Packet(..)));
        thread.pending.push(job);
    }

    /// Hands over what was pushed. Says whether some is left, because a thread
    /// is not keeping up.
    pub(super) fn flush(&mut self) -> bool {
        let mut left = false;
        for thread in &mut self.threads {
            if thread.pending.is_empty() {
                continue;
            }
            let Some(jobs) = &thread.jobs else { continue };
            match jobs.try_send(std::mem::take(&mut thread.pending)) {
                Ok(()) => thread.packets = 0,
                Err(TrySendError::Full(pending)) => {
                    thread.pending = pending;
                    left = true;
                    if thread.packets > WAITING {
                        self.dropped += thread.packets as u64;
                        thread.drop_packets();
                    }
                }
                Err(TrySendError::Disconnected(_)) => {
                    tracing::error!("a fan-out thread is gone");
                    thread.jobs = None;
                }
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
    fn drop_packets(&mut self) {
        let mut gaps: HashSet<StreamId> = HashSet::new();
        self.pending.retain(|job| match job {
            Job::Packet(stream, _) => {
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
