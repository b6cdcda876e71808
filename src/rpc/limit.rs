//! How fast one may ask: a token bucket for each user, and one for each address that nobody has
//! signed in from.

use std::{
    hash::Hash,
    net::IpAddr,
    time::{Duration, Instant},
};

use dashmap::DashMap;
use rushes_signaling::rate;
use serde::{Deserialize, Serialize};

use crate::{
    error::{ApiError, ApiResult, Code},
    ids::UserId,
};

/// A sustained rate and how much may come at once.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Rate {
    /// Requests per second, sustained.
    pub per_second: f64,
    /// Requests at once.
    pub burst: f64,
}

impl From<Rate> for rate::Rate {
    fn from(Rate { per_second, burst }: Rate) -> Self {
        Self { per_second, burst }
    }
}

impl From<rate::Rate> for Rate {
    fn from(rate::Rate { per_second, burst }: rate::Rate) -> Self {
        Self { per_second, burst }
    }
}

/// Above this many buckets the full ones are forgotten; a full bucket and none are the same.
const SWEEP_ABOVE: usize = 10_000;

#[derive(Debug)]
struct Buckets<K: Eq + Hash> {
    rate: Rate,
    buckets: DashMap<K, (f64, Instant)>,
}

impl<K: Eq + Hash> Buckets<K> {
    fn new(rate: Rate) -> Self {
        Self { rate, buckets: DashMap::new() }
    }

    /// Takes one, or says how long to wait for it.
    fn take(&self, key: K, now: Instant) -> Result<(), Duration> {
        if self.buckets.len() > SWEEP_ABOVE {
            self.buckets.retain(|_, bucket| self.level(*bucket, now) < self.rate.burst);
        }
        let mut bucket = self.buckets.entry(key).or_insert((self.rate.burst, now));
        let level = self.level(*bucket, now);
        if level < 1.0 {
            *bucket = (level, now);
            return Err(Duration::from_secs_f64((1.0 - level) / self.rate.per_second.max(0.001)));
        }
        *bucket = (level - 1.0, now);
        Ok(())
    }

    fn level(&self, (level, at): (f64, Instant), now: Instant) -> f64 {
        let gained = now.saturating_duration_since(at).as_secs_f64() * self.rate.per_second;
        (level + gained).min(self.rate.burst)
    }
}

/// The limits of one server.
#[derive(Debug)]
pub struct Limiter {
    users: Buckets<UserId>,
    addresses: Buckets<IpAddr>,
}

impl Limiter {
    /// Limits of `user` for each signed-in user and of `address` for everybody else.
    #[must_use]
    pub fn new(user: Rate, address: Rate) -> Self {
        Self { users: Buckets::new(user), addresses: Buckets::new(address) }
    }

    /// Counts a request of `user`.
    ///
    /// # Errors
    /// 900 when it is one too many.
    pub fn user(&self, user: UserId) -> ApiResult<()> {
        self.users
            .take(user, Instant::now())
            .map_err(|wait| ApiError::new(Code::TOO_FAST).retry_after(wait))
    }

    /// Counts a request from `address`.
    ///
    /// # Errors
    /// 423 when it is one too many.
    pub fn address(&self, address: IpAddr) -> ApiResult<()> {
        self.addresses
            .take(address, Instant::now())
            .map_err(|wait| ApiError::new(Code::ADDRESS_TOO_FAST).retry_after(wait))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_taken_and_then_the_rate_holds() {
        let buckets = Buckets::new(Rate { per_second: 2.0, burst: 3.0 });
        let start = Instant::now();
        for _ in 0..3 {
            assert_eq!(buckets.take(1, start), Ok(()));
        }
        assert_eq!(buckets.take(1, start), Err(Duration::from_millis(500)));
        assert_eq!(buckets.take(2, start), Ok(()), "another has a bucket of its own");
        assert_eq!(buckets.take(1, start + Duration::from_millis(500)), Ok(()));
        assert!(buckets.take(1, start + Duration::from_millis(600)).is_err());
    }

    #[test]
    fn full_buckets_are_forgotten() {
        let buckets = Buckets::new(Rate { per_second: 1.0, burst: 1.0 });
        let start = Instant::now();
        for key in 0..=SWEEP_ABOVE {
            buckets.take(key, start).unwrap();
        }
        buckets.take(0, start + Duration::from_secs(5)).unwrap();
        assert_eq!(buckets.buckets.len(), 1);
    }
}
