//! The one place that reads the system's clocks.

use std::time::{Instant as SystemInstant, SystemTime, UNIX_EPOCH};

use chat_core::time::{Duration, Instant, Now, WallTime};

/// The system's monotonic clock, from the moment this was made, and its wall clock.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    origin: SystemInstant,
}

impl Clock {
    /// A clock whose origin is this moment.
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    pub fn new() -> Self {
        Self {
            origin: SystemInstant::now(),
        }
    }

    /// What both clocks show.
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    pub fn now(&self) -> Now {
        // A wall clock before 1970 shows 1970.
        let wall = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Now::new(
            Instant::from_micros(micros(self.origin.elapsed())),
            WallTime::from_micros(micros(wall)),
        )
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}

/// Whether it is time for what is to be done then, if anything is.
pub(crate) fn is_due(at: Option<Instant>, now: Now) -> bool {
    at.is_some_and(|at| at <= now.instant)
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
