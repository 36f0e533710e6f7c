//! Keys: the server's, and those of other users.

use chat_core::client::{Command, Ended, Event};

use crate::world::{SERVER, SETTLED, World, name, send, shows};

#[test]
fn a_server_with_another_key_is_refused() {
    let mut world = World::with_clients(&["x"]);
    world.kill(SERVER);
    world.kill("x");
    world.forget(SERVER);
    world.server_identity = 77;
    world.start(SERVER);
    world.start("x");
    world.events("x");
    world.run(2_000);
    let events = world.events("x");
    let refused = |event: &Event| matches!(event, Event::ServerKeyChanged { .. });
    assert!(events.iter().any(refused), "{events:?}");
    assert_eq!(world.ended("x"), Some(Ended::Refused));
}

#[test]
fn an_idle_client_notices_that_another_server_has_taken_the_place() {
    let mut world = World::with_clients(&["x"]);
    world.kill(SERVER);
    world.forget(SERVER);
    world.server_identity = 77;
    world.start(SERVER);
    world.run(30_000);
    let refused = |event: &Event| matches!(event, Event::ServerKeyChanged { .. });
    assert!(world.events("x").iter().any(refused));
    assert_eq!(world.ended("x"), Some(Ended::Refused));
}

#[test]
fn two_users_see_the_same_number_and_are_warned_when_a_compared_key_changes() {
    let mut world = World::with_clients(&["x", "y"]);
    let verify = |name, compared| Command::Verify { name, compared };
    world.command("x", verify(name("Y"), false));
    world.command("y", verify(name("x"), false));
    world.run(SETTLED);
    let (of_x, of_y) = (world.lines("x"), world.lines("y"));
    assert_eq!(of_x[1], of_y[1]);
    world.command("x", verify(name("z"), true));
    world.command("x", verify(name("y"), true));
    world.run(SETTLED);
    let lines = world.lines("x");
    assert_eq!(lines[0], "[The key of z is not known.]");
    assert_eq!(
        lines[1],
        "[You have verified y. Your safety number with y is:]"
    );
    assert_eq!(lines[2], of_x[1]);
    for who in ["x", "y", SERVER] {
        world.kill(who);
    }
    world.forget(SERVER);
    for who in [SERVER, "y'", "x"] {
        world.start(who);
        world.run(SETTLED);
    }
    world.lines("x");
    world.lines("y'");
    world.command("x", send("y", "secret"));
    world.run(SETTLED);
    let warned = world.lines("x");
    assert!(
        warned[0].contains("you had verified the one before"),
        "{warned:?}"
    );
    assert_eq!(world.lines("y'"), shows(&[]), "nothing is sent");
    // They compare the other key: what has waited goes out.
    world.command("x", verify(name("y"), false));
    world.command("x", verify(name("y"), true));
    world.run(SETTLED);
    let lines = world.lines("x");
    assert_ne!(lines[1], of_x[1]);
    assert_eq!(
        lines[3],
        "[You have verified y. Your safety number with y is:]"
    );
    assert_eq!(world.lines("y'").last().unwrap(), "x: secret");
}

#[test]
fn a_message_to_a_name_with_another_key_waits_for_a_second_send() {
    let mut world = World::with_clients(&["x", "y"]);
    world.kill(SERVER);
    world.kill("y");
    world.kill("x");
    // The server has lost its names, and somebody else has taken this one.
    world.forget(SERVER);
    world.start(SERVER);
    world.start("y'");
    world.run(SETTLED);
    world.start("x");
    world.run(SETTLED);
    world.lines("x");
    world.lines("y'");
    world.command("x", send("y", "secret"));
    world.run(SETTLED);
    let changed = "[The key of y has changed. Check with y; to send anyway, send again.]";
    assert_eq!(world.lines("x"), shows(&[changed]));
    assert_eq!(world.lines("y'"), shows(&[]));
    // Other commands do not wait for it.
    world.command("x", Command::ListGroups);
    world.run(100);
    assert_eq!(
        world.lines("x"),
        shows(&["[No available group right now.]"])
    );
    world.command("x", send("y", "secret"));
    world.run(SETTLED);
    assert_eq!(world.lines("x"), shows(&["[Message received by y.]"]));
    assert_eq!(world.lines("y'"), shows(&["x: secret"]), "once");
}

#[test]
fn a_name_of_somebody_else_is_taken() {
    let mut world = World::with_clients(&["x", "y"]);
    world.start("y'");
    world.run(SETTLED);
    assert_eq!(world.lines("y'"), shows(&["[Name y is taken.]"]));
    assert_eq!(world.ended("y'"), Some(Ended::NameTaken));
}

#[test]
fn what_comes_from_a_name_with_another_key_is_marked() {
    let mut world = World::with_clients(&["x", "y"]);
    for who in [SERVER, "x", "y"] {
        world.kill(who);
    }
    world.forget(SERVER);
    world.start(SERVER);
    world.start("x");
    world.run(SETTLED);
    world.lines("x");
    // The table that tells of the other y does not get to x before the message does.
    world.block(SERVER, "x");
    world.start("y'");
    world.run(SETTLED);
    world.command("y'", send("x", "hello"));
    world.run(100);
    assert_eq!(world.lines("x"), shows(&[]));
    world.join();
    world.run(SETTLED);
    let lines = world.lines("x");
    let hello = lines.iter().find(|line| line.ends_with("hello"));
    assert_eq!(
        hello.map(String::as_str),
        Some("y (unverified): hello"),
        "{lines:?}"
    );
    let lines = world.lines("y'");
    let received = |line: &String| line == "[Message received by x.]";
    assert_eq!(lines.iter().filter(|line| received(line)).count(), 1);
    assert!(
        !lines.iter().any(|line| line.contains("No ACK")),
        "{lines:?}"
    );
}
