//! What the client knows of everyone: pinned keys, addresses, who is online.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};
use core::net::SocketAddr;

use serde::{Deserialize, Serialize};

use super::event::Peer;
use crate::{
    id::PublicKey,
    name::Name,
    time::{Duration, Instant},
    wire::{Address, Presence, TableEntry, TableVersion},
};

/// What is known of a name, and kept between runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Known {
    pub(super) name: Name,
    /// The key that was seen first: the pin.
    pub(super) key: PublicKey,
    /// Another key that the server names since.
    pub(super) changed: Option<PublicKey>,
    pub(super) address: Option<Address>,
    pub(super) online: bool,
    /// Whether the server's table has the name; a pin outlives that.
    pub(super) listed: bool,
    /// The user has compared the pinned key with its owner.
    #[serde(default)]
    pub(super) compared: bool,
}

/// How a key relates to a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KeyMatch {
    /// It is the pinned key.
    Pinned,
    /// It is the key that the server names, but another one is pinned.
    Changed,
    /// It is neither.
    Other,
    /// Nothing is known of the name.
    Unknown,
}

/// What people see of an entry, to tell whether a batch of changes altered anything.
type View = Option<(Option<Address>, bool)>;

/// How the entries that changed looked before the batch.
#[derive(Default)]
struct Before {
    views: BTreeMap<Name, View>,
    /// The batch is the first since a registration.
    first: bool,
}

/// The table, with the changes that have not been noticed.
pub(super) struct Table {
    entries: BTreeMap<Name, Known>,
    max: usize,
    interval: Duration,
    version: TableVersion,
    /// The names of the whole table that is being received.
    series: Option<BTreeSet<Name>>,
    before: Before,
    notice_at: Option<Instant>,
    first_due: bool,
    dropped: u64,
}

impl Table {
    pub(super) fn new(max: usize, interval: Duration) -> Self {
        Self {
            entries: BTreeMap::new(),
            max,
            interval,
            version: TableVersion::default(),
            series: None,
            before: Before::default(),
            notice_at: None,
            first_due: false,
            dropped: 0,
        }
    }

    /// Takes an entry that was kept between runs.
    pub(super) fn restore(&mut self, known: Known) {
        if self.has_room_for(&known.name) {
            self.entries.insert(known.name.clone(), known);
        }
    }

    pub(super) fn get(&self, name: &Name) -> Option<&Known> {
        self.entries.get(name)
    }

    /// The name as its owner has registered it, if that is known: what is shown is spelled in one
    /// way, however it was typed.
    pub(super) fn spelled(&self, name: Name) -> Name {
        self.get(&name).map_or(name, |known| known.name.clone())
    }

    /// The version to be brought up to date.
    pub(super) fn version(&self) -> TableVersion {
        self.version
    }

    /// The rest of a series that was being received will not come.
    pub(super) fn cut_off(&mut self) {
        self.series = None;
    }

    /// The client has registered at the user's wish: its first table is shown in any case.
    pub(super) fn expect_first(&mut self) {
        self.first_due = true;
    }

    /// Whether the first table since a registration at the user's wish is still to come.
    pub(super) fn is_first_due(&self) -> bool {
        self.first_due
    }

