//! The store in memory: the reference for every other one.

use alloc::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    string::String,
    sync::Arc,
    vec::Vec,
};
use core::ops::Bound;

use crate::{
    config::{MAX_REMEMBERED_IDS, MAX_STORED_BYTES},
    id::MessageId,
    store::{
        Entry, Limit, Log, OperationId, Position, Revision, StoreError, StoreEvent, StoreOperation,
        Table,
    },
    time::WallTime,
};

/// A store that keeps everything in memory, for tests, examples and ephemeral use.
///
/// Operations take place at once, and their events are polled in order. It never fails, except
/// for a log that is full and a value that is too big.
///
/// # Limits
/// Records and logs are as many as the core keeps; entries of a log as many as
/// [`StoreOperation::Append`] allows; the ids of trimmed entries [`MAX_REMEMBERED_IDS`] in all,
/// the oldest are forgotten. Events are held until they are polled.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore {
    tables: BTreeMap<Table, Records>,
    logs: BTreeMap<Log, Entries>,
    last_revision: u64,
    /// The ids of trimmed entries, oldest first.
    trimmed: VecDeque<(Log, MessageId)>,
    attached_tables: BTreeSet<Table>,
    attached_logs: BTreeSet<Log>,
    events: VecDeque<StoreEvent>,
}

type Records = BTreeMap<String, (Revision, Vec<u8>)>;

#[derive(Debug, Clone, Default)]
struct Entries {
    head: Position,
    entries: BTreeMap<Position, Entry>,
    /// Where each entry stands or stood, and when it was received.
    ids: BTreeMap<MessageId, (Position, WallTime)>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// What a crash leaves: records, logs and remembered ids. Attachments and the events that were
    /// not polled are gone.
    pub fn image(&self) -> Self {
        Self {
            tables: self.tables.clone(),
            logs: self.logs.clone(),
            last_revision: self.last_revision,
            trimmed: self.trimmed.clone(),
            ..Self::default()
        }
    }

    /// Does `operation`; its events can be polled from then on.
    pub fn handle(&mut self, id: OperationId, operation: StoreOperation) {
        match operation {
            StoreOperation::CompareAndSet {
                table,
                key,
                expected,
                value,
            } => self.compare_and_set(id, table, key, expected, value),
            StoreOperation::Append {
                log,
                id: entry,
                received,
                bytes,
                limit,
            } => self.append(id, log, entry, received, bytes, limit),
            StoreOperation::Fetch { log, after, count } => self.fetch(id, &log, after, count),
            StoreOperation::Trim { log, up_to } => self.trim(id, &log, up_to),
            StoreOperation::AttachLog { log } => {
                let head = self.logs.get(&log).map_or(Position(0), |log| log.head);
                self.attached_logs.insert(log);
                self.events.push_back(StoreEvent::Attached {
                    operation: id,
                    head,
                });
            }
            StoreOperation::DetachLog { log } => {
                self.attached_logs.remove(&log);
                self.done(id, None);
            }
            StoreOperation::Resume => self.done(id, None),
            StoreOperation::AttachTable { table } => self.attach_table(id, table),
        }
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<StoreEvent> {
        self.events.pop_front()
    }

    fn done(&mut self, operation: OperationId, revision: Option<Revision>) {
        self.events.push_back(StoreEvent::Done {
            operation,
            revision,
        });
    }

    fn failed(&mut self, operation: OperationId, error: StoreError) {
        self.events
            .push_back(StoreEvent::Failed { operation, error });
    }

    fn compare_and_set(
        &mut self,
        operation: OperationId,
        table: Table,
        key: String,
        expected: Option<Revision>,
        value: Option<Vec<u8>>,
    ) {
        let size = key.len() + value.as_ref().map_or(0, Vec::len);
        if size > MAX_STORED_BYTES {
            return self.failed(operation, StoreError::TooBig);
        }
        let records = self.tables.entry(table).or_default();
        let current = records.get(&key);
        if current.map(|(revision, _)| *revision) != expected {
            let current = current.cloned();
            self.events
                .push_back(StoreEvent::Conflict { operation, current });
            return;
        }
        if current.is_none() && value.is_none() {
            return self.done(operation, None);
        }
        self.last_revision += 1;
        let revision = Revision(self.last_revision);
        match &value {
            Some(value) => records.insert(key.clone(), (revision, value.clone())),
            None => records.remove(&key),
        };
        self.done(operation, Some(revision));
        if self.attached_tables.contains(&table) {
            self.events.push_back(StoreEvent::Changed {
                table,
                key,
                revision,
                value,
            });
        }
    }

    fn append(
        &mut self,
        operation: OperationId,
        log: Log,
        id: MessageId,
        received: WallTime,
        bytes: Arc<[u8]>,
        limit: Limit,
    ) {
        let entries = self.logs.entry(log.clone()).or_default();
        if let Some((position, received)) = entries.ids.get(&id).copied() {
            self.events.push_back(StoreEvent::Appended {
                operation,
                position,
                received,
            });
            return;
        }
        if bytes.len() > MAX_STORED_BYTES {
            return self.failed(operation, StoreError::TooBig);
        }
        if limit.refuses(entries.entries.len() as u64) {
            return self.failed(operation, StoreError::Full);
        }
        entries.head.0 += 1;
        let position = entries.head;
        let entry = Entry {
            position,
            id,
            received,
            bytes,
        };
        entries.ids.insert(id, (position, received));
        entries.entries.insert(position, entry.clone());
        self.events.push_back(StoreEvent::Appended {
            operation,
            position,
            received,
        });
        self.remove(&log, limit.drops_up_to(position));
        if self.attached_logs.contains(&log) {
            self.events.push_back(StoreEvent::Arrived { log, entry });
        }
    }

    fn fetch(&mut self, operation: OperationId, log: &Log, after: Position, count: usize) {
        let entries = self.logs.get(log).map_or_else(Vec::new, |log| {
            let later = (Bound::Excluded(after), Bound::Unbounded);
            let later = log.entries.range(later).map(|(_, entry)| entry);
            later.take(count).cloned().collect()
        });
        self.events
            .push_back(StoreEvent::Fetched { operation, entries });
    }

    fn trim(&mut self, operation: OperationId, log: &Log, up_to: Position) {
        self.remove(log, up_to);
        self.done(operation, None);
    }

    fn remove(&mut self, log: &Log, up_to: Position) {
        if let Some(entries) = self.logs.get_mut(log) {
            while let Some(oldest) = entries.entries.first_entry() {
                if *oldest.key() > up_to {
                    break;
                }
                let entry = oldest.remove();
                self.trimmed.push_back((log.clone(), entry.id));
            }
        }
        while self.trimmed.len() > MAX_REMEMBERED_IDS {
            if let Some((log, id)) = self.trimmed.pop_front()
                && let Some(entries) = self.logs.get_mut(&log)
            {
                entries.ids.remove(&id);
            }
        }
    }

    fn attach_table(&mut self, operation: OperationId, table: Table) {
        self.attached_tables.insert(table);
        for (key, (revision, value)) in self.tables.entry(table).or_default() {
            self.events.push_back(StoreEvent::Changed {
                table,
                key: key.clone(),
                revision: *revision,
                value: Some(value.clone()),
            });
        }
        self.done(operation, None);
    }
}

#[cfg(test)]
mod tests;
