//! How a mail's text is kept while it waits.

use std::path::Path;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::{bootstrap, ids::MailId, server::RunError};

/// The name of the key's file in the data folder.
const FILE: &str = "mail.key";

/// What mails that wait are sealed with (AES-256-GCM, a random nonce for each).
///
/// A mail may hold a link that lets somebody in, of which the database otherwise has a digest
/// alone, and what was ever in a database stays in its free pages and its backups. So the text is
/// in there sealed, and the key lies in a file of its own: a copy of the database opens nothing.
pub struct MailKey(RandomizedNonceKey);

/// What was sealed with another key, for another mail, or is damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("what it says cannot be read: mail.key is not the key that it was sealed with")]
pub struct Unreadable;

impl MailKey {
    /// Reads the key of a data folder, and makes it where there is none.
    ///
    /// # Errors
    /// When its file cannot be read or written, or holds something else.
    pub fn open(data: &Path) -> Result<Self, RunError> {
        let key = bootstrap::key_of(&data.join(FILE))?;
        Ok(Self::new(&key))
    }

    /// # Panics
    /// Never: the cipher's keys have 256 bits.
    fn new(key: &[u8; bootstrap::KEY]) -> Self {
        Self(RandomizedNonceKey::new(&AES_256_GCM, key).expect("a key of 256 bits"))
    }

    /// Seals the text of a mail; base64.
    ///
    /// # Panics
    /// When the system has no randomness to give.
    #[must_use]
    pub fn seal(&self, id: MailId, text: &str) -> String {
        let mut sealed = text.as_bytes().to_vec();
        let nonce = self.0.seal_in_place_append_tag(Aad::from(id.to_string()), &mut sealed);
        let nonce = nonce.expect("the system's random generator works, and a mail is short");
        let mut out = nonce.as_ref().to_vec();
        out.append(&mut sealed);
        STANDARD.encode(out)
    }

    /// The text of a mail that was sealed.
    ///
    /// # Errors
    /// When it was sealed with another key or for another mail, or was changed.
    pub fn open_sealed(&self, id: MailId, sealed: &str) -> Result<String, Unreadable> {
        let sealed = STANDARD.decode(sealed).map_err(|_| Unreadable)?;
        let (nonce, text) = sealed.split_at_checked(NONCE_LEN).ok_or(Unreadable)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| Unreadable)?;
        let mut text = text.to_vec();
        let aad = Aad::from(id.to_string());
        let text = self.0.open_in_place(nonce, aad, &mut text).map_err(|_| Unreadable)?;
        String::from_utf8(text.to_vec()).map_err(|_| Unreadable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_read_with_its_key_and_as_its_mail_alone() {
        let (key, other) = (MailKey::new(&[7; 32]), MailKey::new(&[8; 32]));
        let (mail, another) = (MailId::new(), MailId::new());
        let sealed = key.seal(mail, "the link");
        assert_ne!(sealed, key.seal(mail, "the link"), "no two are alike");
        assert!(!String::from_utf8_lossy(&STANDARD.decode(&sealed).unwrap()).contains("link"));
        assert_eq!(key.open_sealed(mail, &sealed).as_deref(), Ok("the link"));
        assert_eq!(key.open_sealed(another, &sealed), Err(Unreadable));
        assert_eq!(other.open_sealed(mail, &sealed), Err(Unreadable));
        for damaged in ["", "%", "AAAA", &sealed[..sealed.len() - 4]] {
            assert_eq!(key.open_sealed(mail, damaged), Err(Unreadable), "{damaged:?}");
        }
    }
}
