//! Plays a recording again and again, as one stream without an end.

use std::sync::Arc;
use std::time::Duration;

use super::Recording;
use super::packets::{Budget, filler};
use crate::source::{AUDIO_CLOCK, Content, Unit, VIDEO_CLOCK, ticks};

/// Where a recording is.
#[derive(Debug)]
pub(crate) struct Player {
    recording: Arc<Recording>,
    budget: Budget,
    /// A moment of the stream, and the one of the recording that is played then. What
    /// follows in the recording follows in the stream.
    anchor: (Duration, Duration),
    /// The next picture; behind the last one the next is the first.
    picture: usize,
    /// The next packet of sound.
    sound: usize,
    /// When the last packet of sound is over, in the stream.
    heard: Duration,
}

impl Player {
    /// From the beginning, to be filled up to `bitrate`.
    pub(crate) fn new(recording: Arc<Recording>, bitrate: u64) -> Self {
        let budget = Budget::new(recording.bitrate(), bitrate);
        let mut this = Self {
            recording,
            budget,
            anchor: (Duration::ZERO, Duration::ZERO),
            picture: 0,
            sound: 0,
            heard: Duration::ZERO,
        };
        this.go_to(0, Duration::ZERO);
        this
    }

    /// When the next unit is due, in the stream.
    pub(crate) fn at(&self) -> Duration {
        let picture = self.picture_at();
        self.sound_at().map_or(picture, |sound| sound.min(picture))
    }

    /// The next unit. Where a key frame is wanted and a picture is due, that is the next
    /// key frame of the recording instead: what is before it is left out.
    pub(crate) fn next(&mut self, key_wanted: bool) -> Unit {
        let picture = self.picture_at();
        match self.sound_at() {
            // A picture goes before the sound of the same moment.
            Some(sound) if sound < picture => self.next_sound(sound),
            _ => self.next_picture(picture, key_wanted),
        }
    }

    fn next_picture(&mut self, at: Duration, key_wanted: bool) -> Unit {
        if let Some(to) = self.turn(key_wanted) {
            self.go_to(to, at);
        }
        let picture = &self.recording.pictures[self.picture];
        picture.payloads.iter().for_each(|payload| self.budget.spend(payload));
        let filled = self.budget.fill(at + picture.lasts);
        let own = picture.payloads.iter().cloned();
        let payloads = own.chain(std::iter::repeat_with(filler).take(filled));
        let content = Content::Picture { key: picture.key, lasts: picture.lasts, filled };
        self.picture += 1;
        Unit {
            content,
            timestamp: ticks(at, VIDEO_CLOCK),
            payloads: payloads.map(|payload| (payload, None)).collect(),
        }
    }

    fn next_sound(&mut self, at: Duration) -> Unit {
        let sound = &self.recording.sounds[self.sound];
        self.budget.spend(&sound.payload);
        self.heard = at + sound.lasts;
        self.sound += 1;
        Unit {
            content: Content::Sound,
            timestamp: ticks(at, AUDIO_CLOCK),
            payloads: vec![(sound.payload.clone(), None)],
        }
    }

    /// Which picture is next, if it is another than the one that follows.
    fn turn(&self, key_wanted: bool) -> Option<usize> {
        let rest = self.recording.pictures.get(self.picture..).unwrap_or_default();
        match rest.iter().position(|picture| picture.key) {
            _ if rest.is_empty() => Some(0),
            Some(0) => None,
            // The first picture is a key frame always.
            to => key_wanted.then(|| to.map_or(0, |to| self.picture + to)),
        }
    }

    /// Goes on with this picture at `at` of the stream, and with the sound from there.
    fn go_to(&mut self, picture: usize, at: Duration) {
        let from = self.recording.pictures[picture].at;
        (self.anchor, self.picture) = ((at, from), picture);
        let past = self.recording.sounds.partition_point(|sound| {
            // None begins before the one that was sent last is over.
            sound.at < from || at + (sound.at - from) < self.heard
        });
        self.sound = past;
    }

    fn picture_at(&self) -> Duration {
        let next = self.recording.pictures.get(self.picture);
        self.in_stream(next.map_or(self.recording.lasts, |picture| picture.at))
    }

    /// None: not before the recording begins anew.
    fn sound_at(&self) -> Option<Duration> {
        self.recording.sounds.get(self.sound).map(|sound| self.in_stream(sound.at))
    }

    /// When a moment of the recording is played that is not before the anchor.
    fn in_stream(&self, at: Duration) -> Duration {
        self.anchor.0 + (at - self.anchor.1)
    }
}
