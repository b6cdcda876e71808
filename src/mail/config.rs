//! By whom and how mail is sent.

use std::{
    convert::Infallible,
    fmt, fs, io,
    path::{Path, PathBuf},
    str::FromStr,
};

use lettre::{message::Mailbox, transport::smtp::client::Certificate};
use percent_encoding::percent_decode_str;
use serde::Deserialize;

use super::Retry;

/// A text that may have a secret in it: it is neither shown nor logged.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Hidden(String);

impl Hidden {
    /// The text, to hand it over.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hidden(…)")
    }
}

impl FromStr for Hidden {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}

/// Whether a connection that begins in the clear has to be encrypted before anything is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StartTls {
    /// It has to: no mail goes to a server that offers no STARTTLS.
    #[default]
    Required,
    /// Nothing is encrypted: for a server on this machine, or in a network of its own.
    Off,
}

/// How a connection to the mail server is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encryption {
    /// From its first byte (`smtps://`, RFC 8314).
    Wrapped,
    /// By STARTTLS (RFC 3207), or nothing is sent.
    StartTls,
    /// Not at all.
    None,
}

/// The server that takes the mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SmtpServer {
    /// Its name, which its certificate is for, or its address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is encrypted.
    pub encryption: Encryption,
    /// User and password, where it wants them.
    pub login: Option<(String, Hidden)>,
    /// Certificates (PEM) that its own is checked against, in place of the system's authorities.
    pub authorities: Option<Vec<u8>>,
}

/// How mail is sent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MailConfig {
    /// Whom it is from.
    pub from: Option<Mailbox>,
    /// The server that takes it; none: it is left in files.
    pub smtp: Option<SmtpServer>,
    /// When it is tried again.
    pub retry: Retry,
}

/// What was said about mail, by flag, variable or file.
#[derive(Debug, Clone, Default)]
pub(crate) struct MailOptions {
    pub(crate) smtp: Option<Hidden>,
    pub(crate) password: Option<Hidden>,
    pub(crate) password_file: Option<PathBuf>,
    pub(crate) starttls: Option<StartTls>,
    pub(crate) authorities: Option<PathBuf>,
    pub(crate) from: Option<String>,
}

/// What is wrong with what was said about mail. Nothing of the URL is in it: there might be a
/// password in it.
#[derive(Debug, thiserror::Error)]
pub enum BadMail {
    /// Not the URL of a mail server.
    #[error(
        "the mail server (--smtp) must be smtp://[USER@]HOST[:PORT] or smtps://[USER@]HOST[:PORT]: {0}"
    )]
    Url(&'static str),
    /// A password where others can read it.
    #[error(
        "the mail server's URL (--smtp) must not hold the password: others can read it there. \
         Set RUSHES_SMTP_PASSWORD, or --smtp-password-file"
    )]
    PasswordInUrl,
    /// A user without a password.
    #[error(
        "the mail server's user needs a password: set RUSHES_SMTP_PASSWORD, or --smtp-password-file"
    )]
    NoPassword,
    /// A password without a user.
    #[error("there is a password for the mail server, and no user in its URL (--smtp)")]
    NoUser,
    /// The password would be told to everybody on the way.
    #[error(
        "with --smtp-starttls off the password would go to another machine unencrypted: leave \
         STARTTLS on, or the user out"
    )]
    PasswordInTheClear,
    /// Nobody to be from.
    #[error("mail needs a sender: set --mail-from, as in \"Rushes <review@example.com>\"")]
    NoSender,
    /// Not a sender.
    #[error(
        "{0:?} is no sender for mail (--mail-from): review@example.com or \"Rushes <review@example.com>\""
    )]
    Sender(String),
    /// A file cannot be read.
    #[error("{}: {cause}", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// A file of certificates has none.
    #[error("{}: there is no certificate in it (PEM)", .0.display())]
    NoCertificate(PathBuf),
}

