//! Going online and leaving.

use alloc::{string::ToString, vec::Vec};

use super::{
    Event, PeerStatus, Status,
    reader::Reader,
    record::{self, MemberRecord, NameRecord, log_of, member_key},
    session::{Login, SessionId},
    state::{LinkCommand, State, Task, Timer},
};
use crate::{
    conversation::Conversation,
    id::InstanceId,
    name::Name,
    store::{Log, Position, Revision, StoreOperation, Table},
    streams,
    time::{Duration, Now},
    wire::{Address, ChatFrame, Presence, ReadPosition, Refusal, TableVersion},
};

/// A peer that has left is closed after this time, or a multiple of it: when it has its last answer.
pub(super) const CLOSE_DELAY: Duration = Duration::from_secs(1);
/// A peer that has left and says nothing for so long is closed all the same.
const CLOSE_SILENCE: Duration = Duration::from_secs(5);

/// What comes next on the way to being registered.
enum Next {
    Refuse(Refusal),
    /// The record of the name is to be written.
    WriteName(Option<Revision>, NameRecord),
    /// The name becomes a reader of the channel.
    JoinChannel(MemberRecord),
    LogIn,
}

impl State {
    /// Handles `Register`: writes one record after the other, then logs the user in.
    pub(super) fn register(&mut self, now: Now, id: SessionId, frame: ChatFrame) {
        let ChatFrame::Register {
            request,
            name,
            instance,
            resume,
            ephemeral,
            ..
        } = &frame
        else {
            return;
        };
        let next = self.next_registration_step(id, name, *instance, *resume, *ephemeral);
        let is_writing = matches!(next, Some(Next::WriteName(..) | Next::JoinChannel(_)));
        if let Some(session) = self.sessions.get_mut(id) {
            session.registering = is_writing;
        }
        match next {
            None => {}
            Some(Next::Refuse(reason)) => self.refuse(id, *request, reason),
            Some(Next::WriteName(expected, record)) => {
                let key = name.folded().to_string();
                let value = Some(record::encode(&record));
                let again = Self::again(id, frame);
                self.write(now, Table::Names, key, expected, value, again);
            }
            Some(Next::JoinChannel(record)) => {
                let key = member_key(&Log::Channel, &record.reader);
                let value = Some(record::encode(&record));
                let again = Self::again(id, frame);
                self.write(now, Table::Members, key, None, value, again);
            }
            Some(Next::LogIn) => self.log_in(now, id, frame),
        }
    }

    fn next_registration_step(
        &self,
        id: SessionId,
        name: &Name,
        instance: InstanceId,
        resume: bool,
        ephemeral: bool,
    ) -> Option<Next> {
        let session = self.sessions.get(id)?;
        if self.names.is_banned(&session.key) {
            return Some(Next::Refuse(Refusal::Banned));
        }
        if self.deleted.contains(name) {
            return Some(Next::Refuse(Refusal::Unavailable));
        }
        let address = Some(Address(session.address));
        let Some(user) = self.names.get(name) else {
            if self.names.len() >= self.config.max_names {
                return Some(Next::Refuse(Refusal::Full));
            }
            let record = NameRecord {
                name: name.clone(),
                key: session.key,
                instance,
                first_instance: instance,
                ephemeral,
                address,
                banned: false,
            };
            return Some(Next::WriteName(None, record));
        };
        if user.record.key != session.key {
            return Some(Next::Refuse(Refusal::NameTaken));
        }
        if resume && user.record.instance != instance {
            return Some(Next::Refuse(Refusal::Superseded));
        }
        let record = NameRecord {
            instance,
            ephemeral,
            address,
            ..user.record.clone()
        };
        if record != user.record || user.freeing {
            return Some(Next::WriteName(Some(user.revision), record));
        }
        if self.members.get(&Log::Channel, name).is_none() {
            return Some(Next::JoinChannel(MemberRecord {
                of: Conversation::Channel,
                reader: user.record.name.clone(),
                cursor: self.attachments.head(&Log::Channel)?,
            }));
        }
        Some(Next::LogIn)
    }

