//! Operations for the store on their way, and what each of them is for.

use alloc::collections::{BTreeMap, VecDeque};

use crate::{
    store::{OperationId, StoreOperation},
    time::{Duration, Instant},
};

/// An operation without a completion after this time is repeated: every operation may be.
const REPEAT_AFTER: Duration = Duration::from_secs(2);

/// The operations that are not complete. `P` says what one is for.
pub(super) struct Storage<P> {
    last: u64,
    pending: BTreeMap<OperationId, Pending<P>>,
    queue: VecDeque<OperationId>,
}

struct Pending<P> {
    operation: StoreOperation,
    purpose: P,
    repeat_at: Instant,
}

impl<P> Storage<P> {
    pub(super) fn new() -> Self {
        Self {
            last: 0,
            pending: BTreeMap::new(),
            queue: VecDeque::new(),
        }
    }

    pub(super) fn submit(&mut self, now: Instant, operation: StoreOperation, purpose: P) {
        self.last += 1;
        let id = OperationId(self.last);
        self.queue.push_back(id);
        let pending = Pending {
            operation,
            purpose,
            repeat_at: now + REPEAT_AFTER,
        };
        self.pending.insert(id, pending);
    }

    /// The next operation to be handed to the store.
    pub(super) fn poll(&mut self) -> Option<(OperationId, StoreOperation)> {
        while let Some(id) = self.queue.pop_front() {
            if let Some(pending) = self.pending.get(&id) {
                return Some((id, pending.operation.clone()));
            }
        }
        None
    }

    /// The operation is complete: what it was for, the first time.
    pub(super) fn complete(&mut self, id: OperationId) -> Option<P> {
        self.pending.remove(&id).map(|pending| pending.purpose)
    }

    /// What the operation is for; it failed and is repeated later.
    pub(super) fn failed(&mut self, now: Instant, id: OperationId) -> Option<&P> {
        let pending = self.pending.get_mut(&id)?;
        pending.repeat_at = now + REPEAT_AFTER;
        Some(&pending.purpose)
    }

    /// Whether nothing is on its way.
    pub(super) fn is_idle(&self) -> bool {
        self.pending.is_empty()
    }

    /// Whether an operation waits to be polled.
    pub(super) fn has_queued(&self) -> bool {
        !self.queue.is_empty()
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        for (id, pending) in &mut self.pending {
            if now >= pending.repeat_at {
                pending.repeat_at = now + REPEAT_AFTER;
                self.queue.push_back(*id);
            }
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.pending.values().map(|pending| pending.repeat_at).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Table;

    fn attach() -> StoreOperation {
        StoreOperation::AttachTable {
            table: Table::Settings,
        }
    }

    #[test]
    fn an_operation_is_complete_once() {
        let mut storage = Storage::new();
        storage.submit(Instant::ZERO, attach(), "load");
        let (id, _) = storage.poll().unwrap();
        assert_eq!(storage.poll(), None);
        assert_eq!(storage.complete(id), Some("load"));
        assert_eq!(storage.complete(id), None);
        assert!(storage.is_idle());
    }

    #[test]
    fn an_operation_without_a_completion_is_repeated_under_its_id() {
        let mut storage = Storage::new();
        storage.submit(Instant::ZERO, attach(), "load");
        let first = storage.poll();
        let due = storage.poll_timeout().unwrap();
        storage.handle_timeout(due);
        assert_eq!(storage.poll(), first);
    }
}
