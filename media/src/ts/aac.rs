//! What of AAC can be told without decoding it.

/// Samples of a channel in a block.
pub const BLOCK: u32 = 1024;
/// Samples a second, by their index (ISO/IEC 14496-3, table 1.18).
pub(crate) const RATES: [u32; 13] = [
    96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000,
    7_350,
];

/// What kind of AAC it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// Low complexity.
    Lc,
    /// High efficiency, where that is said: with spectral band replication, or with parametric
    /// stereo too. It may be there without being said.
    He,
    /// Another, or one with what is not read here.
    Other,
}

/// What a configuration that comes without frames says of them, as in [`AacFrame`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AacConfig {
    pub(crate) profile: Profile,
    pub(crate) rate: u32,
    pub(crate) channels: u8,
}

/// A frame with what its header says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AacFrame {
    /// What kind of AAC it is.
    pub profile: Profile,
    /// Samples a second, of the core: HE-AAC plays at twice that.
    pub rate: u32,
    /// The number of the channel configuration: up to 6 it is the number of channels; 7 are 8,
    /// and 0 is defined within the data.
    pub channels: u8,
    /// How many blocks of 1024 samples it holds.
    pub blocks: u8,
    /// The blocks, without a header; empty where they are not read.
    pub payload: Vec<u8>,
    /// How many bytes into what was given it began, negative where it began before.
    pub began: i64,
}
