//! One user's reading of its logs: first what was kept, merged by the server's time of receipt;
//! then, once all of that is accepted, what arrives.

use alloc::{collections::VecDeque, vec::Vec};

use super::{
    item::{Item, Owed},
    log_reader::{LogReader, Span},
};
use crate::{
    id::MessageId,
    name::Name,
    store::{Entry, Log, Position},
    time::{Duration, Instant, WallTime},
};

/// Bytes that are delivered and not yet accepted, at most; one entry may exceed it.
const MAX_UNACCEPTED_BYTES: usize = 1 << 20;

/// What a reader needs next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Fetch a page of a part of the log.
    Fetch(Log, Span),
    /// Send an entry, live or as one that was kept.
    Deliver { log: Log, item: Item, live: bool },
    /// Tell that so many entries of the log were trimmed unread.
    Gone(Log, u64),
    /// Tell that everything kept has been sent.
    CaughtUp,
    /// Detach from a log that was left, and was read and accepted to its end.
    Left(Log),
}

/// An accepted entry for which a receipt is owed: it stays unread until that is durable.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Settlement {
    pub(super) log: Log,
    pub(super) position: Position,
    pub(super) owed: Owed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Not all logs are attached: their heads are unknown.
    Attaching,
    /// What each log held when all were attached is being sent.
    CatchingUp,
    /// All of that was sent; not all was accepted.
    Draining,
    Live,
}

struct Unaccepted {
    log: Log,
    position: Position,
    /// How far everything in the log is accepted as long as this is not.
    accepted_before: Position,
    id: MessageId,
    size: usize,
    live: bool,
    sent: Instant,
    owed: Option<Owed>,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Sent,
    /// Accepted by the client; what is owed for it is not yet durable.
    Accepted,
    Settled,
}

/// Reads a user's logs for one session.
pub(super) struct Reader {
    name: Name,
    logs: Vec<LogReader>,
    phase: Phase,
    unaccepted: VecDeque<Unaccepted>,
    unaccepted_bytes: usize,
    max_unaccepted: usize,
}

impl Reader {
    /// Reads each log from the entry after a position.
    pub(super) fn new(name: Name, logs: Vec<(Log, Position)>, max_unaccepted: usize) -> Self {
        let logs = logs.into_iter();
        Self {
            name,
            logs: logs.map(|(log, sent)| LogReader::new(log, sent)).collect(),
            phase: Phase::Attaching,
            unaccepted: VecDeque::new(),
            unaccepted_bytes: 0,
            max_unaccepted,
        }
    }

    pub(super) fn logs(&self) -> impl Iterator<Item = &Log> {
        self.logs.iter().map(LogReader::log)
    }

    /// Whether a log is read, and was not left.
    pub(super) fn reads(&self, log: &Log) -> bool {
        let mut logs = self.logs.iter();
        logs.any(|reader| reader.log() == log && !reader.is_left())
    }

    /// Reads one more log, from the entry after `sent` on, all of it live.
    pub(super) fn add(&mut self, log: Log, sent: Position, head: Option<Position>) {
        if self.reads(&log) {
            return;
        }
        self.remove(&log);
        let mut reader = LogReader::new(log, sent);
        if let Some(head) = head {
            reader.see_head(head);
        }
        self.logs.push(reader);
    }

    /// Reads a log to where it ends at this moment, and no further.
    pub(super) fn leave(&mut self, log: &Log) {
        if let Some(reader) = self.log_mut(log) {
            reader.leave();
        }
    }

    /// A log that was left and has been read and accepted to its end: it is read no more.
    fn take_left(&mut self) -> Option<Log> {
        let is_done = |reader: &LogReader| {
            let mut unaccepted = self.unaccepted.iter();
            reader.is_left()
                && !planted!(LeaveKeepsDelivering)
                && reader.has_read_all()
                && !unaccepted.any(|entry| entry.log == *reader.log())
        };
        let at = self.logs.iter().position(is_done)?;
        Some(self.logs.remove(at).log().clone())
    }

