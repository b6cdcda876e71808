//! Composites: the pictures of several sources on one canvas, and their sound.
//!
//! A pure core: pictures, packets and the time are arguments. A [`Layout`] says what is where,
//! [`Pace`] when a picture is due, [`Composer`] paints it, [`Mixer`] mixes what is heard.

mod compose;
mod layout;
mod pace;
mod sound;
#[cfg(test)]
mod tests;
mod text;

pub use compose::{Composer, DELAY, SILENT, Unseen};
pub use layout::{CELLS, Canvas, Cell, Fit, LABEL, Layout, LayoutError, SoundFrom};
pub use pace::{Pace, Tick};
pub use sound::{Heard, Mixer, Voice};
pub(crate) use text::words;
