//! What can go wrong with one session, or with the whole measurement.

use std::io;
use std::path::PathBuf;

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
    /// The file of `--file` cannot be published.
    #[error("{}: {why}", path.display())]
    Recording {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: RecordingError,
    },
}

/// Why a recording cannot be published.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RecordingError {
    /// The file could not be read.
    #[error(transparent)]
    File(#[from] io::Error),
    /// There is no `moov`.
    #[error("this is no finished MP4: there is no index (moov) in it")]
    NoIndex,
    /// The `moov` is not understood.
    #[error("the index of this MP4 is not understood: {0}")]
    Index(String),
    /// No track is of `avc1` or `avc3`.
    #[error("there is no track of H.264 in it (avc1 or avc3)")]
    NoH264,
    /// The track has no samples, as that of a file of fragments has none.
    #[error(
        "its track of H.264 is empty; a file of fragments is finished by \
         `ffmpeg -i clip.mp4 -c copy finished.mp4`"
    )]
    Empty,
    /// A sample lies outside of the file, or its NAL units outside of it.
    #[error("sample {0} of its H.264 or Opus is cut short")]
    Torn(usize),
    /// Pictures come in another order than they are shown in.
    #[error(
        "its pictures come in another order than they are shown in (B-frames), which WebRTC \
         has not; encode it without: `ffmpeg -i clip.mp4 -c:v libx264 -bf 0 -c:a libopus \
         without.mp4`"
    )]
    Reordered,
    /// There is no IDR picture.
    #[error("none of its pictures is a key frame (IDR)")]
    NoKeyFrame,
    /// Neither the `avcC` nor a key frame has them.
    #[error("a key frame of it has no parameter sets, and the avcC has none either")]
    NoParameterSets,
}

impl From<shiguredo_mp4::Error> for RecordingError {
    fn from(error: shiguredo_mp4::Error) -> Self {
        Self::Index(error.to_string())
    }
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
