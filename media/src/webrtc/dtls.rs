//! The DTLS handshake that gives a session its keys (RFC 5763, RFC 5764).

use std::collections::VecDeque;
use std::fmt;
use std::time::Instant;

use str0m::crypto::dtls::{DtlsCert, DtlsInstance, DtlsOutput, DtlsProvider, DtlsVersion};

use crate::error::OfferError;
use crate::srtp::{Keys, Profile};

/// Records fit into this: the path's MTU less IP and UDP.
const MTU: usize = 1_200;
/// Outputs in a row; more is a defect.
const OUTPUTS: usize = 200;

/// One side of a DTLS association.
pub(super) struct Dtls {
    instance: Box<dyn DtlsInstance>,
    active: bool,
    begun: bool,
    /// The SHA-256 of the certificate that the client promised in its offer.
    promised: [u8; 32],
    kept: bool,
    keys: Option<Keys>,
    connected: bool,
    dead: bool,
    deadline: Option<Instant>,
    datagrams: VecDeque<Vec<u8>>,
}

impl fmt::Debug for Dtls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { active, connected, dead, .. } = self;
        write!(f, "Dtls {{ active: {active}, connected: {connected}, dead: {dead} }}")
    }
}

impl Dtls {
    /// `active` is the side that begins.
    pub(super) fn new(
        provider: &dyn DtlsProvider,
        certificate: &DtlsCert,
        now: Instant,
        active: bool,
        promised: [u8; 32],
    ) -> Result<Self, OfferError> {
        let instance = provider.new_dtls(certificate, now, DtlsVersion::Dtls12, Some(MTU));
        let mut instance = instance.map_err(|error| {
            tracing::error!(%error, "no DTLS association could be made");
            OfferError::Internal
        })?;
        instance.set_active(active);
        Ok(Self {
            instance,
            active,
            begun: false,
            promised,
            kept: false,
            keys: None,
            connected: false,
            dead: false,
            deadline: None,
            datagrams: VecDeque::new(),
        })
    }

    /// The client can be reached: the handshake begins, if it is ours to begin.
    pub(super) fn begin(&mut self, now: Instant) {
        if self.active && !self.begun {
            self.begun = true;
            self.tick(now);
        }
    }

    pub(super) fn datagram(&mut self, now: Instant, data: &[u8]) {
        if self.active && !self.begun {
            return;
        }
        self.begun = true;
        if self.deadline.is_none() {
            self.tick(now);
        }
        // A record that is not understood is as good as lost (RFC 6347, 4.1.2.7).
        if let Err(error) = self.instance.handle_packet(data) {
            tracing::debug!(%error, "a DTLS record was not taken");
        }
        self.poll();
        // The handshake was refused, by either side; what was said of it last is on its way.
        self.dead |= self.instance.is_closing();
    }

    pub(super) fn tick(&mut self, now: Instant) {
        if !self.begun && self.active {
            return;
        }
        if let Err(error) = self.instance.handle_timeout(now) {
            tracing::debug!(%error, "a DTLS handshake failed");
            self.dead = true;
        }
        self.poll();
    }

    fn poll(&mut self) {
        let mut buf = vec![0; 2_048];
        for _ in 0..OUTPUTS {
            match self.instance.poll_output(&mut buf) {
                DtlsOutput::Packet(packet) => self.datagrams.push_back(packet.to_vec()),
                DtlsOutput::Timeout(at) => {
                    self.deadline = Some(at);
                    return;
                }
                DtlsOutput::Connected => self.connected = true,
                DtlsOutput::PeerCert(der) => self.kept = sha256(der) == self.promised,
                DtlsOutput::KeyingMaterial(material, profile) => {
                    let keys = Profile::try_from(profile)
                        .and_then(|profile| Keys::from_dtls(profile, &material));
                    match keys {
                        Ok(keys) => self.keys = Some(keys),
                        Err(error) => {
                            tracing::debug!(%error, "the handshake gave no keys");
                            self.dead = true;
                        }
                    }
                }
                DtlsOutput::CloseNotify => self.dead = true,
                DtlsOutput::BufferTooSmall { needed } => buf.resize(needed.min(1 << 16), 0),
                _ => {}
            }
        }
        self.dead = true;
    }

    /// The next datagram for the client.
    pub(super) fn poll_datagram(&mut self) -> Option<Vec<u8>> {
        self.datagrams.pop_front()
    }

    /// The keys, once: when the client is known to be the one that made the offer.
    pub(super) fn take_keys(&mut self) -> Option<Keys> {
        if !self.connected || self.dead {
            return None;
        }
        if !self.kept {
            tracing::debug!("the certificate is not the one of the offer");
            self.dead = true;
            return None;
        }
        self.keys.take()
    }

    /// Whether this is the side that began.
    pub(super) fn is_active(&self) -> bool {
        self.active
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.deadline.filter(|_| self.begun)
    }

    pub(super) fn is_dead(&self) -> bool {
        self.dead
    }

    /// Says goodbye.
    pub(super) fn close(&mut self) {
        if self.begun && self.instance.close().is_ok() {
            self.poll();
        }
    }
}

fn sha256(data: &[u8]) -> [u8; 32] {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, data);
    let mut hash = [0; 32];
    hash.copy_from_slice(digest.as_ref());
    hash
}
