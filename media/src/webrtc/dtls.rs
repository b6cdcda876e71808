//! The DTLS handshake that gives a session its keys (RFC 5763, RFC 5764).

use std::collections::VecDeque;
use std::fmt;
use std::time::{Duration, Instant};

use str0m::crypto::dtls::{DtlsCert, DtlsInstance, DtlsOutput, DtlsProvider, DtlsVersion};

use crate::error::OfferError;
use crate::srtp::{Keys, Profile};

/// Records fit into this: the path's MTU less IP and UDP.
const MTU: usize = 1_200;
/// Outputs in a row; more is a defect.
const OUTPUTS: usize = 200;
/// So long an answer to the first record is waited for before that is sent again, and then twice as
/// long each time, as browsers do it. OpenSSL would wait for a second: so long a lost record would keep
/// a picture away, and every ffmpeg, whose WHIP muxer reads the first one and throws it away.
const PATIENCE: Duration = Duration::from_millis(50);
/// The longest that is waited: then OpenSSL's own turn has come.
const MOST_PATIENCE: Duration = Duration::from_millis(400);

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
    greeting: Option<Greeting>,
}

/// The first record of the side that begins, while there is no answer to it.
struct Greeting {
    datagram: Vec<u8>,
    /// When it is sent again.
    at: Instant,
    patience: Duration,
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
            greeting: None,
        })
    }

    /// The client can be reached: the handshake begins, if it is ours to begin.
    pub(super) fn begin(&mut self, now: Instant) {
        if self.active && !self.begun {
            self.begun = true;
            self.tick(now);
            self.greeting = self.datagrams.back().map(|datagram| Greeting {
                datagram: datagram.clone(),
                at: now + PATIENCE,
                patience: PATIENCE,
            });
        }
    }

    pub(super) fn datagram(&mut self, now: Instant, data: &[u8]) {
        if self.active && !self.begun {
            return;
        }
        self.begun = true;
        self.greeting = None;
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
        self.greet_again(now);
        self.poll();
    }

    fn greet_again(&mut self, now: Instant) {
        let Some(greeting) = self.greeting.as_mut().filter(|greeting| greeting.at <= now) else {
            return;
        };
        self.datagrams.push_back(greeting.datagram.clone());
        greeting.patience *= 2;
        greeting.at = now + greeting.patience;
        if greeting.patience > MOST_PATIENCE {
            self.greeting = None;
        }
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
        let again = self.greeting.as_ref().map(|greeting| greeting.at);
        self.deadline.filter(|_| self.begun).into_iter().chain(again).min()
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

#[cfg(test)]
mod tests {
    use super::super::dtls_openssl::PROVIDER;
    use super::*;

    /// What is sent at these times, in milliseconds, and no more once the other side was heard.
    #[test]
    fn the_first_record_is_sent_again_until_there_is_an_answer() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let certificate = PROVIDER.generate_certificate().unwrap();
        let new = |active| Dtls::new(&PROVIDER, &certificate, start, active, [0; 32]).unwrap();
        let mut dtls = new(true);
        dtls.begin(start);
        let first = dtls.poll_datagram().unwrap();
        for (early, due) in [(49, 50), (149, 150), (349, 350), (749, 750)] {
            dtls.tick(at(early));
            assert_eq!(dtls.poll_datagram(), None, "at {early}");
            assert!(dtls.deadline().unwrap() <= at(due));
            dtls.tick(at(due));
            assert_eq!(dtls.poll_datagram().as_ref(), Some(&first), "at {due}");
        }
        dtls.tick(at(5_000));
        assert_eq!(dtls.poll_datagram(), None);

        let (mut active, mut passive) = (new(true), new(false));
        active.begin(start);
        passive.datagram(start, &active.poll_datagram().unwrap());
        active.datagram(at(20), &passive.poll_datagram().unwrap());
        while active.poll_datagram().is_some() {}
        active.tick(at(50));
        assert_eq!(active.poll_datagram(), None);
    }
}
