//! What the store reports, and what it releases.

use alloc::{collections::BTreeSet, vec::Vec};

use super::{
    Event,
    item::Item,
    members, names,
    state::{State, Task, Timer},
};
use crate::{
    store::{
        Entry, Log, OperationId, Position, Revision, StoreError, StoreEvent, StoreOperation, Table,
    },
    time::Now,
};

impl State {
    /// Takes what the store completed, read or noticed.
    pub(super) fn handle_stored(&mut self, now: Now, event: StoreEvent) {
        match event {
            StoreEvent::Done {
                operation,
                revision,
            } => self.done(now, operation, revision),
            StoreEvent::Appended {
                operation,
                position,
                received,
            } => {
                self.see_stamp(received);
                self.complete(now, operation, |state, task| match task {
                    Task::Submit(submission) => {
                        state.submitted(now, submission, position, received);
                    }
                    Task::Receipt(session, log, position) => {
                        state.settled(now, session, &log, position);
                    }
                    Task::Expire(log, position) => state.trim_expired(now, log, position),
                    _ => {}
                });
            }
            StoreEvent::Attached { operation, head } => self.attached(now, operation, head),
            StoreEvent::Conflict { operation, current } => self.conflict(now, operation, current),
            StoreEvent::Failed { operation, error } => self.failed(now, operation, error),
            StoreEvent::Fetched { operation, entries } => {
                self.complete(now, operation, |state, task| match task {
                    Task::Fetch(session, log, span) => {
                        if let Some(login) = state.sessions.login_mut(session) {
                            login.reader.fetched(&log, span, entries);
                        }
                        state.read_on(now, session);
                    }
                    Task::FetchOldest(log) => state.expire(now, &log, &entries),
                    _ => {}
                });
            }
            StoreEvent::Changed {
                table,
                key,
                revision,
                value,
            } => {
                self.apply(now, table, &key, revision, value.as_deref());
                if let Some(operation) = self.pending.deciding(table, &key, value.is_some()) {
                    self.complete(now, operation, |state, task| state.resume(now, task));
                }
            }
            StoreEvent::Arrived { log, entry } => self.arrived(now, &log, entry),
            StoreEvent::Resynchronise => self.resynchronise(now),
            StoreEvent::Stalled => {
                if !self.pending.is_stalled() {
                    self.show(Event::StoreStalled);
                }
                self.pending.stall();
            }
            StoreEvent::Well => {
                if self.pending.is_stalled() {
                    self.show(Event::StoreWell);
                }
                self.pending.resume(now.instant);
            }
        }
        self.tell_moved(now);
        self.stop_if_done();
    }

    /// Whoever has joined or left by a request of an earlier session, which has ended since, does not
    /// know it: the client registers again, and is told then.
    fn tell_moved(&mut self, now: Now) {
        for (name, group) in core::mem::take(&mut self.moved) {
            let Some(id) = self.names.get(&name).and_then(|user| user.session) else {
                continue;
            };
            let is_member = self.members.group_of(&name) == Some(&group);
            let login = self.sessions.login(id);
            if login.is_some_and(|login| login.reader.reads(&Log::Group(group)) != is_member) {
                self.drop_peer(now, id);
            }
        }
    }

    /// Hands the task of an operation to `act`, once; then its session may go on.
    fn complete(&mut self, now: Now, operation: OperationId, act: impl FnOnce(&mut Self, Task)) {
        let Some((_, task)) = self.pending.complete(operation) else {
            return;
        };
        self.release(now, task, act);
    }

    fn release(&mut self, now: Now, task: Task, act: impl FnOnce(&mut Self, Task)) {
        let session = task.session();
        if let Some(session) = session.and_then(|id| self.sessions.get_mut(id)) {
            session.in_flight -= 1;
        }
        act(self, task);
        if let Some(session) = session {
            self.run_requests(now, session);
        }
    }

    fn done(&mut self, now: Now, operation: OperationId, revision: Option<Revision>) {
        let Some((operation, task)) = self.pending.complete(operation) else {
            return;
        };
        // The same change is also reported as `Changed`, in whatever order. What was changed, not
        // created, may have been removed since.
        if let StoreOperation::CompareAndSet {
            table,
            key,
            expected,
            value,
        } = operation
            && (expected.is_none() || self.revision(table, &key).is_some())
        {
            let revision = revision.unwrap_or(Revision(u64::MAX));
            self.apply(now, table, &key, revision, value.as_deref());
        }
        self.release(now, task, |state, task| state.resume(now, task));
    }

    fn conflict(&mut self, now: Now, operation: OperationId, current: Option<(Revision, Vec<u8>)>) {
        if let Some((table, key, expected)) = self.pending.comparison(operation) {
            // Whether there is a record is told by `Changed`: that something was there, or nothing,
            // may be long ago.
            if let Some((revision, value)) = current
                && self.revision(table, &key).is_some()
            {
                self.apply(now, table, &key, revision, Some(&value));
            }
            // As long as nothing else is known, another try would be the same: it is repeated
            // later.
            if self.revision(table, &key) == expected {
                return;
            }
        }
        self.complete(now, operation, |state, task| match task {
            // Somebody has registered the name meanwhile.
            Task::Free(_) => {}
            Task::Cursor(key) => state.write_cursor(now, key),
            task => state.resume(now, task),
        });
    }

