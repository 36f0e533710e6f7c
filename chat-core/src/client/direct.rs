//! Direct messages that arrive: who has sent them, and when they are taken.

use super::{
    Client,
    entry::Entry,
    receiving::{Delivery, Source},
    strangers::Stranger,
    table::KeyMatch,
};
use crate::{
    conversation::{Conversation, Text},
    id::MessageId,
    link::PeerId,
    name::Name,
};

impl Client {
    /// A direct message: its sender's name must belong to the key of the session.
    pub(super) fn on_direct(&mut self, peer: PeerId, id: MessageId, from: Name, text: Text) {
        let Some(key) = self.link.key(peer) else {
            return;
        };
        if self.receiving.strangers.is_refused(&from, peer) {
            self.receiving.dropped += 1;
            return;
        }
        let key_match = self.table.key_match(&from, &key);
        match key_match {
            KeyMatch::Pinned | KeyMatch::Changed => {
                // The table may have come before the answer that the earlier ones wait for.
                self.on_looked_up(&from);
                let verified = key_match == KeyMatch::Pinned;
                self.receive_direct(peer, id, from, text, verified);
            }
            KeyMatch::Other | KeyMatch::Unknown => {
                if !self.receiving.strangers.has_room_for(&text) {
                    return self.refuse_stranger(&from, peer);
                }
                self.look_ups.add(&from);
                let stranger = Stranger {
                    peer,
                    id,
                    from,
                    text,
                };
                self.receiving.strangers.push(stranger);
            }
        }
    }

    /// The name is known, or the server does not know it: its messages are taken or dropped.
    pub(super) fn on_looked_up(&mut self, name: &Name) {
        for stranger in self.receiving.strangers.take(name) {
            let Stranger {
                peer,
                id,
                from,
                text,
            } = stranger;
            let key = self.link.key(peer);
            match key.map(|key| self.table.key_match(&from, &key)) {
                Some(KeyMatch::Pinned) => self.receive_direct(peer, id, from, text, true),
                Some(KeyMatch::Changed) => self.receive_direct(peer, id, from, text, false),
                _ => self.refuse_stranger(name, peer),
            }
        }
    }

    fn refuse_stranger(&mut self, name: &Name, peer: PeerId) {
        self.receiving.dropped += 1;
        self.receiving.strangers.refuse(name, peer);
    }

    fn receive_direct(
        &mut self,
        peer: PeerId,
        id: MessageId,
        sender: Name,
        text: Text,
        verified: bool,
    ) {
        let entry = Entry::Message {
            id,
            sender: self.table.spelled(sender),
            verified,
            conversation: Conversation::User(self.name.clone()),
            stored: None,
            text,
        };
        let delivery = Delivery {
            source: Source::Peer(peer),
            id,
            live_at: None,
            catch_up: false,
        };
        self.append(&entry, delivery);
    }
}
