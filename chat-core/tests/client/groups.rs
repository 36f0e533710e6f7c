//! Group mode: what is shown at once, what is held back.

use chat_core::client::{Command, Ended};

use crate::world::{SERVER, SETTLED, World, dereg, name, reg, send, shows};

fn in_group(names: &[&str], members: &[&str]) -> World {
    let mut world = World::with_clients(names);
    let group = || name("g");
    world.command(members[0], Command::CreateGroup { group: group() });
    world.run(SETTLED);
    for member in members {
        world.command(member, Command::JoinGroup { group: group() });
    }
    world.run(SETTLED);
    for name in names {
        world.lines(name);
    }
    world
}

#[test]
fn direct_messages_wait_until_the_group_is_left() {
    let mut world = in_group(&["x", "y"], &["x"]);
    world.command("y", send("x", "one"));
    world.command("y", send("x", "two"));
    world.run(SETTLED);
    let received = "[Message received by x.]";
    assert_eq!(world.lines("y"), shows(&[received, received]));
    assert_eq!(world.lines("x"), shows(&[]));
    assert_eq!(world.client("x").held(), 2);
    world.command("x", Command::LeaveGroup);
    world.run(SETTLED);
    assert_eq!(
        world.lines("x"),
        shows(&["[Leave group chat g.]", "y: one", "y: two"])
    );
    assert_eq!(world.client("x").held(), 0);
}

#[test]
fn direct_messages_that_are_held_back_survive_a_kill() {
    let mut world = in_group(&["x", "y"], &["x"]);
    world.command("y", send("x", "one"));
    world.run(SETTLED);
    world.kill("x");
    world.start("x");
    world.run(SETTLED);
    let back = ["[Welcome back!]", "[You are in group g.]"];
    assert_eq!(world.lines("x"), shows(&back));
    world.command("x", dereg());
    world.run(SETTLED);
    assert_eq!(
        world.lines("x"),
        shows(&["y: one", "[You are Offline. Bye.]"])
    );
    world.command("x", reg());
    world.run(SETTLED);
    assert_eq!(world.lines("x"), shows(&back));
}

#[test]
fn mail_at_registration_is_shown_in_group_mode_too() {
    let mut world = in_group(&["x", "y"], &["x", "y"]);
    world.command("x", dereg());
    world.run(SETTLED);
    world.lines("x");
    world.command(
        "y",
        Command::SendGroup {
            text: "post".into(),
        },
    );
    world.command("y", Command::LeaveGroup);
    world.command("y", send("x", "mail"));
    world.run(SETTLED);
    world.command("x", reg());
    world.run(SETTLED);
    assert_eq!(
        world.lines("x"),
        shows(&[
            "[Welcome back!]",
            "[You are in group g.]",
            "[You have offline messages:]",
            "Group Chat y: <ts> post",
            "y: <ts> mail",
        ])
    );
}

#[test]
fn commands_are_refused_by_mode() {
    let mut world = in_group(&["x", "y"], &["x"]);
    world.command("x", send("y", "no"));
    world.command("x", Command::ListGroups);
    world.command("y", Command::SendGroup { text: "no".into() });
    world.command("y", Command::ListMembers);
    world.run(SETTLED);
    let (first, group) = (
        "[Leave the group first: leave_group]",
        "[You are already in a group.]",
    );
    assert_eq!(world.lines("x"), shows(&[first, group]));
    let outside = "[You are not in a group.]";
    assert_eq!(world.lines("y"), shows(&[outside, outside]));
}

#[test]
fn the_end_of_input_shows_what_was_held_back() {
    let mut world = in_group(&["x", "y"], &["x"]);
    world.command("y", send("x", "one"));
    world.run(SETTLED);
    world.command("x", Command::Finish);
    world.run(SETTLED);
    assert_eq!(
        world.lines("x"),
        shows(&["y: one", "[You are Offline. Bye.]"])
    );
    assert_eq!(world.ended("x"), Some(Ended::Normally));
}

#[test]
fn what_was_said_is_said_before_the_group_is_left() {
    let mut world = in_group(&["x", "y"], &["x", "y"]);
    world.separate("x", "server");
    let text = "a".repeat(60_000);
    world.command("x", Command::SendGroup { text });
    world.command("x", Command::LeaveGroup);
    world.run(1_000);
    world.join();
    world.run(SETTLED + 3_000);
    let lines = world.lines("x");
    let lines: Vec<_> = lines
        .iter()
        .filter(|line| !line.contains("Attempt"))
        .collect();
    assert_eq!(
        lines,
        ["[Message received by Server.]", "[Leave group chat g.]"]
    );
    assert_eq!(world.lines("y").len(), 1);
}

#[test]
fn what_the_server_could_not_be_told_is_said_before_the_group_is_left() {
    let mut world = in_group(&["x", "y"], &["x", "y"]);
    world.separate("x", "server");
    let text = "a".repeat(60_000);
    world.command("x", Command::SendGroup { text });
    world.run(4_000);
    world.command("x", Command::LeaveGroup);
    world.run(100);
    world.join();
    world.run(10_000);
    let lines = world.lines("x");
    let at = |wanted: &str| lines.iter().position(|line| line == wanted);
    let (received, left) = (
        at("[Message received by Server.]"),
        at("[Leave group chat g.]"),
    );
    assert!(received.is_some() && received < left, "{lines:?}");
    assert_eq!(world.lines("y").len(), 1);
}

#[test]
fn a_leave_whose_answer_was_lost_is_answered_when_the_server_is_back() {
    let mut world = in_group(&["x", "y"], &["x", "y"]);
    world.block("server", "x");
    world.command("x", Command::LeaveGroup);
    world.run(100);
    world.kill(SERVER);
    world.join();
    world.start(SERVER);
    world.run(5_000);
    assert_eq!(world.lines("x"), shows(&["[Leave group chat g.]"]));
}

#[test]
fn a_leave_that_the_server_alone_knows_of_is_told_when_it_is_back() {
    let mut world = in_group(&["x", "y"], &["x"]);
    world.command("y", send("x", "one"));
    world.run(SETTLED);
    world.block(SERVER, "x");
    world.command("x", Command::LeaveGroup);
    world.run(30_000);
    let told = world.lines("x");
    assert_eq!(told.last().unwrap(), "[Server not responding.]");
    world.join();
    world.run(60_000);
    assert_eq!(
        world.lines("x"),
        shows(&["[Server is back.]", "[Leave group chat g.]", "y: one"])
    );
}