impl MailConfig {
    /// Puts together what was said.
    ///
    /// # Errors
    /// When it makes no sense, or a file that it names cannot be read.
    pub(crate) fn new(options: MailOptions) -> Result<Self, BadMail> {
        let from = options.from.as_deref().filter(|from| !from.trim().is_empty());
        let from = match from {
            Some(from) => Some(from.parse().map_err(|_| BadMail::Sender(from.to_owned()))?),
            None => None,
        };
        let url = options.smtp.as_ref().map(|url| url.reveal().trim());
        let Some(url) = url.filter(|url| !url.is_empty()) else {
            return Ok(Self { from, ..Self::default() });
        };
        let password = match &options.password_file {
            Some(file) => Some(Hidden(read(file)?.trim_end_matches(['\r', '\n']).to_owned())),
            None => options.password,
        };
        let password = password.filter(|password| !password.0.is_empty());
        let starttls = options.starttls.unwrap_or_default();
        let mut smtp = server(url, password, starttls)?;
        if let Some(file) = options.authorities {
            let pem = read(&file)?.into_bytes();
            if !pem.windows(5).any(|part| part == b"BEGIN") || Certificate::from_pem(&pem).is_err()
            {
                return Err(BadMail::NoCertificate(file));
            }
            smtp.authorities = Some(pem);
        }
        if from.is_none() {
            return Err(BadMail::NoSender);
        }
        Ok(Self { from, smtp: Some(smtp), retry: Retry::default() })
    }
}

fn read(file: &Path) -> Result<String, BadMail> {
    fs::read_to_string(file).map_err(|cause| BadMail::File { file: file.to_owned(), cause })
}

/// The server that a URL names.
fn server(url: &str, password: Option<Hidden>, starttls: StartTls) -> Result<SmtpServer, BadMail> {
    let (scheme, rest) = url.split_once("://").ok_or(BadMail::Url("it has no scheme"))?;
    let (encryption, default_port) = match (scheme.to_ascii_lowercase().as_str(), starttls) {
        ("smtps", _) => (Encryption::Wrapped, 465),
        ("smtp", StartTls::Required) => (Encryption::StartTls, 587),
        ("smtp", StartTls::Off) => (Encryption::None, 587),
        _ => return Err(BadMail::Url("it has another scheme")),
    };
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    // A user is often an address of its own.
    let (user, place) = match rest.rsplit_once('@') {
        Some((user, place)) => (Some(user), place),
        None => (None, rest),
    };
    if user.is_some_and(|user| user.contains(':')) {
        return Err(BadMail::PasswordInUrl);
    }
    let (host, port) = place_of(place).ok_or(BadMail::Url("it names no host and port"))?;
    let login = match (user.filter(|user| !user.is_empty()), password) {
        (Some(user), Some(password)) => {
            let user = percent_decode_str(user).decode_utf8();
            Some((user.map_err(|_| BadMail::Url("its user is no text"))?.into_owned(), password))
        }
        (Some(_), None) => return Err(BadMail::NoPassword),
        (None, Some(_)) => return Err(BadMail::NoUser),
        (None, None) => None,
    };
    let here = host == "localhost"
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    if encryption == Encryption::None && login.is_some() && !here {
        return Err(BadMail::PasswordInTheClear);
    }
    let port = port.unwrap_or(default_port);
    Ok(SmtpServer { host, port, encryption, login, authorities: None })
}

