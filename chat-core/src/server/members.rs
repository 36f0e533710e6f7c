//! Groups, their members, and how far each has read. The channel has everyone as its member.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    format,
    string::String,
    vec::Vec,
};
use core::ops::Bound;

use super::record::{self, GroupRecord, MemberRecord, log_of, member_key};
use crate::{
    conversation::Conversation,
    name::Name,
    store::{Log, Position, Revision},
};

/// A reader of a group's log or the channel.
pub(super) struct Member {
    pub(super) record: MemberRecord,
    pub(super) revision: Revision,
    /// How far the member has read; what the record says may be less.
    pub(super) reached: Position,
}

/// What a change of a record did.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Applied {
    /// Nothing that anybody is told of.
    Nothing,
    /// The group is there.
    Created(GroupRecord),
    /// The user is a member of the group.
    Joined(Name, Name),
    /// The user is no member of the group any more.
    Left(Name, Name),
}

/// All groups and memberships.
pub(super) struct Members {
    groups: BTreeMap<Name, (Revision, GroupRecord)>,
    members: BTreeMap<String, Member>,
    group_of: BTreeMap<Name, Name>,
    /// Members who have read further than their records say.
    dirty: BTreeSet<String>,
}

impl Members {
    pub(super) const fn new() -> Self {
        Self {
            groups: BTreeMap::new(),
            members: BTreeMap::new(),
            group_of: BTreeMap::new(),
            dirty: BTreeSet::new(),
        }
    }

    pub(super) fn groups(&self) -> usize {
        self.groups.len()
    }

    pub(super) fn group_revision(&self, key: &str) -> Option<Revision> {
        self.groups.get(key).map(|(revision, _)| *revision)
    }

    pub(super) fn group(&self, name: &Name) -> Option<&GroupRecord> {
        self.groups.get(name).map(|(_, record)| record)
    }

    /// The group that a user is a member of.
    pub(super) fn group_of(&self, user: &Name) -> Option<&Name> {
        self.group_of.get(user)
    }

    pub(super) fn get(&self, log: &Log, reader: &Name) -> Option<&Member> {
        self.by_key(&member_key(log, reader))
    }

    pub(super) fn by_key(&self, key: &str) -> Option<&Member> {
        self.members.get(key)
    }

    /// The logs that a user reads besides its mailbox.
    pub(super) fn logs_of(&self, user: &Name) -> Vec<Log> {
        let group = self.group_of(user).cloned().map(Log::Group);
        let channel = self.get(&Log::Channel, user).map(|_| Log::Channel);
        group.into_iter().chain(channel).collect()
    }

    /// Up to `count` names of groups after a name, in order, and whether more follow.
    pub(super) fn list_groups(&self, after: Option<&Name>, count: usize) -> (Vec<Name>, bool) {
        let later = (
            after.map_or(Bound::Unbounded, Bound::Excluded),
            Bound::Unbounded,
        );
        let groups = self.groups.range::<Name, _>(later);
        page(groups.map(|(_, (_, record))| &record.name), count)
    }

    /// Up to `count` members of a group after a name, in order, and whether more follow.
    pub(super) fn list(
        &self,
        group: &Name,
        after: Option<&Name>,
        count: usize,
    ) -> (Vec<Name>, bool) {
        let log = Log::Group(group.clone());
        let prefix = format!("{log}\n");
        let first = after.map_or_else(|| prefix.clone(), |after| member_key(&log, after));
        let members = self
            .members
            .range::<str, _>((Bound::Excluded(first.as_str()), Bound::Unbounded))
            .take_while(|(key, _)| key.starts_with(&prefix));
        page(members.map(|(_, member)| &member.record.reader), count)
    }

    /// A member has read up to a position.
    pub(super) fn advance(&mut self, log: &Log, reader: &Name, position: Position) {
        let key = member_key(log, reader);
        if let Some(member) = self.members.get_mut(&key)
            && position > member.reached
        {
            member.reached = position;
            self.dirty.insert(key);
        }
    }

    /// The keys of the members who have read further than their records say, each once.
    pub(super) fn take_dirty(&mut self) -> BTreeSet<String> {
        core::mem::take(&mut self.dirty)
    }

    /// What is to be written so that the record says how far the member has read.
    pub(super) fn overdue_record(&self, key: &str) -> Option<(Revision, MemberRecord)> {
        let member = self.members.get(key)?;
        (member.reached > member.record.cursor).then(|| {
            let record = MemberRecord {
                cursor: member.reached,
                ..member.record.clone()
            };
            (member.revision, record)
        })
    }

