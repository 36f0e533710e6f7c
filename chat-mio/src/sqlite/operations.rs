//! Each operation as SQL, within a transaction.

use chat_core::{
    config::MAX_STORED_BYTES,
    id::MessageId,
    store::{
        Entry, Limit, Log, OperationId, Position, Revision, StoreError, StoreEvent, StoreOperation,
        Table,
    },
    time::WallTime,
};
use rusqlite::{Connection, OptionalExtension, Result, Row, params};

use super::Attachments;

/// Does operations and collects what is to be reported once they are durable.
pub(super) struct Doer<'a> {
    pub(super) connection: &'a Connection,
    /// What a failed transaction attached stays attached: whoever asked for it asks again.
    pub(super) attachments: &'a mut Attachments,
    pub(super) last_revision: &'a mut i64,
    pub(super) events: &'a mut Vec<StoreEvent>,
}

/// A row of `logs`.
struct LogRow {
    number: i64,
    head: i64,
    entries: i64,
}

impl Doer<'_> {
    pub(super) fn handle(&mut self, id: OperationId, operation: &StoreOperation) -> Result<()> {
        match operation {
            StoreOperation::CompareAndSet {
                table,
                key,
                expected,
                value,
            } => self.compare_and_set(id, *table, key, *expected, value.as_deref()),
            StoreOperation::Append {
                log,
                id: entry,
                received,
                bytes,
                limit,
            } => {
                let entry = Entry {
                    position: Position(0),
                    id: *entry,
                    received: *received,
                    bytes: bytes.clone(),
                };
                self.append(id, log, entry, *limit)
            }
            StoreOperation::Fetch { log, after, count } => self.fetch(id, log, *after, *count),
            StoreOperation::Trim { log, up_to } => self.trim(id, log, *up_to),
            StoreOperation::AttachLog { log } => {
                let head = self.log(log)?.map_or(0, |row| row.head);
                self.attachments.logs.insert(log.clone());
                self.events.push(StoreEvent::Attached {
                    operation: id,
                    head: Position(head.cast_unsigned()),
                });
                Ok(())
            }
            // Completed when the whole table has been reported.
            StoreOperation::AttachTable { table } => {
                self.attachments.tables.insert(*table);
                Ok(())
            }
            StoreOperation::DetachLog { log } => {
                self.attachments.logs.remove(log);
                self.done(id, None);
                Ok(())
            }
            StoreOperation::Resume => {
                self.done(id, None);
                Ok(())
            }
            _ => unreachable!("the core has no other operations"),
        }
    }

    fn done(&mut self, operation: OperationId, revision: Option<Revision>) {
        self.events.push(StoreEvent::Done {
            operation,
            revision,
        });
    }

    fn failed(&mut self, operation: OperationId, error: StoreError) {
        self.events.push(StoreEvent::Failed { operation, error });
    }

    fn compare_and_set(
        &mut self,
        operation: OperationId,
        table: Table,
        key: &str,
        expected: Option<Revision>,
        value: Option<&[u8]>,
    ) -> Result<()> {
        if key.len() + value.map_or(0, <[u8]>::len) > MAX_STORED_BYTES {
            self.failed(operation, StoreError::TooBig);
            return Ok(());
        }
        let current: Option<(i64, Vec<u8>)> = self
            .connection
            .prepare_cached(
                "SELECT revision, value FROM records WHERE table_name = ?1 AND key = ?2",
            )?
            .query_row(params![table.as_str(), key], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .optional()?;
        let current = current.map(|(revision, value)| (Revision(revision.cast_unsigned()), value));
        if current.as_ref().map(|(revision, _)| *revision) != expected {
            self.events
                .push(StoreEvent::Conflict { operation, current });
            return Ok(());
        }
        if current.is_none() && value.is_none() {
            self.done(operation, None);
            return Ok(());
        }
        *self.last_revision += 1;
        self.write_record(table, key, value)?;
        let revision = Revision(self.last_revision.cast_unsigned());
        self.done(operation, Some(revision));
        if self.attachments.tables.contains(&table) {
            self.events.push(StoreEvent::Changed {
                table,
                key: key.to_owned(),
                revision,
                value: value.map(Vec::from),
            });
        }
        Ok(())
    }

    fn write_record(&self, table: Table, key: &str, value: Option<&[u8]>) -> Result<()> {
        match value {
            Some(value) => self
                .connection
                .prepare_cached(
                    "INSERT OR REPLACE INTO records (table_name, key, revision, value)
                     VALUES (?1, ?2, ?3, ?4)",
                )?
                .execute(params![table.as_str(), key, *self.last_revision, value])?,
            None => self
                .connection
                .prepare_cached("DELETE FROM records WHERE table_name = ?1 AND key = ?2")?
                .execute(params![table.as_str(), key])?,
        };
        Ok(())
    }

    fn append(
        &mut self,
        operation: OperationId,
        log: &Log,
        mut entry: Entry,
        limit: Limit,
    ) -> Result<()> {
        let row = self.log(log)?;
        if let Some(row) = &row
            && let Some((position, received)) = self.first_append(row.number, entry.id)?
        {
            self.events.push(StoreEvent::Appended {
                operation,
                position,
                received,
            });
            return Ok(());
        }
        if entry.bytes.len() > MAX_STORED_BYTES {
            self.failed(operation, StoreError::TooBig);
            return Ok(());
        }
        let entries = row.as_ref().map_or(0, |row| row.entries.cast_unsigned());
        if limit.refuses(entries) {
            self.failed(operation, StoreError::Full);
            return Ok(());
        }
        let row = match row {
            Some(row) => row,
            None => self.create_log(log)?,
        };
        entry.position = Position((row.head + 1).cast_unsigned());
        self.write_entry(&row, &entry)?;
        let dropped = limit.drops_up_to(entry.position).0.cast_signed();
        if dropped > row.head - row.entries {
            self.remove(row.number, dropped)?;
        }
        self.events.push(StoreEvent::Appended {
            operation,
            position: entry.position,
            received: entry.received,
        });
        if self.attachments.logs.contains(log) {
            self.events.push(StoreEvent::Arrived {
                log: log.clone(),
                entry,
            });
        }
        Ok(())
    }

    fn first_append(&self, log: i64, id: MessageId) -> Result<Option<(Position, WallTime)>> {
        self.connection
            .prepare_cached("SELECT position, received FROM ids WHERE log = ?1 AND id = ?2")?
            .query_row(params![log, id.0], |row| {
                Ok((position(row, 0)?, wall_time(row, 1)?))
            })
            .optional()
    }

    fn write_entry(&self, log: &LogRow, entry: &Entry) -> Result<()> {
        let position = entry.position.0.cast_signed();
        let received = entry.received.as_micros().cast_signed();
        self.connection
            .prepare_cached(
                "INSERT INTO entries (log, position, id, received, bytes)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![
                log.number,
                position,
                entry.id.0,
                received,
                &entry.bytes[..]
            ])?;
        self.connection
            .prepare_cached(
                "INSERT INTO ids (log, id, position, received) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![log.number, entry.id.0, position, received])?;
        self.connection
            .prepare_cached("UPDATE logs SET head = ?2, entries = entries + 1 WHERE log = ?1")?
            .execute(params![log.number, position])?;
        Ok(())
    }

    fn fetch(
        &mut self,
        operation: OperationId,
        log: &Log,
        after: Position,
        count: usize,
    ) -> Result<()> {
        let mut entries = Vec::new();
        if let Some(row) = self.log(log)? {
            let mut statement = self.connection.prepare_cached(
                "SELECT position, id, received, bytes FROM entries
                 WHERE log = ?1 AND position > ?2 ORDER BY position LIMIT ?3",
            )?;
            let after = i64::try_from(after.0).unwrap_or(i64::MAX);
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            let rows = statement.query_map(params![row.number, after, count], |row| {
                let bytes = row.get_ref(3)?.as_blob()?;
                Ok(Entry {
                    position: position(row, 0)?,
                    id: MessageId(row.get(1)?),
                    received: wall_time(row, 2)?,
                    bytes: bytes.into(),
                })
            })?;
            entries = rows.collect::<Result<_>>()?;
        }
        self.events.push(StoreEvent::Fetched { operation, entries });
        Ok(())
    }

    fn trim(&mut self, operation: OperationId, log: &Log, up_to: Position) -> Result<()> {
        if let Some(row) = self.log(log)? {
            let up_to = i64::try_from(up_to.0).unwrap_or(i64::MAX);
            self.remove(row.number, up_to)?;
        }
        self.done(operation, None);
        Ok(())
    }

    fn remove(&self, log: i64, up_to: i64) -> Result<()> {
        let removed = self
            .connection
            .prepare_cached("DELETE FROM entries WHERE log = ?1 AND position <= ?2")?
            .execute(params![log, up_to])?;
        let removed = i64::try_from(removed).unwrap_or(i64::MAX);
        if removed > 0 {
            self.connection
                .prepare_cached("UPDATE logs SET entries = entries - ?2 WHERE log = ?1")?
                .execute(params![log, removed])?;
        }
        Ok(())
    }

    fn log(&self, log: &Log) -> Result<Option<LogRow>> {
        self.connection
            .prepare_cached("SELECT log, head, entries FROM logs WHERE name = ?1")?
            .query_row(params![log.to_string()], |row| {
                Ok(LogRow {
                    number: row.get(0)?,
                    head: row.get(1)?,
                    entries: row.get(2)?,
                })
            })
            .optional()
    }

    fn create_log(&self, log: &Log) -> Result<LogRow> {
        self.connection
            .prepare_cached("INSERT INTO logs (name, head, entries) VALUES (?1, 0, 0)")?
            .execute(params![log.to_string()])?;
        Ok(LogRow {
            number: self.connection.last_insert_rowid(),
            head: 0,
            entries: 0,
        })
    }
}

fn position(row: &Row<'_>, column: usize) -> Result<Position> {
    Ok(Position(row.get::<_, i64>(column)?.cast_unsigned()))
}

fn wall_time(row: &Row<'_>, column: usize) -> Result<WallTime> {
    let micros = row.get::<_, i64>(column)?.cast_unsigned();
    Ok(WallTime::from_micros(micros))
}
