//! ICE as the side that made the offer: it checks the server's candidates, names
//! the pair that answers first, and asks for consent from then on (RFC 8445,
//! RFC 7675). A server's own checks are answered.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use str0m::crypto::CryptoProvider;
use str0m::ice::{StunMessage, TransId};

use crate::error::Error;
use crate::sdp::Credentials;

/// Between two rounds of checks, and until the nomination is answered.
const CHECK: Duration = Duration::from_millis(50);
/// Every check that goes unanswered makes the pause longer, up to this.
const MAX_CHECK: Duration = Duration::from_millis(800);
/// Between two requests for consent (RFC 7675 says 5 s; Chromium does 2.5 s).
const CONSENT: Duration = Duration::from_millis(2500);
/// Without an answer for so long a session has failed (RFC 7675, 5.1).
const TIMEOUT: Duration = Duration::from_secs(30);
/// Until the first answer.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Of a peer-reflexive candidate (RFC 8445, 7.1.1).
const PRIORITY: u32 = 0x6eff_ffff;
/// Checks that may still be answered.
const MAX_PENDING: usize = 32;

/// A datagram and where it goes.
pub(crate) type Datagram = (SocketAddr, Vec<u8>);

/// The ICE agent of one session.
#[derive(Debug)]
pub(crate) struct Agent {
    local: Credentials,
    remote: Credentials,
    /// `their:our`, who a check is for and who it is from.
    username: String,
    candidates: Vec<SocketAddr>,
    pending: Vec<(TransId, SocketAddr)>,
    selected: Option<SocketAddr>,
    nominated: bool,
    pause: Duration,
    next: Instant,
    last_answer: Instant,
    tie_breaker: u64,
}

impl Agent {
    pub(crate) fn new(
        local: Credentials,
        remote: Credentials,
        candidates: Vec<SocketAddr>,
        now: Instant,
    ) -> Self {
        Self {
            username: format!("{}:{}", remote.ufrag, local.ufrag),
            local,
            remote,
            candidates,
            pending: Vec::new(),
            selected: None,
            nominated: false,
            pause: CHECK,
            next: now,
            last_answer: now,
            tie_breaker: rand::random(),
        }
    }

    /// The server's address, once a check was answered.
    pub(crate) fn selected(&self) -> Option<SocketAddr> {
        self.selected
    }

    /// When [`Self::tick`] has something to do.
    pub(crate) fn next(&self) -> Instant {
        self.next
    }

    /// Sends the checks that are due.
    pub(crate) fn tick(
        &mut self,
        crypto: &CryptoProvider,
        now: Instant,
        out: &mut Vec<Datagram>,
    ) -> Result<(), Error> {
        if now < self.next {
            return Ok(());
        }
        let patience = if self.selected.is_some() { TIMEOUT } else { CONNECT_TIMEOUT };
        if now.saturating_duration_since(self.last_answer) > patience {
            return Err(Error::Ice);
        }
        match self.selected {
            Some(address) => self.check(crypto, address, out),
            None => {
                for at in 0..self.candidates.len() {
                    self.check(crypto, self.candidates[at], out);
                }
            }
        }
        if self.nominated {
            self.next = now + CONSENT;
        } else {
            self.next = now + self.pause;
            self.pause = (self.pause * 2).min(MAX_CHECK);
        }
        Ok(())
    }

    fn check(&mut self, crypto: &CryptoProvider, address: SocketAddr, out: &mut Vec<Datagram>) {
        if self.pending.len() == MAX_PENDING {
            self.pending.remove(0);
        }
        let id = TransId::new();
        self.pending.push((id, address));
        let nominate = self.selected.is_some();
        let message = StunMessage::binding_request(
            &self.username,
            id,
            true,
            self.tie_breaker,
            PRIORITY,
            nominate,
        );
        push(crypto, message, &self.remote.pwd, address, out);
    }

    /// Takes a STUN message; true when it has just made the server reachable.
    pub(crate) fn handle(
        &mut self,
        crypto: &CryptoProvider,
        from: SocketAddr,
        datagram: &[u8],
        now: Instant,
        out: &mut Vec<Datagram>,
    ) -> bool {
        let Ok(message) = StunMessage::parse(datagram) else { return false };
        let hmac = |key: &[u8], parts: &[&[u8]]| crypto.sha1_hmac_provider.sha1_hmac(key, parts);
        if message.is_binding_request() {
            if message.verify(self.local.pwd.as_bytes(), hmac) {
                let reply = StunMessage::binding_reply(message.trans_id(), from);
                push(crypto, reply, &self.local.pwd, from, out);
            }
            return false;
        }
        if !message.is_successful_binding_response()
            || !message.verify(self.remote.pwd.as_bytes(), hmac)
        {
            return false;
        }
        let id = message.trans_id();
        let Some(at) = self.pending.iter().position(|(pending, _)| *pending == id) else {
            return false;
        };
        let (_, address) = self.pending.swap_remove(at);
        self.last_answer = now;
        match self.selected {
            None => {
                self.selected = Some(address);
                self.pending.clear();
                self.pause = CHECK;
                self.next = now;
                true
            }
            Some(selected) => {
                if !self.nominated && selected == address {
                    self.nominated = true;
                    self.next = now + CONSENT;
                }
                false
            }
        }
    }
}

