//! What a publisher that is no WebRTC session sends, on its way to the media thread.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use str0m::format::FormatParams;
use tokio::sync::mpsc;

use crate::feed::{Foreign, Made, SURROUND, Sound, SoundData};
use crate::ids::{SessionId, StreamId};
use crate::rtp::Codec;
use crate::stream::Packet;
use crate::webrtc::{Source, TrackFormat};

use super::feeds::FeedItem;
use super::ffmpeg::Ffmpeg;
use super::sound::{OutsideError, SoundThread};

/// The packets and the sound of a publisher.
pub(super) struct Outgoing {
    /// Its session with the media thread.
    pub(super) id: SessionId,
    pub(super) stream: StreamId,
    /// The media thread has ended it.
    pub(super) gone: Arc<AtomicBool>,
    /// Packets that the media thread had no room for.
    pub(super) skipped: u64,
    /// Packets that were counted last.
    counted: u64,
    source: Source,
    feeds: mpsc::Sender<FeedItem>,
    sound: Option<SoundThread>,
    /// Viewers take all channels of it; the media thread says so.
    surround: Arc<AtomicBool>,
    /// What decodes sound that nothing here does, where it is installed.
    ffmpeg: Option<Ffmpeg>,
    /// Sound that nothing decodes.
    unheard: Option<Foreign>,
    /// Something was left out: the picture goes on with the next key frame.
    waits_for_key: bool,
}

impl Outgoing {
    pub(super) fn new(
        id: SessionId,
        stream: StreamId,
        feeds: mpsc::Sender<FeedItem>,
        gone: Arc<AtomicBool>,
        ffmpeg: Option<Ffmpeg>,
    ) -> Self {
        Self {
            id,
            stream,
            gone,
            skipped: 0,
            counted: 0,
            source: Source { single: true, ..Source::default() },
            feeds,
            sound: None,
            surround: Arc::default(),
            ffmpeg,
            unheard: None,
            waits_for_key: false,
        }
    }

    /// What is wrong with the sound, in words.
    pub(super) fn problem(&self) -> Option<String> {
        let unheard = self.unheard.map(|foreign| OutsideError::NoFfmpeg(foreign).to_string());
        unheard.or_else(|| self.sound.as_ref().and_then(SoundThread::problem))
    }

    /// It has sent so many packets by now. One that sends what cannot be shown is not taken for
    /// one that sends nothing: it would come and go, and nobody could read why.
    pub(super) fn sends(&mut self, packets: u64) {
        if packets > self.counted {
            self.counted = packets;
            // Full: then there is something to send, which says the same.
            let _ = self.feeds.try_send(FeedItem::Packets(self.id, Vec::new()));
        }
    }

    /// Takes what was made of its packets.
    pub(super) fn take(&mut self, made: Made) {
        match made {
            Made::Picture(packets) => self.picture(packets),
            Made::Sound(sound) => self.sound(sound),
        }
    }

    fn sound(&mut self, sound: Sound) {
        let foreign = match &sound.data {
            SoundData::Aac(frame) => Foreign::of(frame),
            SoundData::Opus(_) | SoundData::Pcm(_) => None,
        };
        self.unheard = foreign.filter(|_| self.ffmpeg.is_none());
        if self.unheard.is_some() {
            return;
        }
        let channels = match &sound.data {
            SoundData::Aac(frame) => frame.channels,
            SoundData::Pcm(samples) => samples.channels,
            SoundData::Opus(_) => 2,
        };
        let surround = channels == SURROUND;
        if self.source.audio.is_none() || self.source.surround != surround {
            let format = FormatParams::default();
            self.source.audio = Some(TrackFormat { codec: Codec::Opus, format });
            self.source.surround = surround;
            self.tell_source();
        }
        let thread = self.sound.get_or_insert_with(|| {
            let surround = Arc::clone(&self.surround);
            SoundThread::start(self.id, self.feeds.clone(), self.ffmpeg.clone(), surround)
        });
        thread.push(sound);
    }

    fn picture(&mut self, packets: Vec<Packet>) {
        let of = |packet: &Packet| Some(format_of(packet.codec, packet.inspection.profile?));
        let known = self.source.video.is_some();
        if let Some(track) = packets.iter().find_map(of) {
            if self.source.video != Some(track) {
                self.source.video = Some(track);
                self.tell_source();
            }
        } else if !known {
            return;
        }
        let key = packets.iter().any(|packet| packet.inspection.key);
        if self.waits_for_key && !key {
            self.skipped += packets.len() as u64;
            return;
        }
        let count = packets.len() as u64;
        self.waits_for_key = self.feeds.try_send(FeedItem::Packets(self.id, packets)).is_err();
        if self.waits_for_key {
            self.skipped += count;
        }
    }

    fn tell_source(&mut self) {
        let item = FeedItem::Source(self.id, self.source, Arc::clone(&self.surround));
        if self.feeds.try_send(item).is_err() {
            // To be told again with what comes next.
            self.source = Source { single: true, ..Source::default() };
            self.waits_for_key = true;
        }
    }
}

/// How a picture is encoded, by its parameter sets.
fn format_of(codec: Codec, [profile, second, level]: [u8; 3]) -> TrackFormat {
    let format = match codec {
        Codec::H265 => FormatParams { profile_id: Some(profile.into()), ..FormatParams::default() },
        _ => FormatParams {
            packetization_mode: Some(1),
            profile_level_id: Some(u32::from_be_bytes([0, profile, second, level])),
            ..FormatParams::default()
        },
    };
    TrackFormat { codec, format }
}
