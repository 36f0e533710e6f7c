//! So many a second and no more.

use crate::time::{Duration, Instant};

const SECOND: Duration = Duration::from_secs(1);

/// Counts what happens within a second.
#[derive(Debug, Default)]
pub(super) struct RateLimit {
    window: Instant,
    count: u32,
}

impl RateLimit {
    /// Counts one: whether it is within `max` in this second.
    pub(super) fn allows(&mut self, now: Instant, max: u32) -> bool {
        if now.saturating_since(self.window) >= SECOND {
            self.window = now;
            self.count = 0;
        }
        self.count = self.count.saturating_add(1);
        self.count <= max
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_exceeds_the_limit_waits_for_the_next_second() {
        let mut limit = RateLimit::default();
        let mut allowed = |now| [(); 4].map(|()| limit.allows(now, 3));
        assert_eq!(allowed(Instant::ZERO), [true, true, true, false]);
        assert_eq!(allowed(Instant::ZERO + SECOND), [true, true, true, false]);
    }
}
