//! Who wrote what, who was shown it, and what is missing: counted from what the clients show.

use std::collections::{BTreeMap, BTreeSet};

use chat_core::{client::Event, conversation::Conversation, id::MessageId, name::Name};

use super::world::Who;

/// All messages.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    messages: BTreeMap<MessageId, Message>,
    members: BTreeMap<Name, BTreeSet<Who>>,
}

#[derive(Debug)]
struct Message {
    to: Conversation,
    /// Who is to be shown it, and how often each was.
    readers: BTreeMap<Who, u32>,
    state: State,
}

/// What its sender was told of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Owed,
    /// The server has it, or the client of its reader, for whoever is not looking.
    Kept,
    /// It was not sent, and why.
    Refused,
}

/// What the ledger comes to. A message to a group counts once for each reader.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Sums {
    /// Shown to a reader.
    pub(super) delivered: u32,
    /// Kept for a reader who is not there, or in a group and not looking.
    pub(super) kept: u32,
    /// Not shown, and nobody was told why.
    pub(super) lost: u32,
    /// Shown again.
    pub(super) repeated: u32,
}

impl Ledger {
    /// Takes notice of what `who` is shown.
    pub(super) fn see(&mut self, who: Who, event: &Event) {
        match event {
            Event::Queued { id, to, .. } => self.write(who, *id, to),
            Event::Message { id, .. } => {
                if let Some(message) = self.messages.get_mut(id) {
                    *message.readers.entry(who).or_default() += 1;
                }
            }
            Event::Received { id, .. }
            | Event::ReceivedByServer { id }
            | Event::Saved { id, .. }
            | Event::SavedReceived { id, .. } => self.learn(id, State::Kept),
            Event::NoSuchClient { id, .. }
            | Event::NotAMember { id, .. }
            | Event::MailboxFull { id, .. }
            | Event::Expired { id, .. }
            | Event::StoreFailed { id: Some(id) } => self.learn(id, State::Refused),
            Event::EnteredGroup { group } => {
                self.members.entry(group.clone()).or_default().insert(who);
            }
            Event::LeftGroup { group } => self.leave(who, group),
            _ => {}
        }
    }

    /// Whether somebody has not been shown a message yet.
    pub(super) fn waits(&self) -> bool {
        let sums = self.sums();
        sums.lost > 0 || sums.kept > 0
    }

    pub(super) fn sums(&self) -> Sums {
        let mut sums = Sums::default();
        for message in self.messages.values() {
            for times in message.readers.values() {
                match (times, message.state) {
                    (0, State::Owed) => sums.lost += 1,
                    (0, State::Kept) => sums.kept += 1,
                    (0, State::Refused) => {}
                    (times, _) => {
                        sums.delivered += 1;
                        sums.repeated += times - 1;
                    }
                }
            }
        }
        sums
    }

    fn write(&mut self, by: Who, id: MessageId, to: &Conversation) {
        let readers: Vec<Who> = match to {
            Conversation::User(name) => Who::called(name).into_iter().collect(),
            Conversation::Group(group) => {
                let members = self.members.get(group).into_iter().flatten();
                members.copied().filter(|who| *who != by).collect()
            }
            Conversation::Channel => Who::ALL.into_iter().filter(|who| *who != by).collect(),
        };
        let message = Message {
            to: to.clone(),
            readers: readers.into_iter().map(|who| (who, 0)).collect(),
            state: State::Owed,
        };
        self.messages.insert(id, message);
    }

    fn learn(&mut self, id: &MessageId, state: State) {
        if let Some(message) = self.messages.get_mut(id) {
            message.state = state;
        }
    }

    /// Who leaves a group is not to be shown what was said in it meanwhile.
    fn leave(&mut self, who: Who, group: &Name) {
        if let Some(members) = self.members.get_mut(group) {
            members.remove(&who);
        }
        let left = Conversation::Group(group.clone());
        for message in self.messages.values_mut() {
            if message.to == left && message.readers.get(&who) == Some(&0) {
                message.readers.remove(&who);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use chat_core::conversation::Text;

    use super::*;

    fn id(number: u8) -> MessageId {
        MessageId([number; 16])
    }

    fn name(text: &str) -> Name {
        text.parse().unwrap()
    }

    fn queued(number: u8, to: Conversation) -> Event {
        let text = Text::new("hello".into()).unwrap();
        Event::Queued {
            id: id(number),
            to,
            text,
        }
    }

    fn shown(number: u8) -> Event {
        Event::Message {
            id: id(number),
            sender: name("you"),
            verified: true,
            conversation: Conversation::Channel,
            stored: None,
            text: Text::new("hello".into()).unwrap(),
        }
    }

    #[test]
    fn a_message_is_lost_until_it_is_shown_and_repeated_after_that() {
        let mut ledger = Ledger::default();
        ledger.see(Who::You, &queued(1, Conversation::User(name("bob"))));
        assert!(ledger.waits());
        assert_eq!(ledger.sums().lost, 1);
        ledger.see(Who::Bob, &shown(1));
        assert_eq!((ledger.sums().lost, ledger.sums().delivered), (0, 1));
        ledger.see(Who::Bob, &shown(1));
        assert_eq!((ledger.sums().repeated, ledger.sums().delivered), (1, 1));
    }

    #[test]
    fn what_is_kept_is_not_lost_and_what_was_refused_is_not_owed() {
        let mut ledger = Ledger::default();
        ledger.see(Who::You, &queued(1, Conversation::User(name("bob"))));
        ledger.see(Who::You, &queued(2, Conversation::User(name("zoe"))));
        ledger.see(
            Who::You,
            &Event::NoSuchClient {
                id: id(2),
                name: name("zoe"),
            },
        );
        ledger.see(Who::You, &Event::ReceivedByServer { id: id(1) });
        let expected = Sums {
            kept: 1,
            ..Sums::default()
        };
        assert_eq!(ledger.sums(), expected);
    }

    #[test]
    fn a_message_to_a_group_is_for_each_other_member_who_stays() {
        let mut ledger = Ledger::default();
        for who in Who::ALL {
            ledger.see(
                who,
                &Event::EnteredGroup {
                    group: name("crew"),
                },
            );
        }
        ledger.see(Who::You, &queued(1, Conversation::Group(name("crew"))));
        assert_eq!(ledger.sums().lost, 2);
        ledger.see(Who::Alice, &shown(1));
        ledger.see(
            Who::Bob,
            &Event::LeftGroup {
                group: name("crew"),
            },
        );
        assert!(!ledger.waits());
    }
}
