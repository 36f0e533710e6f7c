//! While the server does not answer, what was handed over to it is sent to its recipient as well:
//! one ack that came too late is not to silence a conversation until the server is back.
//!
//! Whoever gets a message on both ways drops the second. The order holds because only the first
//! message that is owed goes this way, until its recipient has accepted it: one that was dropped
//! there (its sender was not known yet) is not followed by a later one.

use alloc::{collections::BTreeMap, vec::Vec};

use super::{Client, outbox::Order};
use crate::{
    conversation::Conversation,
    id::Path,
    link::{PeerId, SendId},
};

/// The copies that are under way, one for each conversation at most.
#[derive(Default)]
pub(super) struct Copies(BTreeMap<Conversation, Copy>);

struct Copy {
    order: Order,
    peer: PeerId,
    send: SendId,
}

impl Copies {
    /// A message needs no copy any more.
    pub(super) fn remove(&mut self, to: &Conversation, order: Order) {
        if self.0.get(to).is_some_and(|copy| copy.order == order) {
            self.0.remove(to);
        }
    }

    /// The peer is gone, with the copies that it has not accepted. Gives whose they were.
    pub(super) fn forget(&mut self, peer: PeerId) -> Vec<Conversation> {
        let is_gone = |copy: &Copy| copy.peer == peer;
        let gone = self.0.iter().filter(|(_, copy)| is_gone(copy));
        let gone: Vec<_> = gone.map(|(to, _)| to.clone()).collect();
        self.0.retain(|_, copy| !is_gone(copy));
        gone
    }

    /// All peers are gone.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

impl Client {
    /// Sends the first message that the server does not take to its recipient, if the link takes it.
    pub(super) fn send_copy(&mut self, to: &Conversation) {
        let Conversation::User(name) = to else { return };
        if !self.server.announced_gone || self.copies.0.contains_key(to) {
            return;
        }
        let Some(order) = self.outbox.first_for_server(to) else {
            return;
        };
        let Some(known) = self.table.get(name).filter(|known| known.changed.is_none()) else {
            return;
        };
        let Some(address) = known.socket_address().filter(|_| known.online) else {
            return;
        };
        let (key, path) = (known.key, Path::to(address));
        if let Some((peer, send)) = self.send_to_recipient(order, name, key, path) {
            self.copies.0.insert(to.clone(), Copy { order, peer, send });
        }
    }

    /// Takes back what is under way in a conversation.
    pub(super) fn cancel_copy(&mut self, to: &Conversation) {
        if let Some(copy) = self.copies.0.remove(to) {
            self.flushed = false;
            self.link.cancel(self.now, copy.peer, copy.send);
        }
    }

    /// The server is back and delivers what is left: it need not be sent twice.
    pub(super) fn cancel_copies(&mut self) {
        for copy in core::mem::take(&mut self.copies).0.into_values() {
            self.flushed = false;
            self.link.cancel(self.now, copy.peer, copy.send);
        }
    }
}