    /// All records say that the user is here: it is online.
    fn log_in(&mut self, now: Now, id: SessionId, frame: ChatFrame) {
        let ChatFrame::Register {
            request,
            name,
            instance,
            table,
            positions,
            ..
        } = frame
        else {
            return;
        };
        let Some(user) = self.names.get(&name) else {
            return;
        };
        let (name, before) = (user.record.name.clone(), user.session);
        let returning = user.record.first_instance != instance;
        if before != Some(id) {
            self.take_over(now, id, before, instance);
            let whole = self.table_is_whole();
            let reader = self.new_reader(&name, &positions);
            let logs: Vec<Log> = reader.logs().cloned().collect();
            let login = Login {
                name: name.clone(),
                instance,
                reader,
                joining: None,
                table_after: self.table.after(table, whole),
                checks: Vec::new(),
                trim_up_to: None,
                trimming: false,
            };
            if let Some(session) = self.sessions.get_mut(id) {
                session.login = Some(login);
            }
            if let Some(user) = self.names.get_mut(&name) {
                user.session = Some(id);
                user.presence = Presence::Online;
            }
            self.timers.clear(&Timer::Close(id));
            self.timers.clear(&Timer::Free(name.clone()));
            let silent_at = now.instant + self.config.liveness_interval;
            self.timers.set(Timer::Check(id), silent_at);
            self.watch(id, &name);
            self.table_changed(now, &name);
            self.show(Event::Registered { name: name.clone() });
            self.confirm(id, request, returning, &name);
            for log in logs {
                self.attach(now, id, log);
            }
            self.read_on(now, id);
        } else {
            self.confirm(id, request, returning, &name);
            self.repeat_login(now, id, instance, table);
        }
    }

    /// The client registers again where it is registered: it may wait for what it was told before.
    fn repeat_login(&mut self, now: Now, id: SessionId, instance: InstanceId, table: TableVersion) {
        let after = self.table.after(table, self.table_is_whole());
        let Some(login) = self.sessions.login_mut(id) else {
            return;
        };
        login.instance = instance;
        login.table_after = login.table_after.min(after);
        let has_caught_up = login.reader.has_caught_up();
        self.schedule_table(now);
        if has_caught_up {
            self.send(id, streams::CATCH_UP, &ChatFrame::CaughtUp {});
        }
    }

    fn confirm(&mut self, id: SessionId, request: u64, returning: bool, name: &Name) {
        let Some(session) = self.sessions.get(id) else {
            return;
        };
        let address = Address(session.address);
        let group = self.members.group_of(name);
        let group = group.map(|group| self.members.group(group).map_or(group, |known| &known.name));
        let registered = ChatFrame::Registered {
            request,
            returning,
            group: group.cloned().filter(|_| !planted!(MembershipNotTold)),
            address,
        };
        self.answer(id, &registered);
    }

    /// Ends what this peer, and this user elsewhere, were before.
    fn take_over(
        &mut self,
        now: Now,
        id: SessionId,
        before: Option<SessionId>,
        instance: InstanceId,
    ) {
        // The peer may have been another user.
        self.go_offline(now, id);
        let Some(before) = before else {
            return;
        };
        let Some(login) = self.log_out(now, before) else {
            return;
        };
        for check in login.checks {
            self.saved(&login.name, check);
        }
        if login.instance == instance {
            self.drop_peer(now, before);
        } else {
            self.answer(before, &ChatFrame::Superseded {});
            let close_at = now.instant + CLOSE_DELAY;
            self.timers.set(Timer::Close(before), close_at);
        }
    }