    /// Reads a log no more.
    pub(super) fn remove(&mut self, log: &Log) {
        self.logs.retain(|reader| reader.log() != log);
        self.forget(|entry| entry.log == *log);
    }

    /// Whether everything that was kept has been sent.
    pub(super) fn has_caught_up(&self) -> bool {
        matches!(self.phase, Phase::Draining | Phase::Live)
    }

    fn log_mut(&mut self, log: &Log) -> Option<&mut LogReader> {
        self.logs.iter_mut().find(|reader| reader.log() == log)
    }

    /// The log is attached.
    pub(super) fn attached(&mut self, log: &Log, head: Position) {
        if let Some(reader) = self.log_mut(log) {
            reader.see_head(head);
        }
    }

    /// The page that was asked for.
    pub(super) fn fetched(&mut self, log: &Log, span: Span, entries: Vec<Entry>) {
        if let Some(reader) = self.log_mut(log) {
            reader.fetched(span, entries);
        }
    }

    /// An entry was appended to a log: whether it is to be delivered at once. If not, it is read
    /// from the log when its turn comes.
    pub(super) fn arrived(&mut self, now: Instant, log: &Log, item: &Item) -> bool {
        let can_send = self.phase == Phase::Live && self.has_room();
        let is_for = item.is_for(&self.name);
        let position = item.entry.position;
        let Some(reader) = self.log_mut(log) else {
            return false;
        };
        if !reader.arrived(position) || !can_send {
            return false;
        }
        reader.pass(position);
        if is_for {
            self.await_acceptance(now, log, item, true);
        }
        is_for
    }

    /// What is to be done next; to be asked until `None` after every input.
    pub(super) fn next(&mut self, now: Instant) -> Option<Step> {
        // The others may wait for what was left.
        let step = self.next_entry(now);
        step.or_else(|| self.take_left().map(Step::Left))
    }

    fn next_entry(&mut self, now: Instant) -> Option<Step> {
        if self.phase == Phase::Attaching && self.logs.iter().all(LogReader::is_attached) {
            self.logs.iter_mut().for_each(LogReader::stop_at_head);
            self.phase = Phase::CatchingUp;
        }
        if self.phase == Phase::CatchingUp {
            if let Some(step) = self.read(now, false) {
                return Some(step);
            }
            if !self.logs.iter().all(LogReader::has_read_all) {
                return None;
            }
            self.phase = Phase::Draining;
            return Some(Step::CaughtUp);
        }
        let is_drained = self.unaccepted.is_empty() || planted!(LiveBeforeCaughtUp);
        if self.phase == Phase::Draining && is_drained {
            self.logs.iter_mut().for_each(LogReader::follow_head);
            self.phase = Phase::Live;
        }
        (self.phase == Phase::Live).then(|| self.read(now, true))?
    }

    /// The next entry of all logs by the time of receipt, or what has to come first.
    fn read(&mut self, now: Instant, live: bool) -> Option<Step> {
        loop {
            if let Some(step) = self.logs.iter_mut().find_map(preparation) {
                return Some(step);
            }
            let mut next: Option<(WallTime, usize)> = None;
            for (at, log) in self.logs.iter().enumerate() {
                if log.has_read_all() {
                    continue;
                }
                // While a page is missing, nothing is known to be the next.
                let stamp = (log.peek()?.entry.received, at);
                next = Some(next.map_or(stamp, |first| first.min(stamp)));
            }
            let (_, at) = next?;
            if !self.has_room() {
                return None;
            }
            if let Some(step) = self.take(now, at, live) {
                return Some(step);
            }
        }
    }

    fn take(&mut self, now: Instant, at: usize, live: bool) -> Option<Step> {
        let reader = self.logs.get_mut(at)?;
        let log = reader.log().clone();
        let item = reader.take()?;
        item.is_for(&self.name).then(|| {
            self.await_acceptance(now, &log, &item, live);
            Step::Deliver { log, item, live }
        })
    }

