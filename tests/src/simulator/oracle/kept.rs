//! What clients and the server keep, as far as the oracle reads it.

use chat_core::{
    conversation::{Conversation, Text},
    id::MessageId,
    name::Name,
    store::Position,
};
use serde::{Deserialize, de::DeserializeOwned};

/// A record of a client's outbox.
#[derive(Debug, Deserialize)]
pub(super) struct Owed {
    /// The message.
    pub(super) id: MessageId,
    /// Whom it is for.
    pub(super) to: Conversation,
    /// Its text; empty when it is no longer owed.
    pub(super) text: Text,
}

/// An entry of a client's inbox.
#[derive(Debug, Deserialize)]
pub(super) enum Entry {
    /// A message.
    Message {
        /// Its id.
        id: MessageId,
        /// Its text.
        text: Text,
    },
    /// A message of this user's has been received.
    Receipt {},
    /// A message of this user's has expired.
    Expired {},
}

/// How far a client's screen has shown its inbox.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Screen {
    /// Everything up to this position, but for the lists.
    pub(super) cursor: u64,
    /// Direct messages that are to be shown later.
    pub(super) held: Vec<u64>,
    /// Notifications that are to be shown later.
    pub(super) notices: Vec<u64>,
}

impl Screen {
    /// Whether the entry at this position need not be shown again after a crash.
    pub(super) fn is_past(&self, position: u64) -> bool {
        position <= self.cursor
            && !self.held.contains(&position)
            && !self.notices.contains(&position)
    }
}

/// A membership on the server: the conversation, the reader, how far it has read.
pub(super) type Member = (Conversation, Name, Position);

/// Reads what was kept.
pub(super) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    ciborium::from_reader(bytes).ok()
}
