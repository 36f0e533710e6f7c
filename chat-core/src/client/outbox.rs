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

use super::lane::Lane;
use crate::{
    conversation::{Conversation, Text},
    id::MessageId,
    link::{PeerId, SendId},
    time::{Duration, Instant, WallTime},
};

/// The place of a message among all that the user has sent.
pub(super) type Order = u64;

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
    /// Handed over and not submitted since the last registration.
    unsubmitted: BTreeSet<Order>,
    /// Neither answered nor put aside: later commands wait for these.
    open: BTreeSet<Order>,
    /// No longer owed, oldest first.
    settled: BTreeSet<Order>,
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

    /// The message whose record has this key.
    pub(super) fn find_key(&self, key: &str) -> Option<Order> {
        let mut id = [0; 16];
        for (index, byte) in id.iter_mut().enumerate() {
            *byte = u8::from_str_radix(key.get(2 * index..2 * index + 2)?, 16).ok()?;
        }
        self.find(&MessageId(id))
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
        for index in [&mut self.unsubmitted, &mut self.open, &mut self.settled] {
            index.remove(&order);
        }
        Some(message)
    }

    /// The messages of a conversation, in order.
    pub(super) fn conversation(&self, to: &Conversation) -> Vec<Order> {
        let lane = self.conversations.get(to);
        lane.map_or_else(Vec::new, |lane| lane.orders().collect())
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

    /// How many messages, and bytes of text, are on their way to the recipient itself.
    pub(super) fn in_flight(&self, to: &Conversation) -> (usize, usize) {
        let lane = self.conversations.get(to);
        lane.map_or_else(Default::default, Lane::in_flight)
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
        let handed = self.messages.iter();
        self.unsubmitted = handed
            .filter(|(_, message)| matches!(message.state, State::Handed { .. }))
            .map(|(order, _)| *order)
            .collect();
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

    /// Whether every message has its answer; one that the server delivers live gets `patience`
    /// to show as received.
    pub(super) fn is_answered(&self, now: Instant, patience: Duration) -> bool {
        self.open.is_empty() && self.patience_ends(patience).is_none_or(|end| now >= end)
    }

    /// When the last message that the server delivers live has had `patience`.
    pub(super) fn patience_ends(&self, patience: Duration) -> Option<Instant> {
        let last = self.settled.iter().next_back()?;
        match self.messages.get(last)?.state {
            State::Exists { since } => Some(since + patience),
            _ => None,
        }
    }

    /// The oldest message that is only remembered for what may still come, if there are more
    /// than `max` of them.
    pub(super) fn surplus(&self, max: usize) -> Option<Order> {
        let surplus = self.settled.len() > max;
        self.settled.first().copied().filter(|_| surplus)
    }

    fn insert(&mut self, order: Order, message: Message) {
        self.by_id.insert(message.id, order);
        let lane = self.conversations.entry(message.to.clone()).or_default();
        lane.add(order, &message);
        self.messages.insert(order, message);
    }

    fn index(&mut self, order: Order, state: State) {
        self.unsubmitted.remove(&order);
        match state {
            State::Waiting => {}
            State::Direct { deadline, .. } => {
                self.deadlines.insert((deadline, order));
            }
            State::Handed { .. } => {
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
mod tests {
    use alloc::{string::ToString, vec};

    use super::*;

    fn to(name: &str) -> Conversation {
        Conversation::User(name.parse().unwrap())
    }

    fn push(outbox: &mut Outbox, id: u8, name: &str) -> Order {
        let text = Text::new("hello".to_string()).unwrap();
        outbox.push(MessageId([id; 16]), to(name), text, WallTime::default())
    }

    fn direct(deadline: u64) -> State {
        State::Direct {
            peer: PeerId(0),
            send: SendId {
                stream: 0,
                sequence: 0,
                generation: 0,
            },
            deadline: Instant::from_micros(deadline),
        }
    }

    #[test]
    fn the_lane_is_the_servers_until_everything_handed_over_is_delivered() {
        let mut outbox = Outbox::default();
        let (first, second) = (push(&mut outbox, 1, "y"), push(&mut outbox, 2, "y"));
        assert!(!outbox.is_server_lane(&to("y")));
        outbox.set_state(first, State::Handed { submitted: false });
        assert!(outbox.is_server_lane(&to("y")));
        assert!(!outbox.is_server_lane(&to("z")));
        outbox.set_state(first, State::Saved);
        assert!(outbox.is_server_lane(&to("y")));
        outbox.set_state(second, State::Delivered);
        outbox.remove(first);
        assert!(!outbox.is_server_lane(&to("y")));
    }

    #[test]
    fn the_earliest_deadline_is_overdue_first() {
        let mut outbox = Outbox::default();
        let (first, second) = (push(&mut outbox, 1, "y"), push(&mut outbox, 2, "z"));
        outbox.set_state(first, direct(20));
        outbox.set_state(second, direct(10));
        assert_eq!(outbox.overdue(Instant::from_micros(9)), None);
        assert_eq!(outbox.overdue(Instant::from_micros(30)), Some(second));
        outbox.remove(second);
        assert_eq!(outbox.overdue(Instant::from_micros(30)), Some(first));
        assert_eq!(outbox.in_flight(&to("y")), (1, 5));
    }

    #[test]
    fn what_is_saved_is_no_longer_owed_and_its_text_is_dropped() {
        let mut outbox = Outbox::default();
        let order = push(&mut outbox, 1, "y");
        assert_eq!(outbox.owed(), 1);
        outbox.set_state(order, State::Saved);
        assert_eq!(outbox.owed(), 0);
        assert!(outbox.is_answered(Instant::ZERO, Duration::ZERO));
        assert_eq!(outbox.record(order).unwrap().text, Text::default());
    }

    #[test]
    fn everything_unanswered_is_submitted_again_in_order() {
        let mut outbox = Outbox::default();
        let orders = [push(&mut outbox, 1, "y"), push(&mut outbox, 2, "z")];
        for order in orders {
            outbox.set_state(order, State::Handed { submitted: false });
            outbox.submitted(order);
        }
        assert_eq!(outbox.next_unsubmitted(), None);
        outbox.submit_again();
        assert_eq!(outbox.next_unsubmitted(), Some(orders[0]));
        outbox.submitted(orders[0]);
        assert_eq!(outbox.next_unsubmitted(), Some(orders[1]));
    }

    #[test]
    fn a_restart_goes_on_where_the_records_are() {
        let mut outbox = Outbox::default();
        let (waiting, handed) = (push(&mut outbox, 1, "y"), push(&mut outbox, 2, "z"));
        outbox.set_state(waiting, direct(10));
        outbox.set_state(handed, State::Handed { submitted: false });
        let records = [waiting, handed].map(|order| outbox.record(order).unwrap());
        let mut outbox = Outbox::default();
        for record in records {
            outbox.restore(record, Instant::ZERO);
        }
        assert_eq!(outbox.orders(), vec![waiting, handed]);
        assert_eq!(outbox.get(waiting).unwrap().state, State::Waiting);
        assert_eq!(outbox.next_unsubmitted(), Some(handed));
        assert_eq!(outbox.open().count(), 0, "a restart asks for no answer");
        assert!(push(&mut outbox, 3, "y") > handed);
    }

    #[test]
    fn a_message_that_the_server_delivers_live_has_a_moment_to_be_received() {
        let mut outbox = Outbox::default();
        let order = push(&mut outbox, 1, "y");
        let since = Instant::from_micros(10);
        outbox.set_state(order, State::Exists { since });
        let patience = Duration::from_micros(5);
        assert!(!outbox.is_answered(Instant::from_micros(14), patience));
        assert!(outbox.is_answered(Instant::from_micros(15), patience));
    }
}
