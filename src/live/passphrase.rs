//! The passphrases of SRT sources, and the key that they are made of.

use std::path::Path;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::{bootstrap, ids::RegistrationId, secret::Secret, server::RunError};

/// The name of the key's file in the data folder.
const FILE: &str = "srt.key";
/// Bytes of a passphrase: 128 bits, which is what the keys have that are made of it. As hex digits
/// they fit into the 79 characters that SRT takes, and into an encoder's small field.
const PASSPHRASE: usize = 16;
/// What is made of the key, beside what else may be one day.
const PURPOSE: &[u8] = b"srt passphrase ";

/// What all passphrases of a server are made of.
///
/// SRT derives its keys of the passphrase itself, at both ends, so that no digest of it would do.
/// Instead of being kept, each is made again when it is needed. The key lies in a file of its own
/// that only the server's user may read: a copy of the database opens no stream.
#[derive(Debug)]
pub struct PassphraseKey(Secret);

impl PassphraseKey {
    /// Reads the key of a data folder, and makes it where there is none.
    ///
    /// # Errors
    /// When its file cannot be read or written, or holds something else.
    pub fn open(data: &Path) -> Result<Self, RunError> {
        let key = bootstrap::key_of(&data.join(FILE))?;
        Ok(Self(Secret::from_stored(hex::encode_upper(key))))
    }

    /// The passphrase of a registration: 32 upper-case hex digits.
    ///
    /// # Panics
    /// Never: HMAC takes keys of any length.
    #[must_use]
    pub fn passphrase(&self, id: RegistrationId) -> Secret {
        let key = self.0.reveal().as_bytes();
        let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
        mac.update(PURPOSE);
        mac.update(id.to_string().as_bytes());
        let tag = mac.finalize().into_bytes();
        Secret::from_stored(hex::encode_upper(&tag[..PASSPHRASE]))
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    use tempfile::TempDir;

    use super::*;

    #[test]
    fn a_key_is_made_once_and_is_its_owners_alone() {
        let (here, elsewhere) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        let (a, b) = (RegistrationId::new(), RegistrationId::new());
        let key = PassphraseKey::open(here.path()).unwrap();
        let file = here.path().join(FILE);
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        let (first, other) = (key.passphrase(a), key.passphrase(b));
        assert_eq!(first.reveal().len(), 32);
        assert_ne!(first, other);
        let again = PassphraseKey::open(here.path()).unwrap();
        assert_eq!(again.passphrase(a), first, "a restart changes nothing");
        assert_ne!(PassphraseKey::open(elsewhere.path()).unwrap().passphrase(a), first);
    }

    #[test]
    fn a_damaged_key_is_not_replaced() {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join(FILE);
        fs::write(&file, "0123").unwrap();
        assert!(PassphraseKey::open(folder.path()).is_err());
        assert_eq!(fs::read_to_string(&file).unwrap(), "0123");
    }
}
