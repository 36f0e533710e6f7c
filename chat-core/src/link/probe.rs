//! Asking a peer for a sign of life.

use crate::time::{Duration, Instant};

/// A probe that runs.
#[derive(Debug)]
pub(super) struct Probe {
    left: u32,
    interval: Duration,
    /// How long to wait after the last packet.
    patience: Duration,
    next: Instant,
}

impl Probe {
    /// A probe of `packets` packets from now on, spaced by `interval`; an answer to the last one
    /// is awaited for `patience`.
    pub(super) fn new(now: Instant, packets: u32, interval: Duration, patience: Duration) -> Self {
        Self {
            left: packets,
            interval,
            patience,
            next: now,
        }
    }

    /// Whether a packet is to be sent.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.left > 0 && self.next <= now
    }

    /// A packet was sent.
    pub(super) fn sent(&mut self, now: Instant) {
        self.left = self.left.saturating_sub(1);
        self.next = now
            + if self.left == 0 {
                self.patience
            } else {
                self.interval
            };
    }

    /// When something is due.
    pub(super) fn next(&self) -> Instant {
        self.next
    }

    /// Whether the probe ended without an answer.
    pub(super) fn has_failed(&self, now: Instant) -> bool {
        self.left == 0 && self.next <= now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_fails_after_all_packets_and_the_wait_for_the_last_answer() {
        let interval = Duration::from_millis(25);
        let mut probe = Probe::new(Instant::ZERO, 20, interval, interval * 4);
        let mut sent = 0;
        while !probe.has_failed(probe.next()) {
            let now = probe.next();
            assert!(probe.is_due(now) && !probe.is_due(now - interval) || sent == 0);
            probe.sent(now);
            sent += 1;
        }
        assert_eq!(sent, 20);
        assert_eq!(probe.next().as_micros(), (19 * 25 + 100) * 1_000);
    }
}
