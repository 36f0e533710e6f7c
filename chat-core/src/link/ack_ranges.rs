//! Which packets of a session are to be acknowledged, and how that is said (RFC 9000 §13.2, §19.3).

use alloc::vec::Vec;
use core::ops::RangeInclusive;

use crate::{
    time::Instant,
    wire::{AckRange, LinkFrame, List},
};

/// Ranges that are kept; when there are more the lowest is forgotten, and its packets come again.
const MAX_RANGES: usize = 32;

/// The counters of packets whose content was taken.
#[derive(Debug, Default)]
pub(super) struct AckRanges {
    /// In rising order, with gaps between them.
    ranges: Vec<RangeInclusive<u64>>,
    largest_arrived: Instant,
    due: bool,
}

impl AckRanges {
    /// Notes a packet; `eliciting` if it asks for an acknowledgement.
    pub(super) fn insert(&mut self, now: Instant, counter: u64, eliciting: bool) {
        self.due |= eliciting;
        if self.ranges.last().is_none_or(|last| *last.end() < counter) {
            self.largest_arrived = now;
        }
        let at = self
            .ranges
            .partition_point(|range| *range.end() < counter.saturating_sub(1));
        match self.ranges.get(at).cloned() {
            Some(range) if range.contains(&counter) => {}
            Some(range) if counter <= range.end() + 1 && counter + 1 >= *range.start() => {
                self.ranges[at] = counter.min(*range.start())..=counter.max(*range.end());
                self.join_with_next(at);
            }
            _ => self.ranges.insert(at, counter..=counter),
        }
        if self.ranges.len() > MAX_RANGES {
            self.ranges.remove(0);
        }
    }

    fn join_with_next(&mut self, at: usize) {
        let (start, end) = (*self.ranges[at].start(), *self.ranges[at].end());
        if let Some(next) = self.ranges.get(at + 1)
            && *next.start() == end + 1
        {
            self.ranges[at] = start..=*next.end();
            self.ranges.remove(at + 1);
        }
    }

    /// Whether an acknowledgement should be sent.
    pub(super) fn is_due(&self) -> bool {
        self.due
    }

    /// The highest counter noted.
    pub(super) fn largest(&self) -> Option<u64> {
        self.ranges.last().map(|range| *range.end())
    }

    /// The acknowledgement of all noted packets, or of as many of the latest as `space` bytes
    /// have room for. None if there are none.
    pub(super) fn frame(&mut self, now: Instant, space: usize) -> Option<LinkFrame> {
        let largest = self.largest()?;
        let delay = now.saturating_since(self.largest_arrived).as_micros() as u64;
        // An array of four, its tag, and an array of up to 32.
        let mut size = 4 + integer_bytes(largest) + integer_bytes(delay);
        let mut frame = Vec::new();
        for (at, range) in self.ranges.iter().enumerate().rev() {
            let missing = match at.checked_sub(1) {
                Some(below) => range.start() - self.ranges[below].end() - 1,
                None => 0,
            };
            let arrived = range.end() - range.start() + 1;
            size += 1 + integer_bytes(arrived) + integer_bytes(missing);
            if size > space {
                break;
            }
            let extra = u64::from(planted!(AckOneTooMany) && missing > 0);
            frame.push(AckRange {
                arrived: arrived + extra,
                missing: missing - extra,
            });
        }
        if frame.is_empty() {
            return None;
        }
        self.due = false;
        Some(LinkFrame::Ack {
            largest,
            delay,
            ranges: List::new(frame),
        })
    }

    /// Forgets the counters up to this one: the other side knows that they arrived.
    pub(super) fn forget_up_to(&mut self, counter: u64) {
        let Some(largest) = self.largest() else {
            return;
        };
        let lowest = counter.saturating_add(1).min(largest);
        self.ranges.retain(|range| *range.end() >= lowest);
        if let Some(first) = self.ranges.first_mut() {
            *first = lowest.max(*first.start())..=*first.end();
        }
    }
}

/// The counters that an acknowledgement names, from high to low; none of it if it makes no sense.
pub(super) fn acknowledged(largest: u64, ranges: &[AckRange]) -> Option<Vec<RangeInclusive<u64>>> {
    let mut named = Vec::with_capacity(ranges.len());
    // One above the highest counter of the next range.
    let mut above = largest.checked_add(1)?;
    for range in ranges {
        if range.arrived == 0 {
            return None;
        }
        let start = above.checked_sub(range.arrived)?;
        named.push(start..=above - 1);
        above = start.saturating_sub(range.missing);
        if above == 0 {
            break;
        }
    }
    Some(named)
}

