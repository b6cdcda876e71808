//! Tokens and keys: drawn here, and kept only as digests.

use std::fmt;

use rand::TryRng as _;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// A secret in the clear, on its way to or from the one who holds it: 64 upper-case hex digits.
/// Never stored, never logged.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Draws 256 bits from the operating system's generator.
    ///
    /// # Panics
    /// When the system has no randomness to give, and no secret can be made.
    #[must_use]
    pub fn random() -> Self {
        let mut bytes = [0; 32];
        rand::rngs::SysRng.try_fill_bytes(&mut bytes).expect("the system's random generator works");
        Self(hex::encode_upper(bytes))
    }

    /// One of the server's own, which it keeps in its database.
    #[must_use]
    pub(crate) fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The text, to hand it over.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What is kept of it.
    #[must_use]
    pub fn digest(&self) -> SecretDigest {
        SecretDigest::of(&self.0)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The SHA-256 of a secret's text, as 64 lower-case hex digits. No salt: the secrets are random,
/// so that nobody can have them in a dictionary.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::Type)]
#[sqlx(transparent)]
pub struct SecretDigest(String);

impl SecretDigest {
    /// The digest of what somebody presented. Hex digits count in either casing.
    #[must_use]
    pub fn of(presented: &str) -> Self {
        Self(hex::encode(Sha256::digest(presented.to_ascii_uppercase())))
    }

    /// Whether it is the digest of `secret`; in constant time.
    #[must_use]
    pub fn is(&self, secret: &Secret) -> bool {
        self.0.as_bytes().ct_eq(secret.digest().0.as_bytes()).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_64_upper_case_hex_digits_and_differ() {
        let (a, b) = (Secret::random(), Secret::random());
        assert_ne!(a, b);
        assert_eq!(a.reveal().len(), 64);
        assert!(a.reveal().bytes().all(|b| matches!(b, b'0'..=b'9' | b'A'..=b'F')));
    }

    #[test]
    fn a_digest_does_not_depend_on_casing_and_does_not_show_the_secret() {
        let secret = Secret::random();
        assert_eq!(SecretDigest::of(&secret.reveal().to_lowercase()), secret.digest());
        assert!(secret.digest().is(&secret));
        assert!(!secret.digest().is(&Secret::random()));
        assert!(!format!("{secret:?}").contains(secret.reveal()));
    }
}
