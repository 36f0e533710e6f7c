//! From the inbox to the screen.

use super::{
    Client,
    entry::{Entry, decode},
    event::Event,
    keeping::Purpose,
    screen::Mark,
};
use crate::{
    conversation::Conversation,
    store::{self, Log, StoreOperation},
};

/// Events that wait to be polled; beyond, the inbox is not read on.
const MAX_EVENTS: usize = 1_024;
/// Entries of the inbox that are read at once.
const READ: usize = 64;

impl Client {
    /// An entry has become durable.
    pub(super) fn on_arrived(&mut self, entry: &store::Entry) {
        if self.events.len() >= MAX_EVENTS {
            self.screen.fall_behind();
        } else if self.screen.takes(entry.position) {
            self.route(entry);
            self.release_notices();
        }
    }

    /// Reads on, if there is something to be read and room for it.
    pub(super) fn read_inbox(&mut self) {
        if self.events.len() >= MAX_EVENTS || self.server.key.is_none() || self.has_ended() {
            return;
        }
        let (after, count, purpose) = if let Some(after) = self.screen.poll_release() {
            (after, 1, Purpose::Release)
        } else if let Some(after) = self.screen.poll_read() {
            (after, READ, Purpose::Read)
        } else {
            return;
        };
        let operation = StoreOperation::Fetch {
            log: Log::Inbox,
            after,
            count,
        };
        self.pending.start(self.now.instant, operation, purpose);
    }

    pub(super) fn on_read(&mut self, entries: &[store::Entry]) {
        for entry in entries {
            if entry.position > self.screen.routed() {
                self.route(entry);
            }
        }
        self.screen.read(entries.len() >= READ);
        self.release_notices();
    }

    /// An entry that was held back has been fetched.
    pub(super) fn on_released(&mut self, entries: &[store::Entry]) {
        let entry = entries.first();
        let Some(mark) = self.screen.release(entry.map(|entry| entry.position)) else {
            return;
        };
        let event = entry
            .and_then(|entry| decode(&entry.bytes))
            .and_then(|entry| self.event(entry));
        match event {
            Some(event) => self.events.push_back((event, Some(mark))),
            None => self.screen.polled(mark),
        }
    }

    /// Shows the next entry of the inbox, or holds it back.
    fn route(&mut self, entry: &store::Entry) {
        let position = entry.position;
        let Some(content) = decode::<Entry>(&entry.bytes) else {
            return self.screen.skip(position);
        };
        let held = match &content {
            Entry::Message {
                conversation,
                stored: None,
                ..
            } => {
                let direct = matches!(conversation, Conversation::User(_));
                let holds = direct && self.group.is_some() && self.leaving.is_none();
                holds && self.screen.hold(position)
            }
            Entry::Message { .. } => {
                if !core::mem::replace(&mut self.receiving.header_shown, true) {
                    self.show(Event::OfflineMessages);
                }
                false
            }
            Entry::Receipt { kept, .. } | Entry::Expired { kept, .. } => {
                *kept && self.receiving.is_catching_up() && self.screen.hold_notice(position)
            }
        };
        if held {
            return;
        }
        match self.event(content) {
            Some(event) => {
                let mark: Mark = self.screen.forward(position);
                self.events.push_back((event, Some(mark)));
            }
            None => self.screen.skip(position),
        }
    }

    fn event(&mut self, entry: Entry) -> Option<Event> {
        match entry {
            Entry::Message {
                id,
                sender,
                verified,
                conversation,
                stored,
                text,
            } => Some(Event::Message {
                id,
                sender,
                verified,
                conversation,
                stored,
                text,
            }),
            Entry::Receipt {
                message,
                reader,
                received,
                ..
            } => self.receipt_event(message, reader, received),
            Entry::Expired {
                message,
                reader,
                received,
                ..
            } => {
                let to = Conversation::User(reader);
                if let Some(order) = self.outbox.find(&message) {
                    self.forget_message(order);
                    self.advance(&to);
                }
                Some(Event::Expired {
                    id: message,
                    received,
                    to,
                })
            }
        }
    }
}
