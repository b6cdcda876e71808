//! When a mail that was not taken is tried again.

use std::time::Duration;

use crate::time::Millis;

/// The rule of trying again: the pause doubles from try to try, up to a longest one, until the
/// mail is too old.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// The pause after the first try.
    pub first: Duration,
    /// The longest pause.
    pub longest: Duration,
    /// How old a mail is when it is given up.
    pub give_up: Duration,
}

impl Default for Retry {
    /// 30 seconds, an hour, three days. Servers that put off a sender whom they do not know
    /// (greylisting) take it after some minutes; a weekend's outage is waited out; and the link of
    /// an invitation, which works for seven days, still does when the mail comes last.
    fn default() -> Self {
        Self {
            first: Duration::from_secs(30),
            longest: Duration::from_secs(60 * 60),
            give_up: Duration::from_secs(3 * 24 * 60 * 60),
        }
    }
}

impl Retry {
    /// When a mail is tried next that was `queued` then and has failed for the time number `tries`
    /// (1 for the first) just now; none when it is given up. The last try is when it is as old as
    /// it may be.
    #[must_use]
    pub fn next(&self, tries: u32, queued: Millis, now: Millis) -> Option<Millis> {
        let end = queued.plus(self.give_up);
        if now >= end {
            return None;
        }
        let doubled = 2_u32.checked_pow(tries.saturating_sub(1));
        let pause = doubled.and_then(|times| self.first.checked_mul(times));
        let pause = pause.unwrap_or(self.longest).min(self.longest);
        Some(now.plus(pause).min(end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUEUED: Millis = Millis(1_000_000);

    fn seconds(from: Millis, to: Millis) -> u64 {
        to.since(from).as_secs()
    }

    #[test]
    fn pauses_double_up_to_the_longest() {
        let retry = Retry::default();
        let pauses: Vec<u64> = (1..=9)
            .map(|tries| seconds(QUEUED, retry.next(tries, QUEUED, QUEUED).unwrap()))
            .collect();
        assert_eq!(pauses, [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]);
        let late = retry.next(u32::MAX, QUEUED, QUEUED).unwrap();
        assert_eq!(seconds(QUEUED, late), 3600);
        assert_eq!(retry.next(0, QUEUED, QUEUED), retry.next(1, QUEUED, QUEUED));
    }

    #[test]
    fn a_mail_is_given_up_when_it_is_too_old_and_not_before_a_last_try() {
        let retry = Retry::default();
        let (mut now, mut tries) = (QUEUED, 1);
        while let Some(next) = retry.next(tries, QUEUED, now) {
            assert!(next > now, "no try without a pause");
            (now, tries) = (next, tries + 1);
        }
        assert_eq!(now, QUEUED.plus(retry.give_up));
        assert_eq!(tries, 79, "7 tries in the first hour or so, then one an hour");
    }

    #[test]
    fn a_clock_that_is_set_back_changes_nothing_but_the_pause() {
        let retry = Retry::default();
        let before = Millis(0);
        assert_eq!(seconds(before, retry.next(1, QUEUED, before).unwrap()), 30);
    }
}
