//! A thread for a publisher's sound: decoded, here or by ffmpeg, encoded as Opus, and sent at the
//! pace it is played at. Of six channels it makes two, and all six besides while viewers take them.

mod outside;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use crate::feed::{Foreign, OpusPacket, Sound, SoundData, Transcoder};
use crate::ids::SessionId;
use crate::rtp::{Codec, inspect};
use crate::stream::{MADE, Packet};

use super::feeds::FeedItem;
use super::ffmpeg::{Ffmpeg, Output};
use outside::Outside;
pub(super) use outside::OutsideError;

/// Frames that wait to be decoded: a second and more. Beyond, they are left out.
const WAITING: usize = 128;
/// A muxer bundles frames: they are sent this far apart, a little less than they last.
const APART: Duration = Duration::from_millis(18);
/// More packets than these are not kept waiting: something has piled up.
const PILE: usize = 20;

/// How often it looks whether it is to end, where nothing comes.
const LOOK: Duration = Duration::from_secs(1);

/// A running thread. It ends when this is dropped.
#[derive(Debug)]
pub(super) struct SoundThread {
    items: SyncSender<Item>,
    problem: Problem,
    stop: Arc<AtomicBool>,
}

/// What is wrong with the sound, in words.
type Problem = Arc<Mutex<Option<String>>>;

/// What the thread is given.
#[derive(Debug)]
enum Item {
    /// A piece of sound.
    Sound(Sound),
    /// What comes of the process with this number.
    Output(u64, Output),
    /// It is to end.
    End,
}

impl SoundThread {
    /// Starts a thread whose packets are those of a session. `surround` says whether anybody takes
    /// six channels.
    pub(super) fn start(
        id: SessionId,
        feeds: mpsc::Sender<FeedItem>,
        ffmpeg: Option<Ffmpeg>,
        surround: Arc<AtomicBool>,
    ) -> Self {
        let (items, inbox) = sync_channel(WAITING);
        let (problem, stop) = (Problem::default(), Arc::new(AtomicBool::new(false)));
        let outside = Outside::new(ffmpeg, items.clone());
        let (told, stopped) = (Arc::clone(&problem), Arc::clone(&stop));
        let work = move || {
            let transcoder = Transcoder::new();
            let mut work = Work { transcoder, outside, problem: told, surround };
            if catch_unwind(AssertUnwindSafe(|| run(id, &inbox, &feeds, &stopped, &mut work)))
                .is_err()
            {
                tracing::error!("a defect ended a source's sound");
                let text = "The sound cannot be decoded, through a defect of this server.";
                work.tell(Some(text.to_owned()));
            }
        };
        if let Err(error) = std::thread::Builder::new().name("rushes-sound".to_owned()).spawn(work)
        {
            tracing::error!(%error, "there is no thread for a source's sound");
        }
        Self { items, problem, stop }
    }

    /// Gives it a frame; where there is no room it is left out.
    pub(super) fn push(&self, sound: Sound) {
        let _ = self.items.try_send(Item::Sound(sound));
    }

    /// What is wrong with the sound, in words.
    pub(super) fn problem(&self) -> Option<String> {
        self.problem.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for SoundThread {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // Full: it looks at the other by itself.
        let _ = self.items.try_send(Item::End);
    }
}

/// What makes packets of the sound.
struct Work {
    transcoder: Transcoder,
    outside: Outside,
    problem: Problem,
    surround: Arc<AtomicBool>,
}

impl Work {
    fn item(&mut self, now: Instant, item: Item) -> Vec<OpusPacket> {
        self.transcoder.want_surround(self.surround.load(Ordering::Relaxed));
        let made = match item {
            Item::Sound(sound) => self.sound(now, sound),
            Item::Output(number, output) => self.output(now, number, output),
            Item::End => return Vec::new(),
        };
        match made {
            Ok(packets) => {
                if !packets.is_empty() {
                    // Whatever it was, it is over.
                    self.tell(None);
                }
                packets
            }
            Err(text) => {
                self.tell(Some(text));
                Vec::new()
            }
        }
    }

    fn sound(&mut self, now: Instant, sound: Sound) -> Result<Vec<OpusPacket>, String> {
        let Sound { data, ticks, captured } = &sound;
        if let SoundData::Aac(frame) = data
            && let Some(foreign) = Foreign::of(frame)
        {
            let handed = self.outside.frame(now, foreign, frame, (*ticks, *captured));
            return handed.map(|()| Vec::new()).map_err(|error| error.to_string());
        }
        self.transcoder.push(sound).map_err(|error| error.to_string())
    }

    fn output(
        &mut self,
        now: Instant,
        number: u64,
        output: Output,
    ) -> Result<Vec<OpusPacket>, String> {
        let decoded = self.outside.output(now, number, output);
        let decoded = decoded.map_err(|error| error.to_string())?;
        let mut packets = Vec::new();
        for one in decoded {
            packets.extend(self.transcoder.decoded(one).map_err(|error| error.to_string())?);
        }
        Ok(packets)
    }

    fn tell(&self, text: Option<String>) {
        *self.problem.lock().unwrap_or_else(PoisonError::into_inner) = text;
    }
}

fn run(
    id: SessionId,
    inbox: &Receiver<Item>,
    feeds: &mpsc::Sender<FeedItem>,
    stop: &AtomicBool,
    work: &mut Work,
) {
    let mut waiting: VecDeque<OpusPacket> = VecDeque::new();
    let mut sender = Sender { seq: 0, offset: rand::random(), next: None };
    while !stop.load(Ordering::Relaxed) {
        let now = Instant::now();
        while let Some(packets) = sender.due(now, &mut waiting) {
            // Full: the media thread has worse troubles than a gap in the sound.
            let _ = feeds.try_send(FeedItem::Packets(id, packets));
        }
        let wait =
            sender.wake(&waiting).map_or(LOOK, |at| at.saturating_duration_since(now).min(LOOK));
        match inbox.recv_timeout(wait) {
            Ok(item) => waiting.extend(work.item(Instant::now(), item)),
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

    /// The next packet, and the same sound in six channels if it was made. Both have one number, one
    /// timestamp, and lanes of their own.
    fn due(&mut self, now: Instant, waiting: &mut VecDeque<OpusPacket>) -> Option<Vec<Packet>> {
        let early = self.next.is_some_and(|next| now < next);
        if early && waiting.len() < PILE {
            return None;
        }
        let packet = waiting.pop_front()?;
        let from = self.next.filter(|next| *next + APART > now).unwrap_or(now);
        self.next = Some(from + APART);
        self.seq += 1;
        let of = |codec, layer, payload: Vec<u8>| Packet {
            codec,
            layer,
            seq: self.seq,
            timestamp: (packet.samples as u32).wrapping_add(self.offset),
            marker: packet.begins,
            inspection: inspect(codec, &payload),
            payload: payload.into(),
            captured: packet.captured.min(now),
        };
        let mixed = of(Codec::Opus, 0, packet.payload);
        let surround = packet.surround.map(|payload| of(Codec::MultiOpus, MADE, payload));
        Some(std::iter::once(mixed).chain(surround).collect())
    }
}
