//! Virtual time: a heap of what is to happen, and a clock that jumps to the next of it.

use std::{cmp::Reverse, collections::BinaryHeap, time::Duration};

use chat_core::time::{Instant, Now, WallTime};

/// The wall clock at the origin of virtual time: 2023-10-25 14:40:07 UTC.
pub const WALL_AT_START: WallTime = WallTime::from_micros(1_698_244_807_000_000);

/// So much may happen at one instant; more is a livelock.
const MAX_AT_ONE_INSTANT: u64 = 200_000;

/// A clock with what is to happen, ordered by time, then by when it was scheduled.
#[derive(Debug)]
pub struct Clock<T> {
    now: Instant,
    heap: BinaryHeap<Reverse<Scheduled<T>>>,
    sequence: u64,
    at_this_instant: u64,
}

#[derive(Debug)]
struct Scheduled<T> {
    at: Instant,
    sequence: u64,
    what: T,
}

impl<T> Clock<T> {
    /// A clock at the origin of time.
    pub fn new() -> Self {
        Self {
            now: Instant::ZERO,
            heap: BinaryHeap::new(),
            sequence: 0,
            at_this_instant: 0,
        }
    }

    /// What both clocks show.
    pub fn now(&self) -> Now {
        let wall = WALL_AT_START.as_micros() + self.now.as_micros();
        Now::new(self.now, WallTime::from_micros(wall))
    }

    /// Schedules something for `at`, or at once if that has passed.
    pub fn schedule(&mut self, at: Instant, what: T) {
        self.sequence += 1;
        self.heap.push(Reverse(Scheduled {
            at: at.max(self.now),
            sequence: self.sequence,
            what,
        }));
    }

    /// Schedules something for `delay` from now.
    pub fn schedule_in(&mut self, delay: Duration, what: T) {
        self.schedule(self.now + delay, what);
    }

    /// Jumps to what happens next, unless that is after `deadline`: then the clock stops there.
    ///
    /// # Panics
    /// If so much happens at one instant that time does not go on.
    pub fn next_until(&mut self, deadline: Instant) -> Option<T> {
        if self.heap.peek().is_none_or(|next| next.0.at > deadline) {
            self.advance_to(deadline);
            return None;
        }
        let Scheduled { at, what, .. } = self.heap.pop()?.0;
        self.advance_to(at);
        self.at_this_instant += 1;
        assert!(
            self.at_this_instant <= MAX_AT_ONE_INSTANT,
            "livelock: {MAX_AT_ONE_INSTANT} things happened at {:?}",
            self.now
        );
        Some(what)
    }

    fn advance_to(&mut self, at: Instant) {
        if at > self.now {
            self.now = at;
            self.at_this_instant = 0;
        }
    }
}

impl<T> Default for Clock<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Ord for Scheduled<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.sequence).cmp(&(other.at, other.sequence))
    }
}

impl<T> PartialOrd for Scheduled<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> PartialEq for Scheduled<T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<T> Eq for Scheduled<T> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn things_happen_by_time_and_then_as_they_were_scheduled() {
        let mut clock = Clock::new();
        for (at, what) in [(2, 'b'), (1, 'a'), (2, 'c')] {
            clock.schedule(Instant::from_micros(at), what);
        }
        let end = Instant::from_micros(10);
        let order: String = std::iter::from_fn(|| clock.next_until(end)).collect();
        assert_eq!(order, "abc");
        assert_eq!(clock.now().instant, end);
    }

    #[test]
    fn what_is_scheduled_for_the_past_happens_at_once() {
        let mut clock = Clock::new();
        assert_eq!(clock.next_until(Instant::from_micros(5)), None::<char>);
        clock.schedule(Instant::ZERO, 'a');
        assert_eq!(clock.next_until(Instant::from_micros(5)), Some('a'));
        assert_eq!(clock.now().instant, Instant::from_micros(5));
    }
}
