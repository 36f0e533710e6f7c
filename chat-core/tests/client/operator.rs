//! What the operator of a server does to its clients.

use chat_core::server::Command;

use crate::world::{SERVER, SETTLED, World, dereg, name, reg, send, shows};

#[test]
fn a_client_that_is_kicked_stays_offline_until_its_user_comes_back() {
    let mut world = World::with_clients(&["x", "y"]);
    world.lines(SERVER);
    world.operate(Command::Kick { name: name("x") });
    world.run(30_000);
    assert_eq!(
        world.lines("x"),
        shows(&["[The operator has logged you out. You are offline.]"])
    );
    assert_eq!(
        world.lines(SERVER),
        shows(&["[Client x is offline.]", "[Client x kicked.]"])
    );
    world.command("x", reg());
    world.run(SETTLED);
    assert_eq!(world.lines("x"), shows(&["[Welcome back!]"]));
}

#[test]
fn who_is_banned_does_not_come_in_until_that_is_taken_back() {
    let mut world = World::with_clients(&["x", "y"]);
    world.lines(SERVER);
    world.operate(Command::Ban { name: name("x") });
    world.run(SETTLED);
    world.lines("x");
    assert_eq!(
        world.lines(SERVER),
        shows(&["[Client x is offline.]", "[Client x banned.]"])
    );
    for who in ["x", SERVER] {
        world.kill(who);
    }
    world.start(SERVER);
    world.start("x");
    world.run(SETTLED);
    let banned = "[You are banned from this server.]";
    assert!(world.lines("x").iter().any(|line| line == banned));
    world.operate(Command::Bans);
    world.operate(Command::Unban { name: name("x") });
    world.run(SETTLED);
    let lines = world.lines(SERVER);
    assert!(lines.ends_with(&shows(&["[Banned clients:]", "x", "[Client x unbanned.]"])));
    world.kill("x");
    world.start("x");
    world.run(SETTLED);
    assert!(
        world
            .lines("x")
            .iter()
            .any(|line| line == "[Welcome back!]")
    );
}

#[test]
fn a_user_who_is_deleted_is_gone_and_the_name_is_free() {
    let mut world = World::with_clients(&["x", "y"]);
    world.kill("x");
    world.command("y", send("x", "for nobody"));
    world.run(SETTLED);
    world.lines(SERVER);
    world.operate(Command::Delete { name: name("x") });
    world.run(SETTLED);
    let lines = world.lines(SERVER);
    assert_eq!(
        lines.last().map(String::as_str),
        Some("[Client x deleted.]")
    );
    world.operate(Command::Delete { name: name("x") });
    assert_eq!(world.lines(SERVER), shows(&[]));
    world.run(SETTLED);
    assert_eq!(world.lines(SERVER), shows(&["[Client x does not exist.]"]));
    // Somebody else takes the name, and does not get what was for the one before.
    world.start("x'");
    world.run(SETTLED);
    assert_eq!(
        world.lines("x'"),
        shows(&["[Welcome, You are registered.]"])
    );
}

#[test]
fn what_cannot_be_done_is_said() {
    let mut world = World::with_clients(&["x"]);
    world.kill("x");
    world.run(60_000);
    world.lines(SERVER);
    for command in [
        Command::Kick { name: name("x") },
        Command::Kick { name: name("z") },
        Command::Ban { name: name("z") },
        Command::Bans,
    ] {
        world.operate(command);
    }
    world.run(SETTLED);
    assert_eq!(
        world.lines(SERVER),
        shows(&[
            "[Client x is not online.]",
            "[Client z does not exist.]",
            "[Client z does not exist.]",
            "[Nobody is banned.]",
        ])
    );
}

#[test]
fn who_is_banned_while_it_leaves_can_come_back_when_that_is_taken_back() {
    let mut world = World::with_clients(&["x"]);
    world.separate("x", SERVER);
    world.run(30_000);
    world.operate(Command::Ban { name: name("x") });
    world.run(100);
    world.command("x", dereg());
    world.join();
    world.run(SETTLED);
    let banned = "[You are banned from this server.]";
    assert!(world.lines("x").iter().any(|line| line == banned));
    world.operate(Command::Unban { name: name("x") });
    world.run(SETTLED);
    world.command("x", reg());
    world.run(SETTLED);
    assert!(
        world
            .lines("x")
            .iter()
            .any(|line| line == "[Welcome back!]")
    );
}
