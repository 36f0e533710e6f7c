//! What becomes of messages: the answers of recipients and of the server.

use alloc::vec::Vec;

use super::{
    Client,
    event::Event,
    outbox::{Kept, Message, Order, State},
};
use crate::{
    conversation::Conversation, id::MessageId, link::PeerId, name::Name, time::WallTime,
    wire::Rejection,
};

/// Messages beyond the limit that are remembered until what they make way for is written.
const MAX_UNWRITTEN: usize = 1_024;

impl Client {
    /// Nobody has the name that a message is for.
    pub(super) fn give_up_message(&mut self, order: Order, name: &Name) {
        if let Some(Message { id, .. }) = self.forget_message(order) {
            let name = name.clone();
            self.show(Event::NoSuchClient { id, name });
        }
    }

    /// A peer has made messages durable.
    pub(super) fn on_accepted(&mut self, peer: PeerId, ids: &[MessageId]) {
        let Some(key) = self.link.key(peer) else {
            return;
        };
        for id in ids {
            let Some(order) = self.outbox.find(id) else {
                continue;
            };
            let Some(message) = self.outbox.get(order) else {
                continue;
            };
            let Conversation::User(name) = message.to.clone() else {
                continue;
            };
            let state = message.state;
            if self.table.get(&name).is_none_or(|known| known.key != key) {
                continue;
            }
            self.outbox.accept(order, self.now.instant);
            match state {
                State::Waiting | State::Direct { .. } | State::Handed { submitted: false } => {
                    self.forget_message(order);
                }
                State::Handed { submitted: true } => {
                    self.copies.remove(&Conversation::User(name.clone()), order);
                    self.settle_message(order, State::Delivered);
                }
                _ if planted!(TwoFinalStates) => {}
                State::Saved | State::Exists { .. } | State::Delivered => continue,
            }
            let to = Conversation::User(name.clone());
            self.show(Event::Received { id: *id, by: name });
            self.advance(&to);
        }
    }

    /// The server has made messages to a group or everyone durable.
    pub(super) fn on_server_accepted(&mut self, ids: &[MessageId]) {
        for id in ids {
            let order = self.outbox.find(id);
            let message = order.and_then(|order| self.outbox.get(order));
            if let (Some(order), Some(message)) = (order, message)
                && !matches!(message.to, Conversation::User(_))
            {
                self.show(Event::ReceivedByServer { id: *id });
                self.forget_message(order);
            }
        }
    }

    pub(super) fn on_saved(&mut self, id: MessageId, received: WallTime) {
        if let Some(order) = self.handed(&id) {
            self.settle_message(order, State::Saved);
            self.show(Event::Saved { id, received });
        }
    }

    pub(super) fn on_exists(&mut self, id: MessageId) {
        let Some(order) = self.handed(&id) else {
            return;
        };
        let to = self.outbox.get(order).map(|message| message.to.clone());
        let Some(Conversation::User(name)) = to else {
            return;
        };
        if planted!(ExistsTakenForReceipt) {
            self.forget_message(order);
            return self.show(Event::Received { id, by: name });
        }
        let since = self.now.instant;
        self.settle_message(order, State::Exists { since });
        if self.table.set_online(since, &name) {
            self.save_peer(&name);
        }
        self.show(Event::Exists { id, name });
    }

    pub(super) fn on_rejected(&mut self, id: MessageId, reason: Rejection) {
        let Some(order) = self.outbox.find(&id) else {
            return;
        };
        if let Some(to) = self.outbox.get(order).map(|message| message.to.clone()) {
            self.cancel_copy(&to);
        }
        let Some(Message { to, state, .. }) = self.forget_message(order) else {
            return;
        };
        if matches!(state, State::Handed { .. }) {
            self.show(match (reason, &to) {
                (Rejection::MailboxFull, Conversation::User(name)) => Event::MailboxFull {
                    id,
                    name: name.clone(),
                },
                (_, Conversation::User(name)) => Event::NoSuchClient {
                    id,
                    name: name.clone(),
                },
                (_, of) => Event::NotAMember { id, of: of.clone() },
            });
        }
        self.advance(&to);
    }

    /// What a receipt shows, if anything: one final state for each message.
    pub(super) fn receipt_event(
        &mut self,
        id: MessageId,
        by: Name,
        received: WallTime,
    ) -> Option<Event> {
        let to = Conversation::User(by.clone());
        let own = self.outbox.find(&id);
        let own = own.filter(|order| self.outbox.get(*order).is_some_and(|m| m.to == to));
        let state = own
            .and_then(|order| self.forget_message(order))
            .map(|m| m.state);
        self.advance(&to);
        match state {
            Some(State::Delivered) => None,
            Some(State::Exists { .. }) => {
                self.outbox.existing_received(self.now.instant);
                Some(Event::Received { id, by })
            }
            _ => Some(Event::SavedReceived { id, received, by }),
        }
    }

    /// Whether only the server can bring this message further.
    pub(super) fn needs_server(&self, message: &Message) -> bool {
        match (&message.state, &message.to) {
            (State::Handed { .. }, _) => true,
            (State::Waiting, Conversation::User(name)) => self.table.get(name).is_none(),
            _ => false,
        }
    }

    /// The server does not answer: what needs it is kept, and the user is told once.
    pub(super) fn keep_messages(&mut self) {
        let open = self.outbox.open();
        let kept: Vec<Order> = open
            .filter(|(_, message)| self.needs_server(message))
            .map(|(order, _)| order)
            .collect();
        for order in kept {
            self.outbox.put_aside(order);
            if let Some(message) = self.outbox.get_mut(order) {
                message.announce = true;
            }
            self.announce_kept(order);
        }
    }

    /// Tells the user that a message is kept, when that is true.
    pub(super) fn announce_kept(&mut self, order: Order) {
        let Some(message) = self.outbox.get_mut(order).filter(|m| m.announce) else {
            return;
        };
        if message.kept == Kept::Writing && !planted!(KeptBeforeDurable) {
            return;
        }
        message.announce = false;
        if message.kept == Kept::Failed {
            let id = Some(message.id);
            self.show(Event::StoreFailed { id });
            self.forget_message(order);
            return;
        }
        let (id, to) = (message.id, message.to.clone());
        self.show(Event::Kept { id, to });
    }

    fn settle_message(&mut self, order: Order, state: State) {
        self.outbox.set_state(order, state);
        self.save_message(order);
        let max = self.config.max_outbox.saturating_add(MAX_UNWRITTEN);
        self.forget_surplus(order, max);
    }

    /// Forgets a message that is only remembered for what may still come, if there are more than
    /// `max` and the later one of its conversation in `order` is remembered.
    pub(super) fn forget_surplus(&mut self, order: Order, max: usize) {
        if let Some(surplus) = self.outbox.surplus(order, max) {
            self.forget_message(surplus);
        }
    }

    fn handed(&self, id: &MessageId) -> Option<Order> {
        let order = self.outbox.find(id)?;
        matches!(self.state(order), Some(State::Handed { .. })).then_some(order)
    }
}
