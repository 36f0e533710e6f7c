//! What the server's records hold, as CBOR arrays.

use alloc::{format, string::String, vec::Vec};

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    conversation::Conversation,
    id::{InstanceId, PublicKey},
    name::Name,
    store::{Log, Position},
    wire::{self, Address, Decoder, array_struct},
};

array_struct! {
    /// A name and who has it. Stored under the folded name.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub(super) struct NameRecord {
        /// As its owner writes it.
        pub(super) name: Name,
        pub(super) key: PublicKey,
        /// The instance that registered last.
        pub(super) instance: InstanceId,
        /// The instance that registered first, to which the name stays new.
        pub(super) first_instance: InstanceId,
        /// The name is freed when its owner leaves.
        pub(super) ephemeral: bool,
        /// Where its owner was last seen.
        pub(super) address: Option<Address>,
        /// The operator does not let its owner in.
        pub(super) banned: bool,
    }
}

impl NameRecord {
    /// The key that is not let in, if the name is banned.
    pub(super) fn banned_key(&self) -> Option<PublicKey> {
        self.banned.then_some(self.key)
    }
}

array_struct! {
    /// A group. Stored under its folded name.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub(super) struct GroupRecord {
        pub(super) name: Name,
        pub(super) creator: Name,
        /// With `request`, tells a repeated request from a second one.
        pub(super) instance: InstanceId,
        pub(super) request: u64,
    }
}

array_struct! {
    /// A reader of a group's log or the channel, and how far it has read.
    /// Stored under [`member_key`].
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub(super) struct MemberRecord {
        pub(super) of: Conversation,
        pub(super) reader: Name,
        pub(super) cursor: Position,
    }
}

/// The key of a membership: the log and the folded name, which never contains a line break.
pub(super) fn member_key(log: &Log, reader: &Name) -> String {
    format!("{log}\n{}", reader.folded())
}

/// The log that holds what was said in a conversation; a user's is its mailbox.
pub(super) fn log_of(conversation: &Conversation) -> Log {
    match conversation {
        Conversation::User(name) => Log::Mailbox(name.clone()),
        Conversation::Group(name) => Log::Group(name.clone()),
        Conversation::Channel => Log::Channel,
    }
}

/// How a log of the server is called on the wire.
pub(super) fn conversation_of(log: &Log) -> Conversation {
    match log {
        Log::Mailbox(name) => Conversation::User(name.clone()),
        Log::Group(name) => Conversation::Group(name.clone()),
        Log::Channel => Conversation::Channel,
        Log::Inbox => unreachable!("a server has no inbox"),
    }
}

pub(super) fn encode(record: &impl Serialize) -> Vec<u8> {
    let mut bytes = Vec::new();
    wire::encode(record, &mut bytes);
    bytes
}

/// The one record in `bytes`; `None` for anything else.
pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    let mut records = Decoder::new(bytes);
    let record = records.next()?.ok()?;
    records.next().is_none().then_some(record)
}

/// The record of a name. One that was written before names could be banned lacks the last field.
pub(super) fn decode_name(bytes: &[u8]) -> Option<NameRecord> {
    const SIX_FIELDS: u8 = 0x86;
    const SEVEN_FIELDS: u8 = 0x87;
    const FALSE: u8 = 0xf4;
    match bytes {
        [SIX_FIELDS, fields @ ..] => decode(&[&[SEVEN_FIELDS], fields, &[FALSE]].concat()),
        _ => decode(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_come_back_as_they_were_written() {
        let name: Name = "Zoë".parse().unwrap();
        let names = NameRecord {
            name: name.clone(),
            key: PublicKey([1; 32]),
            instance: InstanceId([2; 16]),
            first_instance: InstanceId([3; 16]),
            ephemeral: true,
            address: Some(Address("10.0.0.1:2000".parse().unwrap())),
            banned: false,
        };
        let bytes = encode(&names);
        assert_eq!(decode_name(&bytes), Some(names.clone()));
        let older = [&[0x86], &bytes[1..bytes.len() - 1]].concat();
        assert_eq!(decode_name(&older), Some(names));
        assert_eq!(decode::<NameRecord>(&bytes[1..]), None);
        let member = MemberRecord {
            of: Conversation::Group("g".parse().unwrap()),
            reader: name,
            cursor: Position(7),
        };
        let bytes = encode(&member);
        assert_eq!(decode::<MemberRecord>(&bytes), Some(member));
        let trailing = [&bytes[..], &[0]].concat();
        assert_eq!(decode::<MemberRecord>(&trailing), None);
    }

    #[test]
    fn the_key_of_a_membership_names_log_and_reader() {
        let group = Log::Group("G".parse().unwrap());
        assert_eq!(member_key(&group, &"Bob".parse().unwrap()), "group/g\nbob");
        assert_eq!(
            member_key(&Log::Channel, &"b".parse().unwrap()),
            "channel\nb"
        );
    }
}
