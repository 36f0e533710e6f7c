//! How long an answer takes (RFC 6298, with constants for people who wait for it).

use crate::{config::LinkConfig, time::Duration};

/// The longest timeout, backed off, of a small message that is still young.
pub(super) const MAX_URGENT_TIMEOUT: Duration = Duration::from_millis(100);

/// The estimate of the round trip time to a peer.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct RoundTrip {
    smoothed: Option<Duration>,
    variation: Duration,
    /// How often the timeout has passed without any progress.
    backoff: u32,
}

impl RoundTrip {
    /// The smoothed round trip time, once measured.
    pub(super) fn smoothed(&self) -> Option<Duration> {
        self.smoothed
    }

    /// Takes a measurement.
    pub(super) fn measured(&mut self, sample: Duration) {
        let Some(smoothed) = self.smoothed else {
            self.smoothed = Some(sample);
            self.variation = sample / 2;
            return;
        };
        self.variation = (self.variation * 3 + smoothed.abs_diff(sample)) / 4;
        self.smoothed = Some((smoothed * 7 + sample) / 8);
    }

    /// The timeout has passed: the next one is longer, unless it is urgent and as long as it gets.
    pub(super) fn timed_out(&mut self, config: &LinkConfig, urgent: bool) {
        let longest = if urgent {
            MAX_URGENT_TIMEOUT
        } else {
            config.max_timeout
        };
        if self.timeout(config, false) < longest {
            self.backoff += 1;
        }
    }

    /// Something was acknowledged.
    pub(super) fn progressed(&mut self) {
        self.backoff = 0;
    }

    /// Whether the timeout has passed repeatedly since something was acknowledged.
    pub(super) fn is_backed_off(&self) -> bool {
        self.backoff > 1
    }

    /// How long to wait for an acknowledgement, without any backoff.
    pub(super) fn base_timeout(&self, config: &LinkConfig) -> Duration {
        match self.smoothed {
            None => config.initial_timeout,
            Some(smoothed) => (smoothed + self.variation * 4)
                .max(smoothed * 3 / 2)
                .clamp(config.min_timeout, config.max_timeout),
        }
    }

    /// How long to wait for an acknowledgement; `urgent` if a small message is still young.
    pub(super) fn timeout(&self, config: &LinkConfig, urgent: bool) -> Duration {
        let base = self.base_timeout(config);
        let backed_off = base.saturating_mul(1 << self.backoff.min(16));
        let longest = if urgent {
            MAX_URGENT_TIMEOUT.max(base)
        } else {
            config.max_timeout
        };
        backed_off.min(longest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn the_first_timeout_is_the_configured_one() {
        let config = LinkConfig::default();
        assert_eq!(RoundTrip::default().timeout(&config, false), ms(100));
    }

    #[test]
    fn it_is_backed_off_when_the_timeout_has_passed_twice_without_progress() {
        let config = LinkConfig::default();
        let mut round_trip = RoundTrip::default();
        round_trip.timed_out(&config, false);
        assert!(!round_trip.is_backed_off());
        round_trip.timed_out(&config, false);
        assert!(round_trip.is_backed_off());
        round_trip.progressed();
        assert!(!round_trip.is_backed_off());
    }

    #[test]
    fn the_timeout_follows_the_round_trip_but_not_below_the_minimum() {
        let config = LinkConfig::default();
        let mut round_trip = RoundTrip::default();
        for _ in 0..50 {
            round_trip.measured(ms(1));
        }
        assert_eq!(round_trip.timeout(&config, false), ms(20));
        for _ in 0..200 {
            round_trip.measured(ms(200));
        }
        assert_eq!(round_trip.smoothed().unwrap().as_millis(), 199);
        assert!(round_trip.timeout(&config, false) >= ms(298));
    }

    #[test]
    fn the_timeout_doubles_without_progress_up_to_the_longest() {
        let config = LinkConfig::default();
        let mut round_trip = RoundTrip::default();
        let timeouts: [u128; 8] = core::array::from_fn(|_| {
            let timeout = round_trip.timeout(&config, false);
            round_trip.timed_out(&config, false);
            timeout.as_millis()
        });
        assert_eq!(timeouts, [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
        round_trip.progressed();
        assert_eq!(round_trip.timeout(&config, false), ms(100));
    }

    #[test]
    fn a_young_small_message_is_sent_again_within_100_ms() {
        let config = LinkConfig::default();
        let mut round_trip = RoundTrip::default();
        round_trip.measured(ms(1));
        for _ in 0..100 {
            assert!(round_trip.timeout(&config, true) <= ms(100));
            round_trip.timed_out(&config, true);
        }
        assert!(
            round_trip.timeout(&config, false) < ms(200),
            "it goes on from there"
        );
        round_trip.measured(ms(1_000));
        assert!(
            round_trip.timeout(&config, true) >= ms(180),
            "not before an answer can be there"
        );
    }
}
