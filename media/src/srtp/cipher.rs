//! The two families of ciphers, with their keys expanded once.

use std::mem::MaybeUninit;

use aws_lc_rs::cipher::{AES_128, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use aws_lc_rs::iv::FixedLength;

use crate::ahead::{Ahead, ahead};

use super::aead::{self, Key};
use super::keys::SessionKey;
use super::{Profile, SrtpError};

/// One direction's cipher for SRTP or for SRTCP.
#[derive(Debug)]
pub(super) enum Cipher {
    /// Encryption and authentication in one.
    Gcm(Gcm),
    /// Counter mode and a separate authentication. Boxed: its key schedules and
    /// hash states are several times the size of the other.
    Cm(Box<Cm>),
}

impl Cipher {
    pub(super) fn new(key: &SessionKey) -> Result<Self, SrtpError> {
        Ok(match key.profile {
            Profile::AeadAes128Gcm | Profile::AeadAes256Gcm => Self::Gcm(Gcm::new(key)?),
            Profile::Aes128CmSha1_80 => Self::Cm(Box::new(Cm::new(key)?)),
        })
    }

    /// What the cipher adds to an RTP packet, in bytes.
    pub(super) fn tag_len(&self) -> usize {
        match self {
            Self::Gcm(_) => Gcm::TAG,
            Self::Cm(_) => Cm::TAG,
        }
    }
}

impl Ahead for Cipher {
    fn ahead(&self, depth: u8) {
        match self {
            Self::Gcm(gcm) => gcm.key.ahead(depth),
            Self::Cm(cm) if depth == 1 => ahead(&**cm),
            Self::Cm(_) => {}
        }
    }
}

/// AES in Galois/counter mode (RFC 7714).
#[derive(Debug)]
pub(super) struct Gcm {
    key: Key,
    salt: [u8; aead::IV],
}

impl Gcm {
    /// Length of the tag in bytes.
    pub(super) const TAG: usize = aead::TAG;

    fn new(key: &SessionKey) -> Result<Self, SrtpError> {
        let salt = key.salt().try_into().map_err(|_| SrtpError::KeyLength)?;
        Ok(Self { key: Key::new(key.key())?, salt })
    }

    /// The initialisation vector (RFC 7714, 8.1 and 9.1). The two layouts are
    /// one: a 48-bit index, which for SRTCP has its upper 17 bits zero.
    fn iv(&self, ssrc: u32, index: u64) -> [u8; aead::IV] {
        let mut iv = [0; aead::IV];
        iv[2..6].copy_from_slice(&ssrc.to_be_bytes());
        iv[6..].copy_from_slice(&index.to_be_bytes()[2..]);
        for (byte, salt) in iv.iter_mut().zip(&self.salt) {
            *byte ^= salt;
        }
        iv
    }

    /// Encrypts `body` in place and returns the tag over it and `associated`.
    pub(super) fn seal(
        &self,
        ssrc: u32,
        index: u64,
        associated: &[u8],
        body: &mut [u8],
    ) -> Result<[u8; Self::TAG], SrtpError> {
        self.key.seal(&self.iv(ssrc, index), associated, body)
    }

    /// Appends `plain` to `buf`, encrypted on the way, and the tag over it and what is in
    /// `buf[start..]`.
    pub(super) fn seal_behind(
        &self,
        ssrc: u32,
        index: u64,
        (buf, start): (&mut Vec<u8>, usize),
        plain: &[u8],
    ) -> Result<(), SrtpError> {
        self.key.seal_behind(&self.iv(ssrc, index), buf, start, plain)
    }

    /// Decrypts `sealed`, whose tag is `tag`, into `plain`, which is as long, and gives that back.
    pub(super) fn open<'a>(
        &self,
        ssrc: u32,
        index: u64,
        associated: &[u8],
        sealed: (&[u8], &[u8]),
        plain: &'a mut [MaybeUninit<u8>],
    ) -> Result<&'a mut [u8], SrtpError> {
        self.key.open(&self.iv(ssrc, index), associated, sealed, plain)
    }
}

/// AES in counter mode and HMAC-SHA1 (RFC 3711, 4.1.1 and 4.2.1).
#[derive(Debug)]
pub(super) struct Cm {
    key: EncryptingKey,
    auth: hmac::Key,
    salt: [u8; 14],
}

impl Cm {
    /// Length of the tag in bytes.
    pub(super) const TAG: usize = 10;

    fn new(key: &SessionKey) -> Result<Self, SrtpError> {
        let cipher = UnboundCipherKey::new(&AES_128, key.key())
            .and_then(EncryptingKey::ctr)
            .map_err(|_| SrtpError::KeyLength)?;
        Ok(Self {
            key: cipher,
            auth: hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key.auth()),
            salt: key.salt().try_into().map_err(|_| SrtpError::KeyLength)?,
        })
    }

    /// Encrypts or decrypts `body`, which is the same thing: the key stream of
    /// the packet is added to it.
    pub(super) fn apply(&self, ssrc: u32, index: u64, body: &mut [u8]) -> Result<(), SrtpError> {
        let mut iv = [0; 16];
        iv[4..8].copy_from_slice(&ssrc.to_be_bytes());
        iv[8..14].copy_from_slice(&index.to_be_bytes()[2..]);
        for (byte, salt) in iv.iter_mut().zip(&self.salt) {
            *byte ^= salt;
        }
        self.key
            .less_safe_encrypt(body, EncryptionContext::Iv128(FixedLength::from(iv)))
            .map(|_| ())
            .map_err(|_| SrtpError::Malformed)
    }

    /// The tag over `covered` and, for SRTP, the rollover counter.
    pub(super) fn tag(&self, covered: &[u8], rollover: Option<u32>) -> [u8; Self::TAG] {
        let mut context = hmac::Context::with_key(&self.auth);
        context.update(covered);
        if let Some(rollover) = rollover {
            context.update(&rollover.to_be_bytes());
        }
        let full = context.sign();
        let mut tag = [0; Self::TAG];
        tag.copy_from_slice(&full.as_ref()[..Self::TAG]);
        tag
    }

    /// Whether `tag` is the one over `covered`, compared in constant time.
    pub(super) fn check(
        &self,
        covered: &[u8],
        rollover: Option<u32>,
        tag: &[u8],
    ) -> Result<(), SrtpError> {
        verify_slices_are_equal(&self.tag(covered, rollover), tag).map_err(|_| SrtpError::Forged)
    }
}
