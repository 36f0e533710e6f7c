//! Going online, taking over, leaving.

use alloc::vec::Vec;

use super::world::{World, message, name, peer, user};
use crate::{
    conversation::Conversation,
    link::PeerId,
    server::{Command, Event},
    time::Duration,
    wire::{Address, ChatFrame, Refusal},
};

fn answers(frames: Vec<ChatFrame>) -> Vec<ChatFrame> {
    let is_answer = |frame: &ChatFrame| {
        matches!(
            frame,
            ChatFrame::Registered { .. }
                | ChatFrame::Refused { .. }
                | ChatFrame::Completed { .. }
                | ChatFrame::Superseded { .. }
                | ChatFrame::NotRegistered { .. }
        )
    };
    frames.into_iter().filter(is_answer).collect()
}

fn is_returning(frames: &[ChatFrame]) -> Option<bool> {
    frames.iter().find_map(|frame| match frame {
        ChatFrame::Registered { returning, .. } => Some(*returning),
        _ => None,
    })
}

#[test]
fn a_name_is_new_once_and_then_returns() {
    let mut world = World::new();
    world.register("x");
    assert_eq!(is_returning(&world.hear("x")), Some(false));
    world.deregister("x");
    let mut world = world.restart();
    world.register("x");
    assert_eq!(is_returning(&world.hear("x")), Some(true));
    assert_eq!(world.shown(), [Event::Registered { name: name("x") }]);
}

#[test]
fn a_repeated_registration_is_answered_again_and_shown_once() {
    let mut world = World::new();
    let register = world.register_frame("x", false);
    world.say(1, "x", &register);
    world.say(1, "x", &register);
    let frames = world.hear_at(1);
    assert_eq!(answers(frames.clone()).len(), 2);
    assert_eq!(is_returning(&frames[1..]), Some(false));
    assert_eq!(world.shown(), [Event::Registered { name: name("x") }]);
}

#[test]
fn who_registers_again_while_catching_up_is_not_told_that_it_has() {
    let mut world = World::with(crate::config::ServerConfig {
        max_unaccepted: 2,
        ..Default::default()
    });
    world.register("x");
    world.register("y");
    world.deregister("y");
    for number in 0..5 {
        world.submit("x", number, &user("y"), "hello");
    }
    world.hear("y");
    let frame = world.register_frame("y", false);
    let has_caught_up = |frames: &[ChatFrame]| frames.contains(&ChatFrame::CaughtUp {});
    for _ in 0..2 {
        world.say(peer("y"), "y", &frame);
        assert!(!has_caught_up(&world.hear("y")));
    }
    for number in 0..5 {
        let ids = crate::wire::List::new(alloc::vec![message(number)]);
        world.say(peer("y"), "y", &ChatFrame::Accepted { ids });
    }
    assert!(has_caught_up(&world.hear("y")));
    world.say(peer("y"), "y", &frame);
    assert!(has_caught_up(&world.hear("y")), "it may have missed that");
}

#[test]
fn a_name_belongs_to_the_first_key_that_registers_it() {
    let mut world = World::new();
    world.register("x");
    let register = world.register_frame("X", false);
    world.say(9, "y", &register);
    let frames = answers(world.hear_at(9));
    let reason = Refusal::NameTaken;
    assert!(matches!(&frames[..], [ChatFrame::Refused { reason: why, .. }] if *why == reason));
}

#[test]
fn an_answer_waits_until_the_record_is_durable() {
    let mut world = World::new();
    world.blocked = Some(Vec::new());
    world.register("x");
    assert_eq!(world.hear("x"), []);
    world.unblock();
    assert_eq!(is_returning(&world.hear("x")), Some(false));
}

#[test]
fn a_login_elsewhere_supersedes_the_old_instance_which_cannot_resume() {
    let mut world = World::new();
    let first = world.register_frame("x", false);
    world.say(1, "x", &first);
    world.register_at(2, "x");
    assert_eq!(is_returning(&world.hear_at(2)), Some(true));
    let told = answers(world.hear_at(1));
    assert!(matches!(told.last(), Some(ChatFrame::Superseded {})));
    assert_eq!(world.shown().len(), 2, "registered twice, never offline");

    let ChatFrame::Register {
        request,
        name: owner,
        instance,
        ephemeral,
        table,
        positions,
        ..
    } = first
    else {
        unreachable!()
    };
    let resume = ChatFrame::Register {
        request,
        name: owner,
        instance,
        resume: true,
        ephemeral,
        table,
        positions,
    };
    world.say(3, "x", &resume);
    let frames = answers(world.hear_at(3));
    let reason = Refusal::Superseded;
    assert!(matches!(&frames[..], [ChatFrame::Refused { reason: why, .. }] if *why == reason));
    world.pass(Duration::from_secs(2));
    assert_eq!(world.closed, [1]);
}

