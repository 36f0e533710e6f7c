//! Who is there.

use super::world::{World, name, peer, user};
use crate::{
    link::PeerId,
    server::Event,
    time::Duration,
    wire::{ChatFrame, Presence},
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
