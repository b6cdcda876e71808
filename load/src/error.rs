//! What can go wrong with one session, or with the whole measurement.

use std::io;

use reqwest::StatusCode;
use rushes_media::srtp::SrtpError;

/// Why a session failed, or why nothing could be measured.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The arguments do not go together.
    #[error("{0}")]
    Usage(String),
    /// A socket, a thread or a file.
    #[error("{what}: {source}")]
    Io {
        /// What was being done.
        what: &'static str,
        /// Why it failed.
        source: io::Error,
    },
    /// No answer, or not HTTP.
    #[error("HTTP: {0}")]
    Http(#[from] reqwest::Error),
    /// Another status than 201.
    #[error("the server answered {status}: {reason}")]
    Refused {
        /// The HTTP status.
        status: StatusCode,
        /// What the server gave as the reason.
        reason: String,
    },
    /// A request over a WebSocket was refused.
    #[error("{endpoint}: {error}")]
    Denied {
        /// What was asked for.
        endpoint: String,
        /// The server's error.
        error: String,
    },
    /// 201 without the session's address (RFC 9725, 4.2).
    #[error("the answer has no usable Location")]
    NoLocation,
    /// The answer is not the SDP that was wanted.
    #[error("the SDP answer: {0}")]
    Sdp(&'static str),
    /// No connectivity check was answered in time.
    #[error("ICE: no check was answered")]
    Ice,
    /// The handshake failed.
    #[error("DTLS: {0}")]
    Dtls(String),
    /// The keys could not be used.
    #[error("SRTP: {0}")]
    Srtp(#[from] SrtpError),
}

impl Error {
    /// Names what was being done when `source` occurred.
    pub(crate) fn io(what: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { what, source }
    }

    /// A few words that many sessions' errors are counted under.
    pub(crate) fn kind(&self) -> String {
        match self {
            Self::Refused { status, .. } => format!("HTTP {}", status.as_u16()),
            Self::Http(_) => "HTTP".to_owned(),
            other => other.to_string(),
        }
    }
}
