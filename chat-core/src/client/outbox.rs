//! Messages that are owed to others, and those whose receipt is still to come.
//!
//! ```text
//! Waiting ─→ Direct ─→ (received)
//!    │         │ no ack
//!    └─────────┴──→ Handed ─→ Saved ──→ (received)
//!                     ├─────→ Exists ─→ (received)
//!                     └─ a late ack ─→ Delivered ─→ (its receipt shows nothing)
//! ```
//! A message whose final state has been shown is no longer here, except where something of it
//! is still to come that must not be shown (`Delivered`).

use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};

use serde::{Deserialize, Serialize};

use super::{event, lane::Lane};
use crate::{
    conversation::{Conversation, Text},
    id::MessageId,
    link::{PeerId, SendId},
    name::Name,
    time::{Duration, Instant, WallTime},
};

/// The place of a message among all that the user has sent.
pub(super) type Order = u64;

/// No user sends so many: a record with a higher order is not one that a client has written.
const MAX_ORDER: Order = u64::MAX / 2;

/// Where a message is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// For its turn, a look-up, or the user's word on a changed key.
    Waiting,
    /// Sent to the recipient itself.
    Direct {
        peer: PeerId,
        send: SendId,
        deadline: Instant,
    },
    /// The server's to deliver; `submitted` in some registration.
    Handed { submitted: bool },
    /// The server keeps it for an absent recipient.
    Saved,
    /// The server delivers it live.
    Exists { since: Instant },
    /// The recipient has it, and the server may have another copy.
    Delivered,
}

/// Whether the outbox record of a message is durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kept {
    Writing,
    Durable,
    Failed,
}

#[derive(Debug, Clone)]
pub(super) struct Message {
    pub(super) id: MessageId,
    pub(super) to: Conversation,
    /// Empty once the message is no longer owed.
    pub(super) text: Text,
    pub(super) state: State,
    pub(super) kept: Kept,
    /// The user is to be told that it is kept, as soon as that is durable.
    pub(super) announce: bool,
    /// When the recipient itself has had its time, however often it is sent to it.
    pub(super) ack_by: Option<Instant>,
    pub(super) created: WallTime,
}

/// What is kept of a message between runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) order: Order,
    pub(super) id: MessageId,
    pub(super) to: Conversation,
    pub(super) text: Text,
    pub(super) created: WallTime,
    pub(super) stage: Stage,
}

/// [`State`] as far as it outlives a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Stage {
    Waiting,
    Handed,
    Saved,
    Exists,
    Delivered,
}

/// All messages, in the order in which they were sent.
#[derive(Default)]
pub(super) struct Outbox {
    messages: BTreeMap<Order, Message>,
    by_id: BTreeMap<MessageId, Order>,
    conversations: BTreeMap<Conversation, Lane>,
    deadlines: BTreeSet<(Instant, Order)>,
    /// The server's to deliver, without an answer.
    handed: BTreeSet<Order>,
    /// Of these, the ones that were not submitted since the last registration.
    unsubmitted: BTreeSet<Order>,
    /// Neither answered nor put aside: later commands wait for these.
    open: BTreeSet<Order>,
    /// No longer owed, oldest first.
    settled: BTreeSet<Order>,
    /// Those that the server delivers live.
    existing: BTreeSet<Order>,
    /// When one of these was last heard of.
    existing_heard: Instant,
    last: Order,
}

impl Outbox {
    /// A new message, the last of its conversation.
    pub(super) fn push(
        &mut self,
        id: MessageId,
        to: Conversation,
        text: Text,
        created: WallTime,
    ) -> Order {
        self.last += 1;
        let message = Message {
            id,
            to,
            text,
            state: State::Waiting,
            kept: Kept::Writing,
            announce: false,
            ack_by: None,
            created,
        };
        self.insert(self.last, message);
        self.open.insert(self.last);
        self.last
    }

    /// Takes up what the last run left.
    pub(super) fn restore(&mut self, record: Record, now: Instant) {
        if record.order > MAX_ORDER {
            return;
        }
        let state = match record.stage {
            Stage::Waiting => State::Waiting,
            Stage::Handed => State::Handed { submitted: true },
            Stage::Saved => State::Saved,
            Stage::Exists => State::Exists { since: now },
            Stage::Delivered => State::Delivered,
        };
        let message = Message {
            id: record.id,
            to: record.to,
            text: record.text,
            state,
            kept: Kept::Durable,
            announce: false,
            ack_by: None,
            created: record.created,
        };
        self.last = self.last.max(record.order);
        self.insert(record.order, message);
        self.index(record.order, state);
    }

    pub(super) fn get(&self, order: Order) -> Option<&Message> {
        self.messages.get(&order)
    }

    pub(super) fn get_mut(&mut self, order: Order) -> Option<&mut Message> {
        self.messages.get_mut(&order)
    }

