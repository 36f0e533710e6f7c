//! Names: who has them, whether their owners are there.

use alloc::{
    collections::{BTreeMap, btree_map},
    vec::Vec,
};
use core::net::SocketAddr;

use super::{
    record::{self, NameRecord},
    session::SessionId,
};
use crate::{
    id::PublicKey,
    name::Name,
    store::Revision,
    wire::{Presence, TableEntry},
};

/// A name that somebody has.
pub(super) struct User {
    pub(super) record: NameRecord,
    pub(super) revision: Revision,
    pub(super) presence: Presence,
    /// The session of the owner, while it is online.
    pub(super) session: Option<SessionId>,
    /// The name's record is being removed.
    pub(super) freeing: bool,
}

impl User {
    /// What the table says of this name.
    pub(super) fn entry(&self) -> TableEntry {
        TableEntry {
            name: self.record.name.clone(),
            key: Some(self.record.key),
            address: self.record.address,
            presence: self.presence,
        }
    }

    pub(super) fn address(&self) -> Option<SocketAddr> {
        self.record.address.map(|address| address.0)
    }
}

/// What a change of a record did.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Applied {
    /// It was known, or cannot be read.
    Nothing,
    /// The name is there, or its record is another.
    Written(Name),
    /// Nobody has the name.
    Removed(Name),
}

/// All names.
pub(super) struct Names {
    users: BTreeMap<Name, User>,
    /// How many banned names have each key.
    banned: BTreeMap<PublicKey, usize>,
}

impl Names {
    pub(super) const fn new() -> Self {
        Self {
            users: BTreeMap::new(),
            banned: BTreeMap::new(),
        }
    }

    /// Whether the operator does not let in whoever has this key.
    pub(super) fn is_banned(&self, key: &PublicKey) -> bool {
        self.banned.contains_key(key)
    }

    /// The names that are banned, in order.
    pub(super) fn banned(&self) -> Vec<Name> {
        let banned = self.users.values().filter(|user| user.record.banned);
        banned.map(|user| user.record.name.clone()).collect()
    }

    /// The key that a name's record bans has become another one, or none.
    fn count_ban(&mut self, before: Option<PublicKey>, after: Option<PublicKey>) {
        if let Some(key) = after {
            *self.banned.entry(key).or_default() += 1;
        }
        if let Some(key) = before
            && let Some(count) = self.banned.get_mut(&key)
        {
            *count -= 1;
            if *count == 0 {
                self.banned.remove(&key);
            }
        }
    }

    pub(super) fn len(&self) -> usize {
        self.users.len()
    }

    pub(super) fn revision(&self, key: &str) -> Option<Revision> {
        self.users.get(key).map(|user| user.revision)
    }

    pub(super) fn get(&self, name: &Name) -> Option<&User> {
        self.users.get(name)
    }

    pub(super) fn get_mut(&mut self, name: &Name) -> Option<&mut User> {
        self.users.get_mut(name)
    }

    pub(super) fn iter(&self) -> btree_map::Iter<'_, Name, User> {
        self.users.iter()
    }

    /// The first name after `name`, or the very first.
    pub(super) fn after(&self, name: Option<&Name>) -> Option<&Name> {
        use core::ops::Bound::{Excluded, Unbounded};
        let later = (name.map_or(Unbounded, Excluded), Unbounded);
        self.users
            .range::<Name, _>(later)
            .next()
            .map(|(name, _)| name)
    }

    /// Takes a record as the store holds it. A revision that is not later than the known one
    /// changes nothing. `presence` is that of a name that was not known.
    pub(super) fn apply(
        &mut self,
        key: &str,
        revision: Revision,
        value: Option<&[u8]>,
        presence: Presence,
    ) -> Applied {
        let known = self.users.get_mut(key);
        if known.as_ref().is_some_and(|user| user.revision >= revision) {
            return Applied::Nothing;
        }
        let Some(value) = value else {
            let Some(user) = self.users.remove(key) else {
                return Applied::Nothing;
            };
            self.count_ban(user.record.banned_key(), None);
            return Applied::Removed(user.record.name);
        };
        let Some(record) = record::decode_name(value) else {
            return Applied::Nothing;
        };
        let name = record.name.clone();
        let before = known.as_ref().and_then(|user| user.record.banned_key());
        let after = record.banned_key();
        if let Some(user) = known {
            user.record = record;
            user.revision = revision;
            user.freeing = false;
        } else {
            let user = User {
                record,
                revision,
                presence,
                session: None,
                freeing: false,
            };
            self.users.insert(name.clone(), user);
        }
        self.count_ban(before, after);
        Applied::Written(name)
    }

    /// The names of which it is not known whether their owners are there.
    pub(super) fn unknown(&self) -> Vec<Name> {
        let unknown = |user: &&User| user.presence == Presence::Unknown;
        let users = self.users.values().filter(unknown);
        users.map(|user| user.record.name.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{InstanceId, PublicKey};

    fn bytes(name: &str, key: u8) -> Vec<u8> {
        record::encode(&NameRecord {
            name: name.parse().unwrap(),
            key: PublicKey([key; 32]),
            instance: InstanceId([0; 16]),
            first_instance: InstanceId([0; 16]),
            ephemeral: false,
            address: None,
            banned: false,
        })
    }

    #[test]
    fn a_record_counts_if_it_is_later_than_the_known_one() {
        let mut names = Names::new();
        let zoe: Name = "Zoë".parse().unwrap();
        let mut apply = |revision, value: Option<&[u8]>| {
            names.apply("zoë", Revision(revision), value, Presence::Offline)
        };
        assert_eq!(
            apply(5, Some(&bytes("Zoë", 1))),
            Applied::Written(zoe.clone())
        );
        assert_eq!(apply(5, Some(&bytes("Zoë", 2))), Applied::Nothing);
        assert_eq!(apply(4, None), Applied::Nothing);
        assert_eq!(apply(6, Some(b"damaged")), Applied::Nothing);
        assert_eq!(apply(7, None), Applied::Removed(zoe.clone()));
        assert_eq!(apply(8, None), Applied::Nothing);
        assert_eq!(names.len(), 0);
    }
}
