//! The version of the table: which name changed when.

use alloc::collections::{BTreeMap, BTreeSet};
use core::ops::Bound;

use crate::{name::Name, wire::TableVersion};

/// Freed names that are remembered for clients with an older table. When there are more, the
/// oldest is forgotten, and a client whose table is older than that gets the whole one.
const MAX_FREED: usize = 4_096;

/// Numbers the changes. Each name has the number of its last change, so that what changed after a
/// number and the whole table are found in the same way.
pub(super) struct Table {
    epoch: u64,
    last: u64,
    by_number: BTreeMap<u64, Name>,
    numbers: BTreeMap<Name, u64>,
    /// The numbers of changes that freed a name.
    freed: BTreeSet<u64>,
    /// Differences are complete after this number.
    floor: u64,
}

impl Table {
    /// An empty table. An epoch is drawn at each start; its lowest bit tells whether clients are
    /// sent everything or only what they asked for.
    pub(super) const fn new(epoch: u64) -> Self {
        Self {
            epoch: epoch | 2,
            last: 0,
            by_number: BTreeMap::new(),
            numbers: BTreeMap::new(),
            freed: BTreeSet::new(),
            floor: 0,
        }
    }

    /// The version that a client has when it has applied everything.
    pub(super) const fn version(&self, whole: bool) -> TableVersion {
        TableVersion {
            epoch: if whole {
                self.epoch & !1
            } else {
                self.epoch | 1
            },
            number: self.last,
        }
    }

    /// The name was written: it has changed for everybody who has an earlier number.
    pub(super) fn changed(&mut self, name: &Name) {
        self.last += 1;
        if let Some(before) = self.numbers.insert(name.clone(), self.last) {
            self.by_number.remove(&before);
            self.freed.remove(&before);
        }
        self.by_number.insert(self.last, name.clone());
    }

    /// Nobody has the name any more.
    pub(super) fn freed(&mut self, name: &Name) {
        self.changed(name);
        self.freed.insert(self.last);
        if self.freed.len() > MAX_FREED
            && let Some(oldest) = self.freed.pop_first()
            && let Some(name) = self.by_number.remove(&oldest)
        {
            self.numbers.remove(&name);
            self.floor = oldest;
        }
    }

    /// The number after which a client that has `version` needs the changes; zero: all of them.
    pub(super) fn after(&self, version: TableVersion, whole: bool) -> u64 {
        let current = self.version(whole);
        let known = version.epoch == current.epoch
            && (self.floor..=current.number).contains(&version.number);
        if known { version.number } else { 0 }
    }

    /// The names that changed after a number, oldest change first.
    pub(super) fn changes(&self, after: u64) -> impl Iterator<Item = &Name> {
        self.by_number
            .range((Bound::Excluded(after), Bound::Unbounded))
            .map(|(_, name)| name)
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    fn name(text: &str) -> Name {
        text.parse().unwrap()
    }

    fn changes(table: &Table, after: u64) -> Vec<Name> {
        table.changes(after).cloned().collect()
    }

    #[test]
    fn a_name_is_listed_once_at_its_last_change() {
        let mut table = Table::new(8);
        for changed in ["a", "b", "a"] {
            table.changed(&name(changed));
        }
        assert_eq!(changes(&table, 0), [name("b"), name("a")]);
        assert_eq!(changes(&table, 2), [name("a")]);
        assert_eq!(table.version(true).number, 3);
    }

    #[test]
    fn another_epoch_or_an_unknown_number_needs_the_whole_table() {
        let mut table = Table::new(8);
        table.changed(&name("a"));
        table.changed(&name("b"));
        let version = |epoch, number| TableVersion { epoch, number };
        let current = table.version(true);
        assert_eq!(table.after(version(current.epoch, 1), true), 1);
        assert_eq!(table.after(version(current.epoch, 3), true), 0);
        assert_eq!(table.after(version(current.epoch + 1, 1), true), 0);
        assert_eq!(table.after(version(current.epoch, 1), false), 0);
        assert_eq!(table.after(TableVersion::default(), true), 0);
    }

    #[test]
    fn forgetting_a_freed_name_makes_older_tables_start_again() {
        let mut table = Table::new(8);
        table.changed(&name("a"));
        for _ in 0..2 {
            for index in 0..=MAX_FREED {
                table.freed(&name(&alloc::format!("x{index}")));
            }
        }
        let epoch = table.version(true).epoch;
        assert_eq!(table.after(TableVersion { epoch, number: 1 }, true), 0);
        assert_eq!(changes(&table, 0).len(), 1 + MAX_FREED);
    }
}
