//! Recordings: the packets of a stream into a file, without transcoding.
//!
//! A pure core: packets and the time are arguments, and what comes of them is polled.
//! [`Recorder`] puts packets in order, frames together, and both tracks on the server's clock;
//! it hands out [`Fragment`]s of half a second. [`begin`] and [`encode`] say which bytes of a file
//! they are. [`conclude`] finds them again, after a crash too, and says how the file is ended: each
//! frame then has its place by the recording's frame rate.

mod assembler;
mod boxes;
mod conclude;
mod config;
mod edges;
mod fragment;
mod grid;
mod level;
mod order;
mod recorder;
mod sample;
mod sample_entry;
mod scan;
mod sets;
mod sound;
mod source;
mod syntax;
#[cfg(test)]
mod tests;
mod time;

pub use conclude::{ConcludeError, Conclusion, Summary, conclude};
pub use config::Format;
pub use fragment::{Encoded, Fragment};
pub use grid::FrameRate;
pub(crate) use order::{Next, Order};
pub use recorder::{Counted, Recorder};
pub(crate) use sample::Sample;
pub use time::Ticks;

/// A fragment cannot be written down: its moments or sizes are beyond what a file can say.
#[derive(Debug, Clone, thiserror::Error)]
#[error("a fragment cannot be written: {0}")]
pub struct EncodeError(String);

impl From<shiguredo_mp4::Error> for EncodeError {
    fn from(error: shiguredo_mp4::Error) -> Self {
        Self(error.to_string())
    }
}

/// What a file begins with whose first fragment is this one.
///
/// # Errors
/// When the fragment does not begin with a key frame that a decoder can begin with.
pub fn begin(first: &Fragment) -> Result<Vec<u8>, EncodeError> {
    boxes::init(&first.config, first.start())
}

/// A fragment as a file has it, the `sequence`th of one whose first starts at `origin`.
///
/// # Errors
/// When it starts before that, or is too large.
pub fn encode(
    fragment: &Fragment,
    origin: Ticks,
    sequence: u32,
) -> Result<Encoded<'_>, EncodeError> {
    Ok(Encoded { head: fragment.head(origin, sequence)?, fragment })
}
