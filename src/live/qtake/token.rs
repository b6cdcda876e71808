//! What QTAKE registers with: a signed token (JWT, RFC 7519) that says for whom and for which of
//! its projects it was made.

use std::{fmt, fs, io, path::PathBuf, time::Duration};

use jsonwebtoken::{
    Algorithm, DecodingKey, Header, crypto::verify, dangerous::insecure_decode_claims,
    decode_header, errors::ErrorKind,
};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::QtakeProject;
use crate::{mail::Hidden, time::Millis};

/// The longest token that is looked at, in bytes.
const LONGEST: usize = 8 * 1024;
/// The shortest secret: as long as the digest of HS256 (RFC 7518, section 3.2), in bytes.
const SHORTEST_SECRET: usize = 32;
/// How far the clock that a token was made by may differ from the server's.
const LEEWAY: Duration = Duration::from_secs(60);
/// The last second of the year 9999: what comes later is no time.
const LAST_SECOND: f64 = 253_402_300_799.0;
/// The claim that names the person, as the contract has it.
const EMAIL: &str = "userEmail";
/// The claims that name the project, without regard to casing and `_`. The contract gives none;
/// these are its words for the project in the addresses that QTAKE publishes to.
const PROJECT: [&str; 2] = ["projectuuid", "projectid"];

/// The keys that the tokens' signatures are checked with.
#[derive(Clone, Default)]
pub struct QtakeKeys {
    keys: Vec<DecodingKey>,
    /// SHA-256 of what they were read from, for comparison.
    sources: Vec<[u8; 32]>,
}

/// What is wrong with a key. Nothing of the key is in it.
#[derive(Debug, thiserror::Error)]
pub enum BadKey {
    /// The file cannot be read.
    #[error("{}: {cause}", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// The file has no public keys in it.
    #[error(
        "{}: QTAKE's keys (--qtake-key-file) are public keys in PEM (\"-----BEGIN PUBLIC KEY-----\"): \
         RSA, P-256, P-384 or Ed25519",
        .0.display()
    )]
    NoPublicKey(PathBuf),
    /// The secret could be guessed, or is something else.
    #[error(
        "QTAKE's secret (RUSHES_QTAKE_SECRET) has {SHORTEST_SECRET} characters and more, and is no PEM file"
    )]
    Secret,
}

impl QtakeKeys {
    /// Reads the public keys in a file, and takes a shared secret.
    ///
    /// # Errors
    /// When the file cannot be read or has anything but public keys in it, or the secret is short.
    pub fn new(file: Option<PathBuf>, secret: Option<Hidden>) -> Result<Self, BadKey> {
        let mut keys = Self::default();
        if let Some(file) = file {
            let text = match fs::read_to_string(&file) {
                Ok(text) => text,
                Err(cause) => return Err(BadKey::File { file, cause }),
            };
            keys.keys = public_keys(&text).ok_or(BadKey::NoPublicKey(file))?;
            keys.sources.push(Sha256::digest(&text).into());
        }
        if let Some(secret) = secret.filter(|secret| !secret.reveal().is_empty()) {
            let text = secret.reveal();
            if text.len() < SHORTEST_SECRET || text.contains("-----BEGIN") {
                return Err(BadKey::Secret);
            }
            let key = DecodingKey::from_secret(text.as_bytes()).map_err(|_| BadKey::Secret)?;
            keys.keys.push(key);
            keys.sources.push(Sha256::digest(text).into());
        }
        Ok(keys)
    }

    /// Whether there is none, so that no signature can be checked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }
}

impl PartialEq for QtakeKeys {
    fn eq(&self, other: &Self) -> bool {
        self.sources == other.sources
    }
}

impl fmt::Debug for QtakeKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "QtakeKeys({})", self.keys.len())
    }
}

/// The public keys of a PEM file; none if there is anything else in it, such as a private key.
fn public_keys(text: &str) -> Option<Vec<DecodingKey>> {
    let mut keys = Vec::new();
    // What stands before the first `-----BEGIN` may be a comment.
    for block in text.split("-----BEGIN ").skip(1) {
        let pem = format!("-----BEGIN {block}");
        let key = match block.split_once("-----")?.0 {
            "PUBLIC KEY" => DecodingKey::from_rsa_pem(pem.as_bytes())
                .or_else(|_| DecodingKey::from_ec_pem(pem.as_bytes()))
                .or_else(|_| DecodingKey::from_ed_pem(pem.as_bytes())),
            "RSA PUBLIC KEY" => DecodingKey::from_rsa_pem(pem.as_bytes()),
            _ => return None,
        };
        keys.push(key.ok()?);
    }
    (!keys.is_empty()).then_some(keys)
}

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// For whom it was made.
    pub user_email: String,
    /// For which of QTAKE's projects; none: it does not say.
    pub project: Option<QtakeProject>,
    /// When it ends; none: it does not say.
    pub expires: Option<Millis>,
    /// Whether its signature was checked.
    pub verified: bool,
}

