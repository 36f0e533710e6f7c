//! How much may be under way to a peer (NewReno, RFC 9002 §7).

use crate::time::Instant;

/// The size that a window is counted in.
const PACKET: usize = crate::config::MAX_DATAGRAM_BYTES;
const INITIAL_WINDOW: usize = 10 * PACKET;
/// However bad the path is, so much may be under way: enough for people's messages.
const MIN_WINDOW: usize = 6 * PACKET;
/// A packet up to this size waits for no other, unless the configured limit is reached.
const SMALL: usize = 400;

/// The congestion window of a path.
#[derive(Debug)]
pub(super) struct Congestion {
    window: usize,
    slow_start_until: usize,
    in_flight: usize,
    /// Losses of packets sent before this are part of a congestion that has been reacted to.
    recovery_start: Option<Instant>,
}

impl Default for Congestion {
    fn default() -> Self {
        Self {
            window: INITIAL_WINDOW,
            slow_start_until: usize::MAX,
            in_flight: 0,
            recovery_start: None,
        }
    }
}

impl Congestion {
    /// How large the next packet may be when `max` bytes may be in flight at most.
    pub(super) fn available(&self, max: usize) -> usize {
        let fits = |bytes, limit| self.in_flight == 0 || self.in_flight + bytes <= limit;
        if fits(PACKET, self.window.min(max)) {
            PACKET
        } else if fits(SMALL, max) {
            SMALL
        } else {
            0
        }
    }

    /// A packet that will be acknowledged was sent.
    pub(super) fn sent(&mut self, bytes: usize) {
        self.in_flight += bytes;
    }

    /// A packet that was sent at `sent` has been acknowledged.
    pub(super) fn acknowledged(&mut self, bytes: usize, sent: Instant, max: usize) {
        // A window that was not used has not been tried.
        let limited = self.in_flight * 2 >= self.window;
        self.in_flight = self.in_flight.saturating_sub(bytes);
        if !limited || self.recovery_start.is_some_and(|start| sent <= start) {
            return;
        }
        self.window += if self.window < self.slow_start_until {
            bytes
        } else {
            PACKET * bytes / self.window
        };
        self.window = self.window.min(max.max(MIN_WINDOW));
    }

    /// A packet that was sent at `sent` is lost.
    pub(super) fn lost(&mut self, bytes: usize, sent: Instant, now: Instant) {
        if !planted!(LostBytesStayInFlight) {
            self.in_flight = self.in_flight.saturating_sub(bytes);
        }
        if self.recovery_start.is_some_and(|start| sent <= start) {
            return;
        }
        self.recovery_start = Some(now);
        self.window = (self.window / 2).max(MIN_WINDOW);
        self.slow_start_until = self.window;
    }

    /// Nothing has been acknowledged for so long that the path may have changed altogether.
    pub(super) fn persistent(&mut self) {
        self.window = MIN_WINDOW;
    }

    /// The packets now go elsewhere: what was learnt about the old path means nothing.
    pub(super) fn moved(&mut self) {
        *self = Self {
            in_flight: self.in_flight,
            ..Self::default()
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX: usize = 256 << 10;

    fn at(millis: u64) -> Instant {
        Instant::from_micros(millis * 1_000)
    }

    #[test]
    fn the_window_doubles_in_a_round_trip_until_a_loss_halves_it() {
        let mut congestion = Congestion::default();
        assert_eq!(congestion.window, 12_000);
        for _ in 0..10 {
            congestion.sent(PACKET);
        }
        assert!(congestion.available(MAX) < PACKET);
        for _ in 0..4 {
            congestion.acknowledged(PACKET, at(0), MAX);
        }
        assert_eq!(congestion.window, INITIAL_WINDOW + 4 * PACKET);
        for sent in 0..6 {
            congestion.lost(PACKET, at(sent), at(10));
        }
        assert_eq!(
            congestion.window,
            (INITIAL_WINDOW + 4 * PACKET) / 2,
            "once a round trip"
        );
        assert_eq!(congestion.in_flight, 0);
    }

    #[test]
    fn after_a_loss_the_window_grows_by_a_packet_in_a_round_trip() {
        let mut congestion = Congestion::default();
        while congestion.available(MAX) == PACKET {
            congestion.sent(PACKET);
        }
        congestion.lost(PACKET, at(1), at(2));
        let window = congestion.window;
        congestion.acknowledged(PACKET, at(2), MAX);
        assert_eq!(congestion.window, window, "sent before the loss was known");
        congestion.acknowledged(PACKET, at(3), MAX);
        assert_eq!(congestion.window, window + PACKET * PACKET / window);
    }

    #[test]
    fn when_nothing_gets_through_the_window_falls_to_its_floor() {
        let mut congestion = Congestion::default();
        congestion.persistent();
        for _ in 0..6 {
            assert_eq!(congestion.available(MAX), PACKET);
            congestion.sent(PACKET);
        }
        assert!(congestion.available(MAX) < PACKET);
    }

    #[test]
    fn what_is_in_flight_stays_so_when_the_path_changes() {
        let mut congestion = Congestion::default();
        congestion.sent(PACKET);
        congestion.moved();
        assert_eq!(congestion.in_flight, PACKET);
        assert_eq!(congestion.window, INITIAL_WINDOW);
    }

    #[test]
    fn a_small_packet_waits_only_for_the_configured_limit() {
        let mut congestion = Congestion::default();
        while congestion.available(MAX) == PACKET {
            congestion.sent(PACKET);
        }
        assert_eq!(congestion.available(MAX), SMALL);
        congestion.sent(MAX);
        assert_eq!(congestion.available(MAX), 0);
    }

    #[test]
    fn the_window_has_a_floor_and_a_ceiling() {
        let mut congestion = Congestion::default();
        for round in 0..50 {
            congestion.lost(0, at(round * 2 + 1), at(round * 2 + 2));
        }
        assert_eq!(congestion.window, MIN_WINDOW);
        congestion.moved();
        for _ in 0..10_000 {
            while congestion.available(MAX) == PACKET {
                congestion.sent(PACKET);
            }
            congestion.acknowledged(PACKET, at(1_000), MAX);
        }
        assert_eq!(congestion.window, MAX);
    }

    #[test]
    fn a_window_that_is_not_used_does_not_grow() {
        let mut congestion = Congestion::default();
        for _ in 0..1_000 {
            congestion.sent(100);
            congestion.acknowledged(100, at(5), MAX);
        }
        assert_eq!(congestion.window, INITIAL_WINDOW);
    }
}
