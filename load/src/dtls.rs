//! The DTLS handshake of one session, in either role, and its keys.

use std::time::{Duration, Instant};

use aws_lc_rs::digest::{SHA256, digest};
use rushes_media::srtp::{Keys, Opener, Profile, Sealer};
use str0m::config::{DtlsCert, DtlsVersion};
use str0m::crypto::CryptoProvider;
use str0m::crypto::dtls::{DtlsInstance, DtlsOutput};

use crate::error::Error;
use crate::sdp::fingerprint_text;

/// How long a handshake may take.
const TIMEOUT: Duration = Duration::from_secs(15);
/// The largest record.
const MAX_RECORD: usize = 2048;

/// The certificate that all sessions of this process show.
#[derive(Debug)]
pub(crate) struct Identity {
    certificate: DtlsCert,
    /// As SDP writes it.
    pub(crate) fingerprint: String,
}

impl Identity {
    pub(crate) fn generate(crypto: &CryptoProvider) -> Result<Self, Error> {
        let certificate = crypto
            .dtls_provider
            .generate_certificate()
            .ok_or_else(|| Error::Dtls("no certificate could be made".to_owned()))?;
        let hash = digest(&SHA256, &certificate.certificate);
        Ok(Self { fingerprint: fingerprint_text(hash.as_ref()), certificate })
    }
}

/// What protects the media of one session.
#[derive(Debug)]
pub(crate) struct Srtp {
    pub(crate) sealer: Sealer,
    pub(crate) opener: Opener,
}

/// One session's handshake; it stays to answer records that are sent again.
#[derive(Debug)]
pub(crate) struct Handshake {
    instance: Box<dyn DtlsInstance>,
    active: bool,
    /// SHA-256 of the certificate that the server must show.
    expected: [u8; 32],
    verified: bool,
    keys: Option<Keys>,
    done: bool,
    started: Instant,
    next: Instant,
}

impl Handshake {
    /// `active`: this side opens the handshake.
    pub(crate) fn new(
        crypto: &CryptoProvider,
        identity: &Identity,
        active: bool,
        expected: [u8; 32],
        now: Instant,
    ) -> Result<Self, Error> {
        let mut instance = crypto
            .dtls_provider
            .new_dtls(&identity.certificate, now, DtlsVersion::Dtls12, Some(1200))
            .map_err(|error| Error::Dtls(error.to_string()))?;
        instance.set_active(active);
        Ok(Self {
            instance,
            active,
            expected,
            verified: false,
            keys: None,
            done: false,
            started: now,
            next: now,
        })
    }

    /// When [`Self::tick`] has something to do; nothing more once connected.
    pub(crate) fn next(&self) -> Option<Instant> {
        (!self.done).then_some(self.next)
    }

    /// Sends what is due.
    pub(crate) fn tick(&mut self, now: Instant, out: &mut Vec<Vec<u8>>) -> Result<(), Error> {
        if self.done || now < self.next {
            return Ok(());
        }
        if now.saturating_duration_since(self.started) > TIMEOUT {
            return Err(Error::Dtls("the handshake took too long".to_owned()));
        }
        self.instance.handle_timeout(now).map_err(|error| Error::Dtls(error.to_string()))?;
        self.poll(now, out)
    }

    /// Takes a record.
    pub(crate) fn handle(
        &mut self,
        record: &[u8],
        now: Instant,
        out: &mut Vec<Vec<u8>>,
    ) -> Result<(), Error> {
        self.instance.handle_packet(record).map_err(|error| Error::Dtls(error.to_string()))?;
        self.poll(now, out)
    }

    fn poll(&mut self, now: Instant, out: &mut Vec<Vec<u8>>) -> Result<(), Error> {
        let mut buf = [0; MAX_RECORD];
        loop {
            match self.instance.poll_output(&mut buf) {
                DtlsOutput::Packet(packet) => out.push(packet.to_vec()),
                DtlsOutput::PeerCert(certificate) => {
                    if digest(&SHA256, certificate).as_ref() != self.expected {
                        return Err(Error::Dtls("another certificate than answered".to_owned()));
                    }
                    self.verified = true;
                }
                DtlsOutput::KeyingMaterial(material, profile) => {
                    let profile = Profile::try_from(profile)?;
                    self.keys = Some(Keys::from_dtls(profile, &material)?);
                }
                DtlsOutput::CloseNotify => {
                    return Err(Error::Dtls("the server closed the session".to_owned()));
                }
                DtlsOutput::BufferTooSmall { .. } => {
                    return Err(Error::Dtls("a record is too long".to_owned()));
                }
                DtlsOutput::Timeout(at) => {
                    self.next = at.max(now + Duration::from_millis(1));
                    return Ok(());
                }
                _ => {}
            }
        }
    }

    /// The keys, once, when the server has shown its certificate.
    pub(crate) fn take_srtp(&mut self) -> Result<Option<Srtp>, Error> {
        if !self.verified || self.done {
            return Ok(None);
        }
        let Some(keys) = self.keys.take() else { return Ok(None) };
        self.done = true;
        let (own, theirs) =
            if self.active { (keys.client, keys.server) } else { (keys.server, keys.client) };
        Ok(Some(Srtp { sealer: Sealer::new(&own)?, opener: Opener::new(&theirs)? }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both ends of a handshake, until both have keys.
    fn shake(client_expects: Option<[u8; 32]>) -> Result<(Srtp, Srtp), Error> {
        let crypto = str0m::crypto::from_feature_flags();
        let identities = [Identity::generate(&crypto)?, Identity::generate(&crypto)?];
        let hash = |at: usize| -> [u8; 32] {
            digest(&SHA256, &identities[at].certificate.certificate).as_ref().try_into().unwrap()
        };
        let now = Instant::now();
        let expects = client_expects.unwrap_or(hash(1));
        let mut client = Handshake::new(&crypto, &identities[0], true, expects, now)?;
        let mut server = Handshake::new(&crypto, &identities[1], false, hash(0), now)?;
        let (mut to_server, mut to_client) = (Vec::new(), Vec::new());
        server.tick(now, &mut to_client)?;
        client.tick(now, &mut to_server)?;
        let (mut client_keys, mut server_keys) = (None, None);
        for _ in 0..20 {
            for record in std::mem::take(&mut to_server) {
                server.handle(&record, now, &mut to_client)?;
            }
            for record in std::mem::take(&mut to_client) {
                client.handle(&record, now, &mut to_server)?;
            }
            client_keys = client_keys.or(client.take_srtp()?);
            server_keys = server_keys.or(server.take_srtp()?);
            if client_keys.is_some() && server_keys.is_some() {
                break;
            }
        }
        Ok((client_keys.expect("the client's keys"), server_keys.expect("the server's keys")))
    }

    #[test]
    fn both_roles_come_to_the_same_keys() {
        let (client, server) = shake(None).unwrap();
        let plain = [0x80, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 7, 1, 2, 3];
        let mut packet = plain.to_vec();
        client.sealer.seal_rtp(&mut packet, 0, 12, 7, 1).unwrap();
        let mut out = Vec::new();
        server.opener.open_rtp(&packet, 1, &mut out).unwrap();
        assert_eq!(out, plain);
    }

    #[test]
    fn another_certificate_is_refused() {
        assert!(matches!(shake(Some([0; 32])), Err(Error::Dtls(_))));
    }
}
