//! What all sessions share, and the peer connection of a member: str0m in RTP mode, ICE-lite.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use str0m::config::{CryptoProvider, DtlsCert};
use str0m::crypto::dtls::DtlsProvider;
use str0m::net::{Protocol, Receive, TcpType};
use str0m::{Candidate, Input, Rtc, RtcError};

use super::dtls_openssl;
use super::ice::Pair;
use super::stun;

/// The type preference of hosts over TCP, below what a client learns of itself over UDP.
const TCP_PREFERENCE: u32 = 90;

/// What all peers of a server share.
#[derive(Debug)]
pub(crate) struct PeerSetup {
    pub(super) crypto: Arc<CryptoProvider>,
    /// The DTLS of publishers and viewers, which takes RSA certificates too.
    pub(super) client_dtls: &'static dyn DtlsProvider,
    pub(super) certificate: DtlsCert,
    /// `sha-256` and the hash of the certificate, as in `a=fingerprint`.
    pub(super) fingerprint: String,
    /// The addresses announced to every client.
    candidates: Vec<SocketAddr>,
}

impl PeerSetup {
    /// With a fresh certificate, which every session of this process presents.
    pub(crate) fn new(candidates: Vec<SocketAddr>) -> std::io::Result<Self> {
        let crypto = str0m::crypto::from_feature_flags();
        let certificate = crypto
            .dtls_provider
            .generate_certificate()
            .ok_or_else(|| std::io::Error::other("no DTLS certificate could be made"))?;
        let hash = crypto.sha256_provider.sha256(&certificate.certificate);
        let hash: Vec<String> = hash.iter().map(|byte| format!("{byte:02X}")).collect();
        let fingerprint = format!("sha-256 {}", hash.join(":"));
        Ok(Self {
            crypto: Arc::new(crypto),
            client_dtls: &dtls_openssl::PROVIDER,
            certificate,
            fingerprint,
            candidates,
        })
    }

    /// The candidates as `a=candidate` lines (RFC 8839, 5.1), the best first.
    pub(super) fn write_candidates(&self, sdp: &mut String) {
        // Writing to a String cannot fail.
        let count = self.candidates.len();
        for (index, address) in self.candidates.iter().enumerate() {
            let (ip, port) = (address.ip(), address.port());
            // RFC 8445, 5.1.2.1: a host's type preference is 126.
            let priority = 126u32 << 24 | (65_535 - index as u32) << 8 | 255;
            let _ =
                write!(sdp, "a=candidate:{} 1 UDP {priority} {ip} {port} typ host\r\n", index + 1);
        }
        // Behind all of UDP: there are clients that look at the first alone.
        for (index, address) in self.candidates.iter().enumerate() {
            let (ip, port) = (address.ip(), address.port());
            let foundation = count + index + 1;
            // RFC 6544, 4.2: the way that every packet has to wait for those before it is the
            // lesser one, and a passive host's direction preference is 4.
            let priority = TCP_PREFERENCE << 24 | (4 << 13 | (8_191 - index as u32)) << 8 | 255;
            let _ = write!(
                sdp,
                "a=candidate:{foundation} 1 TCP {priority} {ip} {port} typ host tcptype passive\r\n"
            );
        }
    }

    /// With another DTLS for everybody.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(crate) fn with_dtls(mut self, provider: &'static dyn DtlsProvider) -> Self {
        let crypto = CryptoProvider { dtls_provider: provider, ..(*self.crypto).clone() };
        self.crypto = Arc::new(crypto);
        self.client_dtls = provider;
        self
    }

    /// The hash that fingerprints of certificates are made of.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(crate) fn sha256(&self, data: &[u8]) -> [u8; 32] {
        self.crypto.sha256_provider.sha256(data)
    }

    /// What signs STUN messages.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(crate) fn sha1_hmac(&self, key: &[u8], data: &[u8]) -> [u8; 20] {
        self.crypto.sha1_hmac_provider.sha1_hmac(key, &[data])
    }

    /// The announced address that a datagram for `local` counts as received on:
    /// behind an address translation no announced address is a local one.
    fn destination(&self, local: SocketAddr) -> Option<SocketAddr> {
        let same = |c: &&SocketAddr| c.is_ipv4() == local.is_ipv4();
        self.candidates
            .iter()
            .find(|c| c.ip() == local.ip())
            .or_else(|| self.candidates.iter().find(same))
            .copied()
    }
}

