//! Operations of the store that are under way, and what waits for each.
//!
//! An operation that failed because the store was unavailable, or whose completion does not come,
//! is given to the store again: every operation may be repeated. The end of a subscription is not:
//! repeated late, it would end a later subscription to the same log, while one that goes on by
//! mistake only reports what nobody waits for.
//!
//! While the store is stalled, writes are held back: all of them follow in order when it is well,
//! so that none overtakes one that has failed.

use alloc::{
    collections::{BTreeMap, VecDeque},
    string::String,
};

use super::{OperationId, Revision, StoreOperation, Table};
use crate::{
    time::{Duration, Instant},
    timers::Timers,
};

/// An operation without a completion is repeated after this time, then after twice as long, …
const FIRST_REPETITION: Duration = Duration::from_secs(1);
/// … but no later than this.
const LAST_REPETITION: Duration = Duration::from_secs(30);

/// The operations under way; `T` is what waits for one.
pub(crate) struct Pending<T> {
    last: u64,
    waiting: BTreeMap<OperationId, Waiting<T>>,
    outgoing: VecDeque<OperationId>,
    repetitions: Timers<OperationId>,
    /// Those that create or remove a record.
    deciding: BTreeMap<Decision, OperationId>,
    is_stalled: bool,
    /// Goes to the store before everything else.
    resume: Option<OperationId>,
}

struct Waiting<T> {
    operation: StoreOperation,
    task: T,
    interval: Duration,
    /// It is still to be polled.
    is_outgoing: bool,
}

impl<T> Pending<T> {
    pub(crate) const fn new() -> Self {
        Self {
            last: 0,
            waiting: BTreeMap::new(),
            outgoing: VecDeque::new(),
            repetitions: Timers::new(),
            deciding: BTreeMap::new(),
            is_stalled: false,
            resume: None,
        }
    }

    /// Starts an operation for `task`.
    pub(crate) fn start(
        &mut self,
        now: Instant,
        operation: StoreOperation,
        task: T,
    ) -> OperationId {
        self.last += 1;
        let id = OperationId(self.last);
        let waiting = Waiting {
            operation,
            task,
            interval: FIRST_REPETITION,
            is_outgoing: true,
        };
        let is_repeated = !matches!(waiting.operation, StoreOperation::DetachLog { .. });
        if is_repeated && !planted!(OperationNotRepeated) {
            self.repetitions.set(id, now + FIRST_REPETITION);
        }
        if let Some(decision) = decision_of(&waiting.operation) {
            self.deciding.insert(decision, id);
        }
        self.waiting.insert(id, waiting);
        self.outgoing.push_back(id);
        id
    }

    /// The operation that is to create a record, or to remove it: if that is seen to have happened,
    /// it need not be repeated. Repeated late, it would create a record again that was removed.
    pub(crate) fn deciding(&self, table: Table, key: &str, exists: bool) -> Option<OperationId> {
        self.deciding.get(&(table, key.into(), exists)).copied()
    }

    /// The operation is complete; `None` if it was before.
    pub(crate) fn complete(&mut self, id: OperationId) -> Option<(StoreOperation, T)> {
        assert!(
            !planted!(RepeatedCompletionPanics) || self.waiting.contains_key(&id),
            "an operation is completed once"
        );
        let Waiting {
            operation, task, ..
        } = self.waiting.remove(&id)?;
        self.repetitions.clear(&id);
        if let Some(decision) = decision_of(&operation)
            && self.deciding.get(&decision) == Some(&id)
        {
            self.deciding.remove(&decision);
        }
        Some((operation, task))
    }

    /// The record that an operation under way is to change, and the revision that it expects.
    pub(crate) fn comparison(&self, id: OperationId) -> Option<(Table, String, Option<Revision>)> {
        match &self.waiting.get(&id)?.operation {
            StoreOperation::CompareAndSet {
                table,
                key,
                expected,
                ..
            } => Some((*table, key.clone(), *expected)),
            _ => None,
        }
    }

