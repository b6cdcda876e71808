//! A stream's picture, decoded and encoded again so that browsers show it: without B-frames.
//!
//! A pure core: packets and the time are arguments. [`admit`] says whether it is done, and how;
//! a [`Converter`] does it.

mod converter;
mod terms;
#[cfg(test)]
mod tests;

pub(crate) use converter::Converter;
pub(crate) use terms::{Growth, Measured, admit, encoding};
pub use terms::{TranscodeLimits, TranscodeRefusal};
