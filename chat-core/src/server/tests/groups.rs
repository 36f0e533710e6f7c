//! Groups and the channel.

use alloc::{vec, vec::Vec};

use super::world::{World, group, message, name, peer, user};
use crate::{
    conversation::Conversation,
    server::{Event, item::encode},
    store::Position,
    time::Duration,
    wire::{ChatFrame, List, ReadPosition, Refusal, Rejection},
};

fn refusal(frames: &[ChatFrame]) -> Option<Refusal> {
    frames.iter().find_map(|frame| match frame {
        ChatFrame::Refused { reason, .. } => Some(*reason),
        _ => None,
    })
}

fn has_accepted(frames: &[ChatFrame], number: u8) -> bool {
    let ids = List::new(vec![message(number)]);
    frames.contains(&ChatFrame::Accepted { ids })
}

#[test]
fn a_post_reaches_the_members_who_are_there_at_once_and_the_absent_later() {
    let mut world = World::new();
    for owner in ["x", "y", "z", "a"] {
        world.register(owner);
    }
    world.create_and_join("g", &["x", "y", "z", "a"]);
    world.deregister("a");
    world.hear("x");
    world.submit("x", 1, &group("g"), "hello");
    assert!(has_accepted(&world.hear("x"), 1));
    assert_eq!(world.accept("y"), ["live post x: hello"]);
    assert_eq!(world.accept("z"), ["live post x: hello"]);
    world.ask("y", |request| ChatFrame::LeaveGroup {
        request,
        group: name("g"),
    });
    world.submit("y", 2, &user("a"), "bye");
    world.register("a");
    assert_eq!(world.accept("a"), ["post x: hello", "mail y: bye"]);
    assert_eq!(world.accept("x"), ["live receipt 1 by a"]);
    assert_eq!(world.accept("y"), ["live receipt 2 by a"]);
    assert_eq!(world.state.members.group_of(&name("a")), Some(&name("g")));
}

#[test]
fn who_asks_to_join_two_groups_at_once_is_in_the_first() {
    let mut world = World::new();
    world.register("x");
    world.register("y");
    world.create_and_join("g", &["x"]);
    world.ask("x", |request| ChatFrame::CreateGroup {
        request,
        group: name("h"),
    });
    let join = |request, group| {
        let group = name(group);
        encode(&ChatFrame::JoinGroup { request, group })
    };
    let both = [join(7, "g"), join(8, "h")].concat();
    world.say_bytes(peer("y"), "y", &both);
    assert_eq!(refusal(&world.hear("y")), Some(Refusal::AlreadyInGroup));
    world.submit("x", 1, &group("g"), "hello");
    assert_eq!(world.accept("y"), ["live post x: hello"]);
}

#[test]
fn who_joins_gets_what_is_sent_from_then_on_and_who_left_gets_nothing() {
    let mut world = World::new();
    world.register("x");
    world.register("y");
    world.create_and_join("g", &["x"]);
    world.submit("x", 1, &group("g"), "before");
    world.create_and_join("g", &["y"]);
    world.submit("x", 2, &group("g"), "between");
    assert_eq!(world.accept("y"), ["live post x: between"]);
    world.ask("y", |request| ChatFrame::LeaveGroup {
        request,
        group: name("g"),
    });
    world.submit("x", 3, &group("g"), "after");
    world.deregister("y");
    world.register("y");
    assert!(world.accept("y").is_empty());
}

#[test]
fn who_leaves_while_catching_up_still_gets_what_was_sent_before() {
    let mut world = World::with(crate::config::ServerConfig {
        max_unaccepted: 2,
        ..Default::default()
    });
    world.register("x");
    world.register("y");
    world.create_and_join("g", &["x", "y"]);
    world.deregister("y");
    for number in 1..6 {
        world.submit("x", number, &group("g"), "before");
    }
    world.register("y");
    world.ask("y", |request| ChatFrame::LeaveGroup {
        request,
        group: name("g"),
    });
    world.submit("x", 6, &group("g"), "after");
    assert_eq!(world.accept("y").len(), 5);
    let log = crate::store::Log::Group(name("g"));
    let readers = world.state.attachments.see_head(&log, Position(6));
    assert_eq!(readers.len(), 1, "only one reads on");
    world.ask("y", |request| ChatFrame::JoinGroup {
        request,
        group: name("g"),
    });
    world.submit("x", 7, &group("g"), "again");
    assert_eq!(world.accept("y"), ["live post x: again"]);
}