    /// What waits for an operation that is not complete.
    pub(crate) fn task(&self, id: OperationId) -> Option<&T> {
        self.waiting.get(&id).map(|waiting| &waiting.task)
    }

    /// The store fails what is written: nothing more is handed to it until [`Self::resume`].
    pub(crate) fn stall(&mut self) {
        self.is_stalled = true;
        self.resume = None;
    }

    /// Whether writes are held back.
    pub(crate) const fn is_stalled(&self) -> bool {
        self.is_stalled
    }

    /// Everything under way with what waits for it.
    pub(crate) fn tasks(&self) -> impl Iterator<Item = (OperationId, &T)> {
        self.waiting
            .iter()
            .map(|(id, waiting)| (*id, &waiting.task))
    }

    /// The store works again: everything under way is repeated at once, in order.
    pub(crate) fn resume(&mut self, now: Instant) {
        if self.is_stalled {
            self.is_stalled = false;
            self.last += 1;
            self.resume = Some(OperationId(self.last));
        }
        self.outgoing.clear();
        for (id, waiting) in &mut self.waiting {
            waiting.interval = FIRST_REPETITION;
            waiting.is_outgoing = false;
            self.repetitions.set(*id, now);
        }
        self.handle_timeout(now);
    }

    /// Repeats what is due. What a store that is slow has not even taken is not given to it twice.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        while let Some(id) = self.repetitions.pop(now) {
            if let Some(waiting) = self.waiting.get_mut(&id) {
                waiting.interval = (waiting.interval * 2).min(LAST_REPETITION);
                self.repetitions.set(id, now + waiting.interval);
                if !core::mem::replace(&mut waiting.is_outgoing, true) {
                    self.outgoing.push_back(id);
                }
            }
        }
    }

    /// The next operation for the store.
    pub(crate) fn poll(&mut self) -> Option<(OperationId, StoreOperation)> {
        if let Some(id) = self.resume.take() {
            return Some((id, StoreOperation::Resume));
        }
        while let Some(id) = self.outgoing.pop_front() {
            let Some(waiting) = self.waiting.get_mut(&id) else {
                continue;
            };
            waiting.is_outgoing = false;
            if self.is_stalled && waiting.operation.is_write() {
                continue;
            }
            let operation = waiting.operation.clone();
            if matches!(operation, StoreOperation::DetachLog { .. }) {
                self.waiting.remove(&id);
            }
            return Some((id, operation));
        }
        None
    }

    /// Whether an operation waits to be polled.
    pub(crate) fn has_outgoing(&self) -> bool {
        self.resume.is_some() || !self.outgoing.is_empty()
    }

    /// How many are under way.
    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether nothing is under way.
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// When [`Self::handle_timeout`] is due.
    pub(crate) fn next_timeout(&self) -> Option<Instant> {
        self.repetitions.next()
    }
}

/// Whether a record is to exist.
type Decision = (Table, String, bool);

