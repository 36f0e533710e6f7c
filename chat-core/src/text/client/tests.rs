//! Every event's line, verbatim from the contract.

use alloc::{
    string::{String, ToString},
    vec,
    vec::Vec,
};

use proptest::prelude::*;

use super::*;
use crate::{
    client::{Ended, Peer},
    conversation::Text,
    id::{MessageId, PublicKey, SafetyNumber},
    name::Name,
    time::WallTime,
};

const ID: MessageId = MessageId([7; 16]);
const RECEIVED: WallTime = WallTime::from_micros(1_698_244_807_000_000);

fn line(event: &Event) -> String {
    let local_time = |time: WallTime| {
        assert_eq!(time, RECEIVED);
        "2023-10-25 14:40:07".to_string()
    };
    English::new(event, &local_time).to_string()
}

fn assert_lines(expected: &[(Event, &str)]) {
    for (event, expected) in expected {
        assert_eq!(line(event), *expected, "{event:?}");
    }
}

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn message(conversation: Conversation, stored: Option<WallTime>, text: &str) -> Event {
    Event::Message {
        id: ID,
        sender: name("x"),
        verified: true,
        conversation,
        stored,
        text: Text::new(text.into()).unwrap(),
    }
}

#[test]
fn a_message_shows_where_it_was_sent_and_when_it_was_stored() {
    let (me, group) = (
        Conversation::User(name("me")),
        Conversation::Group(name("g")),
    );
    let kept = Some(RECEIVED);
    assert_lines(&[
        (message(me.clone(), None, "hi  there "), "x: hi  there "),
        (message(me, kept, "hi"), "x: 2023-10-25 14:40:07 hi"),
        (message(group.clone(), None, "hi"), "[Group_Message x: hi]"),
        (
            message(group, kept, "hi"),
            "Group Chat x: 2023-10-25 14:40:07 hi",
        ),
        (
            message(Conversation::Channel, None, "hi"),
            "[Channel_Message x: hi]",
        ),
        (
            message(Conversation::Channel, kept, "hi"),
            "Channel Message x: 2023-10-25 14:40:07 hi",
        ),
    ]);
}

#[test]
fn a_sender_with_an_unknown_key_is_marked() {
    let mut event = message(Conversation::User(name("me")), Some(RECEIVED), "hi");
    if let Event::Message { verified, .. } = &mut event {
        *verified = false;
    }
    assert_eq!(line(&event), "x (unverified): 2023-10-25 14:40:07 hi");
}

#[test]
fn what_became_of_a_direct_message_is_told() {
    assert_lines(&[
        (
            Event::Received {
                id: ID,
                by: name("y"),
            },
            "[Message received by y.]",
        ),
        (
            Event::NoAck {
                id: ID,
                name: name("y"),
            },
            "[No ACK from y, message sent to server.]",
        ),
        (
            Event::Saved {
                id: ID,
                received: RECEIVED,
            },
            "[Offline message sent at 2023-10-25 14:40:07 received by the server and saved.]",
        ),
        (
            Event::SavedReceived {
                id: ID,
                received: RECEIVED,
                by: name("y"),
            },
            "[Offline message sent at 2023-10-25 14:40:07 received by y.]",
        ),
        (
            Event::Exists {
                id: ID,
                name: name("y"),
            },
            "[Client y exists!!]",
        ),
        (
            Event::MailboxFull {
                id: ID,
                name: name("y"),
            },
            "[Mailbox of y is full, message not sent.]",
        ),
        (
            Event::Expired {
                id: ID,
                received: RECEIVED,
                to: Conversation::User(name("y")),
            },
            "[Message of 2023-10-25 14:40:07 to y expired.]",
        ),
        (
            Event::NoSuchClient {
                id: ID,
                name: name("y"),
            },
            "[Client y does not exist.]",
        ),
        (
            Event::KeyChanged {
                name: name("y"),
                compared: false,
            },
            "[The key of y has changed. Check with y; to send anyway, send again.]",
        ),
    ]);
}

