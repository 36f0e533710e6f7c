//! What must hold when everything has come to rest.

use super::{
    Oracle, Point,
    durable::{EXPIRED, RECEIPT, notice},
    fate::Fate,
    message::{Message, Token},
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
            if !concerns(message) || !fate.is_promised() {
                return None;
            }
            let is_excused = |reader: &Node| {
                if message.is_direct() {
                    // It expired, and so did the word of it, before its sender was back.
                    let notice = message.id.map(|id| notice(EXPIRED, &id, *reader));
                    return notice.is_some_and(|notice| self.expired.contains(&notice));
                }
                let stored = fate.stored.as_ref();
                stored.is_some_and(|it| it.is_trimmed || it.left.contains(reader))
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
            let has_expired = |reader: &Node| {
                let receipt = message.id.map(|id| notice(RECEIPT, &id, *reader));
                receipt.is_some_and(|receipt| self.expired.contains(&receipt))
            };
            // For the server it has not been read, and it expires: its sender is told that.
            let may_expire =
                |reader: &Node| fate.told.expired > 0 && fate.kept_before_death.contains(reader);
            let is_excused =
                |reader: &Node| has_left(reader) || has_expired(reader) || may_expire(reader);
            let is_owed = |reader: &Node| !fate.receipts.contains(reader) && !is_excused(reader);
            let reader = fate.kept_for.iter().copied().find(is_owed)?;
            let is_gone = fate.stored.as_ref().is_some_and(|it| it.is_trimmed);
            let is_told = message.is_direct() || is_group(message) && !is_gone;
            (!knows && is_told && !self.receipts_may_be_dropped).then_some((token, reader))
        })
    }

    /// The first message whose sender has not been told what became of it.
    pub fn unanswered(&self) -> Option<Token> {
        self.known().find_map(|(token, message, fate)| {
            let is_open = fate.is_promised() && !message.sender_restarted;
            (is_open && answers(message, fate) == 0 && !may_be_silent(message, fate))
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
                Some(fate) if fate.is_promised() => wrong_answer(message, fate),
                Some(_) => None,
            }?;
            Some((*token, point, why))
        });
        for (token, point, why) in wrong.collect::<Vec<_>>() {
            let why = format!("{}: {why}", self.describe(token));
            self.fail(point, why);
        }
    }

    /// A message that was neither accepted nor refused. The line of a refusal does not say which
    /// message it means.
    fn vanished(&self, message: &Message) -> Option<(Point, String)> {
        let sender = &self.readers[message.from];
        let mut refusals = sender.refusals.iter().chain(&sender.store_failed);
        let is_refused = refusals.any(|at| *at >= message.typed);
        (!is_refused).then(|| (Point::Vanished, "neither accepted nor refused".to_owned()))
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

/// Whether it is right that a sender was told nothing: it knows that the message has arrived.
fn may_be_silent(message: &Message, fate: &Fate) -> bool {
    message.is_direct() && (!fate.receipts.is_empty() || fate.told.exists > 0)
}

/// Why what the sender was told is not one answer, if so.
fn wrong_answer(message: &Message, fate: &Fate) -> Option<(Point, String)> {
    let is_right = match answers(message, fate) {
        0 => may_be_silent(message, fate),
        1 => true,
        _ => false,
    };
    let why = || format!("its sender was told {:?}", fate.told);
    (!is_right).then(|| (Point::Receipt, why()))
}
