//! Where a message goes: to one user, to a group, to everyone.

use alloc::string::String;
use core::fmt;

use serde::{Deserialize, Serialize};

use crate::{config::MAX_TEXT_BYTES, name::Name};

/// The addressee of a message; order is kept per sender and conversation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "(u8, Option<Name>)", try_from = "(u8, Option<Name>)")]
pub enum Conversation {
    /// One user.
    User(Name),
    /// The members of a group.
    Group(Name),
    /// Everyone who is registered.
    Channel,
}

/// The pair (kind, name) means no conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a conversation")]
pub struct InvalidConversation;

impl From<Conversation> for (u8, Option<Name>) {
    fn from(conversation: Conversation) -> Self {
        match conversation {
            Conversation::User(name) => (0, Some(name)),
            Conversation::Group(name) => (1, Some(name)),
            Conversation::Channel => (2, None),
        }
    }
}

impl TryFrom<(u8, Option<Name>)> for Conversation {
    type Error = InvalidConversation;

    fn try_from(pair: (u8, Option<Name>)) -> Result<Self, InvalidConversation> {
        match pair {
            (0, Some(name)) => Ok(Self::User(name)),
            (1, Some(name)) => Ok(Self::Group(name)),
            (2, None) => Ok(Self::Channel),
            _ => Err(InvalidConversation),
        }
    }
}

/// The text of a message: at most [`MAX_TEXT_BYTES`] bytes of UTF-8, verbatim.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Text(#[serde(deserialize_with = "short_enough")] String);

/// The text is longer than [`MAX_TEXT_BYTES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("message too long: {0} bytes, the limit is {MAX_TEXT_BYTES}")]
pub struct TextTooLong(pub usize);

impl Text {
    /// Takes `text` as it is.
    ///
    /// # Errors
    /// If it is longer than [`MAX_TEXT_BYTES`].
    pub fn new(text: String) -> Result<Self, TextTooLong> {
        if text.len() <= MAX_TEXT_BYTES {
            Ok(Self(text))
        } else {
            Err(TextTooLong(text.len()))
        }
    }

    /// The text, exactly as it was typed: untrusted when it comes from elsewhere.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn short_enough<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    Text::new(text)
        .map(|text| text.0)
        .map_err(serde::de::Error::custom)
}
