//! Small values that follow the state in memory to the store, one write of each at a time.

use alloc::{collections::BTreeMap, string::String, vec::Vec};

use crate::store::{Revision, StoreOperation, Table};

type Value = Option<Vec<u8>>;

/// The client's records as far as the store is concerned: the client is their only writer.
#[derive(Default)]
pub(super) struct Records {
    records: BTreeMap<(Table, String), Record>,
}

#[derive(Default)]
struct Record {
    revision: Option<Revision>,
    writing: Option<Value>,
    /// The latest of what has been set since `writing` began.
    next: Option<Value>,
}

/// What comes of a completion.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Written {
    /// The record holds the latest value, durably.
    Latest,
    /// A later value is to be written.
    Again(StoreOperation),
}

impl Records {
    /// Sets a record (`None` removes it): the operation to be submitted, unless a write of it is
    /// on its way, which is then followed by this one.
    pub(super) fn set(&mut self, table: Table, key: &str, value: Value) -> Option<StoreOperation> {
        let record = self.records.entry((table, key.into())).or_default();
        if record.writing.is_some() {
            record.next = Some(value);
            return None;
        }
        if value.is_none() && record.revision.is_none() {
            self.records.remove(&(table, key.into()));
            return None;
        }
        Some(record.write(table, key, value))
    }

    /// The store reported this while it was read at the start.
    pub(super) fn loaded(&mut self, table: Table, key: &str, revision: Revision) {
        self.records
            .entry((table, key.into()))
            .or_default()
            .revision = Some(revision);
    }

    /// The write is durable.
    pub(super) fn done(&mut self, table: Table, key: &str, revision: Option<Revision>) -> Written {
        let Some(record) = self.records.get_mut(&(table, String::from(key))) else {
            return Written::Latest;
        };
        let removed = matches!(record.writing.take(), Some(None));
        record.revision = revision.filter(|_| !removed);
        match record.next.take().filter(|_| !planted!(LaterWriteLost)) {
            Some(None) if record.revision.is_none() => {}
            Some(value) => return Written::Again(record.write(table, key, value)),
            None => {}
        }
        if record.revision.is_none() {
            self.records.remove(&(table, key.into()));
        }
        Written::Latest
    }

    /// The write met another revision: either it had taken place, or it is to be made upon that.
    pub(super) fn conflict(
        &mut self,
        table: Table,
        key: &str,
        current: Option<(Revision, Vec<u8>)>,
    ) -> Written {
        let Some(record) = self.records.get_mut(&(table, String::from(key))) else {
            return Written::Latest;
        };
        let (revision, value) = match current {
            Some((revision, value)) => (Some(revision), Some(value)),
            None => (None, None),
        };
        if record.writing.as_ref() == Some(&value) {
            return self.done(table, key, revision);
        }
        record.revision = revision;
        let value = record.next.take().or(record.writing.take()).flatten();
        Written::Again(record.write(table, key, value))
    }

    /// Whether the record's latest value is durable.
    pub(super) fn is_durable(&self, table: Table, key: &str) -> bool {
        self.records
            .get(&(table, String::from(key)))
            .is_none_or(|record| record.writing.is_none())
    }
}

impl Record {
    fn write(&mut self, table: Table, key: &str, value: Value) -> StoreOperation {
        self.writing = Some(value.clone());
        StoreOperation::CompareAndSet {
            table,
            key: key.into(),
            expected: self.revision,
            value,
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    const TABLE: Table = Table::Settings;

    fn write(expected: Option<u64>, value: Option<u8>) -> StoreOperation {
        StoreOperation::CompareAndSet {
            table: TABLE,
            key: "key".into(),
            expected: expected.map(Revision),
            value: value.map(|byte| vec![byte]),
        }
    }

    #[test]
    fn what_is_set_during_a_write_is_written_after_it_once() {
        let mut records = Records::default();
        assert_eq!(
            records.set(TABLE, "key", Some(vec![1])),
            Some(write(None, Some(1)))
        );
        assert_eq!(records.set(TABLE, "key", Some(vec![2])), None);
        assert_eq!(records.set(TABLE, "key", Some(vec![3])), None);
        assert!(!records.is_durable(TABLE, "key"));
        assert_eq!(
            records.done(TABLE, "key", Some(Revision(1))),
            Written::Again(write(Some(1), Some(3)))
        );
        assert_eq!(
            records.done(TABLE, "key", Some(Revision(2))),
            Written::Latest
        );
        assert!(records.is_durable(TABLE, "key"));
    }

    #[test]
    fn a_record_that_was_removed_can_be_written_again() {
        let mut records = Records::default();
        records.loaded(TABLE, "key", Revision(7));
        assert_eq!(records.set(TABLE, "key", None), Some(write(Some(7), None)));
        assert_eq!(
            records.done(TABLE, "key", Some(Revision(8))),
            Written::Latest
        );
        assert_eq!(
            records.set(TABLE, "key", Some(vec![1])),
            Some(write(None, Some(1)))
        );
    }

    #[test]
    fn a_repeated_write_that_had_taken_place_is_done() {
        let mut records = Records::default();
        let _ = records.set(TABLE, "key", Some(vec![1]));
        assert_eq!(
            records.conflict(TABLE, "key", Some((Revision(1), vec![1]))),
            Written::Latest
        );
    }

    #[test]
    fn a_conflict_is_written_over() {
        let mut records = Records::default();
        let _ = records.set(TABLE, "key", Some(vec![1]));
        assert_eq!(
            records.conflict(TABLE, "key", Some((Revision(5), vec![9]))),
            Written::Again(write(Some(5), Some(1)))
        );
    }

    #[test]
    fn removing_what_was_never_written_needs_no_write() {
        let mut records = Records::default();
        assert_eq!(records.set(TABLE, "key", None), None);
        let _ = records.set(TABLE, "key", Some(vec![1]));
        assert_eq!(records.set(TABLE, "key", None), None);
        assert_eq!(
            records.done(TABLE, "key", Some(Revision(1))),
            Written::Again(write(Some(1), None))
        );
    }
}
