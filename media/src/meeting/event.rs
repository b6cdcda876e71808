//! What a member is told.

use std::sync::Arc;

use crate::ids::AttendeeId;
use crate::webrtc::Offered;

use super::member::Attending;

/// Something that a member of a meeting is told.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum MeetingEvent {
    /// An offer, to be answered before the next one comes.
    Offer(Offered),
    /// Who is there, and how, in the order in which they came.
    Roster(Arc<[Attending]>),
    /// Who speaks, and everybody who can be heard at the moment.
    Speaker {
        /// None if nobody has yet.
        speaker: Option<AttendeeId>,
        /// Those who are loud enough.
        talking: Vec<AttendeeId>,
    },
    /// Whose sound and picture this member is sent, and in which section of the SDP.
    Sources {
        /// Voices.
        audio: Vec<Source>,
        /// Pictures.
        video: Vec<Source>,
    },
    /// A host asks this member to unmute.
    Asked {
        /// The host.
        by: AttendeeId,
    },
    /// It is over for this member.
    Ended(Ending),
}

/// What a section of the SDP carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The section (`a=mid`).
    pub mid: String,
    /// Whose it is.
    pub who: AttendeeId,
}

/// Why a meeting is over for a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ending {
    /// They joined again, elsewhere or here.
    Replaced,
    /// They may not be there any more.
    Removed,
    /// It is over for everyone.
    Closed,
}
