//! Entries that nobody reads do not stay for ever: slowly, one log after the other is searched
//! for entries that are older than allowed.

use super::{
    item::Item,
    log_reader::PAGE,
    state::{State, Task, Timer},
};
use crate::{
    name::Name,
    store::{Entry, Log, Position, StoreOperation},
    time::{Duration, Now, WallTime},
};

/// In one [`expiry`](crate::config::ServerConfig::expiry) all logs are searched so many times.
const ROUNDS: u32 = 16;
/// The shortest time between two searches.
const MIN_INTERVAL: Duration = Duration::from_millis(10);
/// The longest time between two searches.
const MAX_INTERVAL: Duration = Duration::from_secs(60);

impl State {
    /// Sets the time of the next search.
    pub(super) fn schedule_expiry(&mut self, now: Now) {
        let logs = self.names.len() + self.members.groups() + 1;
        let searches = u32::try_from(logs)
            .unwrap_or(u32::MAX)
            .saturating_mul(ROUNDS);
        let interval = self.config.expiry / searches;
        let interval = interval.clamp(MIN_INTERVAL, MAX_INTERVAL);
        self.timers.set(Timer::Expiry, now.instant + interval);
    }

    fn has_expired(&self, now: Now, received: WallTime) -> bool {
        now.wall.saturating_since(received) > self.config.expiry
    }

    /// Searches the next log: the mailboxes by name, then the groups, then the channel.
    pub(super) fn expire_next(&mut self, now: Now) {
        let next = self.log_after(self.expiry_round.as_ref());
        self.expiry_round = Some(next.clone());
        self.fetch_oldest(now, next);
        self.schedule_expiry(now);
    }

    fn log_after(&self, log: Option<&Log>) -> Log {
        let mailbox = |after: Option<&Name>| self.names.after(after).cloned().map(Log::Mailbox);
        let group = |after: Option<&Name>| {
            let (names, _) = self.members.list_groups(after, 1);
            names.into_iter().next().map(Log::Group)
        };
        let next = match log {
            Some(Log::Mailbox(name)) => mailbox(Some(name)).or_else(|| group(None)),
            Some(Log::Group(name)) => group(Some(name)),
            _ => mailbox(None).or_else(|| group(None)),
        };
        next.unwrap_or(Log::Channel)
    }

    /// Looks at the oldest entries of a log. A mailbox that is being read is left to its reader: what
    /// is in it may have been delivered, and whoever comes before the search still gets its mail.
    pub(super) fn fetch_oldest(&mut self, now: Now, log: Log) {
        if self.is_being_read(&log) {
            return;
        }
        let fetch = StoreOperation::Fetch {
            log: log.clone(),
            after: Position(0),
            count: PAGE,
        };
        self.start(now, fetch, Task::FetchOldest(log));
    }

    fn is_being_read(&self, log: &Log) -> bool {
        let Log::Mailbox(name) = log else {
            return false;
        };
        let user = self.names.get(name);
        user.is_none_or(|user| user.session.is_some())
    }

    /// Trims what has expired. The sender of a mail is told before it is trimmed, one at a time;
    /// readers of other logs are told how many are gone when they come to the place.
    pub(super) fn expire(&mut self, now: Now, log: &Log, entries: &[Entry]) {
        if self.is_being_read(log) {
            return;
        }
        let expired = |entry: &&Entry| self.has_expired(now, entry.received);
        let mut expired = entries.iter().take_while(expired);
        let Log::Mailbox(reader) = log else {
            if let Some(last) = expired.last() {
                self.trim_expired(now, log.clone(), last.position);
            }
            return;
        };
        let Some(oldest) = expired.next() else {
            return;
        };
        let (reader, position) = (reader.clone(), oldest.position);
        match Item::new(oldest.clone()).owed(log, false) {
            Some(owed) => {
                let task = Task::Expire(log.clone(), position);
                self.append_notice(now, &reader, &owed, true, task);
            }
            None => self.trim_expired(now, log.clone(), position),
        }
    }

    /// The sender knows, or need not: the log is trimmed, and looked at again.
    pub(super) fn trim_expired(&mut self, now: Now, log: Log, up_to: Position) {
        let trim = StoreOperation::Trim {
            log: log.clone(),
            up_to,
        };
        self.start(now, trim, Task::TrimExpired(log));
    }
}
