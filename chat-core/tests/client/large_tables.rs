//! A table too large to be sent whole: names are asked for when they are needed.

use crate::world::{SAVED, SERVER, SETTLED, World, dereg, reg, send, shows};

/// Clients that know nobody but themselves.
fn strangers(names: &[&str]) -> World {
    let mut world = World::new();
    world.server_config.push_whole_table_below = 0;
    world.start(SERVER);
    for name in names {
        world.start(name);
    }
    world.run(SETTLED);
    for name in names {
        world.lines(name);
    }
    world
}

#[test]
fn a_direct_message_of_a_stranger_is_shown_when_the_server_knows_its_key() {
    let mut world = strangers(&["x", "y"]);
    world.command("x", send("y", "one"));
    world.command("x", send("y", "two"));
    world.run(SETTLED);
    assert_eq!(world.lines("y"), shows(&["x: one", "x: two"]));
    let received = "[Message received by y.]";
    assert_eq!(world.lines("x"), shows(&[received, received]));
}

#[test]
fn mail_of_a_stranger_is_trusted_at_first_use() {
    let mut world = strangers(&["x", "y"]);
    world.command("y", dereg());
    world.run(SETTLED);
    world.command("x", send("y", "hello"));
    world.run(SETTLED);
    assert_eq!(world.lines("x"), shows(&[SAVED]));
    world.lines("y");
    world.command("y", reg());
    world.run(SETTLED);
    let mail = [
        "[Welcome back!]",
        "[You have offline messages:]",
        "x: <ts> hello",
    ];
    assert_eq!(world.lines("y"), shows(&mail));
    world.command("y", send("x", "thanks"));
    world.run(SETTLED);
    assert_eq!(world.lines("x").last(), Some(&"y: thanks".to_owned()));
}

#[test]
fn a_name_without_an_owner_is_asked_for_once_and_its_messages_are_given_up() {
    let mut world = strangers(&["x"]);
    world.command("x", send("nobody", "one"));
    world.command("x", send("nobody", "two"));
    world.run(SETTLED);
    let nobody = "[Client nobody does not exist.]";
    assert_eq!(world.lines("x"), shows(&[nobody, nobody]));
    assert_eq!(world.client("x").owed(), 0);
}
