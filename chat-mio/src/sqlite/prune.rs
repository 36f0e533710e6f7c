//! Forgets the ids of entries that were trimmed long ago, a few at a time.

use chat_core::time::{Duration, Instant, Now};
use rusqlite::{Connection, OptionalExtension, params};

/// Ids outlive the outbox of every client that could send their messages again (30 days).
const KEPT: Duration = Duration::from_secs(60 * 24 * 3_600);
/// All ids are looked at once in this time.
const INTERVAL: Duration = Duration::from_secs(24 * 3_600);
/// The time between two steps of it.
const STEP: Duration = Duration::from_secs(1);
/// Ids looked at in one step, so that nobody has to wait for it.
const STEP_IDS: i64 = 1_000;

/// Where the search for old ids stands.
#[derive(Debug)]
pub(super) struct Pruner {
    next: Instant,
    /// The last id that was looked at.
    after: (i64, [u8; 16]),
}

const START: (i64, [u8; 16]) = (i64::MIN, [0; 16]);

impl Pruner {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            next: now + STEP,
            after: START,
        }
    }

    pub(super) fn next(&self) -> Instant {
        self.next
    }

    pub(super) fn handle_timeout(&mut self, now: Now, connection: &mut Connection) {
        if now.instant < self.next {
            return;
        }
        let oldest = now.wall.as_micros().saturating_sub(micros(KEPT));
        match self.step(connection, i64::try_from(oldest).unwrap_or(i64::MAX)) {
            Ok(true) => self.next = now.instant + STEP,
            Ok(false) => {
                self.after = START;
                self.next = now.instant + INTERVAL;
            }
            Err(error) => {
                // Nothing depends on it; the store's own operations tell what is wrong.
                tracing::debug!(%error, "old ids cannot be removed");
                self.next = now.instant + INTERVAL;
            }
        }
    }

    /// Looks at some ids. `false`: they were the last.
    fn step(&mut self, connection: &mut Connection, oldest: i64) -> rusqlite::Result<bool> {
        let (log, id) = self.after;
        let last: Option<(i64, [u8; 16])> = connection
            .prepare_cached(
                "SELECT log, id FROM ids WHERE (log, id) > (?1, ?2)
                 ORDER BY log, id LIMIT 1 OFFSET ?3",
            )?
            .query_row(params![log, id, STEP_IDS - 1], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .optional()?;
        let (last_log, last_id) = last.unwrap_or((i64::MAX, [0xff; 16]));
        connection
            .prepare_cached(
                "DELETE FROM ids
                 WHERE (log, id) > (?1, ?2) AND (log, id) <= (?3, ?4) AND received < ?5
                 AND NOT EXISTS (SELECT 1 FROM entries
                                 WHERE entries.log = ids.log AND entries.position = ids.position)",
            )?
            .execute(params![log, id, last_log, last_id, oldest])?;
        self.after = (last_log, last_id);
        Ok(last.is_some())
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
