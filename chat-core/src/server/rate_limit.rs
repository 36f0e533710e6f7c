//! How many requests a second one client may make.

use crate::time::{Duration, Instant};

/// A token bucket that holds the allowance of one second.
pub(super) struct TokenBucket {
    per_second: u32,
    /// In units of a microsecond's share: a token is worth a million of them.
    level: u64,
    filled: Instant,
}

const TOKEN: u64 = 1_000_000;

impl TokenBucket {
    /// A full bucket.
    pub(super) fn new(now: Instant, per_second: u32) -> Self {
        Self {
            per_second: per_second.max(1),
            level: u64::from(per_second.max(1)) * TOKEN,
            filled: now,
        }
    }

    fn fill(&mut self, now: Instant) {
        let rate = u64::from(self.per_second);
        let passed = now.saturating_since(self.filled).as_micros();
        let passed = u64::try_from(passed).unwrap_or(u64::MAX);
        self.level = rate
            .saturating_mul(passed)
            .saturating_add(self.level)
            .min(rate * TOKEN);
        self.filled = self.filled.max(now);
    }

    /// Takes so many tokens, or a full bucket if it does not hold so many, if they are there.
    pub(super) fn take(&mut self, now: Instant, tokens: u32) -> bool {
        self.fill(now);
        let wanted = self.units(tokens);
        let enough = self.level >= wanted;
        if enough {
            self.level -= wanted;
        }
        enough
    }

    fn units(&self, tokens: u32) -> u64 {
        u64::from(tokens.min(self.per_second)) * TOKEN
    }

    /// When so many tokens are there.
    pub(super) fn ready_at(&self, tokens: u32) -> Instant {
        let missing = self.units(tokens).saturating_sub(self.level);
        self.filled + Duration::from_micros(missing.div_ceil(u64::from(self.per_second)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_of_one_second_passes_and_then_the_rate() {
        let start = Instant::from_micros(5);
        let mut bucket = TokenBucket::new(start, 10);
        assert_eq!((0..20).filter(|_| bucket.take(start, 1)).count(), 10);
        let ready = bucket.ready_at(1);
        assert_eq!(ready, start + Duration::from_millis(100));
        assert!(bucket.take(ready, 1));
        assert!(!bucket.take(ready, 1));
        let later = ready + Duration::from_secs(3_600);
        assert_eq!((0..20).filter(|_| bucket.take(later, 1)).count(), 10);
    }

    #[test]
    fn what_costs_more_than_the_bucket_holds_takes_all_of_it() {
        let start = Instant::from_micros(5);
        let mut bucket = TokenBucket::new(start, 10);
        assert!(bucket.take(start, 4));
        assert!(!bucket.take(start, 100));
        let ready = bucket.ready_at(100);
        assert_eq!(ready, start + Duration::from_millis(400));
        assert!(bucket.take(ready, 100));
        assert!(!bucket.take(ready, 1));
    }

    #[test]
    fn a_clock_that_goes_back_gives_nothing() {
        let mut bucket = TokenBucket::new(Instant::from_micros(5_000_000), 1);
        assert!(bucket.take(Instant::from_micros(5_000_000), 1));
        assert!(!bucket.take(Instant::ZERO, 1));
    }
}
