//! What was agreed on with a publisher.

use crate::rtp::Kind;

/// A payload type that was agreed on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Format {
    pub(crate) pt: u8,
    /// That of its retransmissions (RFC 4588).
    pub(crate) rtx: Option<u8>,
    /// Missing packets may be asked for.
    pub(crate) nack: bool,
}

/// How a key frame is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wish {
    /// RFC 4585, 6.3.1.
    Pli,
    /// RFC 5104, 4.3.1.
    Fir,
}

/// A track as it was agreed on.
#[derive(Debug, Clone)]
pub(crate) struct TrackPlan {
    pub(crate) kind: Kind,
    pub(crate) formats: Vec<Format>,
    /// The names of its layers; none where there is only one.
    pub(crate) layers: Vec<String>,
    /// Sources with those of their retransmissions, as far as they are named.
    pub(crate) pairs: Vec<(u32, u32)>,
    /// Requests may go alone, without a report before them (RFC 5506). Where they may they do:
    /// ffmpeg takes none that are with others.
    pub(crate) reduced: bool,
    /// How to ask for a key frame; none if that was not agreed on.
    pub(crate) wish: Option<Wish>,
}

/// The identifiers of the header extensions that matter.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ExtensionIds {
    /// The number within the transport, where its sender wants to be told of it.
    pub(crate) transport: Option<u8>,
    /// The name of the layer (RFC 8852, 3.1).
    pub(crate) layer: Option<u8>,
    /// The name of the layer that is repaired (RFC 8852, 3.2).
    pub(crate) repaired: Option<u8>,
}
