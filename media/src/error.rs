//! What can go wrong with an offer or a trickle fragment.

use thiserror::Error;

/// Why an offer was not answered.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum OfferError {
    /// Longer than 64 KiB.
    #[error("the offer is longer than {limit} bytes")]
    TooLarge {
        /// The longest offer that is read, in bytes.
        limit: usize,
    },
    /// Not an SDP, or one that contradicts itself.
    #[error("the offer is no valid SDP: {0}")]
    Malformed(String),
    /// A valid SDP that this server cannot work with; the text says what to change.
    #[error("{0}")]
    Unsupported(String),
    /// An SDP without an audio or video section that could be used; the text
    /// says what is missing.
    #[error("{0}")]
    NoMedia(String),
    /// No codec in common; the text says what is accepted.
    #[error("{0}")]
    NoCodec(String),
    /// Nobody publishes this stream.
    #[error("nobody publishes this stream")]
    NoPublisher,
    /// As many sessions as this server is allowed.
    #[error("the server has as many sessions as it may have")]
    Full,
    /// The media plane does not answer: overloaded or shutting down.
    #[error("the media plane is not available")]
    Unavailable,
    /// A defect of ours, confined to this offer.
    #[error("the offer could not be answered")]
    Internal,
}

/// Why a trickle fragment (RFC 8840) was not taken.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TrickleError {
    /// No such session.
    #[error("no such session")]
    NoSession,
    /// Longer than 64 KiB.
    #[error("the fragment is longer than {limit} bytes")]
    TooLarge {
        /// The longest fragment that is read, in bytes.
        limit: usize,
    },
    /// Not an SDP fragment.
    #[error("the fragment is no valid SDP fragment: {0}")]
    Malformed(String),
    /// An SDP fragment that says nothing of ICE, or what ICE does not know.
    #[error("the fragment is not understood: {0}")]
    NotUnderstood(String),
    /// The media plane does not answer.
    #[error("the media plane is not available")]
    Unavailable,
}

/// Why a viewer's choice of a layer was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SelectError {
    /// No such session, or not a viewer's.
    #[error("no such session")]
    NoSession,
    /// The publisher sends no layer of that name.
    #[error("the stream has no such layer")]
    NoLayer,
    /// The media plane does not answer.
    #[error("the media plane is not available")]
    Unavailable,
}
