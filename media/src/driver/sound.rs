//! A thread for a publisher's sound: decoded, encoded as Opus, and sent at the pace it
//! is played at.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use crate::feed::{OpusPacket, Sound, Transcoder};
use crate::ids::SessionId;
use crate::rtp::{Codec, inspect};
use crate::stream::Packet;

use super::feeds::FeedItem;

/// Frames that wait to be decoded: a second and more. Beyond, they are left out.
const WAITING: usize = 128;
/// A muxer bundles frames: they are sent this far apart, a little less than they last.
const APART: Duration = Duration::from_millis(18);
/// More packets than these are not kept waiting: something has piled up.
const PILE: usize = 20;

/// A running thread. It ends when this is dropped.
#[derive(Debug)]
pub(super) struct SoundThread {
    frames: SyncSender<Sound>,
    problem: Arc<Mutex<Option<String>>>,
}

impl SoundThread {
    /// Starts a thread whose packets are those of a session.
    pub(super) fn start(id: SessionId, feeds: mpsc::Sender<FeedItem>) -> Self {
        let (frames, inbox) = sync_channel(WAITING);
        let problem = Arc::new(Mutex::new(None));
        let told = Arc::clone(&problem);
        let work = move || {
            if catch_unwind(AssertUnwindSafe(|| run(id, &inbox, &feeds, &told))).is_err() {
                tracing::error!("a defect ended a source's sound");
                let text = "The sound cannot be decoded, through a defect of this server.";
                *told.lock().unwrap_or_else(PoisonError::into_inner) = Some(text.to_owned());
            }
        };
        if let Err(error) = std::thread::Builder::new().name("rushes-sound".to_owned()).spawn(work)
        {
            tracing::error!(%error, "there is no thread for a source's sound");
        }
        Self { frames, problem }
    }

    /// Gives it a frame; where there is no room it is left out.
    pub(super) fn push(&self, sound: Sound) {
        let _ = self.frames.try_send(sound);
    }

    /// What is wrong with the sound, in words.
    pub(super) fn problem(&self) -> Option<String> {
        self.problem.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn run(
    id: SessionId,
    inbox: &Receiver<Sound>,
    feeds: &mpsc::Sender<FeedItem>,
    problem: &Mutex<Option<String>>,
) {
    let mut transcoder = Transcoder::new();
    let mut waiting: VecDeque<OpusPacket> = VecDeque::new();
    let mut sender = Sender { seq: 0, offset: rand::random(), next: None };
    loop {
        let now = Instant::now();
        while let Some(packet) = sender.due(now, &mut waiting) {
            // Full: the media thread has worse troubles than a gap in the sound.
            let _ = feeds.try_send(FeedItem::Packets(id, vec![packet]));
        }
        let received = match sender.wake(&waiting) {
            Some(at) => inbox.recv_timeout(at.saturating_duration_since(now)),
            None => inbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        match received {
            Ok(sound) => match transcoder.push(sound) {
                Ok(packets) => waiting.extend(packets),
                Err(error) => {
                    let text = Some(error.to_string());
                    *problem.lock().unwrap_or_else(PoisonError::into_inner) = text;
                }
            },
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// Numbers the packets and keeps them apart.
struct Sender {
    seq: u64,
    offset: u32,
    /// When the next one may go.
    next: Option<Instant>,
}

impl Sender {
    fn wake(&self, waiting: &VecDeque<OpusPacket>) -> Option<Instant> {
        if waiting.is_empty() { None } else { self.next }
    }

    fn due(&mut self, now: Instant, waiting: &mut VecDeque<OpusPacket>) -> Option<Packet> {
        let early = self.next.is_some_and(|next| now < next);
        if early && waiting.len() < PILE {
            return None;
        }
        let packet = waiting.pop_front()?;
        let from = self.next.filter(|next| *next + APART > now).unwrap_or(now);
        self.next = Some(from + APART);
        self.seq += 1;
        Some(Packet {
            codec: Codec::Opus,
            layer: 0,
            seq: self.seq,
            timestamp: (packet.samples as u32).wrapping_add(self.offset),
            marker: packet.begins,
            inspection: inspect(Codec::Opus, &packet.payload),
            payload: packet.payload.into(),
            captured: packet.captured.min(now),
        })
    }
}
