//! Chat frames of the fuzzer's choice: a few names, small numbers, or bytes that are no frame.

use std::net::SocketAddr;

use chat_core::{
    conversation::{Conversation, Text},
    id::{InstanceId, MessageId, PublicKey},
    name::Name,
    time::WallTime,
    wire::{
        Address, Bytes, ChatFrame, Content, List, Presence, ReadPosition, Refusal, Rejection,
        TableEntry, TableVersion, encode,
    },
};

use crate::{hosts::IDENTITIES, input::Input};

const NAMES: [&str; 5] = ["alice", "bob", "carol", "g", "h"];

pub(crate) fn encoded(frame: &ChatFrame) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode(frame, &mut bytes);
    bytes
}

pub(crate) fn name(input: &mut Input<'_>) -> Name {
    let name = NAMES[input.below(NAMES.len())];
    name.parse().expect("a legal name")
}

pub(crate) fn text(input: &mut Input<'_>) -> Text {
    let text = String::from_utf8_lossy(input.piece()).into_owned();
    Text::new(text).expect("a short text")
}

pub(crate) fn message_id(input: &mut Input<'_>) -> MessageId {
    MessageId([input.byte() % 16; 16])
}

pub(crate) fn conversation(input: &mut Input<'_>) -> Conversation {
    match input.byte() % 3 {
        0 => Conversation::User(name(input)),
        1 => Conversation::Group(name(input)),
        _ => Conversation::Channel,
    }
}

fn maybe<T>(input: &mut Input<'_>, make: impl FnOnce(&mut Input<'_>) -> T) -> Option<T> {
    (input.byte() % 2 == 1).then(|| make(input))
}

fn several<T>(input: &mut Input<'_>, make: impl Fn(&mut Input<'_>) -> T) -> Vec<T> {
    (0..input.byte() % 4).map(|_| make(input)).collect()
}

fn key(input: &mut Input<'_>) -> PublicKey {
    match usize::from(input.byte() % 8) {
        known @ 0..=3 => IDENTITIES[known].public_key(),
        // Nobody has the secret of these, and the first is of low order.
        other => PublicKey([other as u8 - 4; 32]),
    }
}

fn address(input: &mut Input<'_>) -> Address {
    Address(SocketAddr::from(([10, 0, 0, 1 + input.byte() % 4], 4_000)))
}

fn wall(input: &mut Input<'_>) -> WallTime {
    WallTime::from_micros(1_700_000_000_000_000_u64.wrapping_add(input.number()))
}

fn table_version(input: &mut Input<'_>) -> TableVersion {
    TableVersion {
        epoch: input.number() % 4,
        number: input.number(),
    }
}

fn table_entry(input: &mut Input<'_>) -> TableEntry {
    TableEntry {
        name: name(input),
        key: maybe(input, key),
        address: maybe(input, address),
        presence: Presence::from(input.byte() % 4),
    }
}

pub(crate) fn content(input: &mut Input<'_>) -> Vec<u8> {
    let content = match input.byte() % 5 {
        0 => Content::Mail {
            sender: name(input),
            sealed: Bytes::from(input.piece()),
        },
        1 => Content::Post {
            sender: name(input),
            text: text(input),
        },
        2 => Content::Receipt {
            message: message_id(input),
            reader: name(input),
            received: wall(input),
        },
        3 => Content::Expired {
            message: message_id(input),
            reader: name(input),
            received: wall(input),
        },
        _ => return input.piece().to_vec(),
    };
    let mut bytes = Vec::new();
    encode(&content, &mut bytes);
    bytes
}

/// What a client says to a server.
pub(crate) fn from_client(input: &mut Input<'_>) -> Vec<u8> {
    let choice = input.byte() % 16;
    let request = input.number();
    encoded(&match choice {
        0 | 1 => ChatFrame::Register {
            request,
            name: name(input),
            instance: InstanceId([input.byte() % 3; 16]),
            resume: choice == 1,
            ephemeral: input.byte() % 2 == 1,
            table: table_version(input),
            positions: List::new(several(input, |input| ReadPosition {
                log: conversation(input),
                position: input.number(),
            })),
        },
        2 => ChatFrame::Deregister { request },
        3 => ChatFrame::CreateGroup {
            request,
            group: name(input),
        },
        4 => ChatFrame::ListGroups {
            request,
            after: maybe(input, name),
        },
        5 => ChatFrame::JoinGroup {
            request,
            group: name(input),
        },
        6 => ChatFrame::LeaveGroup {
            request,
            group: name(input),
        },
        7 => ChatFrame::ListMembers {
            request,
            group: name(input),
            after: maybe(input, name),
        },
        8 => ChatFrame::LookUp {
            request,
            name: name(input),
        },
        9..=11 => ChatFrame::Submit {
            id: message_id(input),
            to: conversation(input),
            body: Bytes::from(input.piece()),
        },
        12 | 13 => ChatFrame::Accepted {
            ids: List::new(several(input, message_id)),
        },
        14 => return from_server(input, request),
        _ => return input.piece().to_vec(),
    })
}

/// What a server says to a client; an answer to `request`, or to another one.
pub(crate) fn from_server(input: &mut Input<'_>, request: u64) -> Vec<u8> {
    let choice = input.byte() % 20;
    let request = match input.byte() {
        0..=199 => request,
        _ => input.number(),
    };
    encoded(&match choice {
        0 => ChatFrame::Registered {
            request,
            returning: input.byte() % 2 == 1,
            group: maybe(input, name),
            address: address(input),
        },
        1 => ChatFrame::Refused {
            request,
            reason: Refusal::from(input.byte() % 10),
        },
        2 => ChatFrame::Completed { request },
        3 => ChatFrame::Names {
            request,
            names: List::new(several(input, name)),
            more: input.byte() % 2 == 1,
        },
        4 => ChatFrame::Found {
            request,
            entry: maybe(input, table_entry),
        },
        5 => ChatFrame::TableChanges {
            after: input.number(),
            version: table_version(input),
            complete: input.byte() % 2 == 1,
            entries: List::new(several(input, table_entry)),
        },
        6..=9 => ChatFrame::Deliver {
            log: conversation(input),
            position: input.number(),
            received: wall(input),
            id: message_id(input),
            live: choice % 2 == 1,
            content: Bytes::from(content(input)),
        },
        10 => ChatFrame::CaughtUp {},
        11 => ChatFrame::Gone {
            log: conversation(input),
            count: input.number(),
        },
        12 => ChatFrame::Superseded {},
        13 => ChatFrame::NotRegistered {},
        14 => ChatFrame::Unsupported {
            tag: u16::from(input.byte() % 32),
        },
        _ => return about_message(input),
    })
}

/// What becomes of a message.
fn about_message(input: &mut Input<'_>) -> Vec<u8> {
    let (choice, id) = (input.byte() % 6, message_id(input));
    encoded(&match choice {
        0 => ChatFrame::Accepted {
            ids: List::new(several(input, message_id)),
        },
        1 => ChatFrame::Saved {
            id,
            received: wall(input),
        },
        2 => ChatFrame::Exists { id },
        3 => ChatFrame::Rejected {
            id,
            reason: Rejection::from(input.byte() % 6),
        },
        4 => ChatFrame::Direct {
            id,
            from: name(input),
            to: name(input),
            text: text(input),
        },
        _ => return input.piece().to_vec(),
    })
}
