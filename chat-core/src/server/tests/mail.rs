//! Messages to one user: kept, checked, delivered, receipted.

use alloc::vec::Vec;

use super::world::{World, message, name, peer, user};
use crate::{
    server::Event,
    time::Duration,
    wire::{ChatFrame, Rejection},
};

fn outcome(frames: &[ChatFrame]) -> Vec<&'static str> {
    let outcome = |frame: &ChatFrame| match frame {
        ChatFrame::Saved { .. } => Some("saved"),
        ChatFrame::Exists { .. } => Some("exists"),
        ChatFrame::Rejected { .. } => Some("rejected"),
        ChatFrame::Accepted { .. } => Some("accepted"),
        _ => None,
    };
    frames.iter().filter_map(outcome).collect()
}

#[test]
fn mail_for_the_absent_is_saved_delivered_in_order_and_receipted_once() {
    let mut world = World::new();
    for owner in ["x", "y", "z"] {
        world.register(owner);
    }
    world.deregister("x");
    world.submit("y", 1, &user("x"), "one");
    world.submit("z", 2, &user("x"), "two");
    world.submit("y", 3, &user("x"), "three");
    assert_eq!(outcome(&world.hear("y")), ["saved", "saved"]);

    world.register("x");
    let mail = ["mail y: one", "mail z: two", "mail y: three"];
    assert_eq!(world.accept("x"), mail);
    assert_eq!(
        world.accept("y"),
        ["live receipt 1 by x", "live receipt 3 by x"]
    );
    assert_eq!(world.accept("z"), ["live receipt 2 by x"]);
    world.deregister("x");
    world.register("x");
    assert!(world.accept("x").is_empty(), "what was accepted is gone");
}

#[test]
fn a_receipt_waits_for_a_sender_who_is_offline() {
    let mut world = World::new();
    for owner in ["x", "z"] {
        world.register(owner);
    }
    world.deregister("z");
    world.submit("x", 1, &user("z"), "hello");
    world.deregister("x");
    world.register("z");
    assert_eq!(world.accept("z"), ["mail x: hello"]);
    let mut world = world.restart();
    world.register("x");
    assert_eq!(world.accept("x"), ["receipt 1 by z"]);
}

#[test]
fn a_recipient_who_is_there_gets_the_message_live_and_the_sender_learns_it() {
    let mut world = World::new();
    world.register("x");
    world.register("y");
    world.hear("x");
    world.submit("x", 1, &user("y"), "hello");
    assert_eq!(outcome(&world.hear("x")), ["exists"]);
    assert_eq!(world.accept("y"), ["live mail x: hello"]);
    assert_eq!(world.accept("x"), ["live receipt 1 by y"]);
    assert!(!world.shown().contains(&Event::Saved { name: name("y") }));
}

#[test]
fn a_recipient_who_does_not_answer_is_offline_and_the_message_saved() {
    let mut world = World::new();
    world.register("x");
    world.register("y");
    world.hear("x");
    world.shown();
    world.dead.insert(peer("y"));
    world.submit("x", 1, &user("y"), "hello");
    assert_eq!(outcome(&world.hear("x")), ["saved"]);
    let events = [
        Event::Offline { name: name("y") },
        Event::Saved { name: name("y") },
    ];
    assert_eq!(world.shown(), events);
    world.dead.clear();
    world.register_at(500, "y");
    world.pass(Duration::from_secs(1));
    let frames = world.hear_at(500);
    let lines: Vec<_> = frames.iter().filter_map(super::world::line).collect();
    assert_eq!(lines, ["mail x: hello"]);
}

#[test]
fn nothing_is_promised_before_it_is_durable() {
    let mut world = World::new();
    world.register("x");
    world.register("y");
    world.deregister("y");
    world.hear("x");
    world.blocked = Some(Vec::new());
    world.submit("x", 1, &user("y"), "hello");
    world.pass(Duration::from_secs(5));
    assert_eq!(outcome(&world.hear("x")), [] as [&str; 0]);
    world.unblock();
    assert_eq!(outcome(&world.hear("x")), ["saved"]);
}

#[test]
fn a_repeated_submission_has_the_same_outcome_and_is_delivered_once() {
    let mut world = World::new();
    world.register("x");
    world.register("y");
    world.deregister("y");
    for _ in 0..2 {
        world.submit("x", 1, &user("y"), "hello");
    }
    assert_eq!(outcome(&world.hear("x")), ["saved", "saved"]);
    world.register("y");
    assert_eq!(world.accept("y"), ["mail x: hello"]);
    world.submit("x", 1, &user("y"), "hello");
    assert!(world.accept("y").is_empty());
    world.deregister("y");
    world.submit("x", 1, &user("y"), "hello");
    world.register("y");
    assert!(world.accept("y").is_empty());
    let saved = Event::Saved { name: name("y") };
    assert_eq!(
        world
            .shown()
            .iter()
            .filter(|event| **event == saved)
            .count(),
        1
    );
}

#[test]
fn mail_to_nobody_and_to_a_full_mailbox_is_rejected() {
    let mut world = World::with(crate::config::ServerConfig {
        max_mailbox: 2,
        ..Default::default()
    });
    world.register("x");
    world.register("y");
    world.deregister("y");
    world.hear("x");
    let rejected = |number, reason| ChatFrame::Rejected {
        id: message(number),
        reason,
    };
    world.submit("x", 1, &user("nobody"), "hello");
    assert_eq!(world.hear("x"), [rejected(1, Rejection::NoSuchName)]);
    for number in 2..5 {
        world.submit("x", number, &user("y"), "hello");
    }
    let frames = world.hear("x");
    assert_eq!(outcome(&frames), ["saved", "saved", "rejected"]);
    assert_eq!(frames.last(), Some(&rejected(4, Rejection::MailboxFull)));
}

#[test]
fn expired_mail_is_not_delivered_and_its_sender_is_told() {
    let mut world = World::with(crate::config::ServerConfig {
        expiry: Duration::from_secs(100),
        ..Default::default()
    });
    world.register("x");
    world.register("y");
    world.deregister("y");
    world.submit("x", 1, &user("y"), "old");
    world.submit("x", 2, &user("y"), "old too");
    world.pass(Duration::from_secs(200));
    assert_eq!(
        world.accept("x"),
        ["live expired 1 to y", "live expired 2 to y"]
    );
    world.register("y");
    assert!(world.accept("y").is_empty());
}

#[test]
fn old_mail_whose_reader_comes_before_the_search_is_delivered() {
    let mut world = World::with(crate::config::ServerConfig {
        expiry: Duration::from_secs(3_600),
        ..Default::default()
    });
    world.register("x");
    world.register("y");
    world.deregister("y");
    world.submit("x", 1, &user("y"), "old");
    world
        .state
        .timers
        .clear(&crate::server::state::Timer::Expiry);
    world.pass(Duration::from_secs(4_000));
    world.hear("x");
    world.register("y");
    assert_eq!(world.accept("y"), ["mail x: old"]);
    assert_eq!(world.accept("x"), ["live receipt 1 by y"]);
}
