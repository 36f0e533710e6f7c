//! Arbitrary frames.

use std::net::SocketAddr;

use chat_core::{
    conversation::{Conversation, Text},
    id::{InstanceId, MessageId, PublicKey},
    name::Name,
    time::WallTime,
    wire::{
        AckRange, Address, Bytes, ChatFrame, Content, LinkFrame, List, Presence, ReadPosition,
        Refusal, Rejection, TableEntry, TableVersion,
    },
};
use proptest::{collection::vec, option, prelude::*};

fn name() -> impl Strategy<Value = Name> + Clone {
    "[a-zA-Z0-9_-][a-zA-Z0-9._-]{0,31}|[\\p{Lu}\\p{Ll}]{1,16}"
        .prop_filter_map("not a name", |text| text.parse().ok())
}

fn text() -> impl Strategy<Value = Text> {
    any::<String>().prop_map(|text| Text::new(text).expect("proptest's strings are short"))
}

fn bytes() -> impl Strategy<Value = Bytes> {
    vec(any::<u8>(), 0..600).prop_map(Bytes::from)
}

fn id() -> impl Strategy<Value = MessageId> {
    any::<[u8; 16]>().prop_map(MessageId)
}

fn wall() -> impl Strategy<Value = WallTime> {
    any::<u64>().prop_map(WallTime::from_micros)
}

fn address() -> impl Strategy<Value = Address> {
    any::<(std::net::IpAddr, u16)>()
        .prop_map(|(ip, port)| Address(SocketAddr::new(ip.to_canonical(), port)))
}

fn conversation() -> impl Strategy<Value = Conversation> {
    prop_oneof![
        name().prop_map(Conversation::User),
        name().prop_map(Conversation::Group),
        Just(Conversation::Channel),
    ]
}

fn list<T: std::fmt::Debug, const MAX: usize>(
    element: impl Strategy<Value = T>,
) -> impl Strategy<Value = List<T, MAX>> {
    vec(element, 0..=MAX.min(40)).prop_map(List::new)
}

fn table_version() -> impl Strategy<Value = TableVersion> {
    any::<(u64, u64)>().prop_map(|(epoch, number)| TableVersion { epoch, number })
}

fn table_entry() -> impl Strategy<Value = TableEntry> {
    let key = option::of(any::<[u8; 32]>().prop_map(PublicKey));
    let presence = any::<u8>().prop_map(Presence::from);
    (name(), key, option::of(address()), presence).prop_map(|(name, key, address, presence)| {
        TableEntry {
            name,
            key,
            address,
            presence,
        }
    })
}

fn position() -> impl Strategy<Value = ReadPosition> {
    (conversation(), any::<u64>()).prop_map(|(log, position)| ReadPosition { log, position })
}

fn ack_range() -> impl Strategy<Value = AckRange> {
    any::<(u64, u64)>().prop_map(|(arrived, missing)| AckRange { arrived, missing })
}

/// A strategy for one frame from strategies for its fields.
macro_rules! frame {
    ($frame:ident::$variant:ident {}) => {
        Just($frame::$variant {}).boxed()
    };
    ($frame:ident::$variant:ident { $( $field:ident : $strategy:expr ),* $(,)? }) => {
        ( $( $strategy, )* Just(()) )
            .prop_map(|( $( $field, )* () )| $frame::$variant { $( $field ),* })
            .boxed()
    };
}

pub(crate) fn link_frame() -> impl Strategy<Value = LinkFrame> {
    let number = any::<u64>;
    proptest::strategy::Union::new([
        frame!(LinkFrame::Ack {
            largest: number(),
            delay: number(),
            ranges: list(ack_range())
        }),
        frame!(LinkFrame::Ping {}),
        frame!(LinkFrame::Data {
            stream: any::<u8>(),
            sequence: number(),
            length: any::<u32>(),
            offset: any::<u32>(),
            bytes: bytes(),
        }),
        frame!(LinkFrame::Skip {
            stream: any::<u8>(),
            sequence: number(),
            count: any::<u32>()
        }),
        frame!(LinkFrame::PathChallenge { token: number() }),
        frame!(LinkFrame::PathResponse { token: number() }),
        frame!(LinkFrame::Close {}),
        frame!(LinkFrame::Unsupported { tag: any::<u16>() }),
        frame!(LinkFrame::Start {
            incarnation: number(),
            counter: number(),
            early_taken: any::<bool>(),
        }),
    ])
}

