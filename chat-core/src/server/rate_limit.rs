//! How many requests a second one client may make.

use alloc::collections::BTreeMap;

use crate::{
    id::PublicKey,
    time::{Duration, Instant},
};

/// Buckets that are kept before the full ones among them, which say nothing, are forgotten.
const MIN_KEPT: usize = 1_024;

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

    fn is_full(&mut self, now: Instant) -> bool {
        self.fill(now);
        self.level >= self.units(self.per_second)
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

/// Each key's allowance, whatever the number of its sessions: coming back gives nobody a new one.
/// There are at most twice as many as keys that have asked for something within a second.
pub(super) struct Allowances {
    per_second: u32,
    buckets: BTreeMap<PublicKey, TokenBucket>,
    prune_at: usize,
}

impl Allowances {
    /// The same allowance for everybody.
    pub(super) const fn new(per_second: u32) -> Self {
        Self {
            per_second,
            buckets: BTreeMap::new(),
            prune_at: MIN_KEPT,
        }
    }

    /// The allowance of a key.
    pub(super) fn of(&mut self, now: Instant, key: PublicKey) -> &mut TokenBucket {
        if self.buckets.len() >= self.prune_at {
            self.buckets.retain(|_, bucket| !bucket.is_full(now));
            self.prune_at = (self.buckets.len() * 2).max(MIN_KEPT);
        }
        let new = || TokenBucket::new(now, self.per_second);
        self.buckets.entry(key).or_insert_with(new)
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

    fn key(number: usize) -> PublicKey {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&number.to_le_bytes());
        PublicKey(key)
    }

    #[test]
    fn a_few_allowances_are_kept_though_they_are_full() {
        let mut allowances = Allowances::new(10);
        for number in 0..MIN_KEPT {
            allowances.of(Instant::ZERO, key(number));
        }
        assert_eq!(allowances.buckets.len(), MIN_KEPT);
        allowances.of(Instant::ZERO, key(MIN_KEPT));
        assert_eq!(allowances.buckets.len(), 1);
    }

    #[test]
    fn allowances_that_are_full_again_are_forgotten() {
        let mut allowances = Allowances::new(10);
        let mut now = Instant::ZERO;
        for number in 0..10 * MIN_KEPT {
            assert!(allowances.of(now, key(number)).take(now, 10));
            now = now + Duration::from_millis(10);
        }
        assert!(allowances.buckets.len() <= MIN_KEPT);
        assert!(!allowances.of(now, key(10 * MIN_KEPT - 1)).take(now, 1));
    }

    #[test]
    fn a_clock_that_goes_back_gives_nothing() {
        let mut bucket = TokenBucket::new(Instant::from_micros(5_000_000), 1);
        assert!(bucket.take(Instant::from_micros(5_000_000), 1));
        assert!(!bucket.take(Instant::ZERO, 1));
    }
}