    /// Takes the record of a group as the store holds it.
    pub(super) fn apply_group(
        &mut self,
        key: &str,
        revision: Revision,
        value: Option<&[u8]>,
    ) -> Applied {
        let known = self.group_revision(key);
        if known.is_some_and(|known| known >= revision) {
            return Applied::Nothing;
        }
        let Some(value) = value else {
            self.groups.remove(key);
            return Applied::Nothing;
        };
        let Some(record) = record::decode::<GroupRecord>(value) else {
            return Applied::Nothing;
        };
        self.groups
            .insert(record.name.clone(), (revision, record.clone()));
        match known {
            None => Applied::Created(record),
            Some(_) => Applied::Nothing,
        }
    }

    /// Takes the record of a membership as the store holds it.
    pub(super) fn apply_member(
        &mut self,
        key: &str,
        revision: Revision,
        value: Option<&[u8]>,
    ) -> Applied {
        let known = self.members.get_mut(key);
        if known
            .as_ref()
            .is_some_and(|member| member.revision >= revision)
        {
            return Applied::Nothing;
        }
        let Some(value) = value else {
            return self.remove(key);
        };
        let Some(record) = record::decode::<MemberRecord>(value) else {
            return Applied::Nothing;
        };
        if let Some(member) = known {
            member.revision = revision;
            member.reached = member.reached.max(record.cursor);
            member.record = record;
            return Applied::Nothing;
        }
        let (of, reader) = (record.of.clone(), record.reader.clone());
        let member = Member {
            reached: record.cursor,
            record,
            revision,
        };
        self.members.insert(String::from(key), member);
        let Conversation::Group(group) = of else {
            return Applied::Nothing;
        };
        self.group_of.insert(reader.clone(), group.clone());
        Applied::Joined(reader, group)
    }

    fn remove(&mut self, key: &str) -> Applied {
        self.dirty.remove(key);
        let Some(member) = self.members.remove(key) else {
            return Applied::Nothing;
        };
        let (of, reader) = (member.record.of, member.record.reader);
        let Conversation::Group(group) = of else {
            return Applied::Nothing;
        };
        if self.group_of.get(&reader) == Some(&group) {
            self.group_of.remove(&reader);
        }
        Applied::Left(reader, group)
    }

    /// Whether a user may send to a conversation.
    pub(super) fn is_member(&self, of: &Conversation, user: &Name) -> bool {
        self.get(&log_of(of), user).is_some()
    }
}

fn page<'a>(names: impl Iterator<Item = &'a Name>, count: usize) -> (Vec<Name>, bool) {
    let mut names: Vec<Name> = names.take(count + 1).cloned().collect();
    let more = names.len() > count;
    names.truncate(count);
    (names, more)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        text.parse().unwrap()
    }

    fn join(members: &mut Members, group: &str, reader: &str, revision: u64) -> Applied {
        let record = MemberRecord {
            of: Conversation::Group(name(group)),
            reader: name(reader),
            cursor: Position(3),
        };
        let key = member_key(&log_of(&record.of), &record.reader);
        members.apply_member(&key, Revision(revision), Some(&record::encode(&record)))
    }

    #[test]
    fn members_are_listed_by_name_in_pages() {
        let mut members = Members::new();
        for (revision, reader) in ["c", "A", "b"].into_iter().enumerate() {
            join(&mut members, "g", reader, revision as u64 + 1);
        }
        join(&mut members, "g2", "d", 4);
        join(&mut members, "f", "e", 5);
        let (page, more) = members.list(&name("g"), None, 2);
        assert_eq!((page, more), (alloc::vec![name("a"), name("b")], true));
        let (page, more) = members.list(&name("g"), Some(&name("B")), 2);
        assert_eq!((page, more), (alloc::vec![name("c")], false));
    }

    #[test]
    fn joining_and_leaving_is_told_once() {
        let mut members = Members::new();
        let joined = Applied::Joined(name("a"), name("g"));
        assert_eq!(join(&mut members, "g", "a", 1), joined);
        assert_eq!(join(&mut members, "g", "a", 1), Applied::Nothing);
        assert_eq!(members.group_of(&name("a")), Some(&name("g")));
        let left = Applied::Left(name("a"), name("g"));
        assert_eq!(members.apply_member("group/g\na", Revision(2), None), left);
        assert_eq!(
            members.apply_member("group/g\na", Revision(2), None),
            Applied::Nothing
        );
        assert_eq!(members.group_of(&name("a")), None);
    }

    #[test]
    fn a_cursor_is_written_when_the_member_has_read_further() {
        let mut members = Members::new();
        join(&mut members, "g", "a", 1);
        let log = Log::Group(name("g"));
        members.advance(&log, &name("a"), Position(2));
        assert!(members.take_dirty().is_empty(), "a cursor does not go back");
        members.advance(&log, &name("a"), Position(9));
        let dirty = members.take_dirty();
        let (revision, record) = members.overdue_record(dirty.first().unwrap()).unwrap();
        assert_eq!((revision, record.cursor), (Revision(1), Position(9)));
        let key = dirty.first().unwrap();
        members.apply_member(key, Revision(2), Some(&record::encode(&record)));
        assert_eq!(members.overdue_record(key), None);
    }
}