#[test]
fn keys_are_compared_by_a_number() {
    let number = SafetyNumber::of(&PublicKey([1; 32]), &PublicKey([2; 32]));
    let verification = |compared| Event::Verification {
        name: name("y"),
        number,
        compared,
    };
    let open = line(&verification(false));
    assert!(open.starts_with("[Your safety number with y is:]\n"));
    assert!(open.contains(&number.to_string()) && open.ends_with("verify y yes]"));
    assert!(line(&verification(true)).starts_with("[You have verified y. "));
    let changed = Event::KeyChanged {
        name: name("y"),
        compared: true,
    };
    assert!(line(&changed).contains("you had verified the one before"));
    let unknown = Event::KeyUnknown { name: name("y") };
    assert_eq!(line(&unknown), "[The key of y is not known.]");
}

#[test]
fn what_could_not_be_handed_over_is_told() {
    let kept = |to| Event::Kept { id: ID, to };
    assert_lines(&[
        (
            Event::ReceivedByServer { id: ID },
            "[Message received by Server.]",
        ),
        (
            kept(Conversation::User(name("y"))),
            "[Message to y kept until the server is back.]",
        ),
        (
            kept(Conversation::Group(name("g"))),
            "[Message to group g kept until the server is back.]",
        ),
        (
            kept(Conversation::Channel),
            "[Message to all kept until the server is back.]",
        ),
        (
            Event::TooLong { length: 70_000 },
            "[Message too long: 70000 bytes, the limit is 65536.]",
        ),
    ]);
    assert!(!line(&Event::OutboxFull).is_empty());
    assert!(!line(&Event::StoreFailed { id: None }).is_empty());
    let of = Conversation::Group(name("g"));
    let not_in_group = line(&Event::NotAMember { id: ID, of });
    assert_eq!(not_in_group, "[You are not in a group.]");
}

#[test]
fn groups_have_their_lines() {
    let group = || name("g");
    assert_lines(&[
        (
            Event::GroupCreated { group: group() },
            "[Group g created by Server.]",
        ),
        (
            Event::GroupExists { group: group() },
            "[Group g already exists.]",
        ),
        (
            Event::NoSuchGroup { group: group() },
            "[Group g does not exist.]",
        ),
        (Event::InGroup { group: group() }, "[You are in group g.]"),
        (
            Event::EnteredGroup { group: group() },
            "[Entered group g successfully.]",
        ),
        (Event::LeftGroup { group: group() }, "[Leave group chat g.]"),
    ]);
    let gone = |log| Event::Gone { log, count: 3 };
    assert_lines(&[
        (
            Event::Expired {
                id: ID,
                received: RECEIVED,
                to: Conversation::Group(name("g")),
            },
            "[Message of 2023-10-25 14:40:07 to group g expired.]",
        ),
        (
            gone(Conversation::Group(name("g"))),
            "[3 older messages of group g are gone.]",
        ),
        (
            gone(Conversation::Channel),
            "[3 older messages of the channel are gone.]",
        ),
    ]);
}

#[test]
fn lists_have_one_line_for_each_entry() {
    let names = || vec![name("a"), name("b")];
    assert_lines(&[
        (
            Event::Groups { names: names() },
            "[Available group chats:]\na\nb",
        ),
        (
            Event::Groups { names: Vec::new() },
            "[No available group right now.]",
        ),
        (
            Event::Members {
                group: name("g"),
                names: names(),
            },
            "[Members in the group g:]\na\nb",
        ),
    ]);
}

#[test]
fn the_table_has_the_server_first_and_no_mapped_addresses() {
    let peer = |text: &str, address: &str, online| Peer {
        name: name(text),
        address: Some(address.parse().unwrap()),
        online,
    };
    let event = Event::Peers {
        server: "[::ffff:127.0.0.1]:4000".parse().unwrap(),
        server_online: true,
        peers: vec![
            peer("a", "127.0.0.1:4001", true),
            peer("b", "[fe80::1]:4002", false),
        ],
    };
    assert_eq!(
        line(&event),
        "SERVER @ 127.0.0.1:4000 is ONLINE\n\
         a @ 127.0.0.1:4001 is ONLINE\n\
         b @ [fe80::1]:4002 is OFFLINE"
    );
    let alone = Event::Peers {
        server: "[::1]:4000".parse().unwrap(),
        server_online: false,
        peers: Vec::new(),
    };
    assert_eq!(line(&alone), "SERVER @ [::1]:4000 is OFFLINE");
}

