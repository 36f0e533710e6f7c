//! Many messages at once, and a recipient that needs its time for them.

use chat_core::client::{Command, Ended};

use crate::world::{World, send, shows};

const RECEIVED: &str = "[Message received by y.]";
const NO_ACK: &str = "[No ACK from y, message sent to server.]";
const EXISTS: &str = "[Client y exists!!]";
const MESSAGES: usize = 300;

fn burst(world: &mut World) {
    for number in 0..MESSAGES {
        world.command("x", send("y", &number.to_string()));
    }
    world.command("x", Command::Finish);
}

fn count(lines: &[String], line: &str) -> usize {
    lines.iter().filter(|is| *is == line).count()
}

fn numbers() -> Vec<String> {
    (0..MESSAGES).map(|number| format!("x: {number}")).collect()
}

#[test]
fn who_works_through_many_messages_is_not_silent() {
    let mut world = World::with_clients(&["x", "y"]);
    world.slow_down("y", 10_000);
    burst(&mut world);
    world.run(20_000);
    let mut lines = world.lines("x");
    assert_eq!(lines.pop(), Some("[You are Offline. Bye.]".into()));
    assert_eq!(lines, vec![RECEIVED; MESSAGES]);
    assert_eq!(world.ended("x"), Some(Ended::Normally));
    assert_eq!(world.lines("y"), numbers());
}

#[test]
fn who_falls_silent_in_the_middle_has_half_a_second() {
    let mut world = World::with_clients(&["x", "y"]);
    world.slow_down("y", 10_000);
    burst(&mut world);
    world.run(1_000);
    let received = count(&world.lines("x"), RECEIVED);
    assert!(received > 10);
    world.kill("y");
    world.run(480);
    assert_eq!(count(&world.lines("x"), NO_ACK), 0);
    world.run(40);
    assert!(count(&world.lines("x"), NO_ACK) > 0);
    world.run(5_000);
    let saved = count(&world.lines("x"), crate::world::SAVED);
    assert_eq!(received + saved, MESSAGES);
    assert_eq!(world.ended("x"), Some(Ended::Normally));
}

#[test]
fn what_the_server_delivers_live_is_received_before_the_end() {
    let mut world = World::with_clients(&["x", "y"]);
    world.separate("x", "y");
    world.slow_down("y", 5_000);
    burst(&mut world);
    world.run(20_000);
    let lines = world.lines("x");
    assert_eq!(count(&lines, EXISTS), MESSAGES);
    assert_eq!(count(&lines, RECEIVED), MESSAGES);
    let last = lines.last().map(String::as_str);
    assert_eq!(last, Some("[You are Offline. Bye.]"));
    assert_eq!(world.ended("x"), Some(Ended::Normally));
    assert_eq!(world.lines("y"), numbers());
}

#[test]
fn a_receipt_that_does_not_come_is_not_waited_for_for_ever() {
    let mut world = World::with_clients(&["x", "y"]);
    world.separate("x", "y");
    world.slow_down("y", 3_000_000);
    world.command("x", send("y", "hello"));
    world.command("x", Command::Finish);
    world.run(3_400);
    assert_eq!(world.ended("x"), Some(Ended::Normally));
    assert_eq!(
        world.lines("x"),
        shows(&[NO_ACK, EXISTS, "[You are Offline. Bye.]"])
    );
}
