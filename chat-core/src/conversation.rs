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
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
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

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;
    use crate::wire;

    #[test]
    fn a_text_ends_at_the_limit_in_bytes() {
        let text = |length: usize| Text::new("ä".repeat(length / 2));
        assert!(text(MAX_TEXT_BYTES).is_ok());
        assert_eq!(
            text(MAX_TEXT_BYTES + 2),
            Err(TextTooLong(MAX_TEXT_BYTES + 2))
        );
    }

    #[test]
    fn a_text_that_is_too_long_is_not_decoded() {
        let decoded = |length: usize| {
            let mut bytes = Vec::new();
            wire::encode(&"x".repeat(length), &mut bytes);
            wire::decode::<Text>(&bytes).is_ok()
        };
        assert!(decoded(MAX_TEXT_BYTES));
        assert!(!decoded(MAX_TEXT_BYTES + 1));
    }

    #[test]
    fn a_conversation_needs_the_name_that_its_kind_has() {
        let name: Name = "g".parse().unwrap();
        let kind = |kind: u8, name: Option<&Name>| Conversation::try_from((kind, name.cloned()));
        assert_eq!(kind(0, Some(&name)), Ok(Conversation::User(name.clone())));
        assert_eq!(kind(1, Some(&name)), Ok(Conversation::Group(name.clone())));
        assert_eq!(kind(2, None), Ok(Conversation::Channel));
        for (code, name) in [
            (0, None),
            (1, None),
            (2, Some(&name)),
            (3, None),
            (3, Some(&name)),
        ] {
            assert_eq!(kind(code, name), Err(InvalidConversation));
        }
    }
}