/// Why a token is refused, in words for the one who sent it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadToken {
    /// Too long to be looked at.
    #[error("is longer than {LONGEST} bytes")]
    TooLong,
    /// Not three parts, or they cannot be read.
    #[error("is no signed JWT")]
    Malformed,
    /// Not one of the ways to sign that are known; `none` is among these.
    #[error("is signed in a way that is not taken: RS, PS, ES, HS and EdDSA are")]
    Algorithm,
    /// It asks for an extension to be understood.
    #[error("needs an extension (crit) that is not known here")]
    Extension,
    /// No key of the server's fits.
    #[error("is signed with another kind of key ({0:?}) than the server has for QTAKE")]
    OtherKey(Algorithm),
    /// The signature is wrong.
    #[error("has a signature that is not QTAKE's")]
    Signature,
    /// Its time is over.
    #[error("has expired (exp): register again from QTAKE")]
    Expired,
    /// Its time has not come.
    #[error("is not valid yet (nbf): look at the clocks")]
    NotYet,
    /// A claim is absent or has the wrong form.
    #[error("has no usable claim {0}")]
    Claim(&'static str),
}

/// Reads a token. Where there is a key its signature has to be right; else nobody knows who made
/// it, and `verified` says so.
///
/// # Errors
/// When it is none, is not signed, or does not count at `now`.
pub fn read(token: &str, keys: &QtakeKeys, now: Millis) -> Result<Registration, BadToken> {
    if token.len() > LONGEST {
        return Err(BadToken::TooLong);
    }
    let token = token.trim();
    if token.split('.').count() != 3 || token.split('.').any(str::is_empty) {
        // Without a third part it is not signed, whatever its header says.
        let unsigned = token.split('.').count() == 3 && token.ends_with('.');
        return Err(if unsigned { BadToken::Algorithm } else { BadToken::Malformed });
    }
    let header = decode_header(token).map_err(|error| match error.kind() {
        // It is JSON, and what it names is not in the list of algorithms.
        ErrorKind::Json(json) if json.is_data() => BadToken::Algorithm,
        _ => BadToken::Malformed,
    })?;
    if header.crit.is_some() {
        return Err(BadToken::Extension);
    }
    let verified = !keys.is_empty();
    if verified {
        check(token, &header, keys)?;
    }
    // What the library would look at besides are times, by another clock than the request's.
    let claims: Map<String, Value> =
        insecure_decode_claims(token).map_err(|_| BadToken::Malformed)?;
    valid_at(&claims, now)?;
    let user_email = claims.get(EMAIL).and_then(Value::as_str).map(str::trim);
    let user_email = user_email.filter(|text| !text.is_empty()).ok_or(BadToken::Claim(EMAIL))?;
    Ok(Registration {
        user_email: user_email.to_owned(),
        project: project(&claims)?,
        expires: date(&claims, "exp")?,
        verified,
    })
}

/// Whether one of the keys signed it. A key is for the algorithms of its own kind alone, so that a
/// public key is never taken for a secret.
fn check(token: &str, header: &Header, keys: &QtakeKeys) -> Result<(), BadToken> {
    let (message, signature) = token.rsplit_once('.').ok_or(BadToken::Malformed)?;
    let mut refused = BadToken::OtherKey(header.alg);
    for key in keys.keys.iter().filter(|key| key.family() == header.alg.family()) {
        if matches!(verify(signature, message.as_bytes(), key, header.alg), Ok(true)) {
            return Ok(());
        }
        refused = BadToken::Signature;
    }
    Err(refused)
}

fn valid_at(claims: &Map<String, Value>, now: Millis) -> Result<(), BadToken> {
    if date(claims, "exp")?.is_some_and(|end| end.plus(LEEWAY) <= now) {
        return Err(BadToken::Expired);
    }
    if date(claims, "nbf")?.is_some_and(|begin| begin > now.plus(LEEWAY)) {
        return Err(BadToken::NotYet);
    }
    Ok(())
}

/// A time in seconds since 1970, perhaps with a fraction (RFC 7519, section 2).
fn date(claims: &Map<String, Value>, name: &'static str) -> Result<Option<Millis>, BadToken> {
    let Some(value) = claims.get(name) else { return Ok(None) };
    let seconds = value.as_f64().filter(|seconds| (0.0..=LAST_SECOND).contains(seconds));
    let seconds = seconds.ok_or(BadToken::Claim(name))?;
    // Within the bounds above nothing is cut off but fractions of a millisecond.
    Ok(Some(Millis((seconds * 1000.0) as i64)))
}

fn project(claims: &Map<String, Value>) -> Result<Option<QtakeProject>, BadToken> {
    let plain = |name: &str| name.replace('_', "").to_lowercase();
    let named = |wanted: &&str| claims.iter().find(|(name, _)| plain(name) == **wanted);
    let Some((_, value)) = PROJECT.iter().find_map(named) else {
        return Ok(None);
    };
    let project = value.as_str().and_then(QtakeProject::new);
    project.map(Some).ok_or(BadToken::Claim("projectUUID"))
}

#[cfg(test)]
mod tests;