/// A member's peer connection.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(super) rtc: Rtc,
    setup: Arc<PeerSetup>,
    local_ufrag: String,
    local_pwd: String,
}

impl Peer {
    /// A peer that is to be offered something.
    pub(super) fn new(setup: &Arc<PeerSetup>, mut rtc: Rtc) -> Self {
        for address in &setup.candidates {
            announce(&mut rtc, *address, Candidate::host(*address, Protocol::Udp));
        }
        for address in &setup.candidates {
            let tcp = Candidate::builder().tcp().host(*address).tcptype(TcpType::Passive);
            announce(&mut rtc, *address, tcp.build());
        }
        let credentials = rtc.direct_api().local_ice_credentials();
        Self {
            rtc,
            setup: setup.clone(),
            local_ufrag: credentials.ufrag,
            local_pwd: credentials.pass,
        }
    }

    /// The user fragment by which the client's checks are told from others'.
    pub(crate) fn local_ufrag(&self) -> &str {
        &self.local_ufrag
    }

    /// Whether a STUN request proves to come from this session's client.
    pub(crate) fn accepts_stun(&self, now: Instant, pair: Pair, data: &[u8]) -> bool {
        let repaired = stun::with_priority(data, &self.local_pwd, &self.setup.crypto);
        let data = repaired.as_deref().unwrap_or(data);
        self.receive(pair, data)
            .is_some_and(|receive| self.rtc.accepts(&Input::Receive(now, receive)))
    }

    /// Takes a datagram that came this way.
    pub(crate) fn datagram(
        &mut self,
        now: Instant,
        pair: Pair,
        data: &[u8],
    ) -> Result<(), RtcError> {
        let repaired = stun::is_stun(data)
            .then(|| stun::with_priority(data, &self.local_pwd, &self.setup.crypto))
            .flatten();
        let data = repaired.as_deref().unwrap_or(data);
        match self.receive(pair, data) {
            Some(receive) => self.rtc.handle_input(Input::Receive(now, receive)),
            None => Ok(()),
        }
    }

    fn receive<'a>(&self, pair: Pair, data: &'a [u8]) -> Option<Receive<'a>> {
        let protocol = if pair.tcp.is_some() { Protocol::Tcp } else { Protocol::Udp };
        Receive::new(protocol, pair.remote, self.setup.destination(pair.local)?, data).ok()
    }

    /// Lets time pass, and makes what was written ready to be polled.
    pub(crate) fn tick(&mut self, now: Instant) -> Result<(), RtcError> {
        self.rtc.handle_input(Input::Timeout(now))
    }

    /// The next output; str0m wants all of them taken after every input.
    pub(crate) fn poll(&mut self) -> Result<str0m::Output, RtcError> {
        self.rtc.poll_output()
    }

    /// Whether anything more may come of this peer.
    pub(crate) fn is_alive(&self) -> bool {
        self.rtc.is_alive()
    }

    /// Begins to say goodbye: what it says is to be polled.
    pub(crate) fn close(&mut self) {
        if let Err(error) = self.rtc.close() {
            tracing::debug!(%error, "a session could not say goodbye");
        }
    }
}

fn announce(
    rtc: &mut Rtc,
    address: SocketAddr,
    candidate: Result<Candidate, impl std::fmt::Display>,
) {
    match candidate {
        Ok(candidate) => {
            rtc.add_local_candidate(candidate);
        }
        Err(error) => tracing::warn!(%address, %error, "an address cannot be announced"),
    }
}
