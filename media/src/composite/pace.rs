//! When the pictures of a composite are due.

use std::time::{Duration, Instant};

/// Ticks of a steady rate. One that was missed is not made up for: the next one counts.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    origin: Instant,
    rate: u32,
    next: u64,
}

/// A picture that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tick {
    /// Its number.
    pub number: u64,
    /// When it was due.
    pub at: Instant,
}

impl Pace {
    /// So many ticks a second, the first at `origin`.
    #[must_use]
    pub fn new(origin: Instant, rate: u32) -> Self {
        Self { origin, rate: rate.max(1), next: 0 }
    }

    /// When a tick is due. No rounding adds up.
    #[must_use]
    pub fn at(&self, number: u64) -> Instant {
        let rate = u64::from(self.rate);
        let nanos = number % rate * 1_000_000_000 / rate;
        self.origin + Duration::from_secs(number / rate) + Duration::from_nanos(nanos)
    }

    /// When the next tick is due.
    #[must_use]
    pub fn next(&self) -> Instant {
        self.at(self.next)
    }

    /// The tick that is due, if one is: the last of them, where several are.
    pub fn due(&mut self, now: Instant) -> Option<Tick> {
        let past = now.checked_duration_since(self.next())?;
        let missed = (past.as_nanos() * u128::from(self.rate) / 1_000_000_000) as u64;
        let number = self.next + missed;
        // Rounding may be off by one at a tick's edge.
        let number = if self.at(number) > now { number - 1 } else { number };
        self.next = number + 1;
        Some(Tick { number, at: self.at(number) })
    }
}