fn push(
    crypto: &CryptoProvider,
    message: StunMessage<'_>,
    pwd: &str,
    address: SocketAddr,
    out: &mut Vec<Datagram>,
) {
    let mut buf = vec![0; 512];
    let hmac = |key: &[u8], parts: &[&[u8]]| crypto.sha1_hmac_provider.sha1_hmac(key, parts);
    // A check has a few short attributes; only a user name of hundreds of bytes would not fit.
    if let Ok(len) = message.to_bytes(Some(pwd.as_bytes()), &mut buf, hmac) {
        buf.truncate(len);
        out.push((address, buf));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agent(now: Instant) -> (Agent, Credentials, Credentials) {
        let (local, remote) = (Credentials::random(), Credentials::random());
        let candidates = vec!["127.0.0.1:1".parse().unwrap(), "127.0.0.1:2".parse().unwrap()];
        (Agent::new(local.clone(), remote.clone(), candidates, now), local, remote)
    }

    fn answer(crypto: &CryptoProvider, remote: &Credentials, check: &Datagram) -> Vec<u8> {
        let request = StunMessage::parse(&check.1).unwrap();
        let mut out = Vec::new();
        let reply = StunMessage::binding_reply(request.trans_id(), check.0);
        push(crypto, reply, &remote.pwd, check.0, &mut out);
        out.remove(0).1
    }

    #[test]
    fn the_first_candidate_that_answers_is_named() {
        let crypto = str0m::crypto::from_feature_flags();
        let now = Instant::now();
        let (mut agent, _, remote) = agent(now);
        let mut out = Vec::new();
        agent.tick(&crypto, now, &mut out).unwrap();
        assert_eq!(out.len(), 2, "one check for each candidate");
        assert!(!StunMessage::parse(&out[1].1).unwrap().use_candidate());
        let forged = answer(&crypto, &Credentials::random(), &out[1]);
        let reply = answer(&crypto, &remote, &out[1]);
        let from = out[1].0;
        out.clear();
        assert!(!agent.handle(&crypto, from, &forged, now, &mut out), "another password");
        assert!(agent.handle(&crypto, from, &reply, now, &mut out));
        assert_eq!(agent.selected(), Some(from));
        agent.tick(&crypto, now, &mut out).unwrap();
        assert_eq!(out.len(), 1);
        assert!(StunMessage::parse(&out[0].1).unwrap().use_candidate());
        let reply = answer(&crypto, &remote, &out[0]);
        assert!(!agent.handle(&crypto, from, &reply, now, &mut out), "was reachable before");
        assert_eq!(agent.next(), now + CONSENT);
    }

    #[test]
    fn a_check_of_the_server_is_answered() {
        let crypto = str0m::crypto::from_feature_flags();
        let now = Instant::now();
        let (mut agent, local, remote) = agent(now);
        let from = "127.0.0.1:9".parse().unwrap();
        let name = format!("{}:{}", local.ufrag, remote.ufrag);
        let request =
            StunMessage::binding_request(&name, TransId::new(), false, 1, PRIORITY, false);
        let mut sent = Vec::new();
        push(&crypto, request, &local.pwd, from, &mut sent);
        let mut out = Vec::new();
        agent.handle(&crypto, from, &sent[0].1, now, &mut out);
        assert_eq!(out.len(), 1);
        assert!(StunMessage::parse(&out[0].1).unwrap().is_successful_binding_response());
    }

    #[test]
    fn a_server_that_never_answers_is_given_up() {
        let crypto = str0m::crypto::from_feature_flags();
        let start = Instant::now();
        let (mut agent, ..) = agent(start);
        let mut out = Vec::new();
        agent.tick(&crypto, start + CONNECT_TIMEOUT, &mut out).unwrap();
        let late = start + CONNECT_TIMEOUT + Duration::from_secs(2);
        assert!(matches!(agent.tick(&crypto, late, &mut out), Err(Error::Ice)));
    }
}
