//! At least one frame of each kind, with every optional field once there and once not.

use std::net::SocketAddr;

use chat_core::{
    conversation::{Conversation, Text},
    id::{InstanceId, MessageId, PublicKey},
    name::Name,
    time::WallTime,
    wire::{
        AckRange, Address, Bytes, ChatFrame, Content, LinkFrame, List, Presence, ReadPosition,
        Refusal, Rejection, TableEntry, TableVersion, encode,
    },
};

pub(crate) const REQUEST: u64 = 7;
const ID: MessageId = MessageId([0x1d; 16]);
const RECEIVED: WallTime = WallTime::from_micros(1_698_244_807_000_000);

pub(crate) fn name(text: &str) -> Name {
    text.parse().expect("a legal name")
}

fn text(text: &str) -> Text {
    Text::new(text.to_owned()).expect("a short text")
}

fn address(text: &str) -> Address {
    Address(text.parse::<SocketAddr>().expect("an address"))
}

fn group() -> Conversation {
    Conversation::Group(name("ops"))
}

fn table_entry() -> TableEntry {
    TableEntry {
        name: name("Zoë"),
        key: Some(PublicKey([0x4b; 32])),
        address: Some(address("192.0.2.1:5000")),
        presence: Presence::Online,
    }
}

pub(crate) fn link_frames() -> Vec<LinkFrame> {
    let range = |arrived, missing| AckRange { arrived, missing };
    vec![
        LinkFrame::Ack {
            largest: 1_000,
            delay: 250,
            ranges: List::new(vec![range(3, 1), range(24, 256)]),
        },
        LinkFrame::Ping {},
        LinkFrame::Data {
            stream: 3,
            sequence: 70_000,
            length: 2_000,
            offset: 1_100,
            bytes: Bytes::from(b"fragment".to_vec()),
        },
        LinkFrame::Skip {
            stream: 3,
            sequence: 70_000,
            count: 2,
        },
        LinkFrame::PathChallenge { token: u64::MAX },
        LinkFrame::PathResponse { token: u64::MAX },
        LinkFrame::Close {},
        LinkFrame::Unsupported { tag: 99 },
        LinkFrame::Start {
            incarnation: 1 << 63,
            counter: 1_698_244_807_000_000,
            early_taken: false,
        },
    ]
}

pub(crate) fn chat_frames() -> Vec<ChatFrame> {
    [requests(), messages(), answers(), table(), notices()].concat()
}

fn requests() -> Vec<ChatFrame> {
    let position = |log, position| ReadPosition { log, position };
    vec![
        ChatFrame::Register {
            request: REQUEST,
            name: name("alice"),
            instance: InstanceId([0x15; 16]),
            resume: true,
            ephemeral: false,
            table: TableVersion {
                epoch: 1 << 63,
                number: 12,
            },
            positions: List::new(vec![
                position(group(), 5),
                position(Conversation::Channel, 9),
            ]),
        },
        ChatFrame::Deregister { request: REQUEST },
        ChatFrame::CreateGroup {
            request: REQUEST,
            group: name("ops"),
        },
        ChatFrame::ListGroups {
            request: REQUEST,
            after: None,
        },
        ChatFrame::ListGroups {
            request: REQUEST,
            after: Some(name("ops")),
        },
        ChatFrame::JoinGroup {
            request: REQUEST,
            group: name("ops"),
        },
        ChatFrame::LeaveGroup {
            request: REQUEST,
            group: name("ops"),
        },
        ChatFrame::ListMembers {
            request: REQUEST,
            group: name("ops"),
            after: Some(name("bob")),
        },
        ChatFrame::LookUp {
            request: REQUEST,
            name: name("bob"),
        },
    ]
}

fn messages() -> Vec<ChatFrame> {
    let submit = |to| ChatFrame::Submit {
        id: ID,
        to,
        body: Bytes::from(b"body".to_vec()),
    };
    vec![
        submit(Conversation::User(name("bob"))),
        submit(group()),
        submit(Conversation::Channel),
        ChatFrame::Accepted {
            ids: List::new(vec![ID, MessageId([0; 16])]),
        },
        ChatFrame::Direct {
            id: ID,
            from: name("alice"),
            to: name("bob"),
            text: text("hello, 世界"),
        },
        ChatFrame::Direct {
            id: ID,
            from: name("alice"),
            to: name("bob"),
            text: text(""),
        },
    ]
}

fn answers() -> Vec<ChatFrame> {
    vec![
        ChatFrame::Registered {
            request: REQUEST,
            returning: true,
            group: Some(name("ops")),
            address: address("[2001:db8::1]:5000"),
        },
        ChatFrame::Registered {
            request: REQUEST,
            returning: false,
            group: None,
            address: address("192.0.2.1:5000"),
        },
        ChatFrame::Refused {
            request: REQUEST,
            reason: Refusal::NameTaken,
        },
        ChatFrame::Completed { request: REQUEST },
        ChatFrame::Names {
            request: REQUEST,
            names: List::new(vec![name("alice"), name("bob")]),
            more: false,
        },
        ChatFrame::Found {
            request: REQUEST,
            entry: Some(table_entry()),
        },
        ChatFrame::Found {
            request: REQUEST,
            entry: None,
        },
    ]
}

fn table() -> Vec<ChatFrame> {
    let freed = TableEntry {
        name: name("carol"),
        key: None,
        address: None,
        presence: Presence::Offline,
    };
    vec![ChatFrame::TableChanges {
        after: 12,
        version: TableVersion {
            epoch: 1 << 63,
            number: 14,
        },
        complete: true,
        entries: List::new(vec![table_entry(), freed]),
    }]
}

fn notices() -> Vec<ChatFrame> {
    let deliver = |content: &Content| {
        let mut encoded = Vec::new();
        encode(content, &mut encoded);
        ChatFrame::Deliver {
            log: Conversation::User(name("alice")),
            position: 41,
            received: RECEIVED,
            id: ID,
            live: false,
            content: Bytes::from(encoded),
        }
    };
    let mut frames: Vec<_> = contents().iter().map(deliver).collect();
    frames.extend([
        ChatFrame::CaughtUp {},
        ChatFrame::Saved {
            id: ID,
            received: RECEIVED,
        },
        ChatFrame::Exists { id: ID },
        ChatFrame::Rejected {
            id: ID,
            reason: Rejection::MailboxFull,
        },
        ChatFrame::Superseded {},
        ChatFrame::Dismissed {},
        ChatFrame::Gone {
            log: Conversation::Channel,
            count: 300,
        },
        ChatFrame::Unsupported { tag: 99 },
        ChatFrame::NotRegistered {},
    ]);
    frames
}

pub(crate) fn contents() -> Vec<Content> {
    vec![
        Content::Mail {
            sender: name("bob"),
            sealed: Bytes::from(b"sealed".to_vec()),
        },
        Content::Post {
            sender: name("bob"),
            text: text("hello, everyone"),
        },
        Content::Receipt {
            message: ID,
            reader: name("bob"),
            received: RECEIVED,
        },
        Content::Expired {
            message: ID,
            reader: name("bob"),
            received: RECEIVED,
        },
    ]
}
