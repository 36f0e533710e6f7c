//! Direct messages, and the way by the server where there is no direct one.

use chat_core::{client::Command, time::Duration};

use crate::world::{SAVED, SETTLED, World, dereg, reg, send, shows};

#[test]
fn a_direct_message_is_acked_without_waiting_for_any_timer() {
    let mut world = World::with_clients(&["x", "y"]);
    world.command("x", send("y", "hello"));
    world.run(20);
    assert_eq!(world.lines("y"), shows(&["x: hello"]));
    assert_eq!(world.lines("x"), shows(&["[Message received by y.]"]));
}

#[test]
fn a_name_is_shown_as_it_was_registered_however_it_is_typed() {
    let mut world = World::with_clients(&["Zoe", "y"]);
    world.command("y", send("ZOE", "hello"));
    world.run(20);
    assert_eq!(world.lines("y"), shows(&["[Message received by Zoe.]"]));
    assert_eq!(world.lines("Zoe"), shows(&["y: hello"]));
}

#[test]
fn a_message_to_oneself_needs_no_network() {
    let mut world = World::with_clients(&["x"]);
    world.kill("server");
    world.command("x", send("x", "note"));
    world.run(1);
    let lines = world.lines("x");
    assert!(lines.contains(&"x: note".into()), "{lines:?}");
    assert!(
        lines.contains(&"[Message received by x.]".into()),
        "{lines:?}"
    );
}

#[test]
fn a_killed_recipient_gets_the_message_when_it_is_back() {
    let mut world = World::with_clients(&["x", "y"]);
    world.kill("y");
    world.command("x", send("y", "one"));
    world.run(3_000);
    let no_ack = "[No ACK from y, message sent to server.]";
    assert_eq!(world.lines("x"), shows(&[no_ack, SAVED]));
    world.command("x", send("y", "two"));
    world.run(SETTLED);
    assert_eq!(world.lines("x"), shows(&[SAVED]), "the table knows it");
    world.start("y");
    world.run(SETTLED);
    assert_eq!(
        world.lines("y"),
        shows(&[
            "[Welcome back!]",
            "[You have offline messages:]",
            "x: <ts> one",
            "x: <ts> two",
        ])
    );
    let received = "[Offline message sent at <ts> received by y.]";
    assert_eq!(world.lines("x"), shows(&[received, received]));
}

#[test]
fn where_the_direct_way_is_blocked_the_server_delivers() {
    let mut world = World::with_clients(&["x", "y"]);
    world.separate("x", "y");
    world.command("x", send("y", "one"));
    world.run(100);
    world.command("x", send("y", "two"));
    world.run(3_000);
    let no_ack = "[No ACK from y, message sent to server.]";
    let (exists, received) = ("[Client y exists!!]", "[Message received by y.]");
    let lines = world.lines("x");
    assert_eq!(lines[..2], shows(&[no_ack, no_ack]));
    assert_eq!(lines.iter().filter(|line| *line == exists).count(), 2);
    assert_eq!(lines.iter().filter(|line| *line == received).count(), 2);
    assert_eq!(lines.len(), 6, "{lines:?}");
    assert_eq!(world.lines("y"), shows(&["x: one", "x: two"]));
}

#[test]
fn a_name_that_nobody_has_is_asked_of_the_server() {
    let mut world = World::with_clients(&["x"]);
    world.command("x", send("nobody", "hello"));
    world.run(20);
    assert_eq!(
        world.lines("x"),
        shows(&["[Client nobody does not exist.]"])
    );
    assert_eq!(world.client("x").owed(), 0);
}

#[test]
fn offline_means_deaf_and_mail_waits() {
    let mut world = World::with_clients(&["x", "y"]);
    world.command("y", dereg());
    world.run(SETTLED);
    assert_eq!(world.lines("y"), shows(&["[You are Offline. Bye.]"]));
    world.command("x", send("y", "one"));
    world.run(SETTLED);
    assert_eq!(world.lines("x"), shows(&[SAVED]));
    assert_eq!(world.lines("y"), shows(&[]));
    world.command("y", reg());
    world.run(SETTLED);
    let mail = [
        "[Welcome back!]",
        "[You have offline messages:]",
        "x: <ts> one",
    ];
    assert_eq!(world.lines("y"), shows(&mail));
    let received = "[Offline message sent at <ts> received by y.]";
    assert_eq!(world.lines("x"), shows(&[received]));
    world.command("x", send("y", "two"));
    world.run(20);
    assert_eq!(world.lines("x"), shows(&["[Message received by y.]"]));
    assert_eq!(world.lines("y"), shows(&["x: two"]));
}

#[test]
fn many_messages_keep_their_order_on_both_lanes() {
    let mut world = World::with_clients(&["x", "y"]);
    for number in 0..100 {
        world.command("x", send("y", &number.to_string()));
        if number == 50 {
            world.run(10);
            world.separate("x", "y");
        }
    }
    world.run(5_000);
    let expected: Vec<String> = (0..100).map(|number| format!("x: {number}")).collect();
    assert_eq!(world.lines("y"), expected);
    let received = world
        .lines("x")
        .iter()
        .filter(|line| *line == "[Message received by y.]")
        .count();
    assert_eq!(received, 100);
}

#[test]
fn a_message_that_is_too_long_is_refused() {
    let mut world = World::with_clients(&["x", "y"]);
    world.command("x", send("y", &"a".repeat(65_537)));
    world.command("x", send("y", &"b".repeat(65_536)));
    world.run(SETTLED);
    let too_long = "[Message too long: 65537 bytes, the limit is 65536.]";
    assert_eq!(
        world.lines("x"),
        shows(&[too_long, "[Message received by y.]"])
    );
    assert_eq!(world.lines("y"), [format!("x: {}", "b".repeat(65_536))]);
}

#[test]
fn who_writes_before_the_table_has_come_is_shown_in_order() {
    for seed in 0..100 {
        let mut world = World::with_clients(&["y"]);
        world.start("x");
        world.run(3);
        world.storm(seed, 40, 0, 0);
        let texts: Vec<String> = (0..40).map(|number| format!("x: {number:02}")).collect();
        for number in 0..40 {
            world.command("x", send("y", &format!("{number:02}")));
            world.run(20);
        }
        world.calm();
        world.run(SETTLED);
        let shown = world.lines("y").into_iter();
        let shown: Vec<String> = shown.filter(|line| line.starts_with("x: ")).collect();
        assert_eq!(shown, texts, "seed {seed}");
    }
}

#[test]
fn what_is_on_its_way_follows_the_recipient_to_another_address() {
    let mut world = World::new();
    world.config.ack_timeout = Duration::from_secs(5);
    world.start_all(&["x", "y"]);
    world.command("x", send("y", "where are you?"));
    world.run(SETTLED);
    world.move_to("y", 7_777);
    world.lines("x");
    world.command("x", send("y", "and where now?"));
    // The server hears of it before x does.
    world.command("y", Command::ListGroups);
    world.run(3_000);
    assert_eq!(world.lines("x"), shows(&["[Message received by y.]"]));
}