#[test]
fn a_session_that_is_over_is_closed_when_its_client_has_the_last_answer() {
    let mut world = World::new();
    let peer = world.register("x");
    world.ask("x", |request| ChatFrame::Deregister { request });
    world.slow.insert(peer);
    world.pass(Duration::from_secs(20));
    assert!(world.closed.is_empty());
    world.slow.remove(&peer);
    world.pass(Duration::from_secs(2));
    assert_eq!(world.closed, [peer]);
}

#[test]
fn a_session_that_is_over_is_closed_when_its_client_is_silent() {
    let mut world = World::new();
    let peer = world.register("x");
    world.ask("x", |request| ChatFrame::Deregister { request });
    world.dead.insert(peer);
    world.pass(Duration::from_secs(10));
    assert_eq!(world.closed, [peer]);
}

#[test]
fn the_same_instance_on_another_peer_goes_on_without_a_word() {
    let mut world = World::new();
    let register = world.register_frame("x", false);
    world.say(1, "x", &register);
    world.hear_at(1);
    world.say(2, "x", &register);
    assert_eq!(is_returning(&world.hear_at(2)), Some(false));
    assert_eq!(world.hear_at(1), []);
    assert_eq!(world.closed, [1]);
}

#[test]
fn whoever_is_not_registered_is_told_so_but_not_without_end() {
    let mut world = World::new();
    for _ in 0..5 {
        world.ask("x", |request| ChatFrame::ListGroups {
            request,
            after: None,
        });
    }
    assert_eq!(world.hear("x"), [ChatFrame::NotRegistered {}]);
    world.pass(Duration::from_secs(1));
    world.ask("x", |request| ChatFrame::ListGroups {
        request,
        after: None,
    });
    assert_eq!(world.hear("x"), [ChatFrame::NotRegistered {}]);
}

#[test]
fn whoever_was_told_so_begins_anew_before_anything_is_taken() {
    let mut world = World::new();
    let peer = world.register("x");
    world.operate(Command::Kick { name: name("x") });
    world.submit("x", 1, &Conversation::Channel, "dropped");
    world.register("x");
    assert_eq!(world.closed, [peer]);
    world.submit("x", 2, &Conversation::Channel, "must not come first");
    assert_eq!(world.state.counters.messages_stored, 0);
}

#[test]
fn a_deregistration_is_answered_each_time_and_shown_once() {
    let mut world = World::new();
    world.register("x");
    world.hear("x");
    let leave = ChatFrame::Deregister { request: 7 };
    world.say(peer("x"), "x", &leave);
    world.say(peer("x"), "x", &leave);
    let done = ChatFrame::Completed { request: 7 };
    assert_eq!(answers(world.hear("x")), [done.clone(), done]);
    let events = [
        Event::Registered { name: name("x") },
        Event::Offline { name: name("x") },
    ];
    assert_eq!(world.shown(), events);
}

#[test]
fn an_ephemeral_name_is_free_when_its_owner_leaves() {
    let mut world = World::new();
    let mut register = world.register_frame("x", false);
    if let ChatFrame::Register { ephemeral, .. } = &mut register {
        *ephemeral = true;
    }
    world.say(peer("x"), "x", &register);
    world.create_and_join("g", &["x"]);
    world.deregister("x");
    assert_eq!(world.state.names.len(), 0);
    let mut world = world.restart();
    let register = world.register_frame("x", false);
    world.say(9, "y", &register);
    assert_eq!(is_returning(&world.hear_at(9)), Some(false));
    assert_eq!(world.state.members.group_of(&name("x")), None);
}

#[test]
fn an_ephemeral_name_whose_owner_was_lost_is_kept_for_a_while() {
    let mut world = World::new();
    let mut register = world.register_frame("x", false);
    if let ChatFrame::Register { ephemeral, .. } = &mut register {
        *ephemeral = true;
    }
    world.say(peer("x"), "x", &register);
    world.dead.insert(peer("x"));
    world.pass(Duration::from_secs(60));
    assert_eq!(world.state.names.len(), 1);
    world.pass(Duration::from_secs(600));
    assert_eq!(world.state.names.len(), 0);
}

#[test]
fn who_comes_back_otherwise_is_kept_as_it_comes_back() {
    let mut world = World::new();
    world.register("x");
    world.deregister("x");
    let address = ([10, 0, 0, 1], 5_000).into();
    let now = world.now();
    world.register("x");
    world.state.handle_moved(now, PeerId(peer("x")), address);
    world.pass(Duration::from_secs(1));
    let record = |world: &World| world.state.names.get(&name("x")).unwrap().record.clone();
    assert_eq!(record(&world).address, Some(Address(address)));
    let mut again = world.register_frame("x", false);
    if let ChatFrame::Register { ephemeral, .. } = &mut again {
        *ephemeral = true;
    }
    // It says so in another session, from the address of before.
    world.say(77, "x", &again);
    assert!(record(&world).ephemeral);
    assert_ne!(record(&world).address, Some(Address(address)));
}
