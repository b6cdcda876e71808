//! Voice and camera of a room: who hears and sees whom.
//!
//! [`Meeting`] is a sans-IO core. It is told who comes and goes, who mutes whom and
//! what packets arrived, and says to whom each packet goes and under which number.
//! A packet of somebody who is muted has no way out of it, whatever their client
//! does, and nobody is sent what they sent.
//!
//! Each member receives into a few *slots*, tracks of their one peer connection that
//! are used again for whoever talks next. Slots are added as a meeting grows and
//! never taken away, so that agreeing on new ones is rare.

mod ears;
mod event;
mod member;
mod rules;
mod select;
#[cfg(test)]
mod tests;
mod voice;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::{Duration, Instant};

pub use event::{Ending, MeetingEvent, Source};
pub use member::{Attending, Joining};
pub use rules::{MeetingError, Rules};

use crate::ids::AttendeeId;
use crate::rtp::Kind;

use member::Member;
use rules::Remembered;
use voice::Speakers;

/// The most people in one meeting, talking or not.
pub const MEMBERS: usize = 100;
/// The most people who are not muted at a time.
pub const TALKERS: usize = 25;
/// The most people whose camera is on at a time.
pub const CAMERAS: usize = 25;
/// The most voices that one member is sent at a time.
pub const VOICES: usize = 5;
/// The most pictures that one member is sent at a time.
pub const PICTURES: usize = 12;
/// What cameras send at most, in bits a second: the small layer, and the large one.
pub const LAYER_RATES: [u64; 2] = [120_000, 700_000];

/// Layers of a camera: the small one is 0.
pub(crate) const LAYERS: usize = LAYER_RATES.len();

/// How often [`Meeting::tick`] is to be called.
pub(crate) const TICK: Duration = Duration::from_millis(200);
/// A meeting that is empty for this long is forgotten, with what was ruled in it.
const FORGOTTEN: Duration = Duration::from_secs(15 * 60);

/// The numbers of a VP8 picture that have to grow without a break (RFC 7741, 4.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct PictureNumbers {
    /// PictureID, 15 bits.
    pub(crate) picture: Option<u16>,
    /// TL0PICIDX.
    pub(crate) tl0: Option<u8>,
}

/// What the core has to know of a packet that arrived.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Incoming {
    pub(crate) kind: Kind,
    /// The layer of a picture; 0 for sound.
    pub(crate) layer: u8,
    /// The sequence number with its rollovers.
    pub(crate) seq: u64,
    pub(crate) timestamp: u32,
    /// How loud it is: −dBov, 0 to 127 (RFC 6464); none if the client does not say.
    pub(crate) level: Option<u8>,
    /// It begins a key frame.
    pub(crate) key: bool,
    pub(crate) numbers: PictureNumbers,
    /// The length of its payload in bytes.
    pub(crate) size: usize,
}

/// Where a packet goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Outgoing {
    pub(crate) to: AttendeeId,
    /// The place of the slot among those of its kind.
    pub(crate) slot: usize,
    pub(crate) seq: u64,
    pub(crate) timestamp: u32,
    pub(crate) numbers: PictureNumbers,
    /// Somebody else's packets begin in this slot.
    pub(crate) first: bool,
}

/// How many slots a member has, or is to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Slots {
    pub(crate) audio: usize,
    pub(crate) video: usize,
}

/// Something that a member is to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Notice {
    /// Who is there, and how.
    Roster(std::sync::Arc<[Attending]>),
    /// Who speaks, and everybody who can be heard at the moment.
    Speaker { speaker: Option<AttendeeId>, talking: Vec<AttendeeId> },
    /// Whose sound and picture are in which slot.
    Sources { audio: Vec<Option<AttendeeId>>, video: Vec<Option<AttendeeId>> },
    /// A host asks this member to unmute.
    Asked { by: AttendeeId },
}

/// Whom a notice is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum To {
    Everyone,
    One(AttendeeId),
}

/// The voice and the cameras of one room.
#[derive(Debug)]
pub(crate) struct Meeting {
    rules: Rules,
    members: BTreeMap<AttendeeId, Member>,
    /// What was ruled about those who left.
    remembered: HashMap<AttendeeId, Remembered>,
    speakers: Speakers,
    /// Counts who joined, so that pictures keep their order.
    joined: u64,
    empty_since: Option<Instant>,
    notices: VecDeque<(To, Notice)>,
    /// The roster has changed since it was told.
    changed: bool,
    /// Where the last packet goes.
    outgoing: Vec<Outgoing>,
}

impl Meeting {
    pub(crate) fn new(now: Instant, rules: Rules) -> Self {
        Self {
            rules,
            members: BTreeMap::new(),
            remembered: HashMap::new(),
            speakers: Speakers::default(),
            joined: 0,
            empty_since: Some(now),
            notices: VecDeque::new(),
            changed: false,
            outgoing: Vec::new(),
        }
    }