#[test]
fn registration_and_presence_have_their_lines() {
    let registered = |returning| Event::Registered {
        name: name("x"),
        returning,
    };
    assert_lines(&[
        (registered(false), "[Welcome, You are registered.]"),
        (registered(true), "[Welcome back!]"),
        (Event::NameTaken { name: name("x") }, "[Name x is taken.]"),
        (
            Event::Superseded,
            "[You logged in on another device. You are offline.]",
        ),
        (Event::TableUpdated, "[Client table updated.]"),
        (Event::OfflineMessages, "[You have offline messages:]"),
        (Event::Offline, "[You are Offline. Bye.]"),
        (
            Event::Attempt { attempt: 2, of: 5 },
            "[Attempt 2 of 5: no answer from the server.]",
        ),
        (Event::NotResponding, "[Server not responding.]"),
        (Event::ServerBack, "[Server is back.]"),
        (Event::Exiting, "[Exiting]"),
        (Event::Ended(Ended::Normally), ""),
    ]);
    for event in [Event::ServerFull, Event::Dismissed, Event::Banned] {
        assert!(!line(&event).is_empty());
    }
}

#[test]
fn a_refused_command_says_why() {
    for (refused, expected) in [
        (
            Refused::AlreadyOnline,
            "[You are online, please log out first.]",
        ),
        (
            Refused::Offline(name("x")),
            "[You are offline. Type: reg x]",
        ),
        (Refused::AlreadyOffline, "[You are offline.]"),
        (
            Refused::LeaveGroupFirst,
            "[Leave the group first: leave_group]",
        ),
        (Refused::NotInGroup, "[You are not in a group.]"),
        (Refused::AlreadyInGroup, "[You are already in a group.]"),
        (Refused::IncorrectUsername, "[Incorrect username.]"),
        (
            Refused::CannotSwitchUser,
            "[Start another client for that user.]",
        ),
    ] {
        assert_eq!(line(&Event::Refused(refused)), expected);
    }
}

#[test]
fn the_servers_key_is_named_by_its_fingerprint() {
    let (old, key) = (PublicKey([1; 32]), PublicKey([2; 32]));
    let trusted = line(&Event::ServerTrusted { key });
    assert!(trusted.contains(&key.fingerprint().to_string()));
    let changed = line(&Event::ServerKeyChanged {
        expected: old.fingerprint(),
        found: key.fingerprint(),
    });
    assert!(changed.contains(&old.fingerprint().to_string()));
    assert!(changed.contains(&key.fingerprint().to_string()));
}

#[test]
fn a_note_may_have_several_lines_and_is_neutralised() {
    assert_eq!(line(&Event::Note("a\nb\x1b[m".into())), "a\nb␛[m");
}

proptest! {
    #[test]
    fn a_message_is_one_line_whatever_is_in_it(text: String, stored: bool, kind in 0..3) {
        let conversation = match kind {
            0 => Conversation::User(name("me")),
            1 => Conversation::Group(name("g")),
            _ => Conversation::Channel,
        };
        let shown = line(&message(conversation, stored.then_some(RECEIVED), &text));
        prop_assert_eq!(shown.lines().count(), 1);
        prop_assert!(!shown.contains(char::is_control));
    }
}

#[test]
fn what_is_pending_is_a_list() {
    let owed = |to, stage, text: &str| Owed {
        id: ID,
        to,
        text: Text::new(text.into()).unwrap(),
        created: RECEIVED,
        stage,
    };
    let user = || Conversation::User(name("y"));
    let group = Conversation::Group(name("g"));
    let messages = alloc::vec![
        owed(user(), Stage::Sent, "hi\u{7}"),
        owed(group, Stage::ForServer, &"x".repeat(61)),
        owed(Conversation::Channel, Stage::Waiting, ""),
    ];
    let shown = alloc::format!(
        "[Pending messages:]\n\
         to y, 2023-10-25 14:40:07, was sent, no ack yet: hi\u{2407}\n\
         to group g, 2023-10-25 14:40:07, waits for the server: {}…\n\
         to all, 2023-10-25 14:40:07, waits for its turn: ",
        "x".repeat(60)
    );
    assert_eq!(line(&Event::Pending { messages }), shown);
    let messages = Vec::new();
    assert_eq!(line(&Event::Pending { messages }), "[Nothing is pending.]");
}