/// The host and the port, if there is one.
fn place_of(place: &str) -> Option<(String, Option<u16>)> {
    let port = |text: &str| text.parse::<u16>().ok().filter(|port| *port > 0);
    if let Some(rest) = place.strip_prefix('[') {
        let (host, rest) = rest.split_once(']')?;
        host.parse::<std::net::Ipv6Addr>().ok()?;
        let given = match rest.strip_prefix(':') {
            Some(text) => Some(port(text)?),
            None if rest.is_empty() => None,
            None => return None,
        };
        return Some((host.to_owned(), given));
    }
    let (host, given) = match place.split_once(':') {
        Some((host, text)) => (host, Some(port(text)?)),
        None => (place, None),
    };
    let is_host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    (!host.is_empty() && host.chars().all(is_host)).then(|| (host.to_owned(), given))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hidden(text: &str) -> Option<Hidden> {
        Some(Hidden(text.to_owned()))
    }

    fn options(url: &str) -> MailOptions {
        let from = Some("Rushes <review@rushes.test>".to_owned());
        MailOptions { smtp: hidden(url), from, ..MailOptions::default() }
    }

    fn smtp(url: &str, password: Option<&str>) -> Result<SmtpServer, BadMail> {
        let password = password.and_then(hidden);
        MailConfig::new(MailOptions { password, ..options(url) }).map(|mail| mail.smtp.unwrap())
    }

    #[test]
    fn a_url_says_host_port_user_and_encryption() {
        let found = smtp("smtp://review@mail.rushes.test", Some("secret")).unwrap();
        assert_eq!((found.host.as_str(), found.port), ("mail.rushes.test", 587));
        assert_eq!(found.encryption, Encryption::StartTls);
        let (user, password) = found.login.unwrap();
        assert_eq!((user.as_str(), password.reveal()), ("review", "secret"));
        let found = smtp("smtps://mail.rushes.test/", None).unwrap();
        assert_eq!((found.port, found.encryption), (465, Encryption::Wrapped));
        assert_eq!(found.login, None);
        for url in ["smtp://a@rushes.test@[::1]:25", "SMTP://a%40rushes.test@[::1]:25"] {
            let found = smtp(url, Some("secret")).unwrap();
            assert_eq!((found.host.as_str(), found.port), ("::1", 25));
            assert_eq!(found.login.unwrap().0, "a@rushes.test");
        }
    }

    #[test]
    fn without_a_server_nothing_else_is_needed() {
        assert_eq!(MailConfig::new(MailOptions::default()).unwrap(), MailConfig::default());
        assert_eq!(MailConfig::new(options(" ")).unwrap().smtp, None);
    }

    #[test]
    fn what_makes_no_sense_is_refused_and_no_error_tells_a_password() {
        for (url, password, expected) in [
            ("mail.rushes.test", None, "no scheme"),
            ("http://mail.rushes.test", None, "another scheme"),
            ("smtp://", None, "no host"),
            ("smtp://mail.rushes.test:0", None, "no host and port"),
            ("smtp://mail.rushes.test:587/x", None, "no host and port"),
            ("smtp://[::1", None, "no host"),
            ("smtp://user:hush@mail.rushes.test", None, "must not hold the password"),
            ("smtp://user@mail.rushes.test", None, "RUSHES_SMTP_PASSWORD"),
            ("smtp://user@mail.rushes.test", Some(""), "RUSHES_SMTP_PASSWORD"),
            ("smtp://mail.rushes.test", Some("hush"), "no user"),
        ] {
            let error = smtp(url, password).unwrap_err();
            assert!(error.to_string().contains(expected), "{url}: {error}");
            assert!(!format!("{error} {error:?}").contains("hush"), "{error}");
        }
        let given = MailOptions { password: hidden("hush"), ..options("smtp://u:hush@h") };
        assert!(!format!("{given:?}").contains("hush"));
        let from = MailOptions { from: None, ..options("smtp://mail.rushes.test") };
        assert!(matches!(MailConfig::new(from), Err(BadMail::NoSender)));
        let from = MailOptions { from: Some("nobody".into()), ..MailOptions::default() };
        assert!(matches!(MailConfig::new(from), Err(BadMail::Sender(_))));
    }

    #[test]
    fn a_password_goes_unencrypted_to_this_machine_alone() {
        let off = |url: &str| {
            let given = MailOptions { password: hidden("hush"), ..options(url) };
            MailConfig::new(MailOptions { starttls: Some(StartTls::Off), ..given })
        };
        assert!(matches!(off("smtp://user@mail.rushes.test"), Err(BadMail::PasswordInTheClear)));
        let here = off("smtp://user@127.0.0.1:25").unwrap().smtp.unwrap();
        assert_eq!(here.encryption, Encryption::None);
        assert!(off("smtps://user@mail.rushes.test").is_ok(), "that is encrypted anyway");
    }

    #[test]
    fn files_are_read_at_the_start() {
        let folder = tempfile::TempDir::new().unwrap();
        let file = folder.path().join("password");
        fs::write(&file, "secret\n").unwrap();
        let url = "smtp://user@mail.rushes.test";
        let given = MailOptions { password_file: Some(file.clone()), ..options(url) };
        let found = MailConfig::new(given.clone()).unwrap().smtp.unwrap();
        assert_eq!(found.login.unwrap().1.reveal(), "secret");
        let no_pem = MailOptions { authorities: Some(file), ..given.clone() };
        assert!(matches!(MailConfig::new(no_pem), Err(BadMail::NoCertificate(_))));
        let absent = MailOptions { password_file: Some(folder.path().join("absent")), ..given };
        assert!(matches!(MailConfig::new(absent), Err(BadMail::File { .. })));
    }
}
