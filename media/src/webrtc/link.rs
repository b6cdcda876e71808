//! What every session of ours begins with: ICE, and then DTLS on the way that the client has
//! chosen.

use std::time::Instant;

use crate::error::OfferError;
use crate::srtp::MasterKey;

use super::answer::fragment;
use super::dtls::Dtls;
use super::ice::{Checked, IceLite, Pair};
use super::negotiate::Taken;
use super::peer::PeerSetup;
use super::sdp::Offer;

/// The keys of a session, once its client is known to be the one that made the offer.
#[derive(Debug)]
pub(super) struct SessionKeys {
    pub(super) ours: MasterKey,
    pub(super) theirs: MasterKey,
}

/// The way to one client.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) ice: IceLite,
    dtls: Dtls,
}

impl Link {
    /// With fresh ICE credentials. `active` is whether the server begins the DTLS handshake.
    pub(super) fn new(
        setup: &PeerSetup,
        now: Instant,
        offer: &Offer,
        active: bool,
    ) -> Result<Self, OfferError> {
        let (provider, certificate) = (setup.client_dtls, &setup.certificate);
        Ok(Self {
            ice: IceLite::new(setup.crypto.clone(), offer.ufrag.clone()),
            dtls: Dtls::new(provider, certificate, now, active, offer.fingerprint_bytes())?,
        })
    }

    /// Answers a check of the client's; none if it does not prove to be one.
    pub(super) fn stun(&mut self, now: Instant, pair: Pair, data: &[u8]) -> Option<Checked> {
        let checked = self.ice.check(now, pair, data)?;
        if self.ice.pair().is_some() {
            self.dtls.begin(now);
        }
        Some(checked)
    }

    /// Takes a datagram of the handshake's.
    pub(super) fn record(&mut self, now: Instant, data: &[u8]) {
        self.dtls.datagram(now, data);
    }

    /// Lets time pass; says whether anything may have come of it.
    pub(super) fn tick(&mut self, now: Instant) -> bool {
        let due = self.dtls.deadline().is_some_and(|at| at <= now);
        if due {
            self.dtls.tick(now);
        }
        due
    }

    /// When to be called again.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.dtls.deadline()
    }

    /// The next datagram for the client.
    pub(super) fn poll(&mut self) -> Option<Vec<u8>> {
        self.dtls.poll_datagram()
    }

    /// The keys, once.
    pub(super) fn take_keys(&mut self) -> Option<SessionKeys> {
        let keys = self.dtls.take_keys()?;
        // The client in DTLS is whoever began.
        let (ours, theirs) = match self.dtls.is_active() {
            true => (keys.client, keys.server),
            false => (keys.server, keys.client),
        };
        Some(SessionKeys { ours, theirs })
    }

    /// Whether the server is the side that began the handshake.
    pub(super) fn is_active(&self) -> bool {
        self.dtls.is_active()
    }

    /// Where datagrams go, once the client has chosen.
    pub(crate) fn pair(&self) -> Option<Pair> {
        self.ice.pair()
    }

    /// Takes new credentials of the client's (RFC 9725, 4.3.3); gives back the answer as a
    /// fragment (RFC 8840).
    pub(super) fn restart(
        &mut self,
        setup: &PeerSetup,
        remote_ufrag: String,
        first: Option<&Taken>,
    ) -> String {
        fragment(setup, self.ice.restart(remote_ufrag), first)
    }

    pub(super) fn is_alive(&self) -> bool {
        !self.dtls.is_dead()
    }

    /// Begins to say goodbye: what it says is to be polled.
    pub(super) fn close(&mut self) {
        self.dtls.close();
    }
}

/// Whether a datagram is SRTP or SRTCP (RFC 7983, 7).
pub(crate) fn is_media(data: &[u8]) -> bool {
    matches!(data.first(), Some(128..=191))
}