    /// How many entries were dropped because the table was full.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped
    }

    pub(super) fn key_match(&self, name: &Name, key: &PublicKey) -> KeyMatch {
        match self.entries.get(name) {
            None => KeyMatch::Unknown,
            Some(known) if known.key == *key => KeyMatch::Pinned,
            Some(known) if known.changed == Some(*key) => KeyMatch::Changed,
            Some(_) => KeyMatch::Other,
        }
    }

    /// Applies a frame of changes; `after` zero begins the whole table. Gives the names whose
    /// entries changed.
    pub(super) fn apply(
        &mut self,
        now: Instant,
        after: u64,
        version: TableVersion,
        complete: bool,
        entries: Vec<TableEntry>,
    ) -> Vec<Name> {
        if (after == 0 || planted!(DeltaTakenForWhole)) && self.series.is_none() {
            self.series = Some(BTreeSet::new());
        }
        let mut touched = Vec::new();
        for entry in entries {
            let name = entry.name.clone();
            touched.extend(self.apply_entry(now, entry));
            if let Some(series) = &mut self.series
                && self.entries.contains_key(&name)
            {
                series.insert(name);
            }
        }
        if complete {
            if let Some(series) = self.series.take() {
                touched.extend(self.remove_unlisted(now, &series));
            }
            self.version = version;
            if core::mem::take(&mut self.first_due) {
                self.before.first = true;
                self.notice_at.get_or_insert(now + self.interval);
            }
        }
        touched
    }

    /// Applies what the server says of one name. Gives the name if anything changed.
    pub(super) fn apply_entry(&mut self, now: Instant, entry: TableEntry) -> Option<Name> {
        let Some(key) = entry.key else {
            return self.remove(now, &entry.name);
        };
        if !self.has_room_for(&entry.name) {
            return None;
        }
        let old = self.entries.get(&entry.name);
        let online = match entry.presence {
            Presence::Online if !planted!(TableEntryNotUpdated) || old.is_none() => true,
            Presence::Offline => false,
            _ => old.is_some_and(|known| known.online),
        };
        let pin = old.map_or(key, |known| known.key);
        let known = Known {
            name: entry.name.clone(),
            key: pin,
            changed: (key != pin).then_some(key),
            address: entry
                .address
                .filter(|_| !planted!(TableAddressNotUpdated) || old.is_none())
                .or_else(|| old.and_then(|known| known.address)),
            online,
            listed: true,
            compared: old.is_some_and(|known| known.compared),
        };
        if old == Some(&known) {
            return None;
        }
        self.note(now, &entry.name);
        self.entries.insert(entry.name.clone(), known);
        Some(entry.name)
    }

    /// Pins a key that was met before the table had the name. Gives whether it is a new pin.
    pub(super) fn pin(&mut self, name: &Name, key: PublicKey) -> bool {
        if self.entries.contains_key(name) || !self.has_room_for(name) {
            return false;
        }
        let known = Known {
            name: name.clone(),
            key,
            changed: None,
            address: None,
            online: false,
            listed: false,
            compared: false,
        };
        self.entries.insert(name.clone(), known);
        true
    }

    /// The user wants the changed key of this name. Gives whether there was one.
    pub(super) fn accept_change(&mut self, name: &Name) -> bool {
        let Some(known) = self.entries.get_mut(name) else {
            return false;
        };
        let Some(key) = known.changed.take() else {
            return false;
        };
        known.key = key;
        known.compared = false;
        true
    }

    /// The user has compared the pinned key with its owner.
    pub(super) fn set_compared(&mut self, name: &Name) {
        if let Some(known) = self.entries.get_mut(name) {
            known.compared = true;
        }
    }

    /// The server has found that the name is online. Gives whether the table said otherwise.
    pub(super) fn set_online(&mut self, now: Instant, name: &Name) -> bool {
        if self.entries.get(name).is_none_or(|known| known.online) {
            return false;
        }
        self.note(now, name);
        if let Some(known) = self.entries.get_mut(name) {
            known.online = true;
        }
        true
    }

    /// Whether the changes of the batch that ends at `now` altered the table.
    pub(super) fn poll_notice(&mut self, now: Instant) -> bool {
        if self.series.is_some() || self.notice_at.is_none_or(|at| now < at) {
            return false;
        }
        if !planted!(NoticeTimerNotCleared) {
            self.notice_at = None;
        }
        let before = core::mem::take(&mut self.before);
        before.first || {
            let mut changed = before.views.iter();
            changed.any(|(name, view)| self.view(name) != *view)
        }
    }

    /// Forgets the changes that were not shown.
    pub(super) fn drop_notice(&mut self) {
        self.notice_at = None;
        self.first_due = false;
        self.before = Before::default();
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.notice_at.filter(|_| self.series.is_none())
    }

    /// The names that the server's table has, in order.
    pub(super) fn names(&self) -> impl Iterator<Item = &Name> {
        let listed = self.entries.values().filter(|known| known.listed);
        listed.map(|known| &known.name)
    }

    /// Everyone that the server's table has, by name.
    pub(super) fn peers(&self) -> Vec<Peer> {
        let listed = self.entries.values().filter(|known| known.listed);
        listed
            .map(|known| Peer {
                name: known.name.clone(),
                address: known.socket_address(),
                online: known.online,
            })
            .collect()
    }

    fn has_room_for(&mut self, name: &Name) -> bool {
        let room = self.entries.len() < self.max || self.entries.contains_key(name);
        self.dropped += u64::from(!room);
        room
    }

    fn remove(&mut self, now: Instant, name: &Name) -> Option<Name> {
        if !self.entries.get(name)?.listed {
            return None;
        }
        self.note(now, name);
        let known = self.entries.get_mut(name)?;
        known.listed = false;
        known.online = false;
        known.changed = None;
        Some(name.clone())
    }

    fn remove_unlisted(&mut self, now: Instant, listed: &BTreeSet<Name>) -> Vec<Name> {
        let gone: Vec<Name> = self
            .entries
            .values()
            .filter(|known| known.listed && !listed.contains(&known.name))
            .map(|known| known.name.clone())
            .collect();
        gone.iter()
            .filter_map(|name| self.remove(now, name))
            .collect()
    }

    /// Remembers how an entry looked before the batch.
    fn note(&mut self, now: Instant, name: &Name) {
        let view = self.view(name);
        self.before.views.entry(name.clone()).or_insert(view);
        self.notice_at.get_or_insert(now + self.interval);
    }

    fn view(&self, name: &Name) -> View {
        let known = self.entries.get(name).filter(|known| known.listed)?;
        Some((known.address, known.online))
    }
}

