//! What must hold when everything has come to rest.

use super::{
    Oracle, Point,
    fate::Fate,
    message::{Message, To, Token},
};
use crate::simulator::plan::{NODES, Node};

impl Oracle {
    /// The first message that has not reached somebody it is for, and who that is.
    pub fn missing(&self) -> Option<(Token, Node)> {
        self.missing_of(|_| true)
    }

    /// Like [`Self::missing`], of what was said in public.
    pub fn missing_in_public(&self) -> Option<(Token, Node)> {
        self.missing_of(|message| !message.is_direct())
    }

    fn missing_of(&self, concerns: impl Fn(&Message) -> bool) -> Option<(Token, Node)> {
        self.known().find_map(|(token, message, fate)| {
            if !concerns(message) || !self.is_promised(message, fate) {
                return None;
            }
            let is_excused = |reader: &Node| {
                let stored = fate.stored.as_ref();
                stored.is_some_and(|it| {
                    !message.is_direct() && (it.is_trimmed || it.left.contains(reader))
                })
            };
            let mut readers = self.readers(message).into_iter();
            let missing =
                readers.find(|reader| !fate.shown_by.contains(reader) && !is_excused(reader));
            Some((token, missing?))
        })
    }

    /// The first receipt that its sender has not been shown.
    pub fn missing_receipt(&self) -> Option<(Token, Node)> {
        self.known().find_map(|(token, message, fate)| {
            // A sender that knows of the direct delivery is not told again.
            let knows = message.is_direct() && (fate.told.received > 0 || message.sender_restarted);
            let has_left = |reader: &Node| {
                let stored = fate.stored.as_ref();
                stored.is_some_and(|it| it.left.contains(reader))
            };
            let is_owed = |reader: &Node| !fate.receipts.contains(reader) && !has_left(reader);
            let reader = fate.kept_for.iter().copied().find(is_owed)?;
            let is_gone = fate.stored.as_ref().is_some_and(|it| it.is_trimmed);
            let is_told = message.is_direct() || is_group(message) && !is_gone;
            (!knows && is_told && !self.receipts_may_be_dropped).then_some((token, reader))
        })
    }

    /// Whether a message must arrive: it was accepted, and its sender was not told otherwise. What
    /// is told to be impossible to store may be stored all the same.
    pub(super) fn is_promised(&self, message: &Message, fate: &Fate) -> bool {
        let sender = &self.readers[message.from];
        let failed = sender.store_failed.is_some_and(|at| at >= message.typed);
        fate.is_accepted() && !fate.is_refused() && !self.is_for_nobody(message) && !failed
    }

    /// Whether its sender was told that nobody has the name. The line does not say of which message.
    fn is_for_nobody(&self, message: &Message) -> bool {
        let To::User(name) = &message.to else {
            return false;
        };
        let told = self.readers[message.from].nobody.get(name);
        told.is_some_and(|at| *at >= message.typed)
    }

    /// The first message whose sender has not been told what became of it.
    pub fn unanswered(&self) -> Option<Token> {
        self.known().find_map(|(token, message, fate)| {
            let is_open = self.is_promised(message, fate) && !message.sender_restarted;
            (is_open && answers(message, fate) == 0 && !self.may_be_silent(message, fate))
                .then_some(token)
        })
    }

    /// The first message that was neither accepted nor refused yet.
    pub fn undecided(&self) -> Option<Token> {
        self.messages.iter().find_map(|(token, message)| {
            let fate = message.id.and_then(|id| self.fates.get(&id));
            let is_open = !message.sender_restarted && !fate.is_some_and(Fate::is_accepted);
            (is_open && self.vanished(message).is_some()).then_some(*token)
        })
    }

    /// The messages that somebody has kept.
    fn known(&self) -> impl Iterator<Item = (Token, &Message, &Fate)> {
        self.messages.iter().filter_map(|(token, message)| {
            let fate = self.fates.get(message.id.as_ref()?)?;
            Some((*token, message, fate))
        })
    }

    /// Everything has come to rest: checks what can be told of the whole.
    pub fn finish(&mut self) {
        if let Some((token, reader)) = self.missing() {
            let why = format!("{} never reaches {}", self.describe(token), NODES[reader]);
            self.fail(Point::Lost, why);
        }
        if let Some((token, reader)) = self.missing_receipt() {
            let what = self.describe(token);
            let why = format!("{what} has reached {}, and nobody was told", NODES[reader]);
            self.fail(Point::Receipt, why);
        }
        let wrong = self.messages.iter().filter_map(|(token, message)| {
            let fate = message.id.and_then(|id| self.fates.get(&id));
            let (point, why) = match fate.filter(|fate| fate.is_accepted()) {
                _ if message.sender_restarted => return None,
                None => self.vanished(message),
                Some(fate) if self.is_promised(message, fate) => self.wrong_answer(message, fate),
                Some(_) => None,
            }?;
            Some((*token, point, why))
        });
        for (token, point, why) in wrong.collect::<Vec<_>>() {
            let why = format!("{}: {why}", self.describe(token));
            self.fail(point, why);
        }
    }

    /// A message that was neither accepted nor refused.
    fn vanished(&self, message: &Message) -> Option<(Point, String)> {
        let is_refused = self.may_be_refused(message);
        (!is_refused).then(|| (Point::Vanished, "neither accepted nor refused".to_owned()))
    }

    /// Whether its sender was told since that something was refused. The line does not say what.
    fn may_be_refused(&self, message: &Message) -> bool {
        let sender = &self.readers[message.from];
        let mut refusals = sender.refusals.iter().chain(&sender.store_failed);
        refusals.any(|at| *at >= message.typed)
    }

    /// Whether it is right that a sender was told nothing: it knows that the message has arrived, or
    /// had left the group without knowing it, which it was told when the message was refused.
    fn may_be_silent(&self, message: &Message, fate: &Fate) -> bool {
        if message.is_direct() {
            !fate.receipts.is_empty() || fate.told.exists > 0
        } else {
            fate.stored.is_none() && fate.is_released && self.may_be_refused(message)
        }
    }

    /// Why what the sender was told is not one answer, if so.
    fn wrong_answer(&self, message: &Message, fate: &Fate) -> Option<(Point, String)> {
        let is_right = match answers(message, fate) {
            0 => self.may_be_silent(message, fate),
            1 => true,
            _ => false,
        };
        let why = || format!("its sender was told {:?}", fate.told);
        (!is_right).then(|| (Point::Receipt, why()))
    }
}

const fn is_group(message: &Message) -> bool {
    matches!(
        message.conversation,
        Some(chat_core::conversation::Conversation::Group(_))
    )
}

/// How often a sender was told what became of a message.
const fn answers(message: &Message, fate: &Fate) -> u32 {
    let told = fate.told;
    if message.is_direct() {
        told.received + told.saved + told.full
    } else {
        told.received_by_server
    }
}
