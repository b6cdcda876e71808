//! Pictures out of streams and into them: H.264 to planes and back, other sizes, and stills.
//!
//! A pure core: packets and the time are arguments. Nothing of a stream that is only forwarded
//! comes here; a [`PictureTrack`] decodes one for a composite, and a still is made of one key frame.

mod decoder;
mod encoder;
mod planes;
mod scale;
mod still;
#[cfg(test)]
pub(crate) mod tests;
mod track;

pub use decoder::{DecodeError, Decoder};
pub use encoder::{EncodeError, Encoder, Encoding};
pub use planes::{Colour, LARGEST, Place, Planes, fits};
pub use scale::{Crop, Scaler, contained};
pub(crate) use still::{KeyFrame, key_frame};
pub use still::{StillError, jpeg};
pub use track::{PictureTrack, Refused, Seen};
