//! What readers get, what they accept, and the receipts that follow from it.

use alloc::sync::Arc;

use super::{
    item::{Item, Owed},
    log_reader::PAGE,
    reader::{Settlement, Step},
    record::{conversation_of, encode},
    session::SessionId,
    state::{State, Task, Timer},
};
use crate::{
    id::MessageId,
    name::Name,
    store::{Limit, Log, Position, StoreOperation},
    streams,
    time::Now,
    wire::{ChatFrame, Content},
};

impl State {
    /// An entry was appended to a log: readers who are waiting for it get it at once.
    pub(super) fn deliver_arrived(&mut self, now: Now, log: &Log, item: &Item) {
        let mut encoded: Option<(u8, Arc<[u8]>)> = None;
        let readers = self.attachments.see_head(log, item.entry.position);
        let skipped = usize::from(planted!(OneReaderSkipped));
        for reader in readers.into_iter().skip(skipped) {
            let Some(login) = self.sessions.login_mut(reader) else {
                continue;
            };
            if login.reader.arrived(now.instant, log, item) {
                let (stream, message) =
                    encoded.get_or_insert_with(|| (item.stream(log), item.deliver(log, true)));
                self.send_encoded(reader, *stream, Arc::clone(message));
                self.await_acceptance(now, reader);
            } else {
                self.read_on(now, reader);
            }
        }
    }

    fn await_acceptance(&mut self, now: Now, id: SessionId) {
        let overdue_at = now.instant + self.config.accept_timeout;
        self.timers.set_no_later(Timer::Check(id), overdue_at);
    }

    /// Sends a reader what is next, as far as it goes.
    pub(super) fn read_on(&mut self, now: Now, id: SessionId) {
        while let Some(login) = self.sessions.login_mut(id) {
            let Some(step) = login.reader.next(now.instant) else {
                break;
            };
            match step {
                Step::Fetch(log, span) => {
                    let fetch = StoreOperation::Fetch {
                        log: log.clone(),
                        after: span.after,
                        count: PAGE,
                    };
                    self.start(now, fetch, Task::Fetch(id, log, span));
                }
                Step::Deliver { log, item, live } => self.deliver(now, id, &log, &item, live),
                Step::Gone(log, count) => {
                    let log = conversation_of(&log);
                    self.send(id, streams::CATCH_UP, &ChatFrame::Gone { log, count });
                }
                Step::CaughtUp => self.send(id, streams::CATCH_UP, &ChatFrame::CaughtUp {}),
                Step::Left(log) => self.detach(now, id, log),
            }
        }
        self.note_progress(now, id);
    }

    fn deliver(&mut self, now: Now, id: SessionId, log: &Log, item: &Item, live: bool) {
        let stream = if live {
            item.stream(log)
        } else {
            streams::CATCH_UP
        };
        self.send_encoded(id, stream, item.deliver(log, live));
        if planted!(ReceiptWithoutDelivery) {
            self.append_receipts(now, id, item.entry.id);
        }
        if live {
            self.await_acceptance(now, id);
        }
    }

    /// Handles `Accepted`: what is owed for a message becomes durable before it is passed.
    pub(super) fn accepted(&mut self, now: Now, id: SessionId, ids: &[MessageId]) {
        for message in ids {
            self.append_receipts(now, id, *message);
        }
        self.read_on(now, id);
    }

    /// Puts into the senders' mailboxes that the reader has accepted a message.
    fn append_receipts(&mut self, now: Now, id: SessionId, message: MessageId) {
        let Some(login) = self.sessions.login_mut(id) else {
            return;
        };
        let reader = login.name.clone();
        for settlement in login.reader.accepted(message) {
            let Settlement {
                log,
                position,
                owed,
            } = settlement;
            let task = Task::Receipt(id, log, position);
            self.append_notice(now, &reader, &owed, false, task);
        }
    }

    /// Puts into a sender's mailbox that a reader has its message, or that it has expired. If
    /// nobody has the sender's name any more, nobody is to be told.
    pub(super) fn append_notice(
        &mut self,
        now: Now,
        reader: &Name,
        owed: &Owed,
        has_expired: bool,
        task: Task,
    ) {
        let Owed {
            sender,
            message,
            received,
        } = owed.clone();
        if self.names.get(&sender).is_none() || planted!(ReceiptNotMade) {
            return self.noticed(now, task);
        }
        let reader = reader.clone();
        let domain: &[u8] = if has_expired { b"expired" } else { b"receipt" };
        let id = MessageId::derive(domain, &[&message.0, reader.folded().as_bytes()]);
        let content = if has_expired {
            Content::Expired {
                message,
                reader,
                received,
            }
        } else {
            Content::Receipt {
                message,
                reader,
                received,
            }
        };
        let append = StoreOperation::Append {
            log: Log::Mailbox(sender),
            id,
            received: self.stamp(now),
            bytes: Arc::from(encode(&content)),
            // Mail cannot crowd out the receipts.
            limit: Limit::Refuse(self.config.max_mailbox.saturating_mul(2)),
        };
        self.start(now, append, task);
    }

    /// The notice is not needed: what waited for it goes on.
    fn noticed(&mut self, now: Now, task: Task) {
        match task {
            Task::Receipt(session, log, position) => {
                if let Some(login) = self.sessions.login_mut(session) {
                    login.reader.settled(&log, position);
                }
            }
            Task::Expire(log, position) => self.trim_expired(now, log, position),
            _ => {}
        }
    }

    /// The receipt for an accepted entry is durable.
    pub(super) fn settled(&mut self, now: Now, id: SessionId, log: &Log, position: Position) {
        if let Some(login) = self.sessions.login_mut(id) {
            login.reader.settled(log, position);
            self.read_on(now, id);
        }
    }

    /// What was read is trimmed from a mailbox; for other logs the cursor is kept.
    fn note_progress(&mut self, now: Now, id: SessionId) {
        while let Some(login) = self.sessions.login_mut(id) {
            let Some((log, position)) = login.reader.progress() else {
                break;
            };
            if matches!(log, Log::Mailbox(_)) {
                login.trim_up_to = Some(position);
                self.trim_mailbox(now, id);
            } else {
                let name = login.name.clone();
                self.members.advance(&log, &name, position);
                let write_at = now.instant + self.config.cursor_interval;
                self.timers.set_no_later(Timer::Cursors, write_at);
            }
        }
    }

    fn trim_mailbox(&mut self, now: Now, id: SessionId) {
        let Some(login) = self.sessions.login_mut(id) else {
            return;
        };
        if login.trimming {
            return;
        }
        if let Some(up_to) = login.trim_up_to.take() {
            login.trimming = true;
            let log = Log::Mailbox(login.name.clone());
            let up_to = Position(up_to.0 + u64::from(planted!(MailTrimmedTooFar)));
            let trim = StoreOperation::Trim { log, up_to };
            self.start(now, trim, Task::TrimMailbox(id));
        }
    }

    /// A trimming is complete; the next one follows if more was read meanwhile.
    pub(super) fn mailbox_trimmed(&mut self, now: Now, id: SessionId) {
        if let Some(login) = self.sessions.login_mut(id) {
            login.trimming = false;
        }
        self.trim_mailbox(now, id);
    }
}
