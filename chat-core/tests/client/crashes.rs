//! The client is killed at every operation of its store: nothing acked is lost, nothing kept is
//! forgotten, and only the tail is shown again.

use crate::{
    disk::Fault,
    world::{SAVED, SETTLED, World, dereg, send},
};

/// Runs `story` with the client `who` killed after each number of operations, and started again.
fn at_every_crash(who: &str, story: impl Fn(&mut World), check: impl Fn(&mut World, usize)) {
    let mut whole = World::with_clients(&["x", "y"]);
    let before = whole.operations(who);
    story(&mut whole);
    let operations = whole.operations(who) - before;
    assert!(operations > 0);
    for count in 0..operations {
        let mut world = World::with_clients(&["x", "y"]);
        world.lines("x");
        world.lines("y");
        world.kill_after(who, count);
        story(&mut world);
        assert!(!world.is_running(who), "killed after {count} operations");
        world.spare(who);
        world.start(who);
        world.run(5_000);
        check(&mut world, count);
    }
}

fn count(lines: &[String], text: &str) -> usize {
    lines.iter().filter(|line| line.ends_with(text)).count()
}

#[test]
fn a_recipient_that_is_killed_shows_what_it_has_acked() {
    let story = |world: &mut World| {
        world.command("x", send("y", "one"));
        world.run(20);
        world.command("x", send("y", "two"));
        world.run(3_000);
    };
    at_every_crash("y", story, |world, killed| {
        let lines = world.lines("y");
        for text in ["one", "two"] {
            let shown = count(&lines, text);
            assert!((1..=2).contains(&shown), "{killed}: {lines:?}");
        }
    });
}

#[test]
fn a_sender_that_is_killed_sends_what_it_has_kept() {
    let story = |world: &mut World| {
        world.command("y", dereg());
        world.run(SETTLED);
        world.command_if_running("x", send("y", "one"));
        world.run(SETTLED);
    };
    at_every_crash("x", story, |world, killed| {
        world.command("y", crate::world::reg());
        world.run(SETTLED);
        let (sender, reader) = (world.lines("x"), world.lines("y"));
        let shown = count(&reader, "one");
        assert!(shown <= 1, "{killed}: {reader:?}");
        // Only a message that never reached the store of its sender may be missing.
        assert!(shown == 1 || count(&sender, SAVED) == 0, "{killed}");
        assert_eq!(world.client("x").owed(), 0);
    });
}

#[test]
fn a_sender_that_is_killed_remembers_what_its_recipient_has_yet_to_get_from_the_server() {
    for operations in 0..6 {
        let mut world = World::new();
        world.config.max_outbox = 1;
        world.start_all(&["x", "y"]);
        world.separate("x", "y");
        world.set_fault("y", Fault::WritesNothing);
        world.command("x", send("y", "one"));
        world.run(SETTLED);
        world.slow_down("x", 50_000);
        world.kill_after("x", operations);
        world.command("x", send("y", "two"));
        world.run(SETTLED);
        for who in ["x", "y"] {
            world.kill(who);
        }
        world.join();
        world.spare("x");
        world.slow_down("x", 0);
        world.set_fault("y", Fault::None);
        world.lines("y");
        world.start("x");
        // What comes directly comes before what the server has.
        world.run(2);
        world.start("y");
        world.run(SETTLED);
        let mut lines = world.lines("y");
        lines.retain(|line| line.starts_with("y: ") || line.starts_with("x: "));
        let texts = ["x: <ts> one", "x: <ts> two"];
        let is_kept = operations > 0;
        assert_eq!(lines, texts[..1 + usize::from(is_kept)], "{operations}");
    }
}
