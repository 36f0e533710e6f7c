//! An entry of a log, looked into.

use alloc::sync::Arc;

use super::record::{conversation_of, decode};
use crate::{
    conversation::Conversation,
    id::MessageId,
    link::STREAMS,
    name::Name,
    store::{Entry, Log},
    streams,
    time::WallTime,
    wire::{self, Bytes, ChatFrame, Content},
};

/// An entry and what kind of content it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) entry: Entry,
    pub(super) kind: Kind,
}

/// What an entry holds, as far as the server cares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// A direct message.
    Mail { sender: Name },
    /// A message in a group or the channel.
    Post { sender: Name },
    /// A receipt or the notice that a message expired, which concerns this reader.
    Notice { reader: Name },
    /// Not an entry that this server wrote: it is passed over.
    Unreadable,
}

/// A receipt that is owed for an entry once its reader has accepted it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Owed {
    pub(super) sender: Name,
    pub(super) message: MessageId,
    pub(super) received: WallTime,
}

impl Item {
    pub(super) fn new(entry: Entry) -> Self {
        let kind = match decode::<Content>(&entry.bytes) {
            Some(Content::Mail { sender, .. }) => Kind::Mail { sender },
            Some(Content::Post { sender, .. }) => Kind::Post { sender },
            Some(Content::Receipt { reader, .. } | Content::Expired { reader, .. }) => {
                Kind::Notice { reader }
            }
            Some(Content::Unknown { .. }) | None => Kind::Unreadable,
        };
        Self { entry, kind }
    }

    /// Whether `reader` gets this entry: its own posts and what cannot be read are passed over.
    pub(super) fn is_for(&self, reader: &Name) -> bool {
        match &self.kind {
            Kind::Mail { .. } | Kind::Notice { .. } => true,
            Kind::Post { sender } => sender != reader || planted!(EchoToSender),
            Kind::Unreadable => false,
        }
    }

    /// The receipt owed when a reader of `log` has accepted the entry: for mail always, for a post
    /// in a group if it was kept for the reader.
    pub(super) fn owed(&self, log: &Log, live: bool) -> Option<Owed> {
        let sender = match (&self.kind, log) {
            (Kind::Mail { sender }, _) => sender,
            (Kind::Post { sender }, Log::Group(_)) if !live => sender,
            (Kind::Post { sender }, Log::Channel) if !live && planted!(ReceiptForChannel) => sender,
            _ => return None,
        };
        Some(Owed {
            sender: sender.clone(),
            message: self.entry.id,
            received: self.entry.received,
        })
    }

    /// The stream on which this entry of `log` is delivered live.
    pub(super) fn stream(&self, log: &Log) -> u8 {
        if planted!(LiveDeliveryUnordered) {
            return (self.entry.position.0 % u64::from(STREAMS)) as u8;
        }
        match &self.kind {
            Kind::Mail { sender: other } | Kind::Notice { reader: other } => {
                streams::of(&Conversation::User(other.clone()))
            }
            Kind::Post { .. } | Kind::Unreadable => streams::of(&conversation_of(log)),
        }
    }

    /// The frame that delivers this entry of `log`, encoded.
    pub(super) fn deliver(&self, log: &Log, live: bool) -> Arc<[u8]> {
        let Entry {
            position,
            id,
            received,
            bytes,
        } = &self.entry;
        encode(&ChatFrame::Deliver {
            log: conversation_of(log),
            position: position.0,
            received: *received,
            id: *id,
            live,
            content: Bytes::from(bytes.to_vec()),
        })
    }
}

/// A frame as a message of the link.
pub(super) fn encode(frame: &ChatFrame) -> Arc<[u8]> {
    let mut bytes = alloc::vec::Vec::new();
    wire::encode(frame, &mut bytes);
    bytes.into()
}
