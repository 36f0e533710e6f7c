//! Operations of the store that are under way, and what waits for each.
//!
//! An operation that failed because the store was unavailable, or whose completion does not come,
//! is given to the store again: every operation may be repeated. The end of a subscription is not:
//! repeated late, it would end a later subscription to the same log, while one that goes on by
//! mistake only reports what nobody waits for.

use alloc::collections::{BTreeMap, VecDeque};

use super::{OperationId, StoreOperation};
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
}

struct Waiting<T> {
    operation: StoreOperation,
    task: T,
    interval: Duration,
}

impl<T> Pending<T> {
    pub(crate) const fn new() -> Self {
        Self {
            last: 0,
            waiting: BTreeMap::new(),
            outgoing: VecDeque::new(),
            repetitions: Timers::new(),
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
        };
        let is_repeated = !matches!(waiting.operation, StoreOperation::DetachLog { .. });
        if is_repeated && !planted!(OperationNotRepeated) {
            self.repetitions.set(id, now + FIRST_REPETITION);
        }
        self.waiting.insert(id, waiting);
        self.outgoing.push_back(id);
        id
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
        Some((operation, task))
    }

    /// What waits for an operation that is not complete.
    pub(crate) fn task(&self, id: OperationId) -> Option<&T> {
        self.waiting.get(&id).map(|waiting| &waiting.task)
    }

    /// The store works again: everything under way is repeated at once.
    pub(crate) fn repeat_all(&mut self, now: Instant) {
        for (id, waiting) in &mut self.waiting {
            waiting.interval = FIRST_REPETITION;
            self.repetitions.set(*id, now);
        }
        self.handle_timeout(now);
    }

    /// Repeats what is due.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        while let Some(id) = self.repetitions.pop(now) {
            if let Some(waiting) = self.waiting.get_mut(&id) {
                waiting.interval = (waiting.interval * 2).min(LAST_REPETITION);
                self.repetitions.set(id, now + waiting.interval);
                self.outgoing.push_back(id);
            }
        }
    }

    /// The next operation for the store.
    pub(crate) fn poll(&mut self) -> Option<(OperationId, StoreOperation)> {
        while let Some(id) = self.outgoing.pop_front() {
            let Some(waiting) = self.waiting.get(&id) else {
                continue;
            };
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
        !self.outgoing.is_empty()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Table;

    #[test]
    fn the_end_of_a_subscription_is_not_repeated() {
        let mut pending = Pending::new();
        let detach = StoreOperation::DetachLog {
            log: crate::store::Log::Channel,
        };
        let id = pending.start(Instant::ZERO, detach.clone(), ());
        assert_eq!(pending.poll(), Some((id, detach)));
        pending.repeat_all(Instant::ZERO);
        assert_eq!(pending.poll(), None);
        assert_eq!(pending.next_timeout(), None);
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
}
