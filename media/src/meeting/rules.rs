//! Who may talk.
//!
//! A host silences anybody, and nobody makes somebody else's microphone audible: a
//! host asks, and the asked one unmutes. Where people may not unmute themselves, they
//! may after a host has asked, until a host mutes them again; who was let in talking
//! may too.

use std::time::{Duration, Instant};

use thiserror::Error;

use crate::ids::AttendeeId;

use super::member::Member;
use super::{MEMBERS, Meeting, Notice, TALKERS, To};

/// Who returns within this time finds their microphone as it was; later, as the rules
/// have it for one who enters.
const RETURNS: Duration = Duration::from_secs(60);
/// The most people who left and are remembered.
const REMEMBERED: usize = 10 * MEMBERS;

/// A room's own rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Who enters is muted; hosts too.
    pub mute_on_entry: bool,
    /// Whoever is muted may unmute themselves. Hosts always may.
    pub unmute_self: bool,
}

/// Why something was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum MeetingError {
    /// [`MEMBERS`] are there already.
    #[error("the meeting is full")]
    Full,
    /// Who asks, or whom it is about, is not in the meeting.
    #[error("not in the meeting")]
    NotThere,
    /// Hosts only.
    #[error("only a host may do this")]
    HostsOnly,
    /// A host has to ask first.
    #[error("only a host can let you unmute")]
    MayNotUnmute,
    /// [`TALKERS`] talk already.
    #[error("as many people talk as may at a time")]
    TooManyTalk,
    /// As many cameras are on as may be.
    #[error("as many cameras are on as may be at a time")]
    TooManyCameras,
    /// An answer to no offer, or to one that is over.
    #[error("this offer is over")]
    NoOffer,
    /// An answer that cannot be worked with.
    #[error("the answer cannot be used")]
    BadAnswer,
    /// As many sessions as this server is allowed.
    #[error("the server has as many sessions as it may have")]
    ServerFull,
    /// The media plane does not answer.
    #[error("the media plane is not available")]
    Unavailable,
}

/// What is kept of somebody who left.
#[derive(Debug, Clone, Copy)]
pub(super) struct Remembered {
    left: Instant,
    muted: bool,
    granted: bool,
}

impl Meeting {
    /// Whether somebody who enters is muted, and may unmute whatever the room's rules.
    pub(super) fn entry(&self, now: Instant, known: Option<Remembered>) -> (bool, bool) {
        let entering = self.rules.mute_on_entry;
        match known {
            None => (entering, !entering),
            Some(known) if now.saturating_duration_since(known.left) <= RETURNS => {
                (known.muted, known.granted)
            }
            Some(known) => (known.muted || entering, known.granted),
        }
    }

    pub(super) fn remember(&mut self, now: Instant, who: AttendeeId, member: &Member) {
        if self.remembered.len() >= REMEMBERED {
            let oldest = self.remembered.iter().min_by_key(|(_, known)| known.left);
            let oldest = oldest.map(|(who, _)| *who);
            oldest.and_then(|who| self.remembered.remove(&who));
        }
        let known = Remembered { left: now, muted: member.muted, granted: member.granted };
        self.remembered.insert(who, known);
        self.changed = true;
    }

    pub(super) fn talkers(&self) -> usize {
        self.members.values().filter(|member| !member.muted).count()
    }

    /// The room has other rules. Who talks goes on.
    pub(crate) fn set_rules(&mut self, now: Instant, rules: Rules) {
        if self.rules.unmute_self && !rules.unmute_self {
            for member in self.members.values_mut() {
                member.granted = !member.muted;
            }
        }
        self.rules = rules;
        self.settle(now);
    }

    /// Says who the hosts are.
    pub(crate) fn set_hosts(&mut self, now: Instant, hosts: &[AttendeeId]) {
        for (who, member) in &mut self.members {
            member.is_host = hosts.contains(who);
        }
        self.settle(now);
    }

    /// Mutes somebody: themselves, or others if a host does it.
    pub(crate) fn mute(
        &mut self,
        now: Instant,
        by: AttendeeId,
        whom: AttendeeId,
    ) -> Result<(), MeetingError> {
        if by != whom {
            self.need_host(by)?;
        }
        let member = self.members.get_mut(&whom).ok_or(MeetingError::NotThere)?;
        member.muted = true;
        if by != whom {
            member.granted = false;
        }
        self.settle(now);
        Ok(())
    }

    /// Mutes everyone but the hosts.
    pub(crate) fn mute_all(&mut self, now: Instant, by: AttendeeId) -> Result<(), MeetingError> {
        self.need_host(by)?;
        for member in self.members.values_mut().filter(|member| !member.is_host) {
            (member.muted, member.granted) = (true, false);
        }
        // Who was here and comes back is meant as well.
        for known in self.remembered.values_mut() {
            (known.muted, known.granted) = (true, false);
        }
        self.settle(now);
        Ok(())
    }

    /// Unmutes oneself if one may.
    pub(crate) fn unmute(&mut self, now: Instant, who: AttendeeId) -> Result<(), MeetingError> {
        let (rules, talkers) = (self.rules, self.talkers());
        let member = self.members.get_mut(&who).ok_or(MeetingError::NotThere)?;
        if !member.muted {
            return Ok(());
        }
        if !member.may_unmute(rules) {
            return Err(MeetingError::MayNotUnmute);
        }
        if talkers >= TALKERS {
            return Err(MeetingError::TooManyTalk);
        }
        member.muted = false;
        self.settle(now);
        Ok(())
    }

    /// A host asks somebody to unmute, who then may.
    pub(crate) fn ask_to_unmute(
        &mut self,
        now: Instant,
        by: AttendeeId,
        whom: AttendeeId,
    ) -> Result<(), MeetingError> {
        self.need_host(by)?;
        let member = self.members.get_mut(&whom).ok_or(MeetingError::NotThere)?;
        member.granted = true;
        if member.muted {
            self.tell(To::One(whom), Notice::Asked { by });
        }
        self.settle(now);
        Ok(())
    }

    fn need_host(&self, by: AttendeeId) -> Result<(), MeetingError> {
        match self.members.get(&by) {
            Some(member) if member.is_host => Ok(()),
            Some(_) => Err(MeetingError::HostsOnly),
            None => Err(MeetingError::NotThere),
        }
    }
}
