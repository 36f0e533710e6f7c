//! Requests about groups.

use alloc::{string::ToString, vec::Vec};

use super::{
    record::{self, GroupRecord, MemberRecord, member_key},
    session::SessionId,
    state::State,
};
use crate::{
    conversation::Conversation,
    name::Name,
    store::{Log, Position, StoreOperation, Table},
    time::Now,
    wire::{ChatFrame, List, Refusal},
};

/// Names in one answer.
const NAMES_PER_FRAME: usize = 1_000;

impl State {
    pub(super) fn create_group(
        &mut self,
        now: Now,
        id: SessionId,
        user: &Name,
        request: u64,
        group: Name,
    ) {
        let Some(instance) = self.sessions.login(id).map(|login| login.instance) else {
            return;
        };
        let record = GroupRecord {
            name: group.clone(),
            creator: user.clone(),
            instance,
            request,
        };
        match self.members.group(&group) {
            Some(known) if *known == record => self.completed(id, request),
            Some(_) => self.refuse(id, request, Refusal::GroupExists),
            None if self.members.groups() >= self.config.max_groups => {
                self.refuse(id, request, Refusal::Full);
            }
            None => {
                let key = group.folded().to_string();
                let value = Some(record::encode(&record));
                let again = Self::again(id, ChatFrame::CreateGroup { request, group });
                self.write(now, Table::Groups, key, None, value, again);
            }
        }
    }

    pub(super) fn join_group(
        &mut self,
        now: Now,
        id: SessionId,
        user: &Name,
        request: u64,
        group: Name,
    ) {
        let Some(known) = self.members.group(&group) else {
            return self.refuse(id, request, Refusal::NoSuchGroup);
        };
        let log = Log::Group(known.name.clone());
        if self.members.group_of(user) == Some(&group) {
            self.read_group(now, id, user, log);
            return self.completed(id, request);
        }
        if self.members.group_of(user).is_some() {
            self.stop_joining(now, id);
            return self.refuse(id, request, Refusal::AlreadyInGroup);
        }
        let again = ChatFrame::JoinGroup { request, group };
        let again = Self::again(id, again);
        let Some(cursor) = self.attachments.head(&log) else {
            self.stop_joining(now, id);
            self.attachments.add(&log, id);
            if let Some(login) = self.sessions.login_mut(id) {
                login.joining = Some(log.clone());
            }
            return self.start(now, StoreOperation::AttachLog { log }, again);
        };
        if planted!(JoinedBeforeDurable) {
            self.completed(id, request);
        }
        let key = member_key(&log, user);
        let record = MemberRecord {
            of: record::conversation_of(&log),
            reader: user.clone(),
            cursor: if planted!(JoinReadsHistory) {
                Position(0)
            } else {
                cursor
            },
        };
        let value = Some(record::encode(&record));
        self.write(now, Table::Members, key, None, value, again);
    }

    /// The user is a member: what is sent from the time of its joining on is delivered.
    fn read_group(&mut self, now: Now, id: SessionId, user: &Name, log: Log) {
        let reached = self.members.get(&log, user).map(|member| member.reached);
        let reached = reached.unwrap_or_default();
        let head = self.attachments.head(&log);
        let Some(login) = self.sessions.login_mut(id) else {
            return;
        };
        login.joining = None;
        if login.reader.reads(&log) {
            return;
        }
        login.reader.add(log.clone(), reached, head);
        self.attach(now, id, log);
        self.read_on(now, id);
    }

    /// The log that was attached for a user who then could not join is not needed.
    fn stop_joining(&mut self, now: Now, id: SessionId) {
        let login = self.sessions.login_mut(id);
        if let Some(log) = login.and_then(|login| login.joining.take()) {
            self.detach(now, id, log);
        }
    }

    pub(super) fn leave_group(
        &mut self,
        now: Now,
        id: SessionId,
        user: &Name,
        request: u64,
        group: Name,
    ) {
        let log = Log::Group(group.clone());
        if let Some(member) = self.members.get(&log, user)
            && !planted!(LeaveKeepsMembership)
        {
            let expected = Some(member.revision);
            let key = member_key(&log, user);
            let again = Self::again(id, ChatFrame::LeaveGroup { request, group });
            return self.write(now, Table::Members, key, expected, None, again);
        }
        // What was sent before is still delivered.
        if let Some(login) = self.sessions.login_mut(id) {
            login.reader.leave(&log);
        }
        self.read_on(now, id);
        if self.members.group(&group).is_some() {
            self.completed(id, request);
        } else {
            self.refuse(id, request, Refusal::NoSuchGroup);
        }
    }

    pub(super) fn list_groups(&mut self, id: SessionId, request: u64, after: Option<&Name>) {
        let page = self.members.list_groups(after, NAMES_PER_FRAME);
        self.answer_names(id, request, page);
    }

    pub(super) fn list_members(
        &mut self,
        id: SessionId,
        user: &Name,
        request: u64,
        group: &Name,
        after: Option<&Name>,
    ) {
        if self.members.group(group).is_none() {
            self.refuse(id, request, Refusal::NoSuchGroup);
        } else if !self
            .members
            .is_member(&Conversation::Group(group.clone()), user)
        {
            self.refuse(id, request, Refusal::NotAMember);
        } else {
            let page = self.members.list(group, after, NAMES_PER_FRAME);
            self.answer_names(id, request, page);
        }
    }

    fn answer_names(&mut self, id: SessionId, request: u64, (names, more): (Vec<Name>, bool)) {
        let names = ChatFrame::Names {
            request,
            names: List::new(names),
            more,
        };
        self.answer(id, &names);
    }
}
