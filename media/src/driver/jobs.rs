//! What the media thread and the fan-out threads tell each other.

use std::time::Instant;

use crate::egress::{Egress, Format};
use crate::ids::StreamId;
use crate::stream::{Burst, Packet};

use super::sessions::Slot;
use super::socket::Route;

/// How a viewer is sent the publisher's tracks: video and audio.
pub(super) type Formats = (Option<Format>, Option<Format>);

/// A viewer that can be sent to.
pub(super) struct Join {
    pub(super) stream: StreamId,
    pub(super) slot: Slot,
    pub(super) egress: Egress,
    pub(super) formats: Formats,
    pub(super) route: Route,
    /// Nothing is sent before.
    pub(super) ready: Instant,
    pub(super) layer: u8,
}

/// What the media thread hands over.
pub(super) enum Job {
    /// The stream has its first viewer here; its publisher has so many layers, if
    /// there is one, and this is what it sent since its last key frame.
    Open {
        stream: StreamId,
        layers: Option<usize>,
        cached: Vec<Packet>,
    },
    /// The last viewer left.
    Forget(StreamId),
    /// A publisher with so many layers begins.
    Publish(StreamId, usize),
    Unpublish(StreamId),
    Packets(StreamId, Burst),
    /// Packets were lost on the way here.
    Gap(StreamId),
    /// What was made of the picture here is made no more, or anew.
    ForgetMade(StreamId),
    Join(Box<Join>),
    Leave(Slot),
    /// The viewer is somewhere else.
    Move(Slot, Route),
    Follow(Slot, Formats),
    /// The viewer misses packets of the picture.
    Missing {
        slot: Slot,
        first: u16,
        following: u16,
    },
    /// The viewer needs a key frame.
    KeyFrame(Slot),
    Select {
        slot: Slot,
        layer: u8,
        at_once: bool,
    },
}

/// Whom a job is for: what a defect in it breaks.
#[derive(Debug, Clone, Copy)]
pub(super) enum Whose {
    Viewer(Slot),
    Stream(StreamId),
}

impl Job {
    pub(super) fn whose(&self) -> Whose {
        match self {
            Job::Open { stream, .. }
            | Job::Forget(stream)
            | Job::Publish(stream, _)
            | Job::Unpublish(stream)
            | Job::Packets(stream, _)
            | Job::Gap(stream)
            | Job::ForgetMade(stream) => Whose::Stream(*stream),
            Job::Join(join) => Whose::Viewer(join.slot),
            Job::Leave(slot)
            | Job::Move(slot, _)
            | Job::Follow(slot, _)
            | Job::Missing { slot, .. }
            | Job::KeyFrame(slot)
            | Job::Select { slot, .. } => Whose::Viewer(*slot),
        }
    }
}

/// What a fan-out thread tells the media thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    /// Viewers need a key frame of a layer.
    KeyFrame(StreamId, u8),
    /// A defect: this viewer's session cannot go on.
    Broken(Slot),
}
