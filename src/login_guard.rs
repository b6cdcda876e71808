//! Counts failed logins, and refuses further ones when there were too many.

use std::{
    collections::{HashMap, VecDeque},
    net::{IpAddr, Ipv6Addr},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// How many failures are allowed…
const LIMIT: usize = 10;

/// … within this time.
const WINDOW: Duration = Duration::from_secs(15 * 60);

/// How many accounts and addresses are watched at once. Above this the ones that failed longest
/// ago are forgotten: who commands so many addresses is not stopped by counting, and nobody else
/// must be locked out for it.
const WATCHED: usize = 50_000;

/// Who fails.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    Account(String),
    Address(IpAddr),
}

/// Failed logins of the last 15 minutes, by account and by address. They are kept in memory: one
/// who can restart the server has no need to guess.
#[derive(Debug, Default)]
pub struct LoginGuard {
    failures: Mutex<HashMap<Key, VecDeque<Instant>>>,
}

/// A login under way. It counts as failed until [`LoginGuard::succeeded`] takes it back, so that
/// attempts at the same time are counted like those one after the other.
#[must_use]
#[derive(Debug)]
pub struct Attempt {
    keys: Vec<Key>,
    at: Instant,
}

impl LoginGuard {
    /// Begins a login to `account` (none if only the token tells) from `address`.
    ///
    /// # Errors
    /// How long to wait, when there were too many failures; a refused attempt is not counted.
    pub fn begin(
        &self,
        account: Option<&str>,
        address: IpAddr,
        now: Instant,
    ) -> Result<Attempt, Duration> {
        let mut keys = vec![Key::Address(network(address))];
        // What somebody claims to be may be a megabyte long.
        keys.extend(account.map(|name| Key::Account(name.chars().take(128).collect())));
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let wait = keys.iter().filter_map(|key| wait(failures.get_mut(key)?, now)).max();
        if let Some(wait) = wait {
            return Err(wait);
        }
        for key in &keys {
            failures.entry(key.clone()).or_default().push_back(now);
        }
        if failures.len() > WATCHED {
            forget(&mut failures, now);
        }
        Ok(Attempt { keys, at: now })
    }

    /// Takes back an attempt that turned out right. Earlier failures stay: one good login does
    /// not make the guesses before it undone.
    pub fn succeeded(&self, attempt: &Attempt) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        for key in &attempt.keys {
            let Some(times) = failures.get_mut(key) else { continue };
            if let Some(at) = times.iter().position(|time| *time == attempt.at) {
                times.remove(at);
            }
            if times.is_empty() {
                failures.remove(key);
            }
        }
    }
}

/// How long until another attempt is allowed; none if it is.
fn wait(times: &mut VecDeque<Instant>, now: Instant) -> Option<Duration> {
    while times.front().is_some_and(|time| now.saturating_duration_since(*time) >= WINDOW) {
        times.pop_front();
    }
    let oldest = times.front()?;
    (times.len() >= LIMIT).then(|| WINDOW.saturating_sub(now.saturating_duration_since(*oldest)))
}

fn forget(failures: &mut HashMap<Key, VecDeque<Instant>>, now: Instant) {
    failures.retain(|_, times| {
        times.back().is_some_and(|time| now.saturating_duration_since(*time) < WINDOW)
    });
    if failures.len() > WATCHED {
        let mut last: Vec<Instant> =
            failures.values().filter_map(|times| times.back().copied()).collect();
        let middle = last.len() / 2;
        let (_, median, _) = last.select_nth_unstable(middle);
        let median = *median;
        failures.retain(|_, times| times.back().is_some_and(|time| *time > median));
    }
}

/// Of an IPv6 address the network counts: whoever has one has 2^64 addresses.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let mask = !u128::from(u64::MAX);
            IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & mask))
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    fn fail(guard: &LoginGuard, account: &str, from: IpAddr, now: Instant) -> bool {
        guard.begin(Some(account), from, now).is_ok()
    }

    #[test]
    fn the_eleventh_failure_of_an_account_is_refused_from_anywhere() {
        let (guard, now) = (LoginGuard::default(), Instant::now());
        for i in 0..10 {
            assert!(fail(&guard, "a", address(i), now));
        }
        assert_eq!(guard.begin(Some("a"), address(99), now).unwrap_err(), WINDOW);
        assert!(fail(&guard, "b", address(99), now), "others go on");
        assert!(fail(&guard, "a", address(99), now + WINDOW), "and so does it, after a while");
    }

    #[test]
    fn the_eleventh_failure_from_an_address_is_refused_for_any_account() {
        let (guard, now) = (LoginGuard::default(), Instant::now());
        for i in 0..10 {
            assert!(fail(&guard, &format!("account {i}"), address(1), now));
        }
        assert!(!fail(&guard, "another", address(1), now));
        assert!(guard.begin(None, address(1), now).is_err());
        let mapped = "::ffff:192.0.2.1".parse().unwrap();
        assert!(!fail(&guard, "another", mapped, now), "the same address in other clothes");
    }

    #[test]
    fn neighbours_in_an_ipv6_network_count_as_one() {
        let (guard, now) = (LoginGuard::default(), Instant::now());
        for i in 0..10_u16 {
            let from = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, i).into();
            assert!(fail(&guard, &i.to_string(), from, now));
        }
        assert!(!fail(&guard, "x", "2001:db8::ffff".parse().unwrap(), now));
        assert!(fail(&guard, "x", "2001:db8:0:1::1".parse().unwrap(), now));
    }

    #[test]
    fn a_good_login_is_not_counted_and_wipes_nothing() {
        let (guard, now) = (LoginGuard::default(), Instant::now());
        for _ in 0..9 {
            assert!(fail(&guard, "a", address(1), now));
        }
        for _ in 0..20 {
            let attempt = guard.begin(Some("a"), address(1), now).unwrap();
            guard.succeeded(&attempt);
        }
        assert!(fail(&guard, "a", address(1), now));
        assert!(!fail(&guard, "a", address(1), now));
    }

    #[test]
    fn refused_attempts_do_not_prolong_the_wait() {
        let (guard, now) = (LoginGuard::default(), Instant::now());
        for _ in 0..10 {
            assert!(fail(&guard, "a", address(1), now));
        }
        for s in 1..100 {
            assert!(!fail(&guard, "a", address(1), now + Duration::from_secs(s)));
        }
        assert!(fail(&guard, "a", address(1), now + WINDOW));
    }

    #[test]
    fn memory_is_bounded_and_the_latest_are_remembered() {
        let (guard, start) = (LoginGuard::default(), Instant::now());
        for i in 0..u32::try_from(WATCHED).unwrap() * 2 {
            let from = IpAddr::from(std::net::Ipv4Addr::from_bits(i));
            let _ = guard.begin(None, from, start + Duration::from_millis(u64::from(i)));
        }
        let failures = guard.failures.lock().unwrap();
        assert!(failures.len() <= WATCHED);
        let last = std::net::Ipv4Addr::from_bits(u32::try_from(WATCHED).unwrap() * 2 - 1);
        assert!(failures.contains_key(&Key::Address(last.into())));
    }
}
