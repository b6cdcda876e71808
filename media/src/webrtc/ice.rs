//! The lite side of ICE (RFC 8445, 2.5): checks are answered, never sent.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::RngExt;
use str0m::config::CryptoProvider;
use str0m::ice::StunMessage;

use super::stun;
use crate::ids::ConnectionId;

/// A pair that was not checked for this long may be replaced by a lesser one.
const STALE: Duration = Duration::from_secs(5);
/// Our longest reply: header, address, integrity and fingerprint, with room to spare.
const REPLY: usize = 128;

/// A user fragment and password (RFC 8839, 5.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Credentials {
    pub(crate) ufrag: String,
    pub(crate) pwd: String,
}

impl Credentials {
    /// With 48 bits in the fragment, so that no two sessions share one, and 142 in the password.
    pub(crate) fn random() -> Self {
        Self { ufrag: letters(8), pwd: letters(24) }
    }
}

fn letters(count: usize) -> String {
    const ICE_CHARS: &[u8; 64] =
        b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut random = rand::rng();
    (0..count).map(|_| char::from(ICE_CHARS[random.random_range(0..ICE_CHARS.len())])).collect()
}

/// The addresses between which media flows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pair {
    pub(crate) remote: SocketAddr,
    pub(crate) local: SocketAddr,
    /// The connection between them; none over UDP.
    pub(crate) tcp: Option<ConnectionId>,
}

impl Pair {
    /// Over UDP.
    pub(crate) fn udp(remote: SocketAddr, local: SocketAddr) -> Self {
        Self { remote, local, tcp: None }
    }
}

#[derive(Debug, Clone, Copy)]
struct Nominated {
    pair: Pair,
    priority: u32,
    checked: Instant,
}

/// An answered check.
#[derive(Debug)]
pub(crate) struct Checked {
    /// What to send back to where the check came from.
    pub(crate) reply: Vec<u8>,
    /// The check proves that the client is where it came from.
    pub(crate) proven: bool,
    /// Media goes another way from now on.
    pub(crate) moved: bool,
}

/// One client's checks.
#[derive(Debug)]
pub(crate) struct IceLite {
    crypto: Arc<CryptoProvider>,
    local: Credentials,
    /// Those of before a restart: they count until the new ones were used.
    before: Option<Credentials>,
    remote_ufrag: String,
    nominated: Option<Nominated>,
}

impl IceLite {
    pub(crate) fn new(crypto: Arc<CryptoProvider>, remote_ufrag: String) -> Self {
        Self { crypto, local: Credentials::random(), before: None, remote_ufrag, nominated: None }
    }

    pub(crate) fn local(&self) -> &Credentials {
        &self.local
    }

    pub(crate) fn remote_ufrag(&self) -> &str {
        &self.remote_ufrag
    }

    /// Where media goes, once the client has chosen.
    pub(crate) fn pair(&self) -> Option<Pair> {
        self.nominated.map(|nominated| nominated.pair)
    }

    /// A connection is gone: if media went over it, the client has to choose anew.
    pub(crate) fn disconnected(&mut self, connection: ConnectionId) {
        self.nominated.take_if(|nominated| nominated.pair.tcp == Some(connection));
    }

    /// New credentials on both sides (RFC 8445, 9). Media goes on where it goes
    /// until the client has checked and chosen anew.
    pub(crate) fn restart(&mut self, remote_ufrag: String) -> &Credentials {
        self.before = Some(std::mem::replace(&mut self.local, Credentials::random()));
        self.remote_ufrag = remote_ufrag;
        &self.local
    }

    /// Answers a binding request; none if it does not prove to be this client's.
    pub(crate) fn check(&mut self, now: Instant, pair: Pair, data: &[u8]) -> Option<Checked> {
        let current = stun::local_ufrag(data)? == self.local.ufrag;
        let credentials = if current { &self.local } else { self.before.as_ref()? };
        if stun::local_ufrag(data)? != credentials.ufrag {
            return None;
        }
        let pwd = credentials.pwd.as_bytes();
        let repaired = stun::with_priority(data, &credentials.pwd, &self.crypto);
        let request = StunMessage::parse(repaired.as_deref().unwrap_or(data)).ok()?;
        let hmac =
            |key: &[u8], parts: &[&[u8]]| self.crypto.sha1_hmac_provider.sha1_hmac(key, parts);
        if !request.is_binding_request() || !request.verify(pwd, hmac) {
            return None;
        }
        // A lite agent is always controlled (RFC 8445, 6.1.1).
        let conflict = request.ice_controlled().is_some();
        let reply = if conflict {
            StunMessage::binding_role_conflict_reply(request.trans_id())
        } else {
            StunMessage::binding_reply(request.trans_id(), pair.remote)
        };
        let mut buf = vec![0; REPLY];
        let length = reply.to_bytes(Some(pwd), &mut buf, hmac).ok()?;
        buf.truncate(length);
        let chosen = request.use_candidate() && !conflict;
        let priority = request.prio().unwrap_or_default();
        if current && chosen {
            self.before = None;
        }
        let moved = chosen && self.nominate(now, pair, priority);
        Some(Checked { reply: buf, proven: !conflict, moved })
    }

