//! Messages to others: directly while the lane is direct, else by the server.

use alloc::{string::String, vec::Vec};

use super::{
    Client,
    command::Command,
    entry::{Entry, encode},
    event::Event,
    keeping::Purpose,
    mail,
    outbox::{Message, Order, State},
    receiving::{Delivery, Source},
};
use crate::{
    conversation::{Conversation, Text},
    id::{MessageId, Path, PublicKey},
    link::{PeerId, SendId},
    name::Name,
    store, streams,
    time::{Duration, Instant},
    wire::{Bytes, ChatFrame},
};

/// The stream of messages between two clients. Acceptances have another one, so that the messages
/// that are given up together follow one another.
const DIRECT: u8 = 1;
/// Messages, and bytes of text, that are on their way to one recipient itself at most; what
/// follows waits for their acks. One message may be longer.
const MAX_IN_FLIGHT: usize = 256;
const MAX_IN_FLIGHT_BYTES: usize = 256 << 10;
/// Messages that the server's link holds at most; more are not sealed before there is place for
/// them. So many of the longest ones fit into its queue.
const MAX_QUEUED: usize = 100;
/// Messages that wait for the server's answer at most: a server that is slow need not hold a whole
/// outbox, and cuts off nobody who waits.
const MAX_SUBMISSIONS: usize = 256;

impl Client {
    /// A message of the user's.
    pub(super) fn send(&mut self, to: Conversation, text: String) {
        let text = match Text::new(text) {
            Ok(text) => text,
            Err(too_long) => return self.show(Event::TooLong { length: too_long.0 }),
        };
        if self.owed() >= self.config.max_outbox && !planted!(OutboxLimitIgnored) {
            return self.show(Event::OutboxFull);
        }
        let id = MessageId(self.random.bytes());
        if let Conversation::User(name) = &to {
            if *name == self.name {
                return self.send_to_self(id, text);
            }
            if self.accept_changed_key(name, &text) {
                return;
            }
        }
        let queued = Event::Queued {
            id,
            to: to.clone(),
            text: text.clone(),
        };
        self.show(queued);
        let order = self.outbox.push(id, to.clone(), text, self.now.wall);
        self.save_message(order);
        self.advance(&to);
    }

    /// A message to the user itself needs no network.
    fn send_to_self(&mut self, id: MessageId, text: Text) {
        self.own_messages += 1;
        let to = Conversation::User(self.name.clone());
        self.show(Event::Queued {
            id,
            to,
            text: text.clone(),
        });
        let entry = Entry::Message {
            id,
            sender: self.name.clone(),
            verified: true,
            conversation: Conversation::User(self.name.clone()),
            stored: None,
            text,
        };
        let delivery = Delivery {
            source: Source::Own,
            id,
            live_at: None,
            catch_up: false,
        };
        self.append(&entry, delivery);
    }

    /// The user sends again to a name whose key has changed, and has been told: everything that
    /// waits for that goes out. Gives whether this message is one of those.
    fn accept_changed_key(&mut self, name: &Name, text: &Text) -> bool {
        if !self.warned.contains(name) {
            return false;
        }
        let to = Conversation::User(name.clone());
        let waiting = self.outbox.conversation(&to);
        let repeated = waiting.iter().any(|order| {
            let message = self.outbox.get(*order);
            message.is_some_and(|message| message.state == State::Waiting && message.text == *text)
        });
        self.take_changed_key(name) && repeated
    }

    /// The key that a name has changed to counts from here on: what waits for that goes out. Gives
    /// whether there was one.
    pub(super) fn take_changed_key(&mut self, name: &Name) -> bool {
        self.warned.remove(name);
        if !self.table.accept_change(name) {
            return false;
        }
        self.save_peer(name);
        let to = Conversation::User(name.clone());
        for order in self.outbox.conversation(&to) {
            if self.state(order) == Some(State::Waiting) {
                self.outbox.take_up(order);
            }
        }
        self.advance(&to);
        true
    }

    /// Sends what can be sent of every conversation.
    pub(super) fn advance_all(&mut self) {
        for to in self.outbox.conversations() {
            self.advance(&to);
        }
    }

    /// Sends what can be sent of a conversation, in order.
    pub(super) fn advance(&mut self, to: &Conversation) {
        while let Some(order) = self.outbox.first_waiting(to) {
            if !self.place(order, to) {
                break;
            }
        }
        self.send_copy(to);
    }

