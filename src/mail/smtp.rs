//! A mail on its way to the server that takes it (RFC 5321).

use std::time::Duration;

use lettre::{
    AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor,
    transport::smtp::{
        Error,
        authentication::Credentials,
        client::{Certificate, CertificateStore, Tls, TlsParameters},
        extension::ClientId,
    },
};

use super::{Encryption, SmtpServer};

/// How long the server has to take a connection.
const CONNECT: Duration = Duration::from_secs(30);

/// How long all of it may take. RFC 5321 (section 4.5.3.2) gives a server ten minutes for its last
/// word; letters of some hundred bytes do not need them, and a place is taken meanwhile.
const WHOLE: Duration = Duration::from_secs(120);

/// Characters of what went wrong that are kept: a server may say whatever it likes.
const SAID: usize = 300;

/// What refuses this server and not the mail: no login, a login that is not enough or not right,
/// encryption that is missing (RFC 4954, section 6; RFC 3207), no mail service there (RFC 7504).
const OF_THE_SERVER: [u16; 6] = [521, 523, 530, 534, 535, 538];

/// Why a mail was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    /// Something that may pass: it is tried again.
    Temporary(String),
    /// The server does not take this mail: it would be refused again.
    Permanent(String),
}

/// The way to the server that takes the mail.
pub(super) struct Transport(AsyncSmtpTransport<Tokio1Executor>);

impl Transport {
    /// A way to a server, for a sender who calls themselves `hello`. It connects anew for each
    /// mail: they are few, and none waits for a connection that died meanwhile.
    ///
    /// # Errors
    /// When the certificates are none that TLS works with.
    pub(super) fn new(server: &SmtpServer, hello: &str) -> Result<Self, Error> {
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&server.host)
            .port(server.port)
            .tls(tls(server)?)
            .hello_name(ClientId::Domain(hello.to_owned()))
            .timeout(Some(CONNECT));
        if let Some((user, password)) = &server.login {
            let login = Credentials::new(user.clone(), password.reveal().to_owned());
            builder = builder.credentials(login);
        }
        Ok(Self(builder.build()))
    }

    /// Hands a letter over. When this returns, the server has answered for it.
    ///
    /// # Errors
    /// When the server did not take it, or may not have.
    pub(super) async fn send(&self, letter: Message) -> Result<(), Failure> {
        match tokio::time::timeout(WHOLE, self.0.send(letter)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(judge(error.status().map(u16::from), &error.to_string())),
            Err(_) => Err(Failure::Temporary("the mail server did not answer in time".to_owned())),
        }
    }
}

fn tls(server: &SmtpServer) -> Result<Tls, Error> {
    let parameters = || {
        let mut builder = TlsParameters::builder(server.host.clone());
        if let Some(pem) = &server.authorities {
            builder = builder
                .certificate_store(CertificateStore::None)
                .add_root_certificate(Certificate::from_pem(pem)?);
        }
        builder.build()
    };
    Ok(match server.encryption {
        Encryption::Wrapped => Tls::Wrapper(parameters()?),
        Encryption::StartTls => Tls::Required(parameters()?),
        Encryption::None => Tls::None,
    })
}

/// What an answer means for the mail. Whatever is no answer (refused connections, lost ones, bad
/// certificates, no STARTTLS) may pass, if only by somebody putting it right.
fn judge(status: Option<u16>, error: &str) -> Failure {
    let said = error.chars().map(|c| if c.is_control() { ' ' } else { c });
    let said: String = said.take(SAID).collect();
    match status {
        Some(status) if status >= 500 && !OF_THE_SERVER.contains(&status) => {
            Failure::Permanent(said)
        }
        _ => Failure::Temporary(said),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_refuses_the_mail_itself_is_permanent() {
        for status in [550, 551, 552, 553, 554, 556, 500] {
            assert!(matches!(judge(Some(status), ""), Failure::Permanent(_)), "{status}");
        }
        for status in [421, 450, 451, 452, 454, 530, 534, 535, 538, 521] {
            assert!(matches!(judge(Some(status), ""), Failure::Temporary(_)), "{status}");
        }
        assert!(matches!(judge(None, ""), Failure::Temporary(_)));
    }

    #[test]
    fn what_a_server_says_is_kept_short_and_on_one_line() {
        let Failure::Permanent(said) = judge(Some(550), &"no\r\n".repeat(1000)) else { panic!() };
        assert_eq!(said.len(), SAID);
        assert!(said.starts_with("no  no"));
    }
}