    /// Takes note of the client's choice; says whether it is another one. A client
    /// may choose several, and then means the one of the highest priority.
    fn nominate(&mut self, now: Instant, pair: Pair, priority: u32) -> bool {
        let news = Nominated { pair, priority, checked: now };
        match &mut self.nominated {
            Some(held) if held.pair == pair => {
                *held = news;
                false
            }
            Some(held)
                if held.priority > priority
                    && now.saturating_duration_since(held.checked) < STALE =>
            {
                false
            }
            held => {
                *held = Some(news);
                true
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZero;

    use str0m::ice::TransId;

    use super::*;

    fn ice() -> IceLite {
        let crypto = Arc::new(str0m::crypto::from_feature_flags());
        IceLite::new(crypto, "remote".into())
    }

    fn request(to: &Credentials, priority: u32, chosen: bool, controlling: bool) -> Vec<u8> {
        let crypto = str0m::crypto::from_feature_flags();
        let name = format!("{}:remote", to.ufrag);
        let message =
            StunMessage::binding_request(&name, TransId::new(), controlling, 7, priority, chosen);
        let mut buf = vec![0; 256];
        let hmac = |key: &[u8], parts: &[&[u8]]| crypto.sha1_hmac_provider.sha1_hmac(key, parts);
        let length = message.to_bytes(Some(to.pwd.as_bytes()), &mut buf, hmac).unwrap();
        buf.truncate(length);
        buf
    }

    fn pair(port: u16) -> Pair {
        let local = "192.0.2.1:8189".parse().unwrap();
        Pair::udp(SocketAddr::new("198.51.100.1".parse().unwrap(), port), local)
    }

    #[test]
    fn a_check_is_answered_and_chooses_the_way() {
        let (mut ice, now) = (ice(), Instant::now());
        let to = ice.local().clone();
        let first = ice.check(now, pair(1), &request(&to, 100, false, true)).unwrap();
        assert!(first.proven && !first.moved && ice.pair().is_none());
        let reply = StunMessage::parse(&first.reply).unwrap();
        assert_eq!(reply.mapped_address(), Some(pair(1).remote));

        assert!(ice.check(now, pair(1), &request(&to, 100, true, true)).unwrap().moved);
        assert!(!ice.check(now, pair(2), &request(&to, 50, true, true)).unwrap().moved);
        assert!(ice.check(now, pair(3), &request(&to, 200, true, true)).unwrap().moved);
        assert_eq!(ice.pair(), Some(pair(3)));
        // The best way fell silent: a lesser one is better than none.
        assert!(ice.check(now + STALE, pair(2), &request(&to, 50, true, true)).unwrap().moved);
    }

    #[test]
    fn a_way_over_tcp_ends_with_its_connection() {
        let (mut ice, now) = (ice(), Instant::now());
        let to = ice.local().clone();
        let [first, second] = [1, 2].map(|id| ConnectionId(NonZero::new(id).unwrap()));
        let over = |id| Pair { tcp: Some(id), ..pair(1) };
        assert!(ice.check(now, over(first), &request(&to, 200, true, true)).unwrap().moved);
        assert!(ice.check(now, over(second), &request(&to, 200, true, true)).unwrap().moved);
        ice.disconnected(first);
        assert_eq!(ice.pair(), Some(over(second)), "another connection between the addresses");
        ice.disconnected(second);
        assert_eq!(ice.pair(), None);
        assert!(ice.check(now, pair(2), &request(&to, 50, true, true)).unwrap().moved);
    }

    #[test]
    fn others_are_not_answered() {
        let (mut ice, now) = (ice(), Instant::now());
        let right = ice.local().clone();
        let wrong = Credentials { pwd: letters(24), ..right.clone() };
        assert!(ice.check(now, pair(1), &request(&wrong, 1, true, true)).is_none());
        let wrong = Credentials { ufrag: "other".into(), ..right.clone() };
        assert!(ice.check(now, pair(1), &request(&wrong, 1, true, true)).is_none());
        assert!(ice.check(now, pair(1), &[0; 20]).is_none());
        let conflict = ice.check(now, pair(1), &request(&right, 1, true, false)).unwrap();
        assert!(!conflict.proven && ice.pair().is_none());
        let error = StunMessage::parse(&conflict.reply).unwrap().error_code();
        assert_eq!(error.map(|(code, _)| code), Some(487));
    }

    #[test]
    fn a_restart_leaves_the_old_way_until_the_new_one_is_chosen() {
        let (mut ice, now) = (ice(), Instant::now());
        let old = ice.local().clone();
        ice.check(now, pair(1), &request(&old, 100, true, true)).unwrap();
        let new = ice.restart("another".into()).clone();
        assert_ne!(old, new);
        assert!(ice.check(now, pair(1), &request(&old, 100, true, true)).is_some());
        assert_eq!(ice.pair(), Some(pair(1)));
        assert!(ice.check(now, pair(2), &request(&new, 100, true, true)).unwrap().moved);
        assert!(ice.check(now, pair(1), &request(&old, 100, true, true)).is_none());
    }
}
