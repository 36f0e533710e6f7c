//! What one client may ask for.

use alloc::{string::String, vec::Vec};

use super::world::{World, message, name, peer, user};
use crate::{
    config::ServerConfig,
    conversation::Conversation,
    link::PeerId,
    server::{Event, state::MAX_EVENTS},
    time::Duration,
    wire::{ChatFrame, Refusal},
};

fn answered(frames: &[ChatFrame]) -> usize {
    let is_answer = |frame: &&ChatFrame| matches!(frame, ChatFrame::Names { .. });
    frames.iter().filter(is_answer).count()
}

#[test]
fn a_flood_of_requests_slows_only_the_client_that_makes_it() {
    let mut world = World::with(ServerConfig {
        requests_per_second: 10,
        ..Default::default()
    });
    world.register("x");
    world.register("y");
    let list = |request| ChatFrame::ListGroups {
        request,
        after: None,
    };
    for _ in 0..50 {
        world.ask("x", list);
    }
    world.ask("y", list);
    assert_eq!(answered(&world.hear("y")), 1);
    assert_eq!(answered(&world.hear("x")), 9);
    world.pass(Duration::from_secs(1));
    assert_eq!(answered(&world.hear("x")), 10);
    world.pass(Duration::from_secs(10));
    assert_eq!(answered(&world.hear("x")), 31);
}

#[test]
fn coming_back_gives_no_new_allowance() {
    let mut world = World::with(ServerConfig {
        requests_per_second: 10,
        max_waiting_requests: 8,
        ..Default::default()
    });
    let list = |request| ChatFrame::ListGroups {
        request,
        after: None,
    };
    let mut all = 0;
    for peer in 100..120 {
        world.register_at(peer, "x");
        for request in 0..30 {
            world.say(peer, "x", &list(request));
        }
        assert!(world.closed.contains(&peer));
        all += answered(&world.hear_at(peer));
    }
    assert_eq!(all, 9, "and one registration");
}

#[test]
fn a_message_to_many_counts_as_many_requests() {
    let mut world = World::with(ServerConfig {
        requests_per_second: 10,
        members_per_request: 1,
        ..Default::default()
    });
    for member in ["a", "b", "c", "x"] {
        world.register(member);
    }
    world.pass(Duration::from_secs(1));
    for number in 0..10 {
        world.submit("x", number, &Conversation::Channel, "hello");
    }
    let posts = |lines: Vec<String>| lines.len();
    assert_eq!(posts(world.accept("a")), 2, "each counts as five");
    world.pass(Duration::from_secs(1));
    assert_eq!(posts(world.accept("a")), 2);
    world.pass(Duration::from_secs(10));
    assert_eq!(posts(world.accept("a")), 6);
}

#[test]
fn whoever_lets_too_many_requests_wait_is_cut_off() {
    let mut world = World::with(ServerConfig {
        requests_per_second: 1,
        max_waiting_requests: 8,
        ..Default::default()
    });
    let peer = world.register("x");
    for _ in 0..20 {
        world.ask("x", |request| ChatFrame::ListGroups {
            request,
            after: None,
        });
    }
    assert!(world.closed.contains(&peer));
    assert!(world.state.counters.cut_off > 0);
}

#[test]
fn requests_that_wait_for_the_store_are_bounded() {
    let mut world = World::with(ServerConfig {
        max_requests_in_flight: 4,
        ..Default::default()
    });
    world.register("x");
    world.hear("x");
    world.blocked = Some(Vec::new());
    for number in 0..10 {
        world.submit("x", number, &Conversation::Channel, "hello");
    }
    assert_eq!(world.blocked.as_ref().map(Vec::len), Some(4));
    world.unblock();
    let accepted = |frame: &&ChatFrame| matches!(frame, ChatFrame::Accepted { .. });
    assert_eq!(world.hear("x").iter().filter(accepted).count(), 10);
}

