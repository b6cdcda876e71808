//! SRTP and SRTCP (RFC 3711, RFC 7714): the protection of media packets under
//! the keys that a DTLS handshake yields (RFC 5764).
//!
//! A pure core: no socket, no clock, no random numbers. A [`Sealer`] protects
//! what one side sends, an [`Opener`] checks and decrypts what the other side
//! sent. Both keep their keys expanded; packets are worked on in place, or
//! their payload on the way from one place to another, and sealing allocates
//! nothing as long as the buffer has room.
//!
//! Rollover counters are the caller's: a packet's *index* is
//! `rollover counter << 16 | sequence number` (RFC 3711, 3.3.1).

mod aead;
mod cipher;
mod keys;
mod open;
mod replay;
mod seal;
#[cfg(test)]
mod tests;

pub use keys::{Keys, MasterKey};
pub use open::Opener;
pub use seal::Sealer;

use str0m::crypto::dtls::SrtpProfile;
use thiserror::Error;

/// Length of the fixed RTP header in bytes (RFC 3550, 5.1).
const RTP_HEADER: usize = 12;
/// Length in bytes of the part of an RTCP packet that stays in the clear: the
/// first header and the sender's SSRC (RFC 3711, 3.4).
const RTCP_HEADER: usize = 8;
/// Length of the word with the E flag and the SRTCP index, in bytes.
const RTCP_INDEX: usize = 4;
/// The E flag: "this SRTCP packet is encrypted".
const RTCP_ENCRYPTED: u32 = 1 << 31;

/// How packets are encrypted and authenticated: the protection profiles of
/// DTLS-SRTP that are supported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Profile {
    /// AES-128 in Galois/counter mode, tag of 16 bytes (RFC 7714).
    AeadAes128Gcm,
    /// AES-256 in Galois/counter mode, tag of 16 bytes (RFC 7714).
    AeadAes256Gcm,
    /// AES-128 in counter mode, HMAC-SHA1 cut to 10 bytes (RFC 3711).
    Aes128CmSha1_80,
}

impl Profile {
    /// Length of a master key and of a session encryption key, in bytes.
    pub const fn key_len(self) -> usize {
        match self {
            Self::AeadAes128Gcm | Self::Aes128CmSha1_80 => 16,
            Self::AeadAes256Gcm => 32,
        }
    }

    /// Length of a master salt and of a session salt, in bytes.
    pub const fn salt_len(self) -> usize {
        match self {
            Self::AeadAes128Gcm | Self::AeadAes256Gcm => 12,
            Self::Aes128CmSha1_80 => 14,
        }
    }

    /// Length of the authentication tag, in bytes.
    pub const fn tag_len(self) -> usize {
        match self {
            Self::AeadAes128Gcm | Self::AeadAes256Gcm => 16,
            Self::Aes128CmSha1_80 => 10,
        }
    }
}

impl TryFrom<SrtpProfile> for Profile {
    type Error = SrtpError;

    fn try_from(profile: SrtpProfile) -> Result<Self, SrtpError> {
        match profile {
            SrtpProfile::AEAD_AES_128_GCM => Ok(Self::AeadAes128Gcm),
            SrtpProfile::AEAD_AES_256_GCM => Ok(Self::AeadAes256Gcm),
            SrtpProfile::AES128_CM_SHA1_80 => Ok(Self::Aes128CmSha1_80),
            _ => Err(SrtpError::Profile),
        }
    }
}

/// Why a packet was not protected or not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SrtpError {
    /// The handshake agreed on a protection profile that is not supported.
    #[error("the SRTP protection profile is not supported")]
    Profile,
    /// The keying material is not as long as the profile wants it.
    #[error("the SRTP keying material has the wrong length")]
    KeyLength,
    /// The packet is shorter than its headers, index and tag.
    #[error("the packet is too short or its header is broken")]
    Malformed,
    /// The tag does not belong to the packet: forged, damaged or another key's.
    #[error("the packet is not authentic")]
    Forged,
    /// The packet was accepted before, or is too old to know.
    #[error("the packet is a replay")]
    Replayed,
    /// No packet index is left under this key: the session must end.
    #[error("the key has protected as many packets as it may")]
    Exhausted,
}

/// Length of the header of the RTP packet `packet`, with its contributing
/// sources and its header extension (RFC 3550, 5.1 and 5.3.1), in bytes.
pub(crate) fn rtp_header_len(packet: &[u8]) -> Result<usize, SrtpError> {
    let first = *packet.first().ok_or(SrtpError::Malformed)?;
    if packet.len() < RTP_HEADER || first >> 6 != 2 {
        return Err(SrtpError::Malformed);
    }
    let mut len = RTP_HEADER + 4 * usize::from(first & 0x0f);
    if first & 0x10 != 0 {
        let words = packet.get(len + 2..len + 4).ok_or(SrtpError::Malformed)?;
        len += 4 + 4 * usize::from(u16::from_be_bytes([words[0], words[1]]));
    }
    if packet.len() < len {
        return Err(SrtpError::Malformed);
    }
    Ok(len)
}

/// The 32-bit word at `at`, which the caller knows to be there.
fn word(packet: &[u8], at: usize) -> u32 {
    let mut bytes = [0; 4];
    bytes.copy_from_slice(&packet[at..at + 4]);
    u32::from_be_bytes(bytes)
}
