//! Names that are freed: when their owners leave, or by the operator.

use alloc::string::ToString;

use super::{
    record::member_key,
    state::{State, Task, Timer},
};
use crate::{
    name::Name,
    store::{Log, Position, StoreOperation, Table},
    time::Now,
    wire::Presence,
};

impl State {
    /// The owner of an ephemeral name was lost: it may still come back.
    pub(super) fn free_later(&mut self, now: Now, name: Name) {
        let free_at = now.instant + self.config.ephemeral_grace;
        self.timers.set(Timer::Free(name), free_at);
    }

    /// Removes everything of a name that is to go, one after the other, its own record last: a server
    /// that is stopped in between goes on after its next start. Nothing happens if the owner is
    /// back.
    pub(super) fn free(&mut self, now: Now, name: &Name) {
        let Some(user) = self.names.get(name) else {
            // Mail may have come until the end.
            return self.empty_mailbox(now, name);
        };
        let is_to_go = user.record.ephemeral || self.deleted.contains(name);
        if user.presence != Presence::Offline || !is_to_go {
            return;
        }
        let revision = user.revision;
        if let Some(log) = self.members.logs_of(name).first() {
            let key = member_key(log, name);
            if let Some(member) = self.members.get(log, name) {
                let (expected, again) = (Some(member.revision), Task::Free(name.clone()));
                self.write(now, Table::Members, key, expected, None, again);
            }
            return;
        }
        self.empty_mailbox(now, name);
        if let Some(user) = self.names.get_mut(name) {
            user.freeing = true;
        }
        let key = name.folded().to_string();
        let again = Task::Free(name.clone());
        self.write(now, Table::Names, key, Some(revision), None, again);
    }

    /// Finds out where the mailbox ends, and trims it up to there.
    fn empty_mailbox(&mut self, now: Now, name: &Name) {
        let log = Log::Mailbox(name.clone());
        let attach = StoreOperation::AttachLog { log: log.clone() };
        self.start(now, attach, Task::Empty(log));
    }

    /// The mailbox ends here. Later mail is for whoever has the name then.
    pub(super) fn empty(&mut self, now: Now, log: Log, up_to: Position) {
        if self.attachments.head(&log).is_none() {
            let detach = StoreOperation::DetachLog { log: log.clone() };
            self.start(now, detach, Task::Nothing);
        }
        let trim = StoreOperation::Trim { log, up_to };
        self.start(now, trim, Task::Nothing);
    }
}
