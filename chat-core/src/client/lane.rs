//! The messages of one conversation, by what they wait for.

use alloc::collections::BTreeSet;

use super::outbox::{Message, Order, State};
use crate::time::Instant;

/// What is owed or to come in one conversation, counted as it changes: a conversation may hold
/// thousands of messages, and each of them asks what the others are waiting for.
#[derive(Debug, Default)]
pub(super) struct Lane {
    orders: BTreeSet<Order>,
    waiting: BTreeSet<Order>,
    /// Those that the server gets.
    handed: BTreeSet<Order>,
    /// How many it has that are not known to be delivered.
    settled: usize,
    direct: usize,
    direct_bytes: usize,
    /// The latest message that the recipient itself has accepted, and when.
    accepted: Option<(Order, Instant)>,
}

impl Lane {
    /// Counts a message.
    pub(super) fn add(&mut self, order: Order, message: &Message) {
        self.orders.insert(order);
        match message.state {
            State::Waiting => {
                self.waiting.insert(order);
            }
            State::Direct { .. } => {
                self.direct += 1;
                self.direct_bytes += message.text.as_str().len();
            }
            State::Handed { .. } => {
                self.handed.insert(order);
            }
            State::Saved | State::Exists { .. } => self.settled += 1,
            State::Delivered => {}
        }
    }

    /// Takes a message out, as it was when it was counted.
    pub(super) fn remove(&mut self, order: Order, message: &Message) {
        self.orders.remove(&order);
        match message.state {
            State::Waiting => {
                self.waiting.remove(&order);
            }
            State::Direct { .. } => {
                self.direct -= 1;
                self.direct_bytes -= message.text.as_str().len();
            }
            State::Handed { .. } => {
                self.handed.remove(&order);
            }
            State::Saved | State::Exists { .. } => self.settled -= 1,
            State::Delivered => {}
        }
    }

    /// The messages, in order.
    pub(super) fn orders(&self) -> impl DoubleEndedIterator<Item = Order> {
        self.orders.iter().copied()
    }

    /// The first message that waits for its turn.
    pub(super) fn first_waiting(&self) -> Option<Order> {
        self.waiting.first().copied()
    }

    /// Whether the server has, or gets, a message that is not known to be delivered.
    pub(super) fn is_server_lane(&self) -> bool {
        self.settled > 0 || !self.handed.is_empty()
    }

    /// The first message that the server gets, if nothing before it is on its way otherwise.
    pub(super) fn first_for_server(&self) -> Option<Order> {
        let first = *self.handed.first()?;
        let is_first = self.waiting.first().is_none_or(|waiting| first < *waiting);
        (self.settled + self.direct == 0 && is_first).then_some(first)
    }

    /// How many messages, and bytes of text, are on their way to the recipient itself.
    pub(super) const fn in_flight(&self) -> (usize, usize) {
        (self.direct, self.direct_bytes)
    }

    /// The recipient itself has accepted a message.
    pub(super) fn accept(&mut self, order: Order, now: Instant) {
        if self.accepted.is_none_or(|(latest, _)| latest < order) {
            self.accepted = Some((order, now));
        }
    }

    /// When the recipient got to a message, as far as it has accepted everything before it: who
    /// works through many messages is not silent.
    pub(super) fn reached(&self, order: Order) -> Option<Instant> {
        let (latest, at) = self.accepted?;
        (latest < order).then_some(at)
    }

    /// Nothing is owed or to come.
    pub(super) fn is_empty(&self) -> bool {
        self.orders.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;
    use crate::{
        client::outbox::Outbox,
        conversation::{Conversation, Text},
        crypto::Random,
        id::MessageId,
        link::{PeerId, SendId},
        time::WallTime,
    };

    /// One of all states.
    fn state(draw: u32) -> State {
        let send = SendId {
            stream: 0,
            sequence: 0,
            generation: 0,
        };
        match draw % 6 {
            0 => State::Waiting,
            1 => State::Direct {
                peer: PeerId(0),
                send,
                deadline: Instant::ZERO,
            },
            2 => State::Handed { submitted: false },
            3 => State::Saved,
            4 => State::Exists {
                since: Instant::ZERO,
            },
            _ => State::Delivered,
        }
    }

    #[test]
    fn the_recipient_gets_to_a_message_when_it_has_accepted_one_before_it() {
        let (mut lane, at) = (Lane::default(), Instant::from_micros);
        assert_eq!(lane.reached(1), None);
        lane.accept(1, at(10));
        assert_eq!((lane.reached(1), lane.reached(2)), (None, Some(at(10))));
        lane.accept(3, at(20));
        lane.accept(1, at(30));
        assert_eq!((lane.reached(2), lane.reached(4)), (None, Some(at(20))));
    }

    #[test]
    fn what_is_counted_as_it_changes_is_what_a_recount_finds() {
        let mut random = Random::new([1; 32]);
        let mut outbox = Outbox::default();
        let to = Conversation::User("y".parse().unwrap());
        for _ in 0..2_000 {
            if random.u32().is_multiple_of(3) {
                let text = Text::new("hello".to_string()).unwrap();
                let id = MessageId(random.bytes());
                outbox.push(id, to.clone(), text, WallTime::default());
            }
            let orders = outbox.conversation(&to);
            if let Some(order) = orders.get(random.u32() as usize % orders.len().max(1)) {
                if random.u32().is_multiple_of(5) {
                    outbox.remove(*order);
                } else {
                    outbox.set_state(*order, state(random.u32()));
                }
            }
            let messages: alloc::vec::Vec<_> = outbox
                .conversation(&to)
                .into_iter()
                .filter_map(|order| Some((order, outbox.get(order)?.clone())))
                .collect();
            let is_waiting = |state| matches!(state, State::Waiting);
            let first = messages.iter().find(|(_, is)| is_waiting(is.state));
            assert_eq!(outbox.first_waiting(&to), first.map(|(order, _)| *order));
            let direct = messages
                .iter()
                .filter(|(_, is)| matches!(is.state, State::Direct { .. }));
            let bytes = direct.clone().map(|(_, is)| is.text.as_str().len()).sum();
            assert_eq!(outbox.in_flight(&to), (direct.count(), bytes));
            let is_handed = |state| matches!(state, State::Handed { .. });
            let is_settled = |state| matches!(state, State::Saved | State::Exists { .. });
            let handed = messages.iter().any(|(_, is)| is_handed(is.state));
            let settled = messages.iter().any(|(_, is)| is_settled(is.state));
            assert_eq!(outbox.is_server_lane(&to), handed || settled);
            let none_elsewhere = messages.iter().all(|(_, is)| {
                is_handed(is.state) || is_waiting(is.state) || is.state == State::Delivered
            });
            let owed = |state| is_waiting(state) || is_handed(state);
            let first = messages.iter().find(|(_, is)| owed(is.state));
            let first = first.filter(|(_, is)| none_elsewhere && is_handed(is.state));
            assert_eq!(outbox.first_for_server(&to), first.map(|(order, _)| *order));
        }
    }
}