/// What an operation decides about a record, if it creates or removes it.
fn decision_of(operation: &StoreOperation) -> Option<Decision> {
    match operation {
        StoreOperation::CompareAndSet {
            table,
            key,
            expected,
            value,
        } if expected.is_none() || value.is_none() => Some((*table, key.clone(), value.is_some())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_subscription_is_not_repeated() {
        let mut pending = Pending::new();
        let detach = StoreOperation::DetachLog {
            log: crate::store::Log::Channel,
        };
        let id = pending.start(Instant::ZERO, detach.clone(), ());
        assert_eq!(pending.poll(), Some((id, detach)));
        pending.resume(Instant::ZERO);
        assert_eq!(pending.poll(), None);
        assert_eq!(pending.next_timeout(), None);
    }

    #[test]
    fn what_is_written_while_the_store_is_stalled_follows_in_order() {
        let mut pending = Pending::new();
        let first = pending.start(Instant::ZERO, trim(1), 'a');
        assert_eq!(pending.poll(), Some((first, trim(1))));
        pending.stall();
        let second = pending.start(Instant::ZERO, trim(2), 'b');
        let read = pending.start(Instant::ZERO, OPERATION, 'c');
        assert_eq!(pending.len(), 3);
        assert_eq!(pending.poll(), Some((read, OPERATION)), "reading goes on");
        assert_eq!(pending.poll(), None);
        pending.complete(read);
        pending.handle_timeout(Instant::from_micros(90_000_000));
        assert_eq!(pending.poll(), None);

        pending.resume(Instant::ZERO);
        assert!(matches!(pending.poll(), Some((_, StoreOperation::Resume))));
        assert_eq!(pending.poll(), Some((first, trim(1))));
        assert_eq!(pending.poll(), Some((second, trim(2))));
        assert_eq!(pending.poll(), None);
    }

    #[test]
    fn the_operation_that_decides_about_a_record_is_found_until_it_is_complete() {
        let mut pending = Pending::new();
        let write = |expected, value: Option<&[u8]>| StoreOperation::CompareAndSet {
            table: Table::Names,
            key: "x".into(),
            expected,
            value: value.map(<[u8]>::to_vec),
        };
        let revision = Some(crate::store::Revision(1));
        pending.start(Instant::ZERO, write(revision, Some(b"changed")), 'a');
        assert_eq!(pending.deciding(Table::Names, "x", true), None);
        let creates = pending.start(Instant::ZERO, write(None, Some(b"first")), 'b');
        let removes = pending.start(Instant::ZERO, write(revision, None), 'c');
        assert_eq!(pending.deciding(Table::Names, "x", true), Some(creates));
        assert_eq!(pending.deciding(Table::Names, "x", false), Some(removes));
        assert_eq!(pending.deciding(Table::Groups, "x", true), None);
        pending.complete(creates);
        assert_eq!(pending.deciding(Table::Names, "x", true), None);
        assert_eq!(pending.deciding(Table::Names, "x", false), Some(removes));
    }

    fn trim(up_to: u64) -> StoreOperation {
        StoreOperation::Trim {
            log: crate::store::Log::Inbox,
            up_to: crate::store::Position(up_to),
        }
    }

    const OPERATION: StoreOperation = StoreOperation::AttachTable {
        table: Table::Names,
    };

    #[test]
    fn a_completion_releases_what_waits_once() {
        let mut pending = Pending::new();
        let id = pending.start(Instant::ZERO, OPERATION, 'x');
        assert_eq!(pending.poll(), Some((id, OPERATION)));
        assert_eq!(pending.complete(id), Some((OPERATION, 'x')));
        assert_eq!(pending.complete(id), None);
        assert_eq!(pending.next_timeout(), None);
    }

    #[test]
    fn an_operation_without_a_completion_is_repeated_at_growing_intervals() {
        let mut pending = Pending::new();
        let id = pending.start(Instant::ZERO, OPERATION, ());
        let mut times = alloc::vec::Vec::new();
        while times.len() < 7 {
            assert_eq!(pending.poll(), Some((id, OPERATION)));
            assert_eq!(pending.poll(), None);
            let due = pending.next_timeout().unwrap();
            times.push(due.as_micros() / 1_000_000);
            pending.handle_timeout(due);
        }
        assert_eq!(times, [1, 3, 7, 15, 31, 61, 91]);
    }

    #[test]
    fn what_a_slow_store_has_not_taken_is_not_given_to_it_twice() {
        let mut pending = Pending::new();
        let id = pending.start(Instant::ZERO, OPERATION, ());
        for seconds in [1, 3, 7] {
            pending.handle_timeout(Instant::from_micros(seconds * 1_000_000));
        }
        assert_eq!(pending.poll(), Some((id, OPERATION)));
        assert_eq!(pending.poll(), None);
        pending.handle_timeout(Instant::from_micros(15_000_000));
        assert_eq!(pending.poll(), Some((id, OPERATION)));
    }
}