#[test]
fn groups_and_members_and_cursors_survive_a_restart() {
    let mut world = World::new();
    world.register("x");
    world.register("y");
    world.create_and_join("g", &["x", "y"]);
    world.submit("x", 1, &group("g"), "one");
    world.accept("y");
    world.deregister("y");
    world.submit("x", 2, &group("g"), "two");
    let mut world = world.restart();
    world.register("y");
    let frames = world.hear("y");
    let group_of = frames.iter().find_map(|frame| match frame {
        ChatFrame::Registered { group, .. } => Some(group.clone()),
        _ => None,
    });
    assert_eq!(group_of, Some(Some(name("g"))));
    let lines: Vec<_> = frames.iter().filter_map(super::world::line).collect();
    assert_eq!(lines, ["post x: two"]);
}

#[test]
fn a_client_knows_better_than_a_server_that_was_killed_how_far_it_has_read() {
    let mut world = World::new();
    world.register("x");
    world.register("y");
    for number in 1..4 {
        world.submit("x", number, &Conversation::Channel, "hello");
    }
    assert_eq!(world.accept("y").len(), 3);
    let mut world = world.restart();
    let log = Conversation::Channel;
    world.register_from("y", vec![ReadPosition { log, position: 2 }]);
    assert_eq!(world.accept("y"), ["post x: hello"]);
    let mut world = world.restart();
    let log = Conversation::Channel;
    let position = u64::MAX;
    world.register_from("y", vec![ReadPosition { log, position }]);
    assert_eq!(
        world.accept("y").len(),
        3,
        "a position past the end is no position"
    );
}

#[test]
fn cursors_are_written_after_a_while_and_on_stop() {
    let mut world = World::new();
    world.register("x");
    world.register("y");
    world.submit("x", 1, &Conversation::Channel, "one");
    world.accept("y");
    world.pass(Duration::from_secs(11));
    world.submit("x", 2, &Conversation::Channel, "two");
    world.accept("y");
    let now = world.now();
    world.state.stop(now);
    world.settle();
    assert_eq!(world.shown().last(), Some(&Event::Stopped));
    let mut world = world.restart();
    world.register("y");
    assert!(world.accept("y").is_empty());
}

#[test]
fn requests_about_groups_are_answered_alike_when_they_are_repeated() {
    let mut world = World::new();
    world.register("x");
    let requests = [
        ChatFrame::CreateGroup {
            request: 90,
            group: name("g"),
        },
        ChatFrame::JoinGroup {
            request: 91,
            group: name("g"),
        },
        ChatFrame::LeaveGroup {
            request: 92,
            group: name("g"),
        },
    ];
    for (frame, request) in requests.iter().zip(90..) {
        world.hear("x");
        world.say(peer("x"), "x", frame);
        world.say(peer("x"), "x", frame);
        let done = ChatFrame::Completed { request };
        assert_eq!(world.hear("x"), [done.clone(), done]);
    }
    let events = world.shown();
    assert_eq!(events.len(), 4, "{events:?}");
}

#[test]
fn what_is_wrong_is_refused() {
    let mut world = World::new();
    world.register("x");
    world.register("y");
    world.create_and_join("g", &["x"]);
    world.create_and_join("h", &["y"]);
    let mut refused = |owner: &str, make: fn(u64) -> ChatFrame| {
        world.hear(owner);
        world.ask(owner, make);
        refusal(&world.hear(owner))
    };
    let create = |request| ChatFrame::CreateGroup {
        request,
        group: name("G"),
    };
    assert_eq!(refused("y", create), Some(Refusal::GroupExists));
    let join = |request| ChatFrame::JoinGroup {
        request,
        group: name("h"),
    };
    assert_eq!(refused("x", join), Some(Refusal::AlreadyInGroup));
    let join = |request| ChatFrame::JoinGroup {
        request,
        group: name("none"),
    };
    assert_eq!(refused("x", join), Some(Refusal::NoSuchGroup));
    let list = |request| ChatFrame::ListMembers {
        request,
        group: name("h"),
        after: None,
    };
    assert_eq!(refused("x", list), Some(Refusal::NotAMember));
    let list = |request| ChatFrame::ListMembers {
        request,
        group: name("none"),
        after: None,
    };
    assert_eq!(refused("x", list), Some(Refusal::NoSuchGroup));
    let leave = |request| ChatFrame::LeaveGroup {
        request,
        group: name("none"),
    };
    assert_eq!(refused("x", leave), Some(Refusal::NoSuchGroup));
    world.submit("x", 1, &group("h"), "hello");
    let reason = Rejection::NotAMember;
    let id = message(1);
    assert_eq!(world.hear("x"), [ChatFrame::Rejected { id, reason }]);
}

