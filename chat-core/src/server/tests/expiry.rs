//! The search for what is too old.

use alloc::vec::Vec;

use super::world::{World, name};
use crate::{config::ServerConfig, store::Log, time::Duration};

/// Three users and two groups, with the channel six logs, each searched sixteen times in 96 seconds.
fn world() -> World {
    let mut world = World::with(ServerConfig {
        expiry: Duration::from_secs(96),
        ..Default::default()
    });
    for user in ["x", "y", "z"] {
        world.register(user);
    }
    world.create_and_join("g", &["x"]);
    world.create_and_join("h", &["y"]);
    world
}

#[test]
fn every_log_is_searched_in_its_turn() {
    let mut world = world();
    world.state.expiry_round = None;
    let mut searched = Vec::new();
    for _ in 0..7 {
        let now = world.now();
        world.state.expire_next(now);
        world.settle();
        searched.extend(world.state.expiry_round.clone());
    }
    let mailbox = |user| Log::Mailbox(name(user));
    let group = |group| Log::Group(name(group));
    let expected = [
        mailbox("x"),
        mailbox("y"),
        mailbox("z"),
        group("g"),
        group("h"),
        Log::Channel,
        mailbox("x"),
    ];
    assert_eq!(searched, expected);
}

#[test]
fn all_logs_are_searched_sixteen_times_before_anything_can_be_too_old() {
    let mut world = world();
    let now = world.now();
    world.state.expire_next(now);
    let first = world.state.expiry_round.clone();
    world.pass(Duration::from_millis(999));
    assert_eq!(world.state.expiry_round, first);
    world.pass(Duration::from_millis(2));
    assert_ne!(world.state.expiry_round, first);
}
