//! Reports all records of a table, a page at a time.

use std::collections::VecDeque;

use chat_core::store::{OperationId, Revision, StoreError, StoreEvent, Table};
use rusqlite::{Connection, params};

/// Records read at once.
const PAGE: usize = 256;

/// Where the report of a table stands.
#[derive(Debug)]
pub(super) struct TableReader {
    operation: OperationId,
    table: Table,
    page: VecDeque<(String, i64, Vec<u8>)>,
    /// The last key read; nothing is read after the last page.
    after: Option<String>,
    last_page: bool,
    finished: bool,
}

impl TableReader {
    pub(super) fn new(operation: OperationId, table: Table) -> Self {
        Self {
            operation,
            table,
            page: VecDeque::new(),
            after: None,
            last_page: false,
            finished: false,
        }
    }

    /// The next record, or the completion after the last.
    pub(super) fn next(&mut self, connection: &Connection) -> StoreEvent {
        if self.page.is_empty()
            && !self.last_page
            && let Err(error) = self.read(connection)
        {
            tracing::error!(%error, "a table cannot be read");
            self.finished = true;
            return StoreEvent::Failed {
                operation: self.operation,
                error: StoreError::Unavailable,
            };
        }
        match self.page.pop_front() {
            Some((key, revision, value)) => StoreEvent::Changed {
                table: self.table,
                key,
                revision: Revision(revision.cast_unsigned()),
                value: Some(value),
            },
            None => {
                self.finished = true;
                StoreEvent::Done {
                    operation: self.operation,
                    revision: None,
                }
            }
        }
    }

    /// The completion has been given.
    pub(super) fn is_finished(&self) -> bool {
        self.finished
    }

    fn read(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let mut statement = connection.prepare_cached(
            "SELECT key, revision, value FROM records
             WHERE table_name = ?1 AND (?2 IS NULL OR key > ?2) ORDER BY key LIMIT ?3",
        )?;
        let limit = i64::try_from(PAGE).unwrap_or(i64::MAX);
        let rows = statement.query_map(params![self.table.as_str(), self.after, limit], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })?;
        for row in rows {
            self.page.push_back(row?);
        }
        self.last_page = self.page.len() < PAGE;
        self.after = self.page.back().map(|(key, ..)| key.clone());
        Ok(())
    }
}
