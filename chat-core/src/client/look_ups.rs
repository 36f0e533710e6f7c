//! Names that are not in the table: the server is asked for them, so many at once.

use alloc::collections::{BTreeMap, BTreeSet};

use super::Client;
use crate::{
    conversation::Conversation,
    name::Name,
    streams::CONTROL,
    wire::{ChatFrame, TableEntry},
};

/// Names that the server is asked for at once; the others wait for its answers.
const MAX_ASKED: usize = 256;

/// The names: of messages in the outbox, and of strangers, so that their limits are the limit.
#[derive(Default)]
pub(super) struct LookUps {
    waiting: BTreeSet<Name>,
    /// By the number of the request.
    asked: BTreeMap<u64, Name>,
}

impl LookUps {
    /// A name is to be asked for, once at a time.
    pub(super) fn add(&mut self, name: &Name) {
        if !self.asked.values().any(|asked| asked == name) {
            self.waiting.insert(name.clone());
        }
    }

    /// The name to be asked for next, if it is time.
    fn next(&self) -> Option<Name> {
        let next = self.waiting.first();
        next.filter(|_| self.asked.len() < MAX_ASKED).cloned()
    }

    fn asked(&mut self, request: u64, name: Name) {
        self.waiting.remove(&name);
        self.asked.insert(request, name);
    }

    fn answered(&mut self, request: u64) -> Option<Name> {
        self.asked.remove(&request)
    }

    /// The server may not have what it was asked.
    pub(super) fn ask_again(&mut self) {
        let asked = core::mem::take(&mut self.asked);
        self.waiting.extend(asked.into_values());
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

impl Client {
    /// Asks for the names that wait, as far as the link takes it.
    pub(super) fn send_look_ups(&mut self) {
        let Some(peer) = self.server.peer.filter(|_| self.is_online()) else {
            return;
        };
        while let Some(name) = self.look_ups.next() {
            let request = self.next_request();
            let look_up = ChatFrame::LookUp {
                request,
                name: name.clone(),
            };
            if self.send_frame(peer, CONTROL, &look_up).is_err() {
                return;
            }
            self.look_ups.asked(request, name);
        }
    }

    pub(super) fn on_found(&mut self, request: u64, entry: Option<TableEntry>) {
        let Some(name) = self.look_ups.answered(request) else {
            return;
        };
        let entry = entry.filter(|entry| entry.name == name && entry.key.is_some());
        if let Some(entry) = entry
            && let Some(changed) = self.table.apply_entry(self.now.instant, entry)
        {
            self.save_peer(&changed);
        }
        let to = Conversation::User(name.clone());
        if self.table.get(&name).is_none() {
            for order in self.outbox.conversation(&to) {
                self.give_up_message(order, &name);
            }
        } else {
            self.advance(&to);
        }
        self.on_looked_up(&name);
    }
}