impl Known {
    pub(super) fn socket_address(&self) -> Option<SocketAddr> {
        self.address.map(|address| address.0)
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    fn name(text: &str) -> Name {
        text.parse().unwrap()
    }

    fn entry(text: &str, key: u8, presence: Presence) -> TableEntry {
        TableEntry {
            name: name(text),
            key: (key != 0).then_some(PublicKey([key; 32])),
            address: Some(Address("127.0.0.1:5000".parse().unwrap())),
            presence,
        }
    }

    fn version(number: u64) -> TableVersion {
        TableVersion { epoch: 1, number }
    }

    fn table() -> Table {
        Table::new(10, Duration::from_millis(100))
    }

    const LATER: Instant = Instant::from_micros(1_000_000);

    #[test]
    fn who_is_found_to_be_online_is_noted_once() {
        let mut table = table();
        let entries = vec![entry("x", 1, Presence::Offline)];
        table.apply(Instant::ZERO, 0, version(1), true, entries);
        assert!(table.poll_notice(LATER));
        assert!(!table.set_online(LATER, &name("y")), "nobody knows it");
        assert!(table.set_online(LATER, &name("x")));
        assert!(!table.set_online(LATER, &name("x")));
        assert!(table.get(&name("x")).unwrap().online);
    }

    #[test]
    fn a_batch_is_noticed_once() {
        let mut table = table();
        let entries = vec![
            entry("x", 1, Presence::Online),
            entry("y", 2, Presence::Offline),
        ];
        table.apply(Instant::ZERO, 0, version(2), true, entries);
        assert!(!table.poll_notice(Instant::ZERO));
        assert!(table.poll_notice(LATER));
        assert!(!table.poll_notice(LATER));
        assert_eq!(table.peers().len(), 2);
    }

    #[test]
    fn changes_that_cancel_out_are_not_noticed() {
        let mut table = table();
        let online = || vec![entry("x", 1, Presence::Online)];
        let offline = vec![entry("x", 1, Presence::Offline)];
        table.apply(Instant::ZERO, 0, version(1), true, online());
        assert!(table.poll_notice(LATER));
        table.apply(LATER, 1, version(2), true, offline);
        table.apply(LATER, 2, version(3), true, online());
        assert!(!table.poll_notice(LATER + Duration::from_secs(1)));
        assert_eq!(table.poll_timeout(), None);
    }

    #[test]
    fn the_first_table_after_a_registration_is_noticed_in_any_case() {
        let mut table = table();
        table.expect_first();
        table.apply(Instant::ZERO, 4, version(4), true, vec![]);
        assert!(table.poll_notice(LATER));
    }

    #[test]
    fn who_is_missing_in_a_whole_table_does_not_exist_and_stays_pinned() {
        let mut table = table();
        let both = vec![
            entry("x", 1, Presence::Online),
            entry("y", 2, Presence::Online),
        ];
        table.apply(Instant::ZERO, 0, version(2), true, both);
        table.apply(Instant::ZERO, 0, version(9), false, vec![]);
        assert_eq!(table.peers().len(), 2);
        let one = vec![entry("x", 1, Presence::Online)];
        table.apply(Instant::ZERO, 0, version(9), true, one);
        assert_eq!(table.peers().len(), 1);
        let key = PublicKey([2; 32]);
        assert_eq!(table.key_match(&name("y"), &key), KeyMatch::Pinned);
    }

    #[test]
    fn a_changed_key_does_not_replace_the_pinned_one_until_it_is_accepted() {
        let mut table = table();
        table.apply_entry(Instant::ZERO, entry("x", 1, Presence::Online));
        table.apply_entry(Instant::ZERO, entry("x", 2, Presence::Online));
        let (old, new) = (PublicKey([1; 32]), PublicKey([2; 32]));
        assert_eq!(table.key_match(&name("x"), &old), KeyMatch::Pinned);
        assert_eq!(table.key_match(&name("x"), &new), KeyMatch::Changed);
        assert!(table.accept_change(&name("x")));
        assert_eq!(table.key_match(&name("x"), &new), KeyMatch::Pinned);
        assert_eq!(table.key_match(&name("x"), &old), KeyMatch::Other);
    }

    #[test]
    fn an_unknown_presence_keeps_the_view() {
        let mut table = table();
        table.apply_entry(Instant::ZERO, entry("x", 1, Presence::Online));
        table.apply_entry(Instant::ZERO, entry("x", 1, Presence::Unknown));
        assert!(table.get(&name("x")).unwrap().online);
    }

    #[test]
    fn a_full_table_drops_and_counts() {
        let mut table = Table::new(1, Duration::ZERO);
        table.apply_entry(Instant::ZERO, entry("x", 1, Presence::Online));
        table.apply_entry(Instant::ZERO, entry("y", 2, Presence::Online));
        assert_eq!((table.peers().len(), table.dropped()), (1, 1));
    }

    #[test]
    fn a_table_without_end_takes_no_more_room_than_a_full_one() {
        let mut table = Table::new(1, Duration::ZERO);
        let entries = ["x", "y", "z"].map(|name| entry(name, 1, Presence::Online));
        table.apply(
            Instant::ZERO,
            0,
            TableVersion::default(),
            false,
            entries.into(),
        );
        assert_eq!(table.series.as_ref().map(BTreeSet::len), Some(1));
    }
}
