//! A client whose store is full, fails for a while, or does not say what has arrived.

use chat_core::{client::Command, store::StoreEvent};

use crate::{
    disk::Fault,
    world::{SERVER, SETTLED, World, dereg, reg, send, shows},
};

#[test]
fn a_message_to_oneself_that_cannot_be_stored_is_refused() {
    for fault in [Fault::TakesNoEntries, Fault::WritesNothing] {
        let mut world = World::with_clients(&["x"]);
        world.set_fault("x", fault);
        world.command("x", send("x", "note"));
        world.run(100);
        let failed = "[Could not be stored on this machine, not sent.]";
        assert_eq!(world.lines("x"), shows(&[failed]));
        assert_eq!(world.client("x").owed(), 0);
        world.set_fault("x", Fault::None);
        world.run(60_000);
        assert_eq!(world.lines("x"), shows(&[]));
    }
}

#[test]
fn what_cannot_be_stored_is_not_accepted() {
    let mut world = World::with_clients(&["x", "y"]);
    world.set_fault("y", Fault::TakesNoEntries);
    world.command("x", send("y", "hello"));
    nothing_is_accepted(&mut world);
    world.set_fault("y", Fault::None);
    world.command("y", dereg());
    world.run(SETTLED);
    world.command("y", reg());
    world.run(3_000);
    let shown = world.lines("y");
    assert_eq!(
        shown.iter().filter(|line| line.contains("hello")).count(),
        1
    );
    let received = |line: &String| line.ends_with("received by y.]");
    assert_eq!(
        world
            .lines("x")
            .iter()
            .filter(|line| received(line))
            .count(),
        1
    );
}

#[test]
fn a_message_that_is_not_kept_is_not_said_to_be() {
    let mut world = World::with_clients(&["x", "y"]);
    world.kill(SERVER);
    world.kill("y");
    world.set_fault("x", Fault::WritesNothing);
    world.report("x", StoreEvent::Stalled);
    world.command("x", send("y", "hello"));
    world.run(10_000);
    let failed = "[Could not be stored on this machine, not sent.]".to_owned();
    let lines = world.lines("x");
    assert!(lines.contains(&failed), "{lines:?}");
    assert!(!lines.iter().any(|line| line.contains("kept")), "{lines:?}");
    assert_eq!(world.client("x").owed(), 0);
}

#[test]
fn what_arrives_while_the_store_stalls_is_accepted_when_it_is_well() {
    let mut world = World::with_clients(&["x", "y"]);
    world.set_fault("y", Fault::WritesNothing);
    world.report("y", StoreEvent::Stalled);
    world.command(
        "x",
        Command::SendAll {
            text: "hello".into(),
        },
    );
    world.command("x", send("y", "you"));
    nothing_is_accepted(&mut world);
    world.set_fault("y", Fault::None);
    world.report("y", StoreEvent::Well);
    world.run(5_000);
    let mut lines = world.lines("y");
    lines.sort();
    assert_eq!(lines, shows(&["[Channel_Message x: hello]", "x: you"]));
}

#[test]
fn what_arrived_unnoticed_is_shown_after_resynchronising() {
    let mut world = World::with_clients(&["x", "y"]);
    world.set_fault("y", Fault::LosesNotices);
    world.command("x", send("y", "one"));
    world.run(100);
    assert_eq!(world.lines("x"), shows(&["[Message received by y.]"]));
    assert_eq!(world.lines("y"), shows(&[]));
    world.set_fault("y", Fault::None);
    world.report("y", StoreEvent::Resynchronise);
    world.command("x", send("y", "two"));
    world.run(100);
    assert_eq!(world.lines("y"), shows(&["x: one", "x: two"]));
}

#[test]
fn who_leaves_first_sees_what_has_arrived_unnoticed() {
    let mut world = World::with_clients(&["x", "y"]);
    world.set_fault("y", Fault::LosesNotices);
    world.command("x", send("y", "one"));
    world.run(100);
    world.command("y", dereg());
    world.run(100);
    assert_eq!(world.lines("y"), shows(&[]));
    world.set_fault("y", Fault::None);
    world.report("y", StoreEvent::Resynchronise);
    world.run(100);
    let goodbye = "[You are Offline. Bye.]";
    assert_eq!(world.lines("y"), shows(&["x: one", goodbye]));
}

/// In three seconds y shows nothing, and x is not told that y has anything.
fn nothing_is_accepted(world: &mut World) {
    world.run(3_000);
    let received = "[Message received by y.]".to_owned();
    assert!(!world.lines("x").contains(&received));
    assert_eq!(world.lines("y"), shows(&[]));
}
