//! Changes of the table on their way to the clients.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    vec::Vec,
};

use super::{
    Event,
    item::encode,
    session::SessionId,
    state::{State, Timer},
};
use crate::{
    name::Name,
    streams,
    time::Now,
    wire::{ChatFrame, List, Presence, TableEntry},
};

/// Entries in one frame.
const ENTRIES_PER_FRAME: usize = 256;

impl State {
    /// What the table says of a name has changed.
    pub(super) fn table_changed(&mut self, now: Now, name: &Name) {
        self.table.changed(name);
        self.schedule_table(now);
    }

    pub(super) fn schedule_table(&mut self, now: Now) {
        if self.is_ready() {
            let send_at = now.instant + self.config.table_interval;
            self.timers.set_no_later(Timer::Table, send_at);
        }
    }

    /// Whether every client is sent the whole table.
    pub(super) fn table_is_whole(&self) -> bool {
        self.names.len() <= self.config.push_whole_table_below
    }

    /// Sends every client what it lacks. Clients that lack the same get the same bytes.
    pub(super) fn send_table(&mut self) {
        let sent = if self.table_is_whole() {
            self.send_whole_table()
        } else {
            self.send_interests()
        };
        self.table_sent = self.table.version(true).number;
        if sent {
            self.show(Event::TableUpdated);
        }
    }

    fn send_whole_table(&mut self) -> bool {
        let number = self.table.version(true).number;
        let mut behind: BTreeMap<u64, Vec<SessionId>> = BTreeMap::new();
        for (id, session) in self.sessions.iter_mut() {
            if let Some(login) = &mut session.login
                && login.table_after < number
            {
                behind.entry(login.table_after).or_default().push(id);
                login.table_after = number;
            }
        }
        let served = if planted!(TableDeltaLost) {
            1
        } else {
            behind.len()
        };
        for (after, sessions) in behind.iter().take(served) {
            let names: Vec<Name> = self.table.changes(*after).cloned().collect();
            let series = self.series(*after, &names, true);
            for session in sessions {
                self.send_series(*session, &series);
            }
        }
        !behind.is_empty()
    }

    /// Tells each client of the names that it deals with, and of nothing else.
    fn send_interests(&mut self) -> bool {
        let mut changes: BTreeMap<SessionId, BTreeSet<Name>> = BTreeMap::new();
        for name in self.table.changes(self.table_sent) {
            for session in self.interests.watchers(name) {
                changes.entry(session).or_default().insert(name.clone());
            }
        }
        let number = self.table.version(false).number;
        for (session, names) in &changes {
            let Some(login) = self.sessions.login_mut(*session) else {
                continue;
            };
            let after = core::mem::replace(&mut login.table_after, number);
            let names: Vec<Name> = names.iter().cloned().collect();
            let series = self.series(after, &names, false);
            self.send_series(*session, &series);
        }
        !changes.is_empty()
    }

    fn send_series(&mut self, session: SessionId, series: &[Arc<[u8]>]) {
        for message in series {
            self.send_encoded(session, streams::TABLE, Arc::clone(message));
        }
    }

    /// The frames that bring a client from a number to the current version.
    fn series(&self, after: u64, names: &[Name], whole: bool) -> Vec<Arc<[u8]>> {
        let entries = names.iter().map(|name| self.table_entry(name));
        // In a whole table, what is not listed does not exist.
        let listed = |entry: &TableEntry| after > 0 || entry.key.is_some();
        let entries: Vec<TableEntry> = entries.filter(listed).collect();
        let mut chunks: Vec<&[TableEntry]> = entries.chunks(ENTRIES_PER_FRAME).collect();
        if chunks.is_empty() {
            chunks.push(&[]);
        }
        let last = chunks.len() - 1;
        let frame = |(at, chunk): (usize, &[TableEntry])| {
            encode(&ChatFrame::TableChanges {
                after,
                version: self.table.version(whole),
                complete: at == last,
                entries: List::new(chunk.to_vec()),
            })
        };
        chunks.into_iter().enumerate().map(frame).collect()
    }

    fn table_entry(&self, name: &Name) -> TableEntry {
        self.names.get(name).map_or_else(
            || TableEntry {
                name: name.clone(),
                key: None,
                address: None,
                presence: Presence::Offline,
            },
            super::names::User::entry,
        )
    }
}