    pub(super) fn find(&self, id: &MessageId) -> Option<Order> {
        self.by_id.get(id).copied()
    }

    /// The messages that are neither delivered nor saved, in order.
    pub(super) fn pending(&self) -> impl Iterator<Item = event::Owed> {
        self.messages.values().filter_map(|message| {
            let stage = match message.state {
                State::Waiting => event::Stage::Waiting,
                State::Direct { .. } => event::Stage::Sent,
                State::Handed { .. } => event::Stage::ForServer,
                State::Saved | State::Exists { .. } | State::Delivered => return None,
            };
            Some(event::Owed {
                id: message.id,
                to: message.to.clone(),
                text: message.text.clone(),
                created: message.created,
                stage,
            })
        })
    }

    /// How many messages are neither delivered nor saved.
    pub(super) fn owed(&self) -> usize {
        self.messages.len() - self.settled.len()
    }

    /// What is to be kept of the message.
    pub(super) fn record(&self, order: Order) -> Option<Record> {
        let message = self.messages.get(&order)?;
        Some(Record {
            order,
            id: message.id,
            to: message.to.clone(),
            text: message.text.clone(),
            created: message.created,
            stage: match message.state {
                State::Waiting | State::Direct { .. } => Stage::Waiting,
                State::Handed { .. } => Stage::Handed,
                State::Saved => Stage::Saved,
                State::Exists { .. } => Stage::Exists,
                State::Delivered => Stage::Delivered,
            },
        })
    }

    pub(super) fn set_state(&mut self, order: Order, state: State) {
        let Some(message) = self.messages.get_mut(&order) else {
            return;
        };
        if let State::Direct { deadline, .. } = message.state {
            self.deadlines.remove(&(deadline, order));
        }
        let lane = self.conversations.entry(message.to.clone()).or_default();
        lane.remove(order, message);
        message.state = state;
        if matches!(
            state,
            State::Saved | State::Exists { .. } | State::Delivered
        ) {
            message.text = Text::default();
        }
        lane.add(order, message);
        self.index(order, state);
    }

    /// The message's last state has been shown.
    pub(super) fn remove(&mut self, order: Order) -> Option<Message> {
        let message = self.messages.remove(&order)?;
        self.by_id.remove(&message.id);
        if let State::Direct { deadline, .. } = message.state {
            self.deadlines.remove(&(deadline, order));
        }
        if let Some(lane) = self.conversations.get_mut(&message.to) {
            lane.remove(order, &message);
            if lane.is_empty() {
                self.conversations.remove(&message.to);
            }
        }
        for index in [
            &mut self.handed,
            &mut self.unsubmitted,
            &mut self.open,
            &mut self.settled,
            &mut self.existing,
        ] {
            index.remove(&order);
        }
        Some(message)
    }

    /// The messages of a conversation, in order.
    pub(super) fn conversation(&self, to: &Conversation) -> Vec<Order> {
        let lane = self.conversations.get(to);
        lane.map_or_else(Vec::new, |lane| lane.orders().collect())
    }

    /// Whether the server has not answered all that was said to a group: who leaves it says that
    /// first.
    pub(super) fn is_owed_to_group(&self, group: &Name) -> bool {
        let group = Conversation::Group(group.clone());
        self.conversations.contains_key(&group)
    }

    /// The first message of a conversation that waits for its turn.
    pub(super) fn first_waiting(&self, to: &Conversation) -> Option<Order> {
        self.conversations.get(to)?.first_waiting()
    }

    /// Every conversation in which something is owed or to come.
    pub(super) fn conversations(&self) -> Vec<Conversation> {
        self.conversations.keys().cloned().collect()
    }

    /// Every message, in order.
    pub(super) fn orders(&self) -> Vec<Order> {
        self.messages.keys().copied().collect()
    }

    /// Whether the server has, or gets, a message of this conversation that is not known to be
    /// delivered: what follows goes the same way.
    pub(super) fn is_server_lane(&self, to: &Conversation) -> bool {
        self.conversations.get(to).is_some_and(Lane::is_server_lane)
    }

    /// The first message of a conversation that the server gets, if nothing before it is on its way
    /// otherwise.
    pub(super) fn first_for_server(&self, to: &Conversation) -> Option<Order> {
        self.conversations.get(to)?.first_for_server()
    }

    /// How many messages, and bytes of text, are on their way to the recipient itself.
    pub(super) fn in_flight(&self, to: &Conversation) -> (usize, usize) {
        let lane = self.conversations.get(to);
        lane.map_or_else(Default::default, Lane::in_flight)
    }

    /// The recipient itself has accepted a message: those behind it get their time from then on.
    pub(super) fn accept(&mut self, order: Order, now: Instant) {
        if let Some(message) = self.messages.get(&order)
            && let Some(lane) = self.conversations.get_mut(&message.to)
        {
            lane.accept(order, now);
        }
    }

