//! What the oracle knows of one message.

use chat_core::{conversation::Conversation, id::MessageId, name::Name, time::Instant};
use ciborium::Value;

use crate::simulator::plan::Node;

/// The number that its text carries: `#17#`.
pub type Token = u64;

/// A message that somebody typed.
#[derive(Debug, Clone)]
pub(super) struct Message {
    /// Who typed it.
    pub(super) from: Node,
    /// Whom it was typed for.
    pub(super) to: To,
    /// Where it goes, as soon as that is known: in a group, `send_all` goes to the group.
    pub(super) conversation: Option<Conversation>,
    /// The text, exactly.
    pub(super) text: String,
    /// When it was typed.
    pub(super) typed: Instant,
    /// Its sender has ended since then.
    pub(super) sender_restarted: bool,
    /// Its id, as soon as somebody has kept it.
    pub(super) id: Option<MessageId>,
}

/// Whom a message was typed for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum To {
    /// One user.
    User(Name),
    /// The group in which the sender is.
    Group,
    /// Everyone, or the group in which the sender is.
    All,
}

impl Message {
    /// A message that has been typed.
    pub(super) fn new(from: Node, to: To, text: String, typed: Instant) -> Self {
        let conversation = match &to {
            To::User(name) => Some(Conversation::User(name.clone())),
            To::Group | To::All => None,
        };
        Self {
            from,
            to,
            conversation,
            text,
            typed,
            sender_restarted: false,
            id: None,
        }
    }

    /// It is said in this conversation. Gives whether it may be.
    pub(super) fn is_said_in(&mut self, conversation: &Conversation) -> bool {
        let is_possible = match (&self.to, conversation) {
            (To::User(name), Conversation::User(user)) => name == user,
            (To::Group | To::All, Conversation::Group(_)) | (To::All, Conversation::Channel) => {
                true
            }
            _ => false,
        };
        is_possible
            && *self
                .conversation
                .get_or_insert_with(|| conversation.clone())
                == *conversation
    }

    /// Whether it is for one user.
    pub(super) const fn is_direct(&self) -> bool {
        matches!(self.to, To::User(_))
    }
}

/// The token in the texts of what was stored; an id could look like one.
pub fn stored_token(bytes: &[u8]) -> Option<Token> {
    fn find(value: &Value) -> Option<Token> {
        match value {
            Value::Text(text) => token(text.as_bytes()),
            Value::Array(values) => values.iter().find_map(find),
            Value::Map(entries) => entries.iter().find_map(|(_, value)| find(value)),
            Value::Tag(_, value) => find(value),
            _ => None,
        }
    }
    find(&ciborium::from_reader(bytes).ok()?)
}

/// The token in a text.
pub fn token(bytes: &[u8]) -> Option<Token> {
    let mut rest = bytes;
    loop {
        let start = rest.iter().position(|byte| *byte == b'#')?;
        rest = &rest[start + 1..];
        let length = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if length > 0 && rest.get(length) == Some(&b'#') {
            return std::str::from_utf8(&rest[..length]).ok()?.parse().ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_found_in_the_middle_of_bytes() {
        assert_eq!(token(b"text # 1 #17# more"), Some(17));
        assert_eq!(token(b"##5#"), Some(5));
        assert_eq!(token(b"#5"), None);
        assert_eq!(token(b""), None);
    }
}
