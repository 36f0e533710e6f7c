//! A store that is full, that stalls, and that has lost notices.

use alloc::{string::String, vec, vec::Vec};

use super::world::{World, group, message, name, peer, user};
use crate::{
    config::ServerConfig,
    id::{InstanceId, PublicKey},
    server::{
        Event,
        record::{NameRecord, encode},
    },
    store::{OperationId, Revision, StoreEvent, Table},
    time::Duration,
    wire::{ChatFrame, List},
};

fn has_accepted(frames: &[ChatFrame], number: u8) -> bool {
    let ids = List::new(vec![message(number)]);
    frames.contains(&ChatFrame::Accepted { ids })
}

#[test]
fn a_store_that_stalls_is_shown_once_and_what_waited_for_it_is_done_when_it_is_well() {
    let mut world = World::new();
    world.register("x");
    world.register("y");
    world.create_and_join("g", &["x", "y"]);
    world.shown();
    world.report(StoreEvent::Stalled);
    world.report(StoreEvent::Stalled);
    assert_eq!(world.shown(), [Event::StoreStalled]);
    world.hear("x");
    world.submit("x", 1, &group("g"), "hello");
    assert!(!has_accepted(&world.hear("x"), 1));
    world.report(StoreEvent::Well);
    world.report(StoreEvent::Well);
    let is_about_the_store =
        |event: &Event| matches!(event, Event::StoreStalled | Event::StoreWell);
    let mut shown = world.shown();
    shown.retain(is_about_the_store);
    assert_eq!(shown, [Event::StoreWell]);
    assert!(has_accepted(&world.hear("x"), 1));
    assert_eq!(world.accept("y"), ["live post x: hello"]);
}

#[test]
fn a_receipt_for_which_there_is_no_room_is_dropped_and_the_mail_is_still_read() {
    let mut world = World::with(ServerConfig {
        max_mailbox: 1,
        ..Default::default()
    });
    for owner in ["x", "a", "b", "c"] {
        world.register(owner);
    }
    let readers = ["a", "b", "c"];
    for (number, reader) in (1..).zip(readers) {
        world.deregister(reader);
        world.submit("x", number, &user(reader), "hello");
    }
    world.deregister("x");
    for reader in readers {
        world.register(reader);
        assert_eq!(world.accept(reader), ["mail x: hello"]);
    }
    assert_eq!(world.state.counters.dropped_receipts, 1);
    world.register("c");
    assert!(
        world.accept("c").is_empty(),
        "it is read, not kept for ever"
    );
    world.register("x");
    assert_eq!(world.accept("x"), ["receipt 1 by a", "receipt 2 by b"]);
}

#[test]
fn nobody_is_told_of_a_message_whose_senders_name_is_free_again() {
    let mut world = World::new();
    world.register("y");
    world.deregister("y");
    let mut frame = world.register_frame("x", false);
    if let ChatFrame::Register { ephemeral, .. } = &mut frame {
        *ephemeral = true;
    }
    world.say(peer("x"), "x", &frame);
    world.submit("x", 1, &user("y"), "hello");
    world.deregister("x");
    assert!(world.state.names.get(&name("x")).is_none());
    world.register("y");
    assert_eq!(world.accept("y"), ["mail x: hello"]);
    world.deregister("y");
    world.register("y");
    assert!(world.accept("y").is_empty(), "it is settled");
    world.register("x");
    assert!(world.accept("x").is_empty());
}

#[test]
fn what_was_not_noticed_is_read_after_resynchronising() {
    let mut world = World::new();
    world.register("x");
    world.register("y");
    world.create_and_join("g", &["x", "y"]);
    world.submit("x", 1, &group("g"), "one");
    assert_eq!(world.accept("y"), ["live post x: one"]);
    world.loses_notices = true;
    world.submit("x", 2, &group("g"), "two");
    assert!(world.accept("y").is_empty());
    world.loses_notices = false;
    world.report(StoreEvent::Resynchronise);
    assert_eq!(world.accept("y"), ["live post x: two"]);
}

/// Reports may come late, and in any order.
#[test]
fn what_is_said_of_a_name_before_it_was_free_does_not_bring_it_back() {
    let reports: [fn(OperationId) -> StoreEvent; 2] = [
        |operation| StoreEvent::Done {
            operation,
            revision: Some(Revision(50)),
        },
        |operation| StoreEvent::Conflict {
            operation,
            current: Some((Revision(50), record_of_another())),
        },
    ];
    for report in reports {
        let mut world = World::new();
        world.register("x");
        world.deregister("x");
        world.blocked = Some(Vec::new());
        world.register("x");
        let blocked = world.blocked.as_mut().unwrap();
        let (change, _) = blocked.pop().unwrap();
        world.report(StoreEvent::Changed {
            table: Table::Names,
            key: String::from("x"),
            revision: Revision(51),
            value: None,
        });
        assert!(world.state.names.get(&name("x")).is_none());
        world.report(report(change));
        assert!(world.state.names.get(&name("x")).is_none());
    }
}

/// A record can be known to the store's conflicts before it is reported.
#[test]
fn a_conflict_that_does_not_tell_what_to_do_otherwise_is_met_again_later() {
    let mut world = World::new();
    world.blocked = Some(Vec::new());
    world.register("x");
    let taken = |world: &mut World| core::mem::take(world.blocked.as_mut().unwrap());
    let [(operation, ref creation)] = taken(&mut world)[..] else {
        panic!("the name is created by one operation");
    };
    let current = Some((Revision(50), record_of_another()));
    let conflict = StoreEvent::Conflict { operation, current };
    world.report(conflict.clone());
    assert!(taken(&mut world).is_empty(), "it would go on without end");
    world.pass(Duration::from_secs(1));
    assert_eq!(taken(&mut world), [(operation, creation.clone())]);
    world.report(conflict);
    world.report(StoreEvent::Changed {
        table: Table::Names,
        key: String::from("x"),
        revision: Revision(50),
        value: Some(record_of_another()),
    });
    let is_refused = |frame: &ChatFrame| matches!(frame, ChatFrame::Refused { .. });
    assert!(world.hear("x").iter().any(is_refused));
}

fn record_of_another() -> Vec<u8> {
    encode(&NameRecord {
        name: name("x"),
        key: PublicKey([9; 32]),
        instance: InstanceId([9; 16]),
        first_instance: InstanceId([9; 16]),
        ephemeral: false,
        address: None,
        banned: false,
    })
}
