//! An AES-GCM key of AWS-LC, at a place that is known.
//!
//! `aws-lc-rs` keeps its keys where nobody sees. A key that is expanded takes ten lines of memory, and
//! with a thousand viewers each has left the caches before it is needed again: here it can be asked
//! for ahead, which takes a twentieth off a fan-out thread's time (`benches/README.md`).

use std::fmt;
use std::mem::MaybeUninit;

use aws_lc_sys::{
    EVP_AEAD_CTX, EVP_AEAD_CTX_cleanup, EVP_AEAD_CTX_init, EVP_AEAD_CTX_open_gather,
    EVP_AEAD_CTX_seal_scatter, EVP_AEAD_CTX_zero, EVP_aead_aes_128_gcm, EVP_aead_aes_256_gcm,
};

use crate::ahead::{Ahead, ahead};

use super::SrtpError;

/// Length of the tag in bytes.
pub(super) const TAG: usize = 16;
/// Length of the initialisation vector in bytes.
pub(super) const IV: usize = 12;

/// What the library keeps of a key, in no more lines of memory than it needs.
#[repr(align(64))]
struct Expanded(EVP_AEAD_CTX);

/// A key for AES-128-GCM or AES-256-GCM.
pub(super) struct Key(Box<Expanded>);

// SAFETY: after `EVP_AEAD_CTX_init` nothing changes a context until it is dropped: sealing and opening
// take it as const, and the library documents that several threads may use one so.
unsafe impl Send for Key {}
// SAFETY: as above.
unsafe impl Sync for Key {}

impl Key {
    /// Expands a key of 16 or of 32 bytes.
    pub(super) fn new(key: &[u8]) -> Result<Self, SrtpError> {
        aws_lc_rs::init();
        let algorithm = match key.len() {
            16 => EVP_aead_aes_128_gcm,
            32 => EVP_aead_aes_256_gcm,
            _ => return Err(SrtpError::KeyLength),
        };
        // SAFETY: a context is plain data, and all zeros is the state that
        // `EVP_AEAD_CTX_zero` makes.
        let mut context = Box::new(Expanded(unsafe { std::mem::zeroed() }));
        // SAFETY: the algorithm is a constant of the library's; the context is writable and where it
        // will stay; `key` is as long as is said; there is no engine.
        let made = unsafe {
            let (at, none) = (&raw mut context.0, std::ptr::null_mut());
            EVP_AEAD_CTX_init(at, algorithm(), key.as_ptr(), key.len(), TAG, none)
        };
        if made == 1 { Ok(Self(context)) } else { Err(SrtpError::KeyLength) }
    }

    /// Encrypts `body` in place and returns the tag over it and `associated`.
    pub(super) fn seal(
        &self,
        iv: &[u8; IV],
        associated: &[u8],
        body: &mut [u8],
    ) -> Result<[u8; TAG], SrtpError> {
        let mut tag = [0; TAG];
        let at = body.as_mut_ptr();
        // SAFETY: it is encrypted in place, and the tag has its room.
        unsafe { self.seal_raw(iv, associated, (at, body.len()), at, tag.as_mut_ptr()) }?;
        Ok(tag)
    }

    /// Appends `plain` to `buf`, encrypted on the way, and the tag over it and what is in
    /// `buf[start..]`. Where that fails nothing is appended.
    pub(super) fn seal_behind(
        &self,
        iv: &[u8; IV],
        buf: &mut Vec<u8>,
        start: usize,
        plain: &[u8],
    ) -> Result<(), SrtpError> {
        buf.reserve(plain.len() + TAG);
        let length = buf.len();
        // SAFETY: it is where the vector ends, and so much room was reserved behind it.
        let (sealed, tag) = unsafe {
            let end = buf.as_mut_ptr().add(length);
            (end, end.add(plain.len()))
        };
        let associated = buf.get(start..).ok_or(SrtpError::Malformed)?;
        // SAFETY: both lie in the room behind what is borrowed as `associated`, and one behind the
        // other; a vector that is borrowed as mutable does not overlap `plain`.
        unsafe {
            self.seal_raw(iv, associated, (plain.as_ptr(), plain.len()), sealed, tag)?;
            // All of it was written.
            buf.set_len(length + plain.len() + TAG);
        }
        Ok(())
    }

    /// # Safety
    ///
    /// So many bytes as `plain` says can be read there, and as many be written to `sealed`. The two
    /// are one or do not overlap. [`TAG`] bytes can be written to `tag`.
    unsafe fn seal_raw(
        &self,
        iv: &[u8; IV],
        associated: &[u8],
        (plain, length): (*const u8, usize),
        sealed: *mut u8,
        tag: *mut u8,
    ) -> Result<(), SrtpError> {
        let mut written = 0;
        // SAFETY: the context is initialised; the caller promises `plain`, `sealed` and `tag`; the
        // others are slices with their lengths; there is no further input.
        let done = unsafe {
            EVP_AEAD_CTX_seal_scatter(
                &raw const self.0.0,
                sealed,
                tag,
                &raw mut written,
                TAG,
                iv.as_ptr(),
                iv.len(),
                plain,
                length,
                std::ptr::null(),
                0,
                associated.as_ptr(),
                associated.len(),
            )
        };
        if done == 1 && written == TAG { Ok(()) } else { Err(SrtpError::Malformed) }
    }

    /// Decrypts `sealed`, whose tag is `tag`, into `plain`, which is as long, and gives that back.
    pub(super) fn open<'a>(
        &self,
        iv: &[u8; IV],
        associated: &[u8],
        (sealed, tag): (&[u8], &[u8]),
        plain: &'a mut [MaybeUninit<u8>],
    ) -> Result<&'a mut [u8], SrtpError> {
        if plain.len() != sealed.len() {
            return Err(SrtpError::Malformed);
        }
        // SAFETY: the context is initialised; `plain` is as long as `sealed`, and does not overlap
        // it; all are slices with their lengths.
        let done = unsafe {
            EVP_AEAD_CTX_open_gather(
                &raw const self.0.0,
                plain.as_mut_ptr().cast(),
                iv.as_ptr(),
                iv.len(),
                sealed.as_ptr(),
                sealed.len(),
                tag.as_ptr(),
                tag.len(),
                associated.as_ptr(),
                associated.len(),
            )
        };
        if done != 1 {
            return Err(SrtpError::Forged);
        }
        // SAFETY: it was opened, so that all of `plain` was written.
        Ok(unsafe { plain.assume_init_mut() })
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        // SAFETY: the context is initialised, and is not used after this. The second call overwrites
        // the key.
        unsafe {
            EVP_AEAD_CTX_cleanup(&raw mut self.0.0);
            EVP_AEAD_CTX_zero(&raw mut self.0.0);
        }
    }
}

impl Ahead for Key {
    fn ahead(&self, depth: u8) {
        if depth == 1 {
            ahead(&*self.0);
        }
    }
}

/// Says nothing of what is secret.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").finish_non_exhaustive()
    }
}
