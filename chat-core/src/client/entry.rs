//! What an entry of the client's inbox holds, and what it is called there.

use alloc::{sync::Arc, vec::Vec};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    conversation::{Conversation, Text},
    id::MessageId,
    name::Name,
    time::WallTime,
    wire,
};

/// An entry of the inbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Entry {
    /// A message.
    Message {
        id: MessageId,
        sender: Name,
        verified: bool,
        conversation: Conversation,
        /// When the server received it, if it was kept for this user.
        stored: Option<WallTime>,
        text: Text,
    },
    /// A message of this user's was accepted by a reader for whom it had been stored.
    Receipt {
        message: MessageId,
        reader: Name,
        received: WallTime,
        /// It was kept for this user.
        kept: bool,
    },
    /// A message of this user's was trimmed unread.
    Expired {
        message: MessageId,
        reader: Name,
        received: WallTime,
        /// It was kept for this user.
        kept: bool,
    },
}

impl Entry {
    /// The id under which the inbox takes it once: the sender's ids count for that sender only.
    pub(super) fn inbox_id(&self) -> MessageId {
        let (kind, sender, id): (&[u8], _, _) = match self {
            Self::Message { id, sender, .. } => (b"message", sender, id),
            Self::Receipt {
                message, reader, ..
            } => (b"receipt", reader, message),
            Self::Expired {
                message, reader, ..
            } => (b"expired", reader, message),
        };
        MessageId::derive(b"inbox", &[kind, sender.folded().as_bytes(), &id.0])
    }

    pub(super) fn encode(&self) -> Arc<[u8]> {
        encode(self).into()
    }
}

/// A value as it is kept in the client's own store: with the names of its fields, so that a later
/// version can add some.
pub(super) fn encode(value: &impl Serialize) -> Vec<u8> {
    let mut bytes = Vec::new();
    wire::encode(value, &mut bytes);
    bytes
}

/// A value that was kept, unless it cannot be read.
pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    let mut scratch = [0; 256];
    ciborium::de::from_reader_with_buffer(bytes, &mut scratch).ok()
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    fn message(sender: &str) -> Entry {
        Entry::Message {
            id: MessageId([7; 16]),
            sender: sender.parse().unwrap(),
            verified: true,
            conversation: Conversation::Group("g".parse().unwrap()),
            stored: Some(WallTime::from_micros(5)),
            text: Text::new("hello".to_string()).unwrap(),
        }
    }

    #[test]
    fn an_entry_reads_back_as_it_was_written() {
        let entry = message("x");
        assert_eq!(decode(&entry.encode()), Some(entry));
        assert_eq!(decode::<Entry>(b"\xff\x00"), None);
    }

    #[test]
    fn one_senders_ids_do_not_collide_with_anothers() {
        assert_eq!(message("x").inbox_id(), message("X").inbox_id());
        assert_ne!(message("x").inbox_id(), message("y").inbox_id());
    }
}
