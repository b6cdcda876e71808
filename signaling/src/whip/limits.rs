//! How fast one may ask for sessions and speak to them (RFC 9725, 5: "rate limit and avalanche
//! control").

use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use rushes_media::{SessionId, network};

use super::http::Sender;
use super::problem::Problem;
use super::table::{Digest, digest};
use crate::rate::{Buckets, Rate};

/// Buckets of a kind at a time; beyond that the ones nearest to full are forgotten.
const WATCHED: usize = 16_384;

/// How fast one may ask, and how many sessions one may have.
///
/// Addresses of this machine are exempt from what counts by address: behind them may stand a proxy
/// with everybody in front of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Offers to publish, by token.
    pub publish: Rate,
    /// Offers to view, by token.
    pub view: Rate,
    /// Requests to a session: PATCH, DELETE, layer choices, event streams.
    pub session: Rate,
    /// All of these together, by address (IPv6: by /64).
    pub address: Rate,
    /// Sessions of one address at a time; those that ended within the last minute may count.
    pub sessions_per_address: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            publish: Rate { per_second: 5.0, burst: 20.0 },
            view: Rate { per_second: 100.0, burst: 300.0 },
            session: Rate { per_second: 10.0, burst: 40.0 },
            address: Rate { per_second: 100.0, burst: 400.0 },
            sessions_per_address: 500,
        }
    }
}

/// What an offer is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Offered {
    Publish,
    View,
}

#[derive(Debug)]
struct Watched {
    publish: Buckets<Digest>,
    view: Buckets<Digest>,
    sessions: Buckets<SessionId>,
    addresses: Buckets<IpAddr>,
}

/// The limits of one server, and who is how near to them.
#[derive(Debug)]
pub(super) struct Limiter(Mutex<Watched>);

impl Limiter {
    pub(super) fn new(limits: &Limits) -> Self {
        Self(Mutex::new(Watched {
            publish: Buckets::new(limits.publish, WATCHED),
            view: Buckets::new(limits.view, WATCHED),
            sessions: Buckets::new(limits.session, WATCHED),
            addresses: Buckets::new(limits.address, WATCHED),
        }))
    }

    /// Counts an offer.
    pub(super) fn offer(
        &self,
        offered: Offered,
        sender: &Sender,
        now: Instant,
    ) -> Result<(), Problem> {
        let mut watched = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        watched.address(sender.peer, now)?;
        let Some(token) = sender.bearer().map(digest) else { return Ok(()) };
        let buckets = match offered {
            Offered::Publish => &mut watched.publish,
            Offered::View => &mut watched.view,
        };
        buckets.take(token, now).map_err(|wait| Problem::too_fast("with this token", wait))
    }

    /// Counts a request to what may be a session: a guess counts for its address.
    pub(super) fn address(&self, peer: IpAddr, now: Instant) -> Result<(), Problem> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).address(peer, now)
    }

    /// Counts a request to a session that there is.
    pub(super) fn session(&self, id: SessionId, now: Instant) -> Result<(), Problem> {
        let mut watched = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = watched.sessions.take(id, now);
        taken.map_err(|wait| Problem::too_fast("to this session", wait))
    }
}

impl Watched {
    fn address(&mut self, peer: IpAddr, now: Instant) -> Result<(), Problem> {
        if peer.is_loopback() {
            return Ok(());
        }
        let taken = self.addresses.take(network(peer), now);
        taken.map_err(|wait| Problem::too_fast("from this address", wait))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: Rate = Rate { per_second: 1.0, burst: 2.0 };
    const MANY: Rate = Rate { per_second: 1000.0, burst: 1000.0 };

    fn sender(peer: &str, bearer: &str) -> Sender {
        let bearer = (!bearer.is_empty()).then(|| bearer.to_owned());
        Sender { bearer, peer: peer.parse().unwrap() }
    }

    #[test]
    fn a_token_counts_wherever_it_is_used() {
        let limits = Limits { publish: TWO, address: MANY, ..Limits::default() };
        let limiter = Limiter::new(&limits);
        let now = Instant::now();
        let publish = |peer, token| limiter.offer(Offered::Publish, &sender(peer, token), now);
        assert!(publish("192.0.2.1", "a").is_ok() && publish("192.0.2.2", "a").is_ok());
        assert!(publish("192.0.2.3", "a").is_err());
        assert!(publish("192.0.2.3", "b").is_ok());
        assert!(limiter.offer(Offered::View, &sender("192.0.2.3", "a"), now).is_ok());
    }

    #[test]
    fn an_address_counts_whatever_it_asks_for_and_this_machine_does_not() {
        let limits = Limits { address: TWO, ..Limits::default() };
        let limiter = Limiter::new(&limits);
        let now = Instant::now();
        assert!(limiter.offer(Offered::View, &sender("2001:db8::1", "a"), now).is_ok());
        assert!(limiter.address("2001:db8::2".parse().unwrap(), now).is_ok());
        let third = limiter.offer(Offered::Publish, &sender("2001:db8::3", "c"), now);
        assert!(third.is_err(), "the same /64");
        assert!(limiter.address("2001:db8:0:1::1".parse().unwrap(), now).is_ok());
        for _ in 0..10 {
            assert!(
                limiter
                    .address("::ffff:127.0.0.1".parse::<IpAddr>().unwrap().to_canonical(), now)
                    .is_ok()
            );
        }
    }

    #[test]
    fn a_session_counts_for_itself() {
        let limiter = Limiter::new(&Limits { session: TWO, ..Limits::default() });
        let now = Instant::now();
        assert!(limiter.session(SessionId(1), now).is_ok());
        assert!(limiter.session(SessionId(1), now).is_ok());
        assert!(limiter.session(SessionId(1), now).is_err());
        assert!(limiter.session(SessionId(2), now).is_ok());
    }
}