    /// The operation took place: what waited for it goes on.
    fn resume(&mut self, now: Now, task: Task) {
        match task {
            Task::Load => self.loaded(now),
            Task::Request(session, frame) => self.request(now, session, *frame),
            Task::TrimMailbox(session) => self.mailbox_trimmed(now, session),
            Task::Free(name) => self.free(now, &name),
            Task::Ban(name, banned) => self.set_banned(now, &name, banned),
            Task::TrimExpired(log) => self.fetch_oldest(now, log),
            _ => {}
        }
    }

    fn failed(&mut self, now: Now, operation: OperationId, error: StoreError) {
        if error == StoreError::Unavailable {
            // Whether it took place is unknown: it is repeated.
            return;
        }
        let Some((_, task)) = self.pending.complete(operation) else {
            return;
        };
        self.release(now, task, |state, task| match task {
            Task::Submit(submission) => state.not_submitted(&submission, error),
            Task::Receipt(session, log, position) => {
                state.counters.dropped_receipts += 1;
                state.settled(now, session, &log, position);
            }
            Task::Expire(log, position) => {
                state.counters.dropped_receipts += 1;
                state.trim_expired(now, log, position);
            }
            _ => {}
        });
    }

    fn attached(&mut self, now: Now, operation: OperationId, head: Position) {
        let Some((operation, task)) = self.pending.complete(operation) else {
            return;
        };
        if let StoreOperation::AttachLog { log } = operation {
            for reader in self.attachments.see_head(&log, head) {
                if let Some(login) = self.sessions.login_mut(reader) {
                    login.reader.attached(&log, head);
                }
                self.read_on(now, reader);
            }
        }
        self.release(now, task, |state, task| match task {
            Task::Empty(log) => state.empty(now, log, head),
            task => state.resume(now, task),
        });
    }

    fn arrived(&mut self, now: Now, log: &Log, entry: Entry) {
        self.see_stamp(entry.received);
        let item = Item::new(entry);
        self.deliver_arrived(now, log, &item);
    }

    /// Notices may have been lost: tables and logs are attached again.
    fn resynchronise(&mut self, now: Now) {
        for table in [Table::Names, Table::Groups, Table::Members] {
            self.start(now, StoreOperation::AttachTable { table }, Task::Nothing);
        }
        let logs: Vec<Log> = self.attachments.logs().cloned().collect();
        for log in logs {
            self.start(now, StoreOperation::AttachLog { log }, Task::Nothing);
        }
    }

    /// One more of the operations that the server starts with is complete.
    fn loaded(&mut self, now: Now) {
        self.loading = self.loading.saturating_sub(1);
        if self.is_ready() {
            let grace_ends = now.instant + self.config.presence_grace;
            self.timers.set(Timer::PresenceGrace, grace_ends);
            self.schedule_expiry(now);
        }
    }

    /// The revision of a record, as far as the server knows it.
    fn revision(&self, table: Table, key: &str) -> Option<Revision> {
        match table {
            Table::Names => self.names.revision(key),
            Table::Groups => self.members.group_revision(key),
            Table::Members => self.members.by_key(key).map(|member| member.revision),
            _ => None,
        }
    }

    /// Takes a record as the store holds it.
    fn apply(
        &mut self,
        now: Now,
        table: Table,
        key: &str,
        revision: Revision,
        value: Option<&[u8]>,
    ) {
        let applied = match table {
            Table::Names => {
                let presence = self.presence_of_strangers();
                let applied = self.names.apply(key, revision, value, presence);
                return self.name_applied(now, applied);
            }
            Table::Groups => self.members.apply_group(key, revision, value),
            Table::Members => self.members.apply_member(key, revision, value),
            _ => return,
        };
        if !self.is_ready() {
            return;
        }
        match applied {
            members::Applied::Nothing => {}
            members::Applied::Created(record) => self.show(Event::GroupCreated {
                name: record.creator,
                group: record.name,
            }),
            members::Applied::Joined(name, group) => {
                self.moved.push((name.clone(), group.clone()));
                self.show(Event::GroupJoined { name, group });
            }
            members::Applied::Left(name, group) => {
                self.moved.push((name.clone(), group.clone()));
                self.show(Event::GroupLeft { name, group });
            }
        }
    }

    fn name_applied(&mut self, now: Now, applied: names::Applied) {
        match applied {
            names::Applied::Nothing => {}
            // Who is about to register is shown when it is online, not as absent before.
            names::Applied::Written(name) => {
                let user = self.names.get(&name);
                let is_online = user.is_some_and(|user| user.session.is_some());
                if is_online || !self.is_ready() {
                    self.table_changed(now, &name);
                }
            }
            names::Applied::Removed(name) => {
                self.table.freed(&name);
                self.schedule_table(now);
                if self.deleted.remove(&name) {
                    self.show(Event::Deleted { name });
                }
            }
        }
    }

    /// Writes how far a member has read, unless its record says so.
    pub(super) fn write_cursor(&mut self, now: Now, key: alloc::string::String) {
        if let Some((revision, record)) = self.members.overdue_record(&key) {
            let value = Some(super::record::encode(&record));
            let task = Task::Cursor(key.clone());
            self.write(now, Table::Members, key, Some(revision), value, task);
        }
    }

    /// Writes how far all members have read.
    pub(super) fn write_cursors(&mut self, now: Now) {
        let dirty: BTreeSet<_> = self.members.take_dirty();
        for key in dirty {
            self.write_cursor(now, key);
        }
    }
}