    /// Puts a message on its lane. Gives whether what follows may be placed too.
    fn place(&mut self, order: Order, to: &Conversation) -> bool {
        let Conversation::User(name) = to else {
            self.hand_over(order);
            return true;
        };
        let Some(known) = self.table.get(name) else {
            self.look_ups.add(name);
            return false;
        };
        if known.changed.is_some() {
            self.wait_for_consent(name, to);
            return false;
        }
        if self.outbox.is_server_lane(to) && !planted!(LaneIgnored) {
            self.hand_over(order);
            return true;
        }
        let (count, bytes) = self.outbox.in_flight(to);
        if let Some(address) = known.socket_address().filter(|_| known.online) {
            let length = self.outbox.get(order).map_or(0, |m| m.text.as_str().len());
            let fits = count < MAX_IN_FLIGHT && bytes + length <= MAX_IN_FLIGHT_BYTES;
            let key = known.key;
            if (count == 0 || fits) && self.send_direct(order, name, key, Path::to(address)) {
                return true;
            }
        }
        // What is on its way directly comes first.
        if count == 0 {
            self.hand_over(order);
        }
        count == 0
    }

    fn send_direct(&mut self, order: Order, name: &Name, key: PublicKey, path: Path) -> bool {
        let Some((peer, send)) = self.send_to_recipient(order, name, key, path) else {
            return false;
        };
        let patience = 1 + 999 * u32::from(planted!(NoFallback));
        let deadline = self.now.instant + self.config.ack_timeout * patience;
        let message = self.outbox.get_mut(order);
        let deadline = message.map_or(deadline, |m| *m.ack_by.get_or_insert(deadline));
        let state = State::Direct {
            peer,
            send,
            deadline,
        };
        self.outbox.set_state(order, state);
        true
    }

    /// Queues a message on the link to its recipient, if the link takes it.
    pub(super) fn send_to_recipient(
        &mut self,
        order: Order,
        name: &Name,
        key: PublicKey,
        path: Path,
    ) -> Option<(PeerId, SendId)> {
        let message = self.outbox.get(order)?;
        let frame = ChatFrame::Direct {
            id: message.id,
            from: self.name.clone(),
            to: name.clone(),
            text: message.text.clone(),
        };
        let peer = self.link.connect(self.now, key, path, true).ok()?;
        self.receiving.peers.insert(peer);
        let send = self.send_frame(peer, DIRECT, &frame).ok()?;
        Some((peer, send))
    }

    fn hand_over(&mut self, order: Order) {
        self.outbox
            .set_state(order, State::Handed { submitted: false });
        self.save_message(order);
    }

    /// Hands over what had no ack in time, and what was sent directly after it. The time runs from
    /// when the recipient has accepted what was sent before.
    pub(super) fn hand_over_overdue(&mut self) {
        let (now, timeout) = (self.now.instant, self.config.ack_timeout);
        while let Some(overdue) = self.outbox.overdue(now) {
            if self.outbox.prolong(overdue, now, timeout) {
                continue;
            }
            let Some(to) = self.outbox.get(overdue).map(|message| message.to.clone()) else {
                return;
            };
            let direct = self.cancel_direct(&to);
            for order in direct {
                if let (Some(message), Conversation::User(name)) = (self.outbox.get(order), &to) {
                    let (id, name) = (message.id, name.clone());
                    self.show(Event::NoAck { id, name });
                }
                self.hand_over(order);
            }
            self.advance(&to);
        }
        self.submit_messages();
    }

    /// Takes what is on its way directly back from the link, the last one first: an earlier one
    /// must not clear the way for a later one that is already there. Gives the messages in order.
    fn cancel_direct(&mut self, to: &Conversation) -> Vec<Order> {
        let mut cancelled = Vec::new();
        for order in self.outbox.conversation(to).into_iter().rev() {
            if let Some(State::Direct { peer, send, .. }) = self.state(order) {
                self.flushed = false;
                self.link.cancel(self.now, peer, send);
                cancelled.push(order);
            }
        }
        cancelled.reverse();
        cancelled
    }

    /// The peer is forgotten: what it has not accepted goes to its successor, in what is left of
    /// its time.
    pub(super) fn send_again(&mut self, peer: PeerId) {
        self.receiving.forget(peer);
        for to in self.outbox.conversations() {
            let mut again = false;
            for order in self.outbox.conversation(&to) {
                if matches!(self.state(order), Some(State::Direct { peer: by, .. }) if by == peer) {
                    self.outbox.set_state(order, State::Waiting);
                    again = true;
                }
            }
            if again {
                self.advance(&to);
            }
        }
        for to in self.copies.forget(peer) {
            self.send_copy(&to);
        }
    }

    /// Submits what has been handed over, as far as the link takes it.
    pub(super) fn submit_messages(&mut self) {
        // What follows a deregistration means nothing to the server.
        let can_submit = self.is_online() && self.leaving.is_none();
        while let Some(order) = self.outbox.next_unsubmitted().filter(|_| can_submit) {
            let Some(peer) = self.server.peer else { return };
            if self.link.queued(peer) >= MAX_QUEUED || self.outbox.submissions() >= MAX_SUBMISSIONS
            {
                return;
            }
            let Some(message) = self.outbox.get(order) else {
                return;
            };
            let (id, to) = (message.id, message.to.clone());
            let body = match &to {
                Conversation::User(name) => {
                    match self.seal(name, message.id, &message.text.clone()) {
                        Some(sealed) => sealed,
                        None => {
                            self.take_back(&to);
                            continue;
                        }
                    }
                }
                _ => message.text.as_str().as_bytes().to_vec(),
            };
            let stream = streams::of(&to);
            let body = Bytes::from(body);
            let frame = ChatFrame::Submit { id, to, body };
            if self.send_frame(peer, stream, &frame).is_err() {
                return;
            }
            self.outbox.submitted(order);
            if planted!(OutboxRemovedEarly) {
                self.set_record(store::Table::Outbox, &alloc::format!("{id}"), None);
            }
        }
    }

