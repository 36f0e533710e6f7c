//! The server is killed after every number of operations that the store has done.

use alloc::{string::String, vec::Vec};

use super::world::{World, group, user};
use crate::{
    conversation::Conversation,
    store::{MemoryStore, StoreEvent},
    wire::ChatFrame,
};

/// Runs `act` with a store that stops after `operations` more operations. What it did is kept.
fn with_operations(world: &mut World, mut operations: usize, mut act: impl FnMut(&mut World)) {
    world.blocked = Some(Vec::new());
    act(world);
    while operations > 0 {
        let blocked = world.blocked.replace(Vec::new()).unwrap_or_default();
        if blocked.is_empty() {
            break;
        }
        let mut blocked = blocked.into_iter();
        for (id, operation) in blocked.by_ref().take(operations) {
            operations -= 1;
            world.store.handle(id, operation);
        }
        let rest: Vec<_> = blocked.collect();
        world.blocked = Some(rest);
        world.settle();
    }
}

fn is_promise(frame: &ChatFrame) -> bool {
    matches!(
        frame,
        ChatFrame::Saved { .. } | ChatFrame::Accepted { .. } | ChatFrame::Exists { .. }
    )
}

fn prepared() -> World {
    let mut world = World::new();
    for owner in ["x", "y"] {
        world.register(owner);
    }
    world.create_and_join("g", &["x", "y"]);
    world.deregister("y");
    world.hear("x");
    world
}

fn lines_without_live(lines: Vec<String>) -> Vec<String> {
    let bare = |line: String| line.trim_start_matches("live ").into();
    lines.into_iter().map(bare).collect()
}

#[test]
fn what_was_promised_before_a_crash_is_delivered_after_it() {
    for operations in 0..6 {
        let mut world = prepared();
        with_operations(&mut world, operations, |world| {
            world.submit("x", 1, &user("y"), "mail");
            world.submit("x", 2, &group("g"), "post");
            world.submit("x", 3, &Conversation::Channel, "channel");
        });
        let promised = world
            .hear("x")
            .iter()
            .filter(|frame| is_promise(frame))
            .count();
        let mut world = world.restart();
        world.register("y");
        let delivered = world.accept("y");
        assert!(delivered.len() >= promised, "{operations}: {delivered:?}");
    }
}

#[test]
fn each_receipt_comes_exactly_once_whenever_the_server_is_killed() {
    for operations in 0..12 {
        let mut world = prepared();
        world.submit("x", 1, &user("y"), "mail");
        world.submit("x", 2, &group("g"), "post");
        world.deregister("x");
        world.register("y");
        let mut delivered = Vec::new();
        with_operations(&mut world, operations, |world| {
            delivered.extend(world.accept("y"));
        });
        let mut world = world.restart();
        world.register("y");
        delivered.extend(world.accept("y"));
        world.register("x");
        let mut receipts = lines_without_live(world.accept("x"));
        receipts.sort();
        assert_eq!(
            receipts,
            ["receipt 1 by y", "receipt 2 by y"],
            "{operations}"
        );
        delivered.sort();
        delivered.dedup();
        assert_eq!(delivered, ["mail x: mail", "post x: post"], "{operations}");
    }
}

#[test]
fn a_store_that_repeats_every_completion_changes_nothing() {
    let mut world = prepared();
    world.submit("x", 1, &user("y"), "mail");
    world.blocked = Some(Vec::new());
    world.register("y");
    for _ in 0..100 {
        let blocked = world.blocked.replace(Vec::new()).unwrap_or_default();
        for (id, operation) in blocked {
            world.store.handle(id, operation.clone());
            world.store.handle(id, operation);
        }
        world.settle();
    }
    world.blocked = None;
    assert_eq!(world.accept("y"), ["mail x: mail"]);
    assert_eq!(world.accept("x"), ["live receipt 1 by y"]);
}

#[test]
fn a_server_reads_its_records_whatever_the_order_of_the_tables() {
    let world = prepared();
    let mut store: MemoryStore = world.store.image();
    let mut state = crate::server::state::State::new(world.now(), world.config.clone(), 1);
    let mut operations = Vec::new();
    while let Some(operation) = state.poll_persist() {
        operations.push(operation);
    }
    let mut events: Vec<StoreEvent> = Vec::new();
    for (id, operation) in operations.into_iter().rev() {
        store.handle(id, operation);
        while let Some(event) = store.poll_event() {
            events.push(event);
        }
    }
    for event in events {
        assert!(!state.is_ready());
        state.handle_stored(world.now(), event);
    }
    assert!(state.is_ready());
    assert_eq!(state.names.len(), 2);
    assert_eq!(state.members.groups(), 1);
    assert_eq!(
        state.poll_event(),
        None,
        "what was there before is not shown"
    );
}