    /// Gives a message that is overdue its time from when the recipient got to it, if that is not
    /// over. Gives whether it did.
    pub(super) fn prolong(&mut self, order: Order, now: Instant, timeout: Duration) -> bool {
        let Some(message) = self.messages.get_mut(&order) else {
            return false;
        };
        let reached = self
            .conversations
            .get(&message.to)
            .and_then(|lane| lane.reached(order));
        let Some(later) = reached.map(|at| at + timeout).filter(|at| *at > now) else {
            return false;
        };
        let State::Direct { peer, send, .. } = message.state else {
            return false;
        };
        message.ack_by = Some(later);
        let deadline = later;
        self.set_state(
            order,
            State::Direct {
                peer,
                send,
                deadline,
            },
        );
        true
    }

    /// The message whose ack is overdue.
    pub(super) fn overdue(&self, now: Instant) -> Option<Order> {
        let (deadline, order) = self.deadlines.first()?;
        (now >= *deadline).then_some(*order)
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.deadlines.first().map(|(deadline, _)| *deadline)
    }

    /// The next message to be submitted.
    pub(super) fn next_unsubmitted(&self) -> Option<Order> {
        self.unsubmitted.first().copied()
    }

    /// The message is on its way to the server.
    pub(super) fn submitted(&mut self, order: Order) {
        self.unsubmitted.remove(&order);
        if let Some(message) = self.messages.get_mut(&order) {
            message.state = State::Handed { submitted: true };
        }
    }

    /// The server may not have what was submitted: everything unanswered is submitted again.
    pub(super) fn submit_again(&mut self) {
        if planted!(NotSubmittedAgain) {
            return;
        }
        self.unsubmitted = self.handed.clone();
    }

    /// How many messages were submitted and have no answer.
    pub(super) fn submissions(&self) -> usize {
        self.handed.len() - self.unsubmitted.len()
    }

    /// Puts a message aside: nothing waits for it, and it is not reported again.
    pub(super) fn put_aside(&mut self, order: Order) {
        self.open.remove(&order);
    }

    /// Takes up a message that was put aside.
    pub(super) fn take_up(&mut self, order: Order) {
        if self.messages.contains_key(&order) {
            self.open.insert(order);
        }
    }

    /// The messages that have no answer, in order.
    pub(super) fn open(&self) -> impl Iterator<Item = (Order, &Message)> {
        let open = self.open.iter();
        open.filter_map(|order| Some((*order, self.messages.get(order)?)))
    }

    /// Whether every message has its answer; those that the server delivers live get `patience`
    /// to show as received, from when one of them was last heard of.
    pub(super) fn is_answered(&self, now: Instant, patience: Duration) -> bool {
        self.open.is_empty() && self.patience_ends(patience).is_none_or(|end| now >= end)
    }

    /// When the messages that the server delivers live have had `patience`.
    pub(super) fn patience_ends(&self, patience: Duration) -> Option<Instant> {
        (!self.existing.is_empty()).then(|| self.existing_heard + patience)
    }

    /// A message that the server delivers live has been received.
    pub(super) fn existing_received(&mut self, now: Instant) {
        self.existing_heard = self.existing_heard.max(now);
    }

    /// If more than `max` messages are only remembered for what may still come: one that may be
    /// forgotten for this one, if that is one of them too. It is an earlier one of the same
    /// conversation, so that the last one still tells where the next one has to go.
    pub(super) fn surplus(&self, order: Order, max: usize) -> Option<Order> {
        if self.settled.len() <= max || !self.settled.contains(&order) {
            return None;
        }
        let lane = self.conversations.get(&self.messages.get(&order)?.to)?;
        let mut earlier = lane.orders().take_while(|earlier| *earlier < order);
        earlier.find(|earlier| self.settled.contains(earlier))
    }

    fn insert(&mut self, order: Order, message: Message) {
        self.by_id.insert(message.id, order);
        let lane = self.conversations.entry(message.to.clone()).or_default();
        lane.add(order, &message);
        self.messages.insert(order, message);
    }

    fn index(&mut self, order: Order, state: State) {
        self.handed.remove(&order);
        self.unsubmitted.remove(&order);
        self.existing.remove(&order);
        if let State::Exists { since } = state {
            self.existing.insert(order);
            self.existing_heard = self.existing_heard.max(since);
        }
        match state {
            State::Waiting => {}
            State::Direct { deadline, .. } => {
                self.deadlines.insert((deadline, order));
            }
            State::Handed { .. } => {
                self.handed.insert(order);
                self.unsubmitted.insert(order);
            }
            State::Saved | State::Exists { .. } | State::Delivered => {
                self.open.remove(&order);
                self.settled.insert(order);
            }
        }
    }
}

#[cfg(test)]
mod tests;
