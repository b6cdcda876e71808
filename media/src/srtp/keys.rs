//! Master keys and the session keys derived from them (RFC 3711, 4.3;
//! RFC 7714, 11).

use std::fmt;

use aws_lc_rs::cipher::{AES_128, AES_256, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;

use super::{Profile, SrtpError};

/// Longest session key in bytes: AES-256.
const MAX_KEY: usize = 32;
/// Longest salt in bytes; shorter ones are filled up with zeros on the right
/// when keys are derived (RFC 7714, 11).
const MAX_SALT: usize = 14;
/// Length of an HMAC-SHA1 session key in bytes.
const AUTH_KEY: usize = 20;

/// One side's master key and salt.
#[derive(Clone, PartialEq, Eq)]
pub struct MasterKey {
    profile: Profile,
    key: [u8; MAX_KEY],
    salt: [u8; MAX_SALT],
}

impl fmt::Debug for MasterKey {
    /// The key itself is never printed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MasterKey").field("profile", &self.profile).finish_non_exhaustive()
    }
}

impl MasterKey {
    /// A master key out of its parts, whose lengths are those of `profile`.
    pub fn new(profile: Profile, key: &[u8], salt: &[u8]) -> Result<Self, SrtpError> {
        if key.len() != profile.key_len() || salt.len() != profile.salt_len() {
            return Err(SrtpError::KeyLength);
        }
        let mut this = Self { profile, key: [0; MAX_KEY], salt: [0; MAX_SALT] };
        this.key[..key.len()].copy_from_slice(key);
        this.salt[..salt.len()].copy_from_slice(salt);
        Ok(this)
    }

    /// The protection profile that the key is for.
    pub fn profile(&self) -> Profile {
        self.profile
    }

    /// The session keys for SRTP.
    pub(super) fn rtp(&self) -> Result<SessionKey, SrtpError> {
        self.session(0)
    }

    /// The session keys for SRTCP.
    pub(super) fn rtcp(&self) -> Result<SessionKey, SrtpError> {
        self.session(3)
    }

    /// Labels are numbered encryption, authentication, salt from `first` on.
    fn session(&self, first: u8) -> Result<SessionKey, SrtpError> {
        let mut session = SessionKey {
            profile: self.profile,
            key: [0; MAX_KEY],
            auth: [0; AUTH_KEY],
            salt: [0; MAX_SALT],
        };
        self.derive(first, &mut session.key[..self.profile.key_len()])?;
        self.derive(first + 1, &mut session.auth)?;
        self.derive(first + 2, &mut session.salt[..self.profile.salt_len()])?;
        Ok(session)
    }

    /// The pseudo-random function: the key stream of AES in counter mode under
    /// the master key (RFC 3711, 4.3.3), for a key derivation rate of zero.
    fn derive(&self, label: u8, out: &mut [u8]) -> Result<(), SrtpError> {
        let algorithm = match self.profile {
            Profile::AeadAes128Gcm | Profile::Aes128CmSha1_80 => &AES_128,
            Profile::AeadAes256Gcm => &AES_256,
        };
        let key = UnboundCipherKey::new(algorithm, &self.key[..self.profile.key_len()])
            .and_then(EncryptingKey::ctr)
            .map_err(|_| SrtpError::KeyLength)?;
        let mut iv = [0; 16];
        iv[..MAX_SALT].copy_from_slice(&self.salt);
        // The label is the first byte of the 56-bit key identifier, which is
        // aligned with the right end of the 112-bit salt.
        iv[7] ^= label;
        out.fill(0);
        key.less_safe_encrypt(out, EncryptionContext::Iv128(FixedLength::from(iv)))
            .map_err(|_| SrtpError::KeyLength)?;
        Ok(())
    }
}

/// The keys of one direction of SRTP or SRTCP.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct SessionKey {
    pub(super) profile: Profile,
    key: [u8; MAX_KEY],
    auth: [u8; AUTH_KEY],
    salt: [u8; MAX_SALT],
}

impl SessionKey {
    /// The encryption key.
    pub(super) fn key(&self) -> &[u8] {
        &self.key[..self.profile.key_len()]
    }

    /// The authentication key; the authenticated ciphers have no use for it.
    pub(super) fn auth(&self) -> &[u8; AUTH_KEY] {
        &self.auth
    }

    /// The salt.
    pub(super) fn salt(&self) -> &[u8] {
        &self.salt[..self.profile.salt_len()]
    }

    /// Session keys as test vectors give them.
    #[cfg(test)]
    pub(super) fn of(profile: Profile, key: &[u8], salt: &[u8]) -> Self {
        let master = MasterKey::new(profile, key, salt).expect("lengths of the profile");
        Self { profile, key: master.key, auth: [0; AUTH_KEY], salt: master.salt }
    }
}

/// Both directions' master keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keys {
    /// What the DTLS client sends is protected with this one.
    pub client: MasterKey,
    /// What the DTLS server sends is protected with this one.
    pub server: MasterKey,
}

impl Keys {
    /// Cuts up the keying material that DTLS exported: client key, server key,
    /// client salt, server salt (RFC 5764, 4.2).
    pub fn from_dtls(profile: Profile, material: &[u8]) -> Result<Self, SrtpError> {
        let (key, salt) = (profile.key_len(), profile.salt_len());
        if material.len() != 2 * (key + salt) {
            return Err(SrtpError::KeyLength);
        }
        let (keys, salts) = material.split_at(2 * key);
        Ok(Self {
            client: MasterKey::new(profile, &keys[..key], &salts[..salt])?,
            server: MasterKey::new(profile, &keys[key..], &salts[salt..])?,
        })
    }
}
