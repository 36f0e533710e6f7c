//! Every event, against the specification.

use cddl_cat::validate_json_str;
use chat_core::{
    conversation::Text,
    crypto::Identity,
    id::{Fingerprint, PublicKey, SafetyNumber},
};

use super::*;

const CDDL: &str = include_str!("../../../json.cddl");
const ID: MessageId = MessageId([0xab; 16]);
const RECEIVED: WallTime = WallTime::from_micros(1_698_244_807_250_000);

#[test]
fn a_message_says_where_it_was_sent_and_when_it_was_kept() {
    let event = |conversation, stored| Event::Message {
        id: ID,
        sender: name("alice"),
        verified: true,
        conversation,
        stored,
        text: Text::new("a \"b\"\n\u{1b}[2J".into()).unwrap(),
    };
    assert_eq!(
        written(&event(Conversation::User(name("bob")), None)),
        r#"{"conversation":"direct","event":"message","from":"alice","id":"abababababababababababababababab","text":"a \"b\"\n\u001b[2J","verified":true}"#
    );
    let kept = written(&event(Conversation::Group(name("g")), Some(RECEIVED)));
    assert!(kept.contains(r#""group":"g""#), "{kept}");
    assert!(
        kept.contains(r#""stored":"2023-10-25T14:40:07.25Z""#),
        "{kept}"
    );
    written(&event(
        Conversation::Channel,
        Some(WallTime::from_micros(u64::MAX)),
    ));
}

#[test]
fn what_becomes_of_a_message_is_told_under_its_id() {
    let (id, name, received) = (ID, name("y"), RECEIVED);
    let to = Conversation::User(name.clone());
    let [queued_to, to_all, kept] = [
        to.clone(),
        Conversation::Channel,
        Conversation::Group(name.clone()),
    ];
    let by = name.clone();
    let queued = |to| Event::Queued {
        id,
        to,
        text: Text::default(),
    };
    assert_state("queued", &queued(queued_to));
    assert_state("queued", &queued(to_all));
    assert_state("kept", &Event::Kept { id, to: kept });
    assert_state("saved", &Event::Saved { id, received });
    assert_state("delivered", &Event::SavedReceived { id, received, by });
    let by = name.clone();
    assert_state("delivered", &Event::Received { id, by });
    assert_state("accepted", &Event::ReceivedByServer { id });
    assert_state("failed", &Event::NotAMember { id, of: to });
    assert_state("failed", &Event::StoreFailed { id: Some(id) });
    for (state, of) in [
        ("handed_over", |name| Event::NoAck { id: ID, name }),
        ("recipient_online", |name| Event::Exists { id: ID, name }),
        ("failed", |name| Event::MailboxFull { id: ID, name }),
        ("failed", |name| Event::NoSuchClient { id: ID, name }),
        ("failed", |name| Event::Expired {
            id: ID,
            received: RECEIVED,
            to: Conversation::Group(name),
        }),
    ] as [(&str, fn(Name) -> Event); 5]
    {
        assert_state(state, &of(name.clone()));
    }
}

#[test]
fn groups_and_refusals_are_in_the_specification_too() {
    let (group, name) = (name("g"), name("y"));
    for event in [
        Event::StoreFailed { id: None },
        Event::TooLong { length: 70_000 },
        Event::OutboxFull,
        Event::KeyChanged {
            name: name.clone(),
            compared: true,
        },
        Event::KeyUnknown { name: name.clone() },
        Event::Verification {
            name: name.clone(),
            number: SafetyNumber::of(&PublicKey([1; 32]), &PublicKey([2; 32])),
            compared: false,
        },
        Event::GroupCreated {
            group: group.clone(),
        },
        Event::GroupExists {
            group: group.clone(),
        },
        Event::NoSuchGroup {
            group: group.clone(),
        },
        Event::InGroup {
            group: group.clone(),
        },
        Event::EnteredGroup {
            group: group.clone(),
        },
        Event::LeftGroup {
            group: group.clone(),
        },
        Event::Groups {
            names: vec![group.clone()],
        },
        Event::Members {
            group: group.clone(),
            names: Vec::new(),
        },
        Event::Gone {
            log: Conversation::Group(group),
            count: 7,
        },
        Event::OfflineMessages,
    ] {
        written(&event);
    }
}

#[test]
fn what_is_told_of_the_session_is_in_the_specification_too() {
    let (name, key) = (name("y"), Identity::from_seed(&[1; 32]).public_key());
    for event in [
        Event::ServerTrusted { key },
        Event::ServerKeyChanged {
            expected: fingerprint(1),
            found: fingerprint(2),
        },
        Event::Registered {
            name: name.clone(),
            returning: true,
        },
        Event::NameTaken { name: name.clone() },
        Event::ServerFull,
        Event::Dismissed,
        Event::Banned,
        Event::Superseded,
        Event::TableUpdated,
        Event::Peers {
            server: ([127, 0, 0, 1], 5_000).into(),
            server_online: true,
            peers: vec![Peer {
                name: name.clone(),
                address: None,
                online: false,
            }],
        },
        Event::Pending {
            messages: vec![Owed {
                id: ID,
                to: Conversation::Channel,
                text: Text::new("hi".into()).unwrap(),
                created: RECEIVED,
                stage: Stage::ForServer,
            }],
        },
        Event::Offline,
        Event::Attempt { attempt: 1, of: 5 },
        Event::NotResponding,
        Event::ServerBack,
        Event::Refused(Refused::Offline(name)),
        Event::Note("it is no command".into()),
        Event::Ended(Ended::Normally),
        Event::Ended(Ended::Owing(3)),
    ] {
        written(&event);
    }
}

#[test]
fn the_history_is_in_the_specification_too() {
    let spoken = |with, fate| Spoken {
        id: ID,
        with,
        sender: name("y"),
        at: RECEIVED,
        fate,
        text: "hi".into(),
    };
    let said = [
        spoken(Conversation::User(name("y")), Fate::Received),
        spoken(Conversation::Group(name("g")), Fate::Owed),
        spoken(Conversation::Channel, Fate::Saved),
    ];
    for messages in [Some(&said[..]), Some(&[]), None] {
        let line = history(messages);
        validate_json_str("event", CDDL, &line).unwrap_or_else(|error| panic!("{line}: {error}"));
    }
}

#[test]
fn what_only_people_need_is_not_written() {
    assert_eq!(line(&Event::Exiting), None);
    assert_eq!(line(&Event::Ended(Ended::SwitchUser)), None);
}

#[test]
fn the_specification_takes_commands_and_nothing_that_is_none() {
    let is_command = |line| validate_json_str("command", CDDL, line).is_ok();
    assert!(is_command(r#"{"command":"send","to":"bob","text":"hi"}"#));
    assert!(is_command(r#"{"command":"quit"}"#));
    assert!(!is_command(r#"{"command":"send","to":"bob"}"#));
    assert!(!is_command(r#"{"command":"fly"}"#));
}

fn assert_state(state: &str, event: &Event) {
    let line = written(event);
    assert!(line.contains(&format!(r#""state":"{state}""#)), "{line}");
    assert!(line.contains(&ID.to_string()), "{line}");
}

/// The line of an event, which the specification takes.
fn written(event: &Event) -> String {
    let line = line(event).expect("it is written");
    validate_json_str("event", CDDL, &line).unwrap_or_else(|error| panic!("{line}: {error}"));
    line
}

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn fingerprint(seed: u8) -> Fingerprint {
    PublicKey([seed; 32]).fingerprint()
}
