//! How fast one may ask: a bucket of tokens for each key, in bounded memory.
//!
//! A bucket is kept as the moment at which it will be full again (the generic cell rate algorithm),
//! so that a full one and none are the same thing. When there are too many, those that are full go
//! first and then those that are nearest to it: whoever asks the most is remembered the longest.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::{Duration, Instant};

/// A sustained rate and how much may come at once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// Requests per second, sustained; above 0.
    pub per_second: f64,
    /// Requests at once; at least 1.
    pub burst: f64,
}

/// A bucket for each key.
#[derive(Debug)]
pub struct Buckets<K> {
    /// What one request costs.
    interval: Duration,
    /// How far ahead of now a bucket may become full, before a request is taken.
    ahead: Duration,
    most: usize,
    full_at: HashMap<K, Instant>,
}

impl<K: Eq + Hash> Buckets<K> {
    /// Buckets of this rate, at most `most` at a time.
    #[must_use]
    pub fn new(rate: Rate, most: usize) -> Self {
        let interval = Duration::from_secs_f64(1.0 / rate.per_second.clamp(0.001, 1e6));
        let ahead = interval.mul_f64((rate.burst - 1.0).clamp(0.0, 1e6));
        Self { interval, ahead, most: most.max(1), full_at: HashMap::new() }
    }

    /// Takes one.
    ///
    /// # Errors
    /// How long to wait for it, when there is none; a refused request costs nothing.
    pub fn take(&mut self, key: K, now: Instant) -> Result<(), Duration> {
        let full_at = self.full_at.get(&key).map_or(now, |at| (*at).max(now));
        let ahead = full_at.saturating_duration_since(now);
        if ahead > self.ahead {
            return Err(ahead - self.ahead);
        }
        if self.full_at.len() >= self.most && !self.full_at.contains_key(&key) {
            self.forget(now);
        }
        self.full_at.insert(key, full_at + self.interval);
        Ok(())
    }

    /// Forgets a key.
    pub fn remove(&mut self, key: &K) {
        self.full_at.remove(key);
    }

    /// How many buckets are not known to be full.
    #[must_use]
    pub fn len(&self) -> usize {
        self.full_at.len()
    }

    /// Whether nobody asked lately.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.full_at.is_empty()
    }

    /// Makes room for a quarter of what is kept at most.
    fn forget(&mut self, now: Instant) {
        self.full_at.retain(|_, at| *at > now);
        if self.full_at.len() <= self.most - self.most.div_ceil(4) {
            return;
        }
        let mut moments: Vec<Instant> = self.full_at.values().copied().collect();
        let quarter = (moments.len() - 1) / 4;
        let (_, limit, _) = moments.select_nth_unstable(quarter);
        let limit = *limit;
        self.full_at.retain(|_, at| *at > limit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { per_second: 2.0, burst: 3.0 };

    #[test]
    fn a_burst_is_taken_and_then_the_rate_holds() {
        let mut buckets = Buckets::new(RATE, 10);
        let start = Instant::now();
        for _ in 0..3 {
            assert_eq!(buckets.take(1, start), Ok(()));
        }
        assert_eq!(buckets.take(1, start), Err(Duration::from_millis(500)));
        assert_eq!(buckets.take(2, start), Ok(()), "another has a bucket of its own");
        let later = start + Duration::from_millis(500);
        assert_eq!(buckets.take(1, later), Ok(()), "a refused request cost nothing");
        assert_eq!(buckets.take(1, later), Err(Duration::from_millis(500)));
    }

    #[test]
    fn a_rested_bucket_holds_its_burst_and_no_more() {
        let mut buckets = Buckets::new(RATE, 10);
        let start = Instant::now();
        let _ = buckets.take(1, start);
        let later = start + Duration::from_secs(3600);
        for _ in 0..3 {
            assert_eq!(buckets.take(1, later), Ok(()));
        }
        assert!(buckets.take(1, later).is_err());
    }

    #[test]
    fn memory_is_bounded_and_the_busiest_are_remembered() {
        let mut buckets = Buckets::new(RATE, 100);
        let start = Instant::now();
        for _ in 0..3 {
            let _ = buckets.take(u32::MAX, start);
        }
        for key in 0..10_000 {
            assert_eq!(buckets.take(key, start + Duration::from_micros(u64::from(key))), Ok(()));
            assert!(buckets.len() <= 100);
        }
        let wait = buckets.take(u32::MAX, start + Duration::from_millis(10));
        assert_eq!(wait, Err(Duration::from_millis(490)), "no flood of others makes it forgotten");
    }

    #[test]
    fn full_buckets_go_first() {
        let mut buckets = Buckets::new(RATE, 4);
        let start = Instant::now();
        for key in 0..4 {
            let _ = buckets.take(key, start);
        }
        assert_eq!(buckets.take(9, start + Duration::from_secs(1)), Ok(()));
        assert_eq!(buckets.len(), 1);
    }

    #[test]
    fn limits_that_make_no_sense_still_bound() {
        let mut buckets = Buckets::new(Rate { per_second: 0.0, burst: 0.0 }, 0);
        let now = Instant::now();
        assert_eq!(buckets.take(1, now), Ok(()));
        assert!(buckets.take(1, now).is_err());
        assert_eq!(buckets.take(2, now), Ok(()));
        assert_eq!(buckets.len(), 1);
    }
}
