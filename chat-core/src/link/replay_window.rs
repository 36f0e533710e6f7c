//! Which packets of a session have arrived already (RFC 6479).

const BLOCKS: u64 = 16;
/// How far below the highest packet one may be and still be told apart.
const WINDOW: u64 = (BLOCKS - 1) * 64;

/// A sliding window over the counters of the packets that arrived.
#[derive(Debug, Default)]
pub(super) struct ReplayWindow {
    /// One above the highest counter that arrived.
    next: u64,
    blocks: [u64; BLOCKS as usize],
}

impl ReplayWindow {
    /// Whether a packet with this counter has certainly not arrived before.
    pub(super) fn is_fresh(&self, counter: u64) -> bool {
        if counter >= self.next {
            return counter < u64::MAX;
        }
        self.next - counter <= WINDOW && self.blocks[block(counter)] & bit(counter) == 0
    }

    /// Whether this counter is higher than all before it.
    pub(super) fn is_highest(&self, counter: u64) -> bool {
        counter >= self.next
    }

    /// Notes a fresh counter whose packet was authentic.
    pub(super) fn insert(&mut self, counter: u64) {
        if counter >= self.next {
            let highest = self.next.saturating_sub(1) / 64;
            for entered in (highest + 1..=counter / 64).rev().take(BLOCKS as usize) {
                self.blocks[(entered % BLOCKS) as usize] = 0;
            }
            self.next = counter.saturating_add(1);
        }
        self.blocks[block(counter)] |= bit(counter);
    }
}

fn block(counter: u64) -> usize {
    (counter / 64 % BLOCKS) as usize
}

fn bit(counter: u64) -> u64 {
    1 << (counter % 64)
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_counter_is_fresh_once() {
        let mut window = ReplayWindow::default();
        for counter in [0, 1, 5, 3, 700, 200, 5_000] {
            assert!(window.is_fresh(counter), "{counter}");
            window.insert(counter);
            assert!(!window.is_fresh(counter), "{counter}");
        }
    }

    #[test]
    fn what_is_too_old_to_tell_is_not_fresh() {
        let mut window = ReplayWindow::default();
        window.insert(10_000);
        assert!(!window.is_fresh(10_000 - WINDOW));
        assert!(window.is_fresh(10_001 - WINDOW));
    }

    #[test]
    fn the_last_counter_is_never_taken() {
        assert!(!ReplayWindow::default().is_fresh(u64::MAX));
    }

    proptest! {
        #[test]
        fn it_agrees_with_a_set_of_all_counters(steps in prop::collection::vec(0u64..2_000, 1..300)) {
            let (mut window, mut seen, mut base) = (ReplayWindow::default(), BTreeSet::new(), 0);
            for step in steps {
                let counter = base + step;
                let highest = seen.last().copied();
                let expected = !seen.contains(&counter)
                    && highest.is_none_or(|highest: u64| highest < counter + WINDOW);
                prop_assert_eq!(window.is_fresh(counter), expected);
                if expected {
                    window.insert(counter);
                    seen.insert(counter);
                }
                base += step / 7;
            }
        }
    }
}
