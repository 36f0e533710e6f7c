//! Which key is due when.

use alloc::collections::{BTreeMap, BTreeSet};

use crate::time::Instant;

/// At most one deadline for each key; the due ones are found without looking at the others.
pub(crate) struct Timers<K> {
    deadlines: BTreeMap<K, Instant>,
    queue: BTreeSet<(Instant, K)>,
}

impl<K: Ord + Clone> Timers<K> {
    pub(crate) const fn new() -> Self {
        Self {
            deadlines: BTreeMap::new(),
            queue: BTreeSet::new(),
        }
    }

    /// `key` is due at `at`, whatever it was before.
    pub(crate) fn set(&mut self, key: K, at: Instant) {
        if let Some(before) = self.deadlines.insert(key.clone(), at) {
            self.queue.remove(&(before, key.clone()));
        }
        self.queue.insert((at, key));
    }

    /// `key` is due at `at`, or earlier if it was to be.
    pub(crate) fn set_no_later(&mut self, key: K, at: Instant) {
        if self.deadlines.get(&key).is_none_or(|before| *before > at) {
            self.set(key, at);
        }
    }

    pub(crate) fn clear(&mut self, key: &K) {
        if let Some(at) = self.deadlines.remove(key) {
            self.queue.remove(&(at, key.clone()));
        }
    }

    /// When the first key is due.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.queue.first().map(|(at, _)| *at)
    }

    /// Removes a key that is due.
    pub(crate) fn pop(&mut self, now: Instant) -> Option<K> {
        if self.next()? > now {
            return None;
        }
        let (_, key) = self.queue.pop_first()?;
        self.deadlines.remove(&key);
        Some(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_due_in_order_of_time_and_once() {
        let at = Instant::from_micros;
        let mut timers = Timers::new();
        timers.set('b', at(2));
        timers.set('a', at(1));
        timers.set('c', at(9));
        timers.set('c', at(3));
        timers.set_no_later('b', at(5));
        timers.clear(&'a');
        assert_eq!(timers.next(), Some(at(2)));
        assert_eq!(timers.pop(at(1)), None);
        assert_eq!(timers.pop(at(3)), Some('b'));
        assert_eq!(timers.pop(at(3)), Some('c'));
        assert_eq!(timers.pop(at(3)), None);
        assert_eq!(timers.next(), None);
    }
}
