//! What a store does for the loop.

use chat_core::{
    store::{MemoryStore, OperationId, StoreEvent, StoreOperation},
    time::{Instant, Now},
};

/// At most so many operations share a transaction.
pub const MAX_BATCH: usize = 1_024;

/// Takes operations in batches and reports what came of them, in order.
pub trait Store {
    /// Does `operations` (at most [`MAX_BATCH`]) from the front, together, and takes them out: their
    /// events can be polled when this returns, and what they tell is durable by then. It may leave
    /// the later ones to the next call, which comes after the events were polled.
    fn handle(&mut self, now: Now, operations: &mut Vec<(OperationId, StoreOperation)>);

    /// Does what is due by itself.
    fn handle_timeout(&mut self, now: Now);

    /// When [`Self::handle_timeout`] is due.
    fn poll_timeout(&self) -> Option<Instant>;

    /// The next event.
    fn poll_event(&mut self) -> Option<StoreEvent>;
}

impl Store for MemoryStore {
    fn handle(&mut self, _now: Now, operations: &mut Vec<(OperationId, StoreOperation)>) {
        for (id, operation) in operations.drain(..) {
            Self::handle(self, id, operation);
        }
    }

    fn handle_timeout(&mut self, _now: Now) {}

    fn poll_timeout(&self) -> Option<Instant> {
        None
    }

    fn poll_event(&mut self) -> Option<StoreEvent> {
        Self::poll_event(self)
    }
}