    fn seal(&mut self, name: &Name, id: MessageId, text: &Text) -> Option<Vec<u8>> {
        let known = self.table.get(name)?;
        let key = known.changed.is_none().then_some(known.key)?;
        mail::seal(&self.identity, (name, &key), &id, text, &mut self.random).ok()
    }

    /// The key of a recipient is not known or not trusted any more: what is not submitted waits
    /// for that.
    fn take_back(&mut self, to: &Conversation) {
        let Conversation::User(name) = to else { return };
        let usable = self
            .table
            .get(name)
            .is_some_and(|known| known.changed.is_none());
        for order in self.outbox.conversation(to) {
            if !matches!(self.state(order), Some(State::Handed { .. })) {
                continue;
            }
            if usable {
                // Nothing can be sealed to this key: it is none.
                self.give_up_message(order, name);
            } else {
                self.outbox.set_state(order, State::Waiting);
            }
        }
        self.advance(to);
    }

    /// The user is told that the key has changed, once; what is owed waits for its word.
    fn wait_for_consent(&mut self, name: &Name, to: &Conversation) {
        for order in self.outbox.conversation(to) {
            if self.state(order) == Some(State::Waiting) {
                self.outbox.put_aside(order);
            }
        }
        if self.warned.insert(name.clone()) {
            let compared = self.table.get(name).is_some_and(|known| known.compared);
            let name = name.clone();
            self.show(Event::KeyChanged { name, compared });
        }
    }

    /// What is on its way to this name is also tried where the table says that it is.
    fn follow_address(&mut self, name: &Name) {
        let Some(known) = self.table.get(name) else {
            return;
        };
        let (count, _) = self.outbox.in_flight(&Conversation::User(name.clone()));
        if let Some(address) = known.socket_address().filter(|_| count > 0 && known.online) {
            // A peer that is there is told; nothing else comes of it.
            let _ = self
                .link
                .connect(self.now, known.key, Path::to(address), true);
        }
    }

    /// The entries of these names have changed.
    pub(super) fn on_table_changed(&mut self, names: Vec<Name>) {
        for name in names {
            self.save_peer(&name);
            let changed = self
                .table
                .get(&name)
                .is_some_and(|known| known.changed.is_some());
            self.follow_address(&name);
            let to = Conversation::User(name);
            if changed {
                self.cancel_copy(&to);
                for order in self.cancel_direct(&to) {
                    self.outbox.set_state(order, State::Waiting);
                }
            }
            self.advance(&to);
        }
    }

    /// When a command that waits for a message's receipt need not wait any longer.
    pub(super) fn answer_timeout(&self) -> Option<Instant> {
        let now = self.now.instant;
        self.commands.turn()?;
        let patience = self.outbox.patience_ends(self.patience());
        let table = self.table_by().filter(|_| !self.has_table());
        [patience, table]
            .into_iter()
            .flatten()
            .filter(|at| *at > now)
            .min()
    }

    /// Whether every message has its answer.
    pub(super) fn is_answered(&self) -> bool {
        let (now, patience) = (self.now.instant, self.patience());
        self.own_messages == 0 && self.outbox.is_answered(now, patience)
    }

    /// How long the next command waits for receipts of which nothing is heard: the last one waits
    /// as long as for a server that does not answer.
    fn patience(&self) -> Duration {
        match self.commands.first() {
            Some(Command::Quit | Command::Finish) => {
                self.config.attempt_timeout * self.config.attempts
            }
            _ => self.config.ack_timeout,
        }
    }

    /// Nothing is shown for the message any more.
    pub(super) fn forget_message(&mut self, order: Order) -> Option<Message> {
        let message = self.outbox.remove(order)?;
        self.copies.remove(&message.to, order);
        let key = alloc::format!("{}", message.id);
        self.set_record(store::Table::Outbox, &key, None);
        Some(message)
    }

    pub(super) fn save_message(&mut self, order: Order) {
        if let Some(record) = self.outbox.record(order) {
            let key = alloc::format!("{}", record.id);
            self.set_record(store::Table::Outbox, &key, Some(encode(&record)));
        }
    }

    pub(super) fn state(&self, order: Order) -> Option<State> {
        self.outbox.get(order).map(|message| message.state)
    }
}

/// The purpose of an append of a message that has arrived.
impl From<Delivery> for Purpose {
    fn from(delivery: Delivery) -> Self {
        Self::Receive(delivery)
    }
}