#[test]
fn a_reader_has_at_most_so_many_unaccepted_entries_before_it() {
    let mut world = World::with(ServerConfig {
        max_unaccepted: 5,
        ..Default::default()
    });
    world.register("x");
    world.register("y");
    world.deregister("y");
    for number in 0..200 {
        world.submit("x", number, &user("y"), "hello");
    }
    world.hear("y");
    world.register("y");
    let delivered = |frame: &&ChatFrame| matches!(frame, ChatFrame::Deliver { .. });
    let frames = world.hear("y");
    assert_eq!(frames.iter().filter(delivered).count(), 5);
    assert!(!frames.contains(&ChatFrame::CaughtUp {}));
    let ids = crate::wire::List::new((0..5).map(message).collect());
    world.say(peer("y"), "y", &ChatFrame::Accepted { ids });
    assert_eq!(world.accept("y").len(), 195);
}

#[test]
fn names_that_a_client_watches_past_its_limit_are_counted() {
    let mut world = World::with(ServerConfig {
        max_interests: 2,
        ..Default::default()
    });
    // Itself is the first.
    world.register("x");
    for watched in ["y", "z", "y", "z"] {
        world.ask("x", |request| ChatFrame::LookUp {
            request,
            name: name(watched),
        });
    }
    assert_eq!(world.state.counters.interests_over_limit, 2);
}

#[test]
fn events_that_nobody_takes_are_dropped_past_a_limit_and_counted() {
    let mut world = World::new();
    for _ in 0..MAX_EVENTS + 3 {
        world.state.show(Event::Offline { name: name("x") });
    }
    assert_eq!(world.state.counters.dropped_events, 3);
    world.settle();
    assert_eq!(world.shown().len(), MAX_EVENTS);
}

#[test]
fn bytes_that_are_no_frames_are_counted_and_dropped() {
    let mut world = World::new();
    world.register("x");
    for bytes in [&b"garbage"[..], &[0x82, 0x01], &[0xff; 40], &[]] {
        world.say_bytes(77, "q", bytes);
    }
    assert_eq!(world.state.counters.malformed_messages, 3);
    let direct = ChatFrame::CaughtUp {};
    world.say(77, "q", &direct);
    assert_eq!(world.state.counters.unexpected_frames, 1);
    assert!(world.state.names.get(&name("x")).is_some());
}

#[test]
fn a_frame_of_another_version_is_skipped_and_its_sender_told_once() {
    let mut world = World::new();
    world.register("x");
    world.hear("x");
    for _ in 0..3 {
        world.say_bytes(peer("x"), "x", &[0x83, 0x18, 0x63, 0x61, b'x', 0xf6]);
    }
    assert_eq!(world.hear("x"), [ChatFrame::Unsupported { tag: 99 }]);
    assert_eq!(world.state.counters.unknown_frames, 3);
}

#[test]
fn a_client_that_does_not_take_what_it_is_sent_is_cut_off() {
    let mut world = World::new();
    world.register("x");
    world.shown();
    let now = world.now();
    world.state.handle_queue_full(now, PeerId(peer("x")));
    world.state.handle_queue_full(now, PeerId(peer("y")));
    world.settle();
    assert_eq!(world.closed, [peer("x")]);
    assert_eq!(world.state.counters.cut_off, 1);
    assert_eq!(world.shown(), [Event::Offline { name: name("x") }]);
}

#[test]
fn bytes_that_wait_are_bounded_too() {
    let mut world = World::with(ServerConfig {
        requests_per_second: 1,
        max_waiting_bytes: 10_000,
        ..Default::default()
    });
    let peer = world.register("x");
    let long = "a".repeat(3_000);
    for number in 0..3 {
        world.submit("x", number, &user("x"), &long);
    }
    assert!(world.closed.is_empty());
    world.submit("x", 3, &user("x"), &long);
    assert_eq!(world.closed, [peer]);
}

#[test]
fn groups_and_names_are_bounded() {
    let mut world = World::with(ServerConfig {
        max_names: 2,
        max_groups: 1,
        ..Default::default()
    });
    world.register("x");
    world.register("y");
    world.create_and_join("g", &["x"]);
    world.hear("x");
    world.ask("x", |request| ChatFrame::CreateGroup {
        request,
        group: name("h"),
    });
    let full = |frame: &ChatFrame| {
        let reason = Refusal::Full;
        matches!(frame, ChatFrame::Refused { reason: is, .. } if *is == reason)
    };
    assert!(world.hear("x").iter().any(full));
    world.register("z");
    assert!(world.hear("z").iter().any(full));
    world.register("y");
    assert!(!world.hear("y").iter().any(full), "who has a name keeps it");
}
