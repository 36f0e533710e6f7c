//! What the oracle knows of one client: its inbox, its screen, what it has shown in which order.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chat_core::{conversation::Conversation, id::MessageId, store::Log, time::Instant};

use super::{kept::Screen, message::Token};
use crate::simulator::plan::Node;

/// One client.
#[derive(Debug, Default)]
pub(super) struct Reader {
    /// The messages of its inbox, `None` for other entries; the first stands at position 1.
    inbox: Vec<Option<Token>>,
    positions: HashMap<MessageId, u64>,
    /// What its screen has kept durably.
    pub(super) screen: Screen,
    shown: BTreeSet<u64>,
    /// What it may show again after a crash.
    may_repeat: BTreeSet<u64>,
    /// The latest that it has shown of each sender and conversation.
    latest: BTreeMap<(Node, Conversation), Token>,
    /// It is registered, as far as it has shown.
    pub(super) is_online: bool,
    /// It shows that it waits for nothing and went offline by its user's wish.
    pub(super) is_offline: bool,
    /// Its clock has jumped.
    pub(super) has_jumped: bool,
    /// When commands and messages were refused.
    pub(super) refusals: Vec<Instant>,
    /// How much had been said in a group, to the knowledge of the server, when it wanted to join it.
    pub(super) said_before: Option<(Log, u64)>,
    /// When it was told last that something could not be stored.
    pub(super) store_failed: Option<Instant>,
}

/// What comes of showing an entry.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Showing {
    /// It is shown for the first time.
    First,
    /// It is shown again, as after a crash it may be.
    Again,
    /// It is shown again without a reason.
    Twice,
    /// It is not in the inbox.
    NotKept,
}

impl Reader {
    /// An entry is durable. Gives whether it is new.
    pub(super) fn keep(&mut self, id: MessageId, message: Option<Token>) -> bool {
        if self.positions.contains_key(&id) {
            return false;
        }
        self.inbox.push(message);
        self.positions.insert(id, self.inbox.len() as u64);
        true
    }

    /// Where the entry with this id stands.
    pub(super) fn position(&self, id: &MessageId) -> Option<u64> {
        self.positions.get(id).copied()
    }

    /// An entry is shown.
    pub(super) fn show(&mut self, id: &MessageId) -> Showing {
        let Some(position) = self.position(id) else {
            return Showing::NotKept;
        };
        if self.shown.insert(position) {
            Showing::First
        } else if self.may_repeat.remove(&position) {
            Showing::Again
        } else {
            Showing::Twice
        }
    }

    /// Whether nothing that it has shown may be shown again after a crash.
    pub(super) fn has_saved_its_screen(&self) -> bool {
        self.shown.iter().all(|at| self.screen.is_past(*at))
    }

    /// The machine has ended: what was shown and is not known to be may be shown again.
    pub(super) fn end(&mut self) {
        let shown = self.shown.iter().copied();
        self.may_repeat = shown.filter(|at| !self.screen.is_past(*at)).collect();
        self.is_online = false;
        self.is_offline = false;
    }

    /// A message is the latest that is shown of its sender in its conversation: the one that was
    /// shown before it although it was typed later.
    pub(super) fn follow(&mut self, from: Node, to: &Conversation, token: Token) -> Option<Token> {
        let latest = self.latest.entry((from, to.clone())).or_default();
        let before = *latest;
        *latest = before.max(token);
        (before > token).then_some(before)
    }

    /// The messages up to this position that were never shown.
    pub(super) fn unshown(&self, up_to: u64) -> impl Iterator<Item = Token> + '_ {
        let entries = self.inbox.iter().zip(1..=up_to);
        let unshown = entries.filter(|(_, position)| !self.shown.contains(position));
        unshown.filter_map(|(message, _)| *message)
    }
}
