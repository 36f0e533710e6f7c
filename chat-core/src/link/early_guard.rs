//! Tells a first handshake message from its replay, before anything that rides in it is taken.

use alloc::collections::{BTreeMap, BTreeSet};

use crate::{id::PublicKey, time::WallTime};

/// Keys that are remembered; at the limit the one with the lowest counter is forgotten.
const MAX_KEYS: usize = 1 << 14;

/// The highest handshake counter seen of each key.
///
/// A counter follows the wall clock, so that of a key that is not known must not be before the
/// start of this endpoint, and after what was forgotten: a message whose sender's clock is behind
/// only loses its ride and comes again after the handshake.
#[derive(Debug, Default)]
pub(super) struct EarlyGuard {
    seen: BTreeMap<PublicKey, u64>,
    /// The same, by counter.
    lowest_first: BTreeSet<(u64, PublicKey)>,
    floor: Option<u64>,
}

impl EarlyGuard {
    /// The clock shows this: the first call sets what is too old for a key that is not known.
    pub(super) fn started(&mut self, wall: WallTime) {
        self.floor.get_or_insert(wall.as_micros());
    }

    /// Whether the counter is higher than all that came of this key; it is then noted.
    pub(super) fn is_fresh(&mut self, key: &PublicKey, counter: u64) -> bool {
        let floor = self.floor.unwrap_or_default();
        if let Some(seen) = self.seen.get_mut(key) {
            let fresh = counter > *seen;
            if fresh {
                self.lowest_first.remove(&(*seen, *key));
                self.lowest_first.insert((counter, *key));
                *seen = counter;
            }
            return fresh;
        }
        if counter < floor {
            return false;
        }
        if self.seen.len() >= MAX_KEYS {
            self.forget_lowest();
        }
        self.lowest_first.insert((counter, *key));
        self.seen.insert(*key, counter);
        true
    }

    fn forget_lowest(&mut self) {
        if let Some((counter, key)) = self.lowest_first.pop_first() {
            self.seen.remove(&key);
            self.floor = self.floor.max(Some(counter.saturating_add(1)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> PublicKey {
        PublicKey([byte; 32])
    }

    #[test]
    fn a_counter_of_a_key_is_fresh_only_above_all_before_it() {
        let mut guard = EarlyGuard::default();
        let fresh = [5, 5, 4, 6].map(|counter| guard.is_fresh(&key(1), counter));
        assert_eq!(fresh, [true, false, false, true]);
        assert!(guard.is_fresh(&key(2), 1));
    }

    #[test]
    fn what_was_made_before_the_start_is_not_fresh() {
        let mut guard = EarlyGuard::default();
        guard.started(WallTime::from_micros(100));
        guard.started(WallTime::from_micros(0));
        assert!(!guard.is_fresh(&key(1), 99));
        assert!(guard.is_fresh(&key(1), 100));
    }

    #[test]
    fn what_was_forgotten_is_not_taken_for_fresh() {
        let mut guard = EarlyGuard::default();
        let keys = || (0..MAX_KEYS as u64 + 100).map(|number| (wide_key(number), number));
        for (key, counter) in keys() {
            assert!(guard.is_fresh(&key, counter));
        }
        assert_eq!(guard.seen.len(), MAX_KEYS);
        for (key, counter) in keys() {
            assert!(!guard.is_fresh(&key, counter));
        }
    }

    fn wide_key(number: u64) -> PublicKey {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&number.to_le_bytes());
        PublicKey(key)
    }
}