    /// Somebody comes. Who was here before, and is again, finds what was ruled about
    /// them; they have to have left.
    pub(crate) fn join(&mut self, now: Instant, joining: Joining) -> Result<(), MeetingError> {
        if self.members.len() >= MEMBERS {
            return Err(MeetingError::Full);
        }
        let who = joining.who;
        let mut member = Member::new(now, joining, self.joined);
        let known = self.remembered.remove(&who);
        (member.muted, member.granted) = self.entry(now, known);
        if !member.muted && self.talkers() >= TALKERS {
            member.muted = true;
        }
        self.joined += 1;
        self.members.insert(who, member);
        self.empty_since = None;
        self.settle(now);
        self.tell(To::One(who), self.speakers.notice());
        Ok(())
    }

    /// Somebody goes.
    pub(crate) fn leave(&mut self, now: Instant, who: AttendeeId) {
        let Some(member) = self.members.remove(&who) else { return };
        self.remember(now, who, &member);
        if self.members.is_empty() {
            self.empty_since = Some(now);
        }
        self.settle(now);
    }

    /// Whether it has been empty for so long that nobody will miss it.
    pub(crate) fn is_over(&self, now: Instant) -> bool {
        self.empty_since.is_some_and(|at| now.saturating_duration_since(at) > FORGOTTEN)
    }

    /// Turns somebody's camera on or off. What it sends while it is off goes nowhere.
    pub(crate) fn camera(
        &mut self,
        now: Instant,
        who: AttendeeId,
        on: bool,
    ) -> Result<(), MeetingError> {
        let cameras = self.members.values().filter(|member| member.camera).count();
        let member = self.members.get_mut(&who).ok_or(MeetingError::NotThere)?;
        if on && !member.camera && cameras >= CAMERAS {
            return Err(MeetingError::TooManyCameras);
        }
        member.camera = on;
        self.settle(now);
        Ok(())
    }

    /// Says whose picture a member wants to see large; none leaves it to who speaks.
    pub(crate) fn watch(
        &mut self,
        now: Instant,
        who: AttendeeId,
        whom: Option<AttendeeId>,
    ) -> Result<(), MeetingError> {
        self.members.get_mut(&who).ok_or(MeetingError::NotThere)?.ears.watched = whom;
        self.settle(now);
        Ok(())
    }

    /// A new estimate of what a member's network carries, in bits a second.
    pub(crate) fn estimate(&mut self, now: Instant, who: AttendeeId, bits: u64) {
        if let Some(member) = self.members.get_mut(&who) {
            member.ears.estimated(now, bits);
        }
    }

    /// Where a packet goes.
    pub(crate) fn packet(
        &mut self,
        now: Instant,
        from: AttendeeId,
        packet: &Incoming,
    ) -> &[Outgoing] {
        self.outgoing.clear();
        if self.takes(now, from, packet) {
            for (to, member) in &mut self.members {
                if *to != from {
                    self.outgoing.extend(member.ears.take(now, *to, from, packet));
                }
            }
        }
        &self.outgoing
    }

    /// Whether a packet may go to anybody, noting what it says of its sender.
    fn takes(&mut self, now: Instant, from: AttendeeId, packet: &Incoming) -> bool {
        let Some(member) = self.members.get_mut(&from) else { return false };
        if !member.budget.takes(now, packet.size) {
            return false;
        }
        match packet.kind {
            Kind::Audio if member.muted => false,
            Kind::Audio => {
                member.voice.heard(now, packet.level);
                true
            }
            Kind::Video if !member.camera => false,
            Kind::Video => member.sends(now, packet),
        }
    }

    /// Lets time pass; to be called every [`TICK`].
    pub(crate) fn tick(&mut self, now: Instant) {
        self.settle(now);
    }

    /// Brings everything that follows from who is there and how into line.
    fn settle(&mut self, now: Instant) {
        self.listen(now);
        self.assign(now);
        self.tell_roster();
    }

    /// The next thing to tell somebody.
    pub(crate) fn poll_notice(&mut self) -> Option<(To, Notice)> {
        self.notices.pop_front()
    }

    fn tell(&mut self, to: To, notice: Notice) {
        self.notices.push_back((to, notice));
    }

    /// Tells everyone who is there, if that has changed.
    fn tell_roster(&mut self) {
        let rules = self.rules;
        for member in self.members.values_mut() {
            let now = member.attending(rules);
            if member.told.as_ref() != Some(&now) {
                member.told = Some(now);
                self.changed = true;
            }
        }
        if std::mem::take(&mut self.changed) {
            let roster = self.roster();
            self.tell(To::Everyone, Notice::Roster(roster));
        }
    }

    /// Who is there, in the order in which they came.
    pub(crate) fn roster(&self) -> std::sync::Arc<[Attending]> {
        let mut members: Vec<&Member> = self.members.values().collect();
        members.sort_by_key(|member| member.joined);
        members.into_iter().map(|member| member.attending(self.rules)).collect()
    }
}
