//! The store on SQLite.
//!
//! Write-ahead log with `synchronous=FULL`: what was committed survives a loss of power. All
//! operations of one turn of the loop share a transaction, so that they share its `fsync`; their
//! events are reported after it.

mod open_file;
mod operations;
mod prune;
mod schema;
mod table_reader;

pub(crate) use schema::{create, from_sqlite};

use std::{
    collections::{BTreeSet, VecDeque},
    path::Path,
};

use chat_core::{
    store::{Log, OperationId, StoreError, StoreEvent, StoreOperation, Table},
    time::{Duration, Instant, Now},
};
use rusqlite::{Connection, TransactionBehavior};

use self::{open_file::OpenFile, prune::Pruner, table_reader::TableReader};
use crate::{clock::is_due, directory::DirectoryError, store::Store};

/// A store that cannot write tries again by itself after this time, and then after twice as long.
const FIRST_RETRY: Duration = Duration::from_secs(1);
/// The longest time between two attempts.
const LAST_RETRY: Duration = Duration::from_secs(32);

/// The store in a SQLite file.
///
/// # Limits
/// As many records and entries as the disk holds; a record or entry of at most
/// [`MAX_STORED_BYTES`](chat_core::config::MAX_STORED_BYTES). The ids of trimmed entries are
/// remembered for 60 days.
#[derive(Debug)]
pub struct SqliteStore {
    connection: Connection,
    file: OpenFile,
    attachments: Attachments,
    last_revision: i64,
    events: VecDeque<StoreEvent>,
    /// A table that is being reported; `events` come after it.
    reader: Option<TableReader>,
    stalled: Option<Stalled>,
    pruner: Pruner,
}

/// What is subscribed to.
#[derive(Debug, Default)]
struct Attachments {
    logs: BTreeSet<Log>,
    tables: BTreeSet<Table>,
}

/// Writing has failed: it fails until the core knows, so that nothing overtakes what has failed.
#[derive(Debug, Clone, Copy)]
struct Stalled {
    /// When writing is tried again; `None`: it works.
    retry_at: Option<Instant>,
    interval: Duration,
}

impl SqliteStore {
    /// Opens the file at `path`, which is made if there is none.
    ///
    /// # Errors
    /// If the file cannot be read and written, is damaged, or was written by a later version. It
    /// is left as it is.
    pub fn open(path: &Path, now: Now) -> Result<Self, DirectoryError> {
        let (connection, last_revision) = schema::open(path)?;
        let file = OpenFile::of(path).map_err(|error| DirectoryError::from_io(path, error))?;
        Ok(Self {
            connection,
            file,
            attachments: Attachments::default(),
            last_revision,
            events: VecDeque::new(),
            reader: None,
            stalled: None,
            pruner: Pruner::new(now.instant),
        })
    }

    /// Does `operations` in one transaction.
    fn commit(
        &mut self,
        operations: &[(OperationId, StoreOperation)],
    ) -> rusqlite::Result<Vec<StoreEvent>> {
        let writes = operations.iter().any(|(_, operation)| operation.is_write());
        if writes {
            self.file.check()?;
        }
        let behavior = if writes {
            TransactionBehavior::Immediate
        } else {
            TransactionBehavior::Deferred
        };
        let transaction = self.connection.transaction_with_behavior(behavior)?;
        let mut events = Vec::with_capacity(operations.len());
        let revision_before = self.last_revision;
        for (id, operation) in operations {
            let mut doer = operations::Doer {
                connection: &transaction,
                attachments: &mut self.attachments,
                last_revision: &mut self.last_revision,
                events: &mut events,
            };
            doer.handle(*id, operation)?;
        }
        if self.last_revision != revision_before {
            schema::write_last_revision(&transaction, self.last_revision)?;
        }
        transaction.commit()?;
        Ok(events)
    }

    /// A transaction failed. Reading may still work; what was to be written has failed, and
    /// nobody knows whether it will be there after a restart.
    fn fail(
        &mut self,
        now: Now,
        operations: &[(OperationId, StoreOperation)],
        error: &rusqlite::Error,
    ) {
        tracing::error!(%error, "the store failed");
        for operation in operations {
            let alone = core::slice::from_ref(operation);
            let events = if operation.1.is_write() {
                None
            } else {
                self.commit(alone).ok()
            };
            match events {
                Some(events) => self.report(alone, events),
                None => self.events.push_back(StoreEvent::Failed {
                    operation: operation.0,
                    error: StoreError::Unavailable,
                }),
            }
        }
        if self.stalled.is_none() {
            self.events.push_back(StoreEvent::Stalled);
            self.stalled = Some(Stalled {
                retry_at: Some(now.instant + FIRST_RETRY),
                interval: FIRST_RETRY,
            });
        }
    }

    fn report(&mut self, batch: &[(OperationId, StoreOperation)], events: Vec<StoreEvent>) {
        self.events.extend(events);
        if let Some((id, StoreOperation::AttachTable { table })) = batch.last() {
            self.reader = Some(TableReader::new(*id, *table));
        }
    }

    /// Fails the writes that come before the core knows that the store was stalled. Gives the rest.
    fn admit(
        &mut self,
        operations: impl Iterator<Item = (OperationId, StoreOperation)>,
    ) -> Vec<(OperationId, StoreOperation)> {
        let mut admitted = Vec::new();
        for (id, operation) in operations {
            if operation == StoreOperation::Resume {
                self.stalled = None;
            }
            if self.stalled.is_some() && operation.is_write() {
                self.events.push_back(StoreEvent::Failed {
                    operation: id,
                    error: StoreError::Unavailable,
                });
            } else {
                admitted.push((id, operation));
            }
        }
        admitted
    }
}

impl Store for SqliteStore {
    fn handle(&mut self, now: Now, operations: &mut Vec<(OperationId, StoreOperation)>) {
        // Later operations could change a table while it is being reported.
        let last = operations
            .iter()
            .position(|(_, operation)| matches!(operation, StoreOperation::AttachTable { .. }))
            .map_or(operations.len(), |index| index + 1);
        if last == 0 || self.reader.is_some() {
            return;
        }
        let batch = self.admit(operations.drain(..last));
        match self.commit(&batch) {
            Ok(events) => self.report(&batch, events),
            Err(error) => self.fail(now, &batch, &error),
        }
    }

    fn handle_timeout(&mut self, now: Now) {
        let Some(stalled) = &mut self.stalled else {
            return self.pruner.handle_timeout(now, &mut self.connection);
        };
        if is_due(stalled.retry_at, now) {
            stalled.interval = (stalled.interval * 2).min(LAST_RETRY);
            stalled.retry_at = Some(now.instant + stalled.interval);
            let written = schema::try_write(&mut self.connection);
            if written.and_then(|()| self.file.check()).is_ok() {
                stalled.retry_at = None;
                self.events.push_back(StoreEvent::Well);
            }
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        match self.stalled {
            Some(stalled) => stalled.retry_at,
            None => Some(self.pruner.next()),
        }
    }

    fn poll_event(&mut self) -> Option<StoreEvent> {
        // What came before the table's report has been polled by then, see `handle`.
        if self.events.is_empty()
            && let Some(reader) = &mut self.reader
        {
            let event = reader.next(&self.connection);
            if reader.is_finished() {
                self.reader = None;
            }
            return Some(event);
        }
        self.events.pop_front()
    }
}

#[cfg(test)]
mod tests;
