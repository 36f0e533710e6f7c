//! How one direction between two hosts behaves.

use std::time::Duration;

use chat_core::time::Instant;

use crate::{
    faults::Faults,
    random::{Random, Stream},
};

/// So many datagrams in a row are lost together.
const BURST: u64 = 12;
/// What waits longer than this for its turn on a slow line is dropped, as by a full queue.
const LONGEST_QUEUE: Duration = Duration::from_millis(400);

/// How one direction between two hosts behaves. Chances are per mille.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// The shortest time a datagram takes.
    pub delay: Duration,
    /// At most so much is added to it, drawn for each datagram.
    pub jitter: Duration,
    /// Bytes a second; zero: as many as there are.
    pub bandwidth: u64,
    /// Larger datagrams are dropped.
    pub largest: usize,
    /// Datagrams that are lost.
    pub loss: u32,
    /// Runs of datagrams that are lost.
    pub burst: u32,
    /// Datagrams that arrive twice.
    pub duplication: u32,
    /// Datagrams that are held back for up to ten times the delay.
    pub reordering: u32,
    /// Datagrams that arrive with one bit flipped, cut short, or with bytes added.
    pub corruption: u32,
}

impl Default for Link {
    /// A local network that loses nothing.
    fn default() -> Self {
        Self {
            delay: Duration::from_micros(500),
            jitter: Duration::ZERO,
            bandwidth: 0,
            largest: 65_507,
            loss: 0,
            burst: 0,
            duplication: 0,
            reordering: 0,
            corruption: 0,
        }
    }
}

/// What a direction has carried.
#[derive(Debug, Default)]
pub(super) struct Way {
    entity: u64,
    /// Datagrams handed in.
    carried: u64,
    pub(super) bytes: u64,
    /// When a slow line has sent what it was given.
    free_at: Instant,
}

/// The time a copy of a datagram takes, and its bytes.
pub(super) type Copy = (Duration, Vec<u8>);

impl Way {
    /// An unused one; `entity` names it in the draws.
    pub(super) fn new(entity: u64) -> Self {
        Self {
            entity,
            ..Self::default()
        }
    }

    /// What becomes of the next datagram: the copies that arrive.
    pub(super) fn carry(
        &mut self,
        now: Instant,
        link: &Link,
        (random, faults): (Random, &mut Faults),
        datagram: &[u8],
    ) -> Vec<Copy> {
        let number = self.carried;
        self.carried += 1;
        self.bytes += datagram.len() as u64;
        let entity = self.entity;
        let mut happens = |kind, number, per_mille| faults.happens(kind, entity, number, per_mille);

        let lost = happens(Stream::Loss, number, link.loss)
            || happens(Stream::Burst, number / BURST, link.burst)
            || datagram.len() > link.largest;
        let Some(queued) = self.queue(now, link, datagram.len()).filter(|_| !lost) else {
            return Vec::new();
        };
        let twice = happens(Stream::Duplication, number, link.duplication);
        let mut copies = Vec::with_capacity(1 + usize::from(twice));
        for copy in 0..=u64::from(twice) {
            // Both copies of a datagram have draws of their own.
            let draw = number * 2 + copy;
            let up_to = |limit: Duration, stream| {
                let limit = u64::try_from(limit.as_micros()).unwrap_or(u64::MAX);
                let place = draw + (1 << 40);
                Duration::from_micros(random.below(limit, stream, entity, place))
            };
            let mut delay = queued + link.delay + up_to(link.jitter, Stream::Jitter);
            if happens(Stream::Reordering, draw, link.reordering) {
                delay += up_to(link.delay * 10, Stream::Reordering);
            }
            let mut bytes = datagram.to_vec();
            if happens(Stream::Corruption, draw, link.corruption) {
                damage(random, entity, draw, &mut bytes);
            }
            copies.push((delay, bytes));
        }
        copies
    }

    /// How long a datagram waits for its turn and takes on a slow line; `None` if the queue is
    /// full.
    fn queue(&mut self, now: Instant, link: &Link, length: usize) -> Option<Duration> {
        if link.bandwidth == 0 {
            return Some(Duration::ZERO);
        }
        let waiting = self.free_at.saturating_since(now);
        if waiting > LONGEST_QUEUE {
            return None;
        }
        let takes = Duration::from_micros(length as u64 * 1_000_000 / link.bandwidth);
        self.free_at = now.max(self.free_at) + takes;
        Some(waiting + takes)
    }
}

/// Flips a bit, cuts the end off, or adds one.
fn damage(random: Random, entity: u64, draw: u64, bytes: &mut Vec<u8>) {
    let at = |limit: usize| {
        let place = draw + (1 << 41);
        random.below(limit as u64, Stream::Corruption, entity, place) as usize
    };
    match at(4) {
        0 => bytes.truncate(at(bytes.len())),
        1 => bytes.extend([0xa5; 3]),
        _ => {
            let place = at(bytes.len() * 8);
            if let Some(byte) = bytes.get_mut(place / 8) {
                *byte ^= 1 << (place % 8);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrivals(link: Link, datagrams: usize) -> Vec<Vec<Copy>> {
        let random = Random::new(1);
        let mut faults = Faults::by_chance(random);
        let mut way = Way::default();
        let now = Instant::from_micros(1);
        (0..datagrams)
            .map(|_| way.carry(now, &link, (random, &mut faults), &[7; 100]))
            .collect()
    }

    #[test]
    fn a_good_link_carries_everything_once_and_unchanged() {
        let delay = Link::default().delay;
        assert_eq!(arrivals(Link::default(), 1), [[(delay, vec![7; 100])]]);
    }

    #[test]
    fn adding_a_fault_does_not_change_what_another_does() {
        let loss = Link {
            loss: 300,
            ..Link::default()
        };
        let both = Link {
            duplication: 500,
            corruption: 500,
            ..loss
        };
        let lost = |link| -> Vec<bool> {
            let arrivals = arrivals(link, 100);
            arrivals.iter().map(|copies| copies.is_empty()).collect()
        };
        assert_eq!(lost(loss), lost(both));
        assert!(arrivals(both, 100).iter().any(|copies| copies.len() == 2));
    }

    #[test]
    fn a_burst_takes_neighbours_with_it() {
        let link = Link {
            burst: 300,
            ..Link::default()
        };
        let arrivals = arrivals(link, 20 * BURST as usize);
        let runs = arrivals.chunks(BURST as usize);
        let lost = runs.clone().filter(|run| run.iter().all(Vec::is_empty));
        let carried = runs.filter(|run| run.iter().all(|copies| copies.len() == 1));
        let (lost, carried) = (lost.count(), carried.count());
        assert!(lost > 2 && carried > 2, "{lost} {carried}");
        assert_eq!(lost + carried, 20);
    }

    #[test]
    fn a_slow_line_makes_datagrams_wait_and_drops_what_would_wait_too_long() {
        let link = Link {
            bandwidth: 1_000,
            ..Link::default()
        };
        let arrivals = arrivals(link, 10);
        let takes = |copies: &Vec<Copy>| copies.first().map(|(delay, _)| *delay - link.delay);
        let times: Vec<_> = arrivals.iter().filter_map(takes).collect();
        let expected = [100, 200, 300, 400, 500].map(Duration::from_millis);
        assert_eq!(times, expected);
    }
}
