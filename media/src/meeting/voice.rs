//! How loud people are, and who speaks.

use std::time::{Duration, Instant};

use crate::ids::AttendeeId;

use super::{Meeting, Notice, To, VOICES};

/// Loudness is counted upwards from silence, in dB: 127 − the level of RFC 6464.
const LOUDEST: f32 = 127.0;
/// It falls by this much a second after the last loud packet.
const FALL: f32 = 30.0;
/// Who is louder than this is heard to talk: −60 dBov.
const TALKING: f32 = 67.0;
/// Somebody who says nothing of their loudness counts as just not talking.
const UNKNOWN: f32 = TALKING - 1.0;
/// Who has a place among the voices keeps it against one that is louder by less.
const LEAD: f32 = 6.0;
/// Another one has to be the loudest for this long to become the speaker, while the
/// speaker is silent and while they talk.
const AFTER_SILENCE: Duration = Duration::from_millis(200);
const AGAINST_SPEAKER: Duration = Duration::from_millis(800);
/// Nobody loses the word to another loud one sooner than this.
const HOLD: Duration = Duration::from_millis(1_500);

/// How loud somebody is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Voice {
    peak: f32,
    at: Instant,
}

impl Voice {
    pub(super) fn new(now: Instant) -> Self {
        Self { peak: 0.0, at: now }
    }

    /// The loudness by now.
    pub(super) fn loudness(&self, now: Instant) -> f32 {
        let silent = now.saturating_duration_since(self.at).as_secs_f32();
        (self.peak - FALL * silent).max(0.0)
    }

    pub(super) fn heard(&mut self, now: Instant, level: Option<u8>) {
        let loud = level.map_or(UNKNOWN, |level| LOUDEST - f32::from(level.min(127)));
        self.peak = self.loudness(now).max(loud);
        self.at = now;
    }
}

/// Who speaks, and whose voices are sent to the others.
#[derive(Debug, Default)]
pub(super) struct Speakers {
    pub(super) speaker: Option<AttendeeId>,
    since: Option<Instant>,
    /// Who is louder, since when.
    rival: Option<(AttendeeId, Instant)>,
    /// Those that are heard: one more than a member is sent, for a member is not sent
    /// their own. The loudest first.
    pub(super) voices: Vec<AttendeeId>,
    talking: Vec<AttendeeId>,
}

impl Speakers {
    /// What everyone was told last.
    pub(super) fn notice(&self) -> Notice {
        Notice::Speaker { speaker: self.speaker, talking: self.talking.clone() }
    }

    /// Takes note of who can be heard, the loudest first.
    fn listen(&mut self, now: Instant, heard: &[(AttendeeId, f32)]) {
        let lead = |who: &AttendeeId| if self.voices.contains(who) { LEAD } else { 0.0 };
        let mut ranked: Vec<(AttendeeId, f32)> =
            heard.iter().map(|(who, loud)| (*who, loud + lead(who))).collect();
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        self.voices = ranked.into_iter().take(VOICES + 1).map(|(who, _)| who).collect();
        let loud = |who: AttendeeId| heard.iter().find(|(other, _)| *other == who).map(|(_, l)| *l);
        let current = self.speaker.and_then(|who| Some((who, loud(who)?)));
        if current.is_none() {
            (self.speaker, self.since) = (None, None);
        }
        let loudest = heard.iter().max_by(|a, b| a.1.total_cmp(&b.1));
        let Some((rival, _)) =
            loudest.filter(|(who, loud)| *loud >= TALKING && Some(*who) != self.speaker)
        else {
            self.rival = None;
            return;
        };
        let since = match self.rival {
            Some((who, since)) if who == *rival => since,
            _ => now,
        };
        self.rival = Some((*rival, since));
        let for_long = |long| now.saturating_duration_since(since) >= long;
        let held = |at| now.saturating_duration_since(at) >= HOLD;
        let takes_over = match current {
            None => true,
            Some((_, loud)) if loud < TALKING => for_long(AFTER_SILENCE),
            Some(_) => for_long(AGAINST_SPEAKER) && self.since.is_none_or(held),
        };
        if takes_over {
            (self.speaker, self.since, self.rival) = (Some(*rival), Some(now), None);
        }
    }
}

impl Meeting {
    /// Finds out who speaks, and tells everyone if that has changed.
    pub(super) fn listen(&mut self, now: Instant) {
        let heard: Vec<(AttendeeId, f32)> = self
            .members
            .iter()
            .filter(|(_, member)| !member.muted)
            .map(|(who, member)| (*who, member.voice.loudness(now)))
            .collect();
        let before = self.speakers.speaker;
        self.speakers.listen(now, &heard);
        let talks = |(who, loud): &(AttendeeId, f32)| (*loud >= TALKING).then_some(*who);
        let talking: Vec<AttendeeId> = heard.iter().filter_map(talks).collect();
        if before != self.speakers.speaker || talking != self.speakers.talking {
            self.speakers.talking = talking;
            self.tell(To::Everyone, self.speakers.notice());
        }
    }
}