#[test]
fn a_full_log_loses_its_oldest_entries_and_readers_are_told_how_many() {
    let mut world = with_a_full_channel();
    assert!(has_accepted(&world.hear("x"), 40));
    world.register("y");
    let frames = world.hear("y");
    assert_eq!(gone(&frames), Some(24));
    let lines = frames.iter().filter_map(super::world::line);
    assert_eq!(lines.count(), 16);
}

#[test]
fn who_did_not_hear_how_many_entries_are_gone_is_told_again() {
    let mut world = with_a_full_channel();
    world.register("y");
    assert_eq!(gone(&world.hear("y")), Some(24));
    // It dies before it has accepted anything, and begins anew.
    world.register_at(77, "y");
    assert_eq!(gone(&world.hear_at(77)), Some(24));
}

/// While y was away, x has written more to everyone than the log holds: of forty, sixteen are left.
fn with_a_full_channel() -> World {
    let mut world = World::with(crate::config::ServerConfig {
        max_group_log: 16,
        ..Default::default()
    });
    world.register("x");
    world.register("y");
    world.deregister("y");
    for number in 1..=40 {
        world.submit("x", number, &Conversation::Channel, "hello");
    }
    world
}

/// How many entries a client is told to be gone.
fn gone(frames: &[ChatFrame]) -> Option<u64> {
    frames.iter().find_map(|frame| match frame {
        ChatFrame::Gone { count, .. } => Some(*count),
        _ => None,
    })
}

#[test]
fn a_member_who_does_not_accept_is_checked_and_gets_its_copy_later() {
    let mut world = World::new();
    world.register("x");
    world.register("y");
    world.create_and_join("g", &["x", "y"]);
    world.hear("x");
    world.shown();
    world.dead.insert(peer("y"));
    world.submit("x", 1, &group("g"), "hello");
    assert!(has_accepted(&world.hear("x"), 1), "never waits for members");
    world.pass(Duration::from_millis(501));
    assert_eq!(
        world.shown().last(),
        Some(&Event::Offline { name: name("y") })
    );
    world.hear("y");
    world.dead.clear();
    world.register("y");
    assert_eq!(world.accept("y"), ["post x: hello"]);
    assert_eq!(world.accept("x"), ["live receipt 1 by y"]);
}

#[test]
fn nobody_gets_its_own_posts_nor_receipts_for_the_channel() {
    let mut world = World::new();
    for owner in ["x", "y", "z"] {
        world.register(owner);
    }
    world.deregister("z");
    world.submit("x", 1, &Conversation::Channel, "hello");
    assert_eq!(world.accept("y"), ["live post x: hello"]);
    world.register("z");
    assert_eq!(world.accept("z"), ["post x: hello"]);
    assert!(world.accept("x").is_empty());
    let log = crate::store::Log::Channel;
    let reached = world.state.members.get(&log, &name("x")).unwrap().reached;
    assert_eq!(reached, Position(1));
}

#[test]
fn what_arrives_while_catching_up_follows_live_after_all_of_it_is_accepted() {
    let mut world = World::new();
    world.register("x");
    world.register("y");
    world.deregister("y");
    world.submit("x", 1, &user("y"), "kept");
    world.submit("x", 2, &Conversation::Channel, "kept too");
    world.register("y");
    world.submit("x", 3, &user("y"), "new");
    world.submit("x", 4, &Conversation::Channel, "new too");
    let mut lines = world.accept("y");
    lines[2..].sort();
    let expected = [
        "mail x: kept",
        "post x: kept too",
        "live mail x: new",
        "live post x: new too",
    ];
    assert_eq!(lines, expected);
}
