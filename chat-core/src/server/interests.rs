//! Which clients deal with which names: what they are told of when the table is too large.

use alloc::collections::{BTreeMap, BTreeSet};

use super::session::SessionId;
use crate::name::Name;

/// Sessions and the names that they are told about.
pub(super) struct Interests {
    of_session: BTreeMap<SessionId, BTreeSet<Name>>,
    watchers: BTreeMap<Name, BTreeSet<SessionId>>,
}

impl Interests {
    pub(super) const fn new() -> Self {
        Self {
            of_session: BTreeMap::new(),
            watchers: BTreeMap::new(),
        }
    }

    /// A session is to be told of changes of a name. False if it has `limit` names already.
    pub(super) fn add(&mut self, session: SessionId, name: &Name, limit: usize) -> bool {
        let names = self.of_session.entry(session).or_default();
        if names.len() >= limit && !names.contains(name) {
            return false;
        }
        names.insert(name.clone());
        let watchers = self.watchers.entry(name.clone()).or_default();
        watchers.insert(session);
        true
    }

    /// The session has ended.
    pub(super) fn remove(&mut self, session: SessionId) {
        for name in self.of_session.remove(&session).unwrap_or_default() {
            if let Some(watchers) = self.watchers.get_mut(&name) {
                watchers.remove(&session);
                if watchers.is_empty() {
                    self.watchers.remove(&name);
                }
            }
        }
    }

    /// The sessions that are told of changes of a name.
    pub(super) fn watchers(&self, name: &Name) -> impl Iterator<Item = SessionId> {
        self.watchers.get(name).into_iter().flatten().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_watches_as_many_names_as_allowed_until_it_ends() {
        let mut interests = Interests::new();
        let (a, b): (Name, Name) = ("a".parse().unwrap(), "b".parse().unwrap());
        assert!(interests.add(SessionId(1), &a, 1));
        assert!(interests.add(SessionId(1), &a, 1));
        assert!(!interests.add(SessionId(1), &b, 1));
        assert!(interests.add(SessionId(2), &a, 1));
        assert_eq!(interests.watchers(&a).count(), 2);
        interests.remove(SessionId(1));
        assert!(interests.watchers(&a).eq([SessionId(2)]));
    }
}