/// The length of an unsigned integer in CBOR.
fn integer_bytes(value: u64) -> usize {
    match value {
        0..24 => 1,
        24..0x100 => 2,
        0x100..0x1_0000 => 3,
        0x1_0000..0x1_0000_0000 => 5,
        _ => 9,
    }
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::wire::encode;

    #[test]
    fn an_acknowledgement_is_due_once_for_what_asks_for_it() {
        let mut ranges = AckRanges::default();
        ranges.insert(Instant::ZERO, 0, false);
        assert!(!ranges.is_due());
        ranges.insert(Instant::ZERO, 1, true);
        assert!(ranges.is_due());
        assert!(ranges.frame(Instant::ZERO, 100).is_some());
        assert!(!ranges.is_due());
    }

    #[test]
    fn too_many_gaps_forget_the_lowest_packets() {
        let mut ranges = AckRanges::default();
        for counter in 0..100 {
            ranges.insert(Instant::ZERO, counter * 2, true);
        }
        let named = named(&mut ranges, 1_000);
        assert_eq!(named.len(), MAX_RANGES);
        assert!(named.contains(&198) && !named.contains(&0));
    }

    #[test]
    fn an_acknowledgement_keeps_within_its_space() {
        let mut ranges = AckRanges::default();
        for counter in 0..40 {
            ranges.insert(Instant::ZERO, counter * 1_000, true);
        }
        for space in [20, 40, 90, 1_000] {
            let frame = ranges.frame(Instant::from_micros(7_000_000), space);
            let mut bytes = Vec::new();
            encode(&frame.unwrap(), &mut bytes);
            assert!(bytes.len() <= space, "{} > {space}", bytes.len());
        }
        assert_eq!(ranges.frame(Instant::ZERO, 5), None);
    }

    #[test]
    fn what_the_other_side_knows_is_forgotten() {
        let mut ranges = AckRanges::default();
        for counter in [1, 2, 3, 7, 9] {
            ranges.insert(Instant::ZERO, counter, true);
        }
        ranges.forget_up_to(2);
        assert_eq!(named(&mut ranges, 100), [3, 7, 9].into());
        ranges.forget_up_to(1_000);
        assert_eq!(named(&mut ranges, 100), [9].into());
    }

    #[test]
    fn an_acknowledgement_below_zero_is_no_acknowledgement() {
        let range = |arrived, missing| AckRange { arrived, missing };
        assert_eq!(acknowledged(3, &[range(5, 0)]), None);
        assert_eq!(acknowledged(3, &[range(0, 0)]), None);
        assert_eq!(acknowledged(u64::MAX, &[range(1, 0)]), None);
        assert_eq!(acknowledged(3, &[range(4, 0)]), Some([0..=3].into()));
    }

    proptest! {
        #[test]
        fn what_is_noted_is_what_is_named(counters in prop::collection::vec(0u64..60, 1..100)) {
            let mut ranges = AckRanges::default();
            for counter in &counters {
                ranges.insert(Instant::ZERO, *counter, true);
            }
            let expected: BTreeSet<u64> = counters.into_iter().collect();
            prop_assert_eq!(named(&mut ranges, 1_000), expected);
        }

        #[test]
        fn no_acknowledgement_panics(largest: u64, ranges: Vec<(u64, u64)>) {
            let ranges: Vec<_> = ranges
                .into_iter()
                .map(|(arrived, missing)| AckRange { arrived, missing })
                .collect();
            for range in acknowledged(largest, &ranges).unwrap_or_default() {
                prop_assert!(range.start() <= range.end() && *range.end() <= largest);
            }
        }
    }

    fn named(ranges: &mut AckRanges, space: usize) -> BTreeSet<u64> {
        match ranges.frame(Instant::ZERO, space) {
            Some(LinkFrame::Ack {
                largest, ranges, ..
            }) => acknowledged(largest, &ranges)
                .unwrap()
                .into_iter()
                .flatten()
                .collect(),
            other => panic!("{other:?}"),
        }
    }
}
