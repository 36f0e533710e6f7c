//! Messages that clients hand over: kept first, answered then.

use alloc::{sync::Arc, vec::Vec};

use super::{
    Event,
    record::{encode, log_of},
    session::{Check, SessionId},
    state::{State, Submission, Task},
};
use crate::{
    config::MAX_MESSAGE_BYTES,
    conversation::{Conversation, Text},
    id::MessageId,
    name::Name,
    store::{Limit, Log, Position, StoreError, StoreOperation},
    streams,
    time::{Now, WallTime},
    wire::{Bytes, ChatFrame, Content, List, Rejection},
};

impl State {
    /// Handles `Submit`: the message is appended to the log of its conversation.
    pub(super) fn submit(
        &mut self,
        now: Now,
        id: SessionId,
        sender: &Name,
        message: MessageId,
        to: Conversation,
        body: Vec<u8>,
    ) {
        let content = match self.content(sender, &to, body) {
            Ok(content) => content,
            Err(reason) => return self.reject(id, &to, message, reason),
        };
        if let Conversation::User(name) = &to {
            // Whoever writes to a name deals with it.
            self.watch(id, name);
        }
        let received = self.stamp(now);
        let operation = StoreOperation::Append {
            log: log_of(&to),
            id: message,
            received,
            bytes: Arc::from(encode(&content)),
            limit: self.limit(&to),
        };
        let submission = Submission {
            session: id,
            sender: sender.clone(),
            message,
            to,
            received,
        };
        let is_mail = matches!(submission.to, Conversation::User(_));
        if planted!(SavedBeforeDurable) && is_mail
            || planted!(PostAcceptedBeforeDurable) && !is_mail
        {
            self.submitted(now, submission.clone(), Position(0), received);
        }
        self.start(now, operation, Task::Submit(submission));
    }

    const fn limit(&self, to: &Conversation) -> Limit {
        match to {
            Conversation::User(_) => Limit::Refuse(self.config.max_mailbox),
            Conversation::Group(_) | Conversation::Channel => {
                Limit::DropOldest(self.config.max_group_log)
            }
        }
    }

    fn content(
        &self,
        sender: &Name,
        to: &Conversation,
        body: Vec<u8>,
    ) -> Result<Content, Rejection> {
        let sender = sender.clone();
        match to {
            Conversation::User(name) => {
                if self.names.get(name).is_none() {
                    return Err(Rejection::NoSuchName);
                }
                if body.len() > MAX_MESSAGE_BYTES {
                    return Err(Rejection::TooLong);
                }
                let sealed = Bytes::from(body);
                Ok(Content::Mail { sender, sealed })
            }
            Conversation::Group(_) | Conversation::Channel => {
                if !self.members.is_member(to, &sender) {
                    return Err(Rejection::NotAMember);
                }
                let text = alloc::string::String::from_utf8(body).map_err(|_| Rejection::Other)?;
                let text = Text::new(text).map_err(|_| Rejection::TooLong)?;
                Ok(Content::Post { sender, text })
            }
        }
    }

    fn reject(&mut self, id: SessionId, to: &Conversation, message: MessageId, reason: Rejection) {
        let rejected = ChatFrame::Rejected {
            id: message,
            reason,
        };
        self.send(id, streams::of(to), &rejected);
    }

    /// The message is durable, by this or by an earlier submission: its sender is told, or will be
    /// when it is known whether the recipient is there.
    pub(super) fn submitted(
        &mut self,
        now: Now,
        submission: Submission,
        position: Position,
        received: WallTime,
    ) {
        let Submission {
            sender,
            message,
            to,
            received: stamp,
            ..
        } = submission;
        let is_new = received == stamp;
        self.counters.messages_stored += u64::from(is_new);
        match &to {
            Conversation::User(name) => {
                let check = Check {
                    sender,
                    message,
                    received,
                    is_new,
                };
                return self.kept_for(now, name, position, check);
            }
            Conversation::Group(group) if is_new => {
                let known = self.members.group(group);
                self.show(Event::GroupMessage {
                    name: sender.clone(),
                    group: known.map_or(group, |known| &known.name).clone(),
                });
            }
            Conversation::Group(_) | Conversation::Channel => {}
        }
        let ids = List::new(alloc::vec![message]);
        self.tell(&sender, &to, &ChatFrame::Accepted { ids });
    }

    /// A message is in a user's mailbox: it is saved if the user is offline, else that is checked.
    fn kept_for(&mut self, now: Now, name: &Name, position: Position, check: Check) {
        let Some(session) = self.names.get(name).and_then(|user| user.session) else {
            return self.saved(name, check);
        };
        let log = Log::Mailbox(name.clone());
        let login = self.sessions.login(session);
        let read = login.and_then(|login| login.reader.cursor(&log));
        if read.is_some_and(|read| position <= read) {
            let exists = ChatFrame::Exists { id: check.message };
            let about = Conversation::User(name.clone());
            self.tell(&check.sender, &about, &exists);
        } else {
            self.check_for(now, session, check);
        }
    }

    /// The log did not take the message.
    pub(super) fn not_submitted(&mut self, submission: &Submission, error: StoreError) {
        let reason = match error {
            StoreError::Full => Rejection::MailboxFull,
            _ => Rejection::TooLong,
        };
        self.reject(
            submission.session,
            &submission.to,
            submission.message,
            reason,
        );
    }
}