    fn has_room(&self) -> bool {
        self.unaccepted.len() < self.max_unaccepted && self.unaccepted_bytes < MAX_UNACCEPTED_BYTES
    }

    fn await_acceptance(&mut self, now: Instant, log: &Log, item: &Item, live: bool) {
        let position = item.entry.position;
        let reader = self.log_mut(log);
        let accepted_before = reader.map_or(position, |reader| reader.accepted_before(position));
        let size = item.entry.bytes.len();
        self.unaccepted_bytes += size;
        self.unaccepted.push_back(Unaccepted {
            log: log.clone(),
            position,
            accepted_before,
            id: item.entry.id,
            size,
            live,
            sent: now,
            owed: item.owed(log, live),
            state: State::Sent,
        });
    }

    fn forget(&mut self, mut is_done: impl FnMut(&Unaccepted) -> bool) {
        self.unaccepted.retain(|entry| !is_done(entry));
        self.unaccepted_bytes = self.unaccepted.iter().map(|entry| entry.size).sum();
    }

    /// The client has made a message durable. What is owed for it first comes back.
    pub(super) fn accepted(&mut self, id: MessageId) -> Vec<Settlement> {
        let mut settlements = Vec::new();
        for entry in &mut self.unaccepted {
            if entry.id != id || entry.state != State::Sent {
                continue;
            }
            entry.state = State::Settled;
            if let Some(owed) = entry.owed.take() {
                entry.state = State::Accepted;
                settlements.push(Settlement {
                    log: entry.log.clone(),
                    position: entry.position,
                    owed,
                });
            }
        }
        self.forget(|entry| entry.state == State::Settled);
        settlements
    }

    /// What was owed for an accepted entry is durable.
    pub(super) fn settled(&mut self, log: &Log, position: Position) {
        let is_it = |entry: &Unaccepted| entry.position == position && entry.log == *log;
        if !planted!(AcceptanceNotSettled) {
            self.forget(|entry| entry.state == State::Accepted && is_it(entry));
        }
    }

    /// Everything in the log up to here was accepted, or is not for this reader.
    pub(super) fn cursor(&self, log: &Log) -> Option<Position> {
        let reader = self.logs.iter().find(|reader| reader.log() == log)?;
        let unaccepted = self.unaccepted.iter().filter(|entry| entry.log == *log);
        let first = unaccepted.map(|entry| entry.accepted_before).min();
        let is_mailbox = matches!(log, Log::Mailbox(_));
        if planted!(MailTrimmedEarly) && is_mailbox || planted!(MemberCursorTooEarly) && !is_mailbox
        {
            return Some(reader.sent());
        }
        Some(first.unwrap_or_else(|| reader.passed()))
    }

    /// A log in which everything up to a position was accepted since this was asked last.
    pub(super) fn progress(&mut self) -> Option<(Log, Position)> {
        for at in 0..self.logs.len() {
            let log = self.logs.get(at)?.log();
            let cursor = self.cursor(log)?;
            let reader = self.logs.get_mut(at)?;
            if reader.report(cursor) {
                return Some((reader.log().clone(), cursor));
            }
        }
        None
    }

    /// When the oldest live entry that was not accepted is overdue.
    pub(super) fn overdue_at(&self, timeout: Duration) -> Option<Instant> {
        let is_open = |entry: &&Unaccepted| entry.live && entry.state == State::Sent;
        let oldest = self.unaccepted.iter().find(is_open)?;
        Some(oldest.sent + timeout)
    }
}

/// What has to happen before the next entry of a log can be sent.
fn preparation(reader: &mut LogReader) -> Option<Step> {
    if let Some(count) = reader.take_gone() {
        return Some(Step::Gone(reader.log().clone(), count));
    }
    let span = reader.fetch()?;
    Some(Step::Fetch(reader.log().clone(), span))
}

#[cfg(test)]
mod tests;