pub(crate) fn chat_frame() -> impl Strategy<Value = ChatFrame> {
    let mut frames = client_frames();
    frames.extend(server_frames());
    proptest::strategy::Union::new(frames)
}

fn client_frames() -> Vec<BoxedStrategy<ChatFrame>> {
    let number = any::<u64>;
    vec![
        frame!(ChatFrame::Register {
            request: number(),
            name: name(),
            instance: any::<[u8; 16]>().prop_map(InstanceId),
            resume: any::<bool>(),
            ephemeral: any::<bool>(),
            table: table_version(),
            positions: list(position()),
        }),
        frame!(ChatFrame::Deregister { request: number() }),
        frame!(ChatFrame::CreateGroup {
            request: number(),
            group: name()
        }),
        frame!(ChatFrame::ListGroups {
            request: number(),
            after: option::of(name())
        }),
        frame!(ChatFrame::JoinGroup {
            request: number(),
            group: name()
        }),
        frame!(ChatFrame::LeaveGroup {
            request: number(),
            group: name()
        }),
        frame!(ChatFrame::ListMembers {
            request: number(),
            group: name(),
            after: option::of(name()),
        }),
        frame!(ChatFrame::LookUp {
            request: number(),
            name: name()
        }),
        frame!(ChatFrame::Submit {
            id: id(),
            to: conversation(),
            body: bytes()
        }),
        frame!(ChatFrame::Accepted { ids: list(id()) }),
        frame!(ChatFrame::Direct {
            id: id(),
            from: name(),
            to: name(),
            text: text()
        }),
    ]
}

fn server_frames() -> Vec<BoxedStrategy<ChatFrame>> {
    let number = any::<u64>;
    vec![
        frame!(ChatFrame::Registered {
            request: number(),
            returning: any::<bool>(),
            group: option::of(name()),
            address: address(),
        }),
        frame!(ChatFrame::Refused {
            request: number(),
            reason: any::<u8>().prop_map(Refusal::from),
        }),
        frame!(ChatFrame::Completed { request: number() }),
        frame!(ChatFrame::Names {
            request: number(),
            names: list(name()),
            more: any::<bool>()
        }),
        frame!(ChatFrame::Found {
            request: number(),
            entry: option::of(table_entry())
        }),
        frame!(ChatFrame::TableChanges {
            after: number(),
            version: table_version(),
            complete: any::<bool>(),
            entries: list(table_entry()),
        }),
        frame!(ChatFrame::Deliver {
            log: conversation(),
            position: number(),
            received: wall(),
            id: id(),
            live: any::<bool>(),
            content: bytes(),
        }),
        frame!(ChatFrame::CaughtUp {}),
        frame!(ChatFrame::Saved {
            id: id(),
            received: wall()
        }),
        frame!(ChatFrame::Exists { id: id() }),
        frame!(ChatFrame::Rejected {
            id: id(),
            reason: any::<u8>().prop_map(Rejection::from)
        }),
        frame!(ChatFrame::Superseded {}),
        frame!(ChatFrame::Gone {
            log: conversation(),
            count: number()
        }),
        frame!(ChatFrame::Unsupported { tag: any::<u16>() }),
        frame!(ChatFrame::NotRegistered {}),
    ]
}

pub(crate) fn content() -> impl Strategy<Value = Content> {
    proptest::strategy::Union::new([
        frame!(Content::Mail {
            sender: name(),
            sealed: bytes()
        }),
        frame!(Content::Post {
            sender: name(),
            text: text()
        }),
        frame!(Content::Receipt {
            message: id(),
            reader: name(),
            received: wall()
        }),
        frame!(Content::Expired {
            message: id(),
            reader: name(),
            received: wall()
        }),
    ])
}
