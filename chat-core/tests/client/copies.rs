//! A conversation that needs the server goes on directly while the server does not answer.

use crate::world::{SERVER, World, send, shows};

/// The server is gone, x and y have not reached each other in time, and x has been told of both.
fn after_a_late_ack() -> World {
    let mut world = World::with_clients(&["x", "y"]);
    world.kill(SERVER);
    world.separate("x", "y");
    world.command("x", send("y", "one"));
    world.run(3_500);
    let lines = world.lines("x");
    let told = [
        "[No ACK from y, message sent to server.]",
        "[Server not responding.]",
        "[Message to y kept until the server is back.]",
    ];
    assert!(told.iter().all(|line| lines.contains(&(*line).into())));
    world
}

#[test]
fn an_ack_that_is_late_does_not_end_a_conversation_without_a_server() {
    let mut world = after_a_late_ack();
    world.join();
    world.run(3_000);
    assert_eq!(world.lines("x"), shows(&["[Message received by y.]"]));
    assert_eq!(world.lines("y"), shows(&["x: one"]));
    world.command("x", send("y", "two"));
    world.run(50);
    assert_eq!(world.lines("x"), shows(&["[Message received by y.]"]));
    assert_eq!(world.lines("y"), shows(&["x: two"]));
}

#[test]
fn what_is_written_meanwhile_follows_in_order() {
    let mut world = after_a_late_ack();
    for text in ["two", "three"] {
        world.command("x", send("y", text));
    }
    world.run(5_000);
    world.join();
    world.run(3_000);
    assert_eq!(messages(&mut world), ["x: one", "x: two", "x: three"]);
    world.start(SERVER);
    world.run(15_000);
    assert_eq!(world.client("x").owed(), 0);
    assert!(messages(&mut world).is_empty());
}

#[test]
fn what_the_server_gets_first_is_shown_once_and_in_order() {
    let mut world = after_a_late_ack();
    world.command("x", send("y", "two"));
    world.run(5_000);
    world.start(SERVER);
    // The server is back for both, but they do not reach each other.
    world.run(15_000);
    world.join();
    world.command("x", send("y", "three"));
    world.run(10_000);
    let messages = messages(&mut world);
    assert_eq!(messages.len(), 3, "{messages:?}");
    for (message, text) in messages.iter().zip(["one", "two", "three"]) {
        assert!(message.ends_with(text), "{messages:?}");
    }
}

#[test]
fn a_recipient_that_begins_anew_gets_what_was_under_way() {
    let mut world = after_a_late_ack();
    world.command("x", send("y", "two"));
    world.run(5_000);
    world.kill("y");
    world.start("y");
    world.join();
    world.run(15_000);
    assert_eq!(messages(&mut world), ["x: one", "x: two"]);
}

/// What y has been shown of x.
fn messages(world: &mut World) -> Vec<String> {
    let mut lines = world.lines("y");
    lines.retain(|line| line.contains("x: "));
    lines
}
