//! A token bucket with the clock as an argument.

use crate::Millis;

/// Allows a burst, and a rate in the long run.
#[derive(Clone, Copy, Debug)]
pub struct TokenBucket {
    tokens: f64,
    burst: f64,
    per_ms: f64,
    filled: Millis,
}

impl TokenBucket {
    /// A full bucket that holds `burst` tokens and gets `per_second` new ones.
    pub fn new(now: Millis, per_second: f64, burst: f64) -> TokenBucket {
        TokenBucket { tokens: burst, burst, per_ms: per_second / 1000.0, filled: now }
    }

    /// Takes a token, if there is one. A clock that went back adds none.
    pub fn take(&mut self, now: Millis) -> bool {
        let gained = (now - self.filled).max(0.0) * self.per_ms;
        self.tokens = (self.tokens + gained).min(self.burst);
        self.filled = now;
        if self.tokens < 1.0 {
            return false;
        }
        self.tokens -= 1.0;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_and_then_the_rate() {
        let mut bucket = TokenBucket::new(Millis(0.0), 20.0, 40.0);
        let burst = (0..100).filter(|_| bucket.take(Millis(0.0))).count();
        assert_eq!(burst, 40);
        assert!(!bucket.take(Millis(49.0)));
        assert!(bucket.take(Millis(51.0)));
        let second = (0..1000).filter(|i| bucket.take(Millis(51.0 + f64::from(*i)))).count();
        assert!((19..=20).contains(&second), "{second}");
    }
}
