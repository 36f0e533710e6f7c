//! A store that survives its machine, and a rough one: completions come late, in any order, twice
//! or never, and some operations fail, done or not.

use chat_core::store::{MemoryStore, OperationId, StoreError, StoreEvent, StoreOperation};

use crate::weather::Chance;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    /// Entries are not taken, and never will be.
    TakesNoEntries,
    /// Nothing is written, for now.
    WritesNothing,
    /// What arrives in a log is not told.
    LosesNotices,
}

pub(crate) struct Disk {
    store: MemoryStore,
    pub(crate) fault: Fault,
    waiting: Vec<(u64, StoreEvent)>,
    rough: Option<Chance>,
    /// What an operation takes, in microseconds, one after the other.
    pace: u64,
    busy_until: u64,
}

impl Disk {
    pub(crate) fn new() -> Self {
        Self {
            store: MemoryStore::new(),
            fault: Fault::None,
            waiting: Vec::new(),
            rough: None,
            pace: 0,
            busy_until: 0,
        }
    }

    /// The machine is started again.
    pub(crate) fn reopen(&mut self) {
        self.store = self.store.image();
        self.waiting.clear();
    }

    pub(crate) fn roughen(&mut self, seed: u64) {
        self.rough = Some(Chance(seed));
    }

    pub(crate) fn slow_down(&mut self, pace: u64) {
        self.pace = pace;
    }

    pub(crate) fn smooth(&mut self) {
        self.rough = None;
    }

    pub(crate) fn handle(&mut self, now: u64, id: OperationId, operation: StoreOperation) {
        if let Some(error) = self.fault.error(&operation) {
            let operation = id;
            let failed = StoreEvent::Failed { operation, error };
            return self.waiting.push((now, failed));
        }
        // What a subscription reports first comes first, whatever the disk is like.
        let subscribes = matches!(
            operation,
            StoreOperation::AttachTable { .. } | StoreOperation::AttachLog { .. }
        );
        let rough = self.rough.as_mut().filter(|_| !subscribes);
        let Some(chance) = rough else {
            self.store.handle(id, operation);
            self.busy_until = self.busy_until.max(now) + self.pace;
            while let Some(event) = self.store.poll_event() {
                let is_notice = matches!(event, StoreEvent::Arrived { .. });
                if !is_notice || self.fault != Fault::LosesNotices {
                    self.waiting.push((self.busy_until, event));
                }
            }
            return;
        };
        let failed = StoreEvent::Failed {
            operation: id,
            error: StoreError::Unavailable,
        };
        let fate = chance.below(100);
        // An append that fails has taken place all the same: where one is refused and the next is
        // taken, the inbox has them in its own order.
        let is_append = matches!(operation, StoreOperation::Append { .. });
        if fate >= 3 || is_append {
            self.store.handle(id, operation);
        }
        if fate < 6 {
            self.waiting.push((now + chance.below(50_000), failed));
        }
        while let Some(event) = self.store.poll_event() {
            let is_notice = matches!(event, StoreEvent::Arrived { .. });
            if !is_notice && (fate < 6 || chance.below(100) < 3) {
                continue;
            }
            if chance.below(100) < 5 {
                let at = now + chance.below(50_000);
                self.waiting.push((at, event.clone()));
            }
            self.waiting.push((now + chance.below(50_000), event));
        }
    }

    pub(crate) fn next(&self) -> Option<u64> {
        self.waiting.iter().map(|(at, _)| *at).min()
    }

    pub(crate) fn poll_event(&mut self, now: u64) -> Option<StoreEvent> {
        let due = self.waiting.iter().enumerate();
        let due = due.filter(|(_, (at, _))| *at <= now);
        let (index, _) = due.min_by_key(|(_, (at, _))| *at)?;
        Some(self.waiting.remove(index).1)
    }
}

impl Fault {
    fn error(self, operation: &StoreOperation) -> Option<StoreError> {
        match self {
            Self::TakesNoEntries => {
                matches!(operation, StoreOperation::Append { .. }).then_some(StoreError::Full)
            }
            Self::WritesNothing => operation.is_write().then_some(StoreError::Unavailable),
            Self::None | Self::LosesNotices => None,
        }
    }
}
