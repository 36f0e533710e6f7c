//! Who is there.

use super::world::{World, name, peer, user};
use crate::{
    link::PeerId,
    server::Event,
    time::Duration,
    wire::{Address, ChatFrame, Presence},
};

fn presence(world: &World, owner: &str) -> Presence {
    world.state.names.get(&name(owner)).unwrap().presence
}

#[test]
fn a_client_that_has_gone_silent_is_noticed_within_thirty_seconds() {
    let mut world = World::new();
    world.register("x");
    world.pass(Duration::from_secs(100));
    assert_eq!(presence(&world, "x"), Presence::Online);
    world.shown();
    world.dead.insert(peer("x"));
    world.pass(Duration::from_secs(30));
    assert_eq!(presence(&world, "x"), Presence::Offline);
    assert_eq!(world.shown(), [Event::Offline { name: name("x") }]);
    assert_eq!(world.closed, [peer("x")], "if it is alive, it notices");
}

#[test]
fn after_a_start_presence_is_unknown_for_a_while() {
    let mut world = World::new();
    world.register("x");
    world.register("y");
    let mut world = world.restart();
    assert_eq!(presence(&world, "x"), Presence::Unknown);
    world.register("y");
    assert_eq!(presence(&world, "y"), Presence::Online);
    world.submit("y", 1, &user("x"), "hello");
    let saved = |frame: &ChatFrame| matches!(frame, ChatFrame::Saved { .. });
    assert!(world.hear("y").iter().any(saved));
    world.pass(Duration::from_secs(31));
    assert_eq!(presence(&world, "x"), Presence::Offline);
    assert_eq!(presence(&world, "y"), Presence::Online);
}

#[test]
fn a_client_that_says_goodbye_is_offline() {
    let mut world = World::new();
    world.register("x");
    world.shown();
    let now = world.now();
    world.state.handle_closed(now, PeerId(peer("x")));
    world.settle();
    assert_eq!(world.shown(), [Event::Offline { name: name("x") }]);
    assert!(world.closed.is_empty());
}

#[test]
fn a_client_that_moves_is_announced_at_its_address() {
    let mut world = World::new();
    world.register("x");
    world.register("y");
    world.pass(Duration::from_secs(1));
    world.hear("y");
    let address = ([10, 0, 0, 1], 5_000).into();
    for moved in ["x", "x", "z"] {
        let now = world.now();
        world.state.handle_moved(now, PeerId(peer(moved)), address);
        world.pass(Duration::from_secs(1));
    }
    let frames = world.hear("y");
    let [ChatFrame::TableChanges { entries, .. }] = &frames[..] else {
        panic!("told once: {frames:?}");
    };
    let entries: alloc::vec::Vec<_> = entries.iter().collect();
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0].name, name("x"));
    assert_eq!(entries[0].address, Some(Address(address)));
    assert_eq!(entries[0].presence, Presence::Online);
}