    /// Subscribes a session to a log, and tells its reader where the log ends.
    pub(super) fn attach(&mut self, now: Now, id: SessionId, log: Log) {
        if self.attachments.add(&log, id) {
            self.start(now, StoreOperation::AttachLog { log }, Task::Nothing);
        } else if let Some(head) = self.attachments.head(&log)
            && let Some(login) = self.sessions.login_mut(id)
        {
            login.reader.attached(&log, head);
        }
    }

    /// Ends the subscription of a session to a log.
    pub(super) fn detach(&mut self, now: Now, id: SessionId, log: Log) {
        if self.attachments.remove(&log, id) {
            self.start(now, StoreOperation::DetachLog { log }, Task::Nothing);
        }
    }

    /// A reader of the user's mailbox, the channel and its group. What the client says to have
    /// read counts, unless the log ends before it: then the log is another than it was.
    fn new_reader(&mut self, name: &Name, positions: &[ReadPosition]) -> Reader {
        for ReadPosition { log, position } in positions {
            let (log, position) = (log_of(log), Position(*position));
            let head = self.attachments.head(&log);
            if head.is_none_or(|head| position <= head) {
                self.members.advance(&log, name, position);
            }
        }
        let mut logs = alloc::vec![(Log::Mailbox(name.clone()), Position(0))];
        if planted!(MailNotHandedOut) {
            logs.clear();
        }
        for log in self.members.logs_of(name) {
            let reached = self.members.get(&log, name).map(|member| member.reached);
            let head = self.attachments.head(&log);
            let reached = reached.max(head.filter(|_| planted!(AbsenceForgotten)));
            logs.push((log, reached.unwrap_or_default()));
        }
        Reader::new(name.clone(), logs, self.config.max_unaccepted)
    }

    /// Handles `Deregister`: what the user has read is written, then it is offline.
    pub(super) fn deregister(&mut self, now: Now, id: SessionId, request: u64) {
        let login = self.sessions.login(id);
        if let Some(name) = login.map(|login| login.name.clone()) {
            for log in self.members.logs_of(&name) {
                let key = member_key(&log, &name);
                if let Some((revision, record)) = self.members.overdue_record(&key) {
                    let value = Some(record::encode(&record));
                    let again = Self::again(id, ChatFrame::Deregister { request });
                    return self.write(now, Table::Members, key, Some(revision), value, again);
                }
            }
            self.completed(id, request);
            let is_ephemeral = |user: &super::names::User| user.record.ephemeral;
            let free = self.names.get(&name).is_some_and(is_ephemeral);
            self.go_offline(now, id);
            if free {
                self.free(now, &name);
            }
        } else {
            self.completed(id, request);
        }
        let close_at = now.instant + CLOSE_DELAY;
        self.timers.set(Timer::Close(id), close_at);
    }

    /// Closes a session that is over, once its client knows that, or is silent.
    pub(super) fn close(&mut self, now: Now, id: SessionId, status: Status<'_>) {
        let status = self.sessions.get(id).map(|session| status(session.peer));
        let waits = |status: PeerStatus| {
            let heard = status.last_heard.unwrap_or_default();
            status.queued > 0 && heard + CLOSE_SILENCE > now.instant
        };
        if status.is_some_and(waits) {
            self.timers.set(Timer::Close(id), now.instant + CLOSE_DELAY);
        } else {
            self.drop_peer(now, id);
        }
    }

    /// Forgets a peer; a user that was registered with it is offline.
    pub(super) fn drop_peer(&mut self, now: Now, id: SessionId) {
        if let Some(session) = self.sessions.get(id) {
            let peer = session.peer;
            self.forget_peer(now, id);
            self.command(LinkCommand::Close(peer));
        }
    }

    /// The link has forgotten the peer, or is about to.
    pub(super) fn forget_peer(&mut self, now: Now, id: SessionId) {
        self.go_offline(now, id);
        self.sessions.remove(id);
        self.interests.remove(id);
        for timer in [Timer::Check(id), Timer::Requests(id), Timer::Close(id)] {
            self.timers.clear(&timer);
        }
    }
}
