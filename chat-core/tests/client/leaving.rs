//! Leaving by command and by signal.

use chat_core::client::{Command, Ended};

use crate::world::{SERVER, SETTLED, World, dereg, name, reg, send, shows};

#[test]
fn quit_waits_for_what_is_owed() {
    let mut world = World::with_clients(&["x", "y"]);
    world.command("x", send("y", "hello"));
    world.command("x", Command::Quit);
    world.run(SETTLED);
    let lines = ["[Message received by y.]", "[You are Offline. Bye.]"];
    assert_eq!(world.lines("x"), shows(&lines));
    assert_eq!(world.ended("x"), Some(Ended::Normally));
}

#[test]
fn whoever_sent_what_was_shown_knows_that_it_was_accepted() {
    for by_signal in [false, true] {
        let mut world = World::with_clients(&["x", "y"]);
        world.command("x", send("y", "first"));
        world.run(SETTLED);
        world.lines("x");
        world.lines("y");
        world.block("y", "x");
        world.command("x", send("y", "hello"));
        world.run(1);
        if by_signal {
            world.leave("y");
        } else {
            world.command("y", Command::Quit);
        }
        world.run(100);
        assert_eq!(world.ended("y"), None, "x does not know");
        world.join();
        world.run(SETTLED);
        let lines = ["x: hello", "[You are Offline. Bye.]"];
        assert_eq!(world.lines("y"), shows(&lines));
        assert_eq!(world.ended("y"), Some(Ended::Normally));
        assert_eq!(world.lines("x"), shows(&["[Message received by y.]"]));
    }
}

#[test]
fn a_sender_that_cannot_be_told_is_not_waited_for_for_long() {
    let mut world = World::with_clients(&["x", "y"]);
    world.command("x", send("y", "hello"));
    world.run(1);
    world.kill("x");
    world.command("y", Command::Quit);
    world.run(490);
    assert_eq!(world.ended("y"), None);
    world.run(20);
    assert_eq!(world.ended("y"), Some(Ended::Normally));
}

#[test]
fn a_signal_waits_half_a_second_at_most() {
    let mut world = World::with_clients(&["x"]);
    world.kill(SERVER);
    world.leave("x");
    world.run(490);
    assert_eq!(world.ended("x"), None);
    world.run(20);
    assert_eq!(world.ended("x"), Some(Ended::Normally));
}

#[test]
fn nothing_is_shown_after_the_goodbye_and_nothing_is_lost() {
    for seed in 0..100 {
        let mut world = World::with_clients(&["x", "y"]);
        world.roughen("y", seed);
        world.command("x", send("y", "while you leave"));
        world.run(seed % 5);
        world.command("y", dereg());
        world.run(3_000);
        let mut lines = world.lines("y");
        let goodbye = Some("[You are Offline. Bye.]");
        assert_eq!(lines.last().map(String::as_str), goodbye, "seed {seed}");
        world.spare("y");
        world.command("y", reg());
        world.run(3_000);
        lines.extend(world.lines("y"));
        let shown = lines.iter().filter(|is| is.ends_with("while you leave"));
        assert_eq!(shown.count(), 1, "seed {seed}: {lines:?}");
    }
}

#[test]
fn a_second_signal_does_not_wait() {
    let mut world = World::with_clients(&["x"]);
    world.kill(SERVER);
    world.leave("x");
    world.run(10);
    world.leave("x");
    world.run(1);
    assert_eq!(world.ended("x"), Some(Ended::Normally));
}

#[test]
fn a_signal_before_the_registration_ends_the_client() {
    let mut world = World::new();
    world.start("x");
    world.run(10);
    world.leave("x");
    world.run(510);
    assert_eq!(world.ended("x"), Some(Ended::Normally));
}

#[test]
fn everything_but_reg_and_peers_is_refused_offline() {
    let mut world = World::with_clients(&["x", "y"]);
    world.command("x", dereg());
    world.command("x", send("y", "no"));
    world.command("x", Command::LeaveGroup);
    world.command("x", dereg());
    world.command(
        "x",
        Command::Register {
            name: Some(name("X")),
        },
    );
    world.command("x", reg());
    world.run(SETTLED);
    let offline = "[You are offline. Type: reg x]";
    assert_eq!(
        world.lines("x"),
        shows(&[
            "[You are Offline. Bye.]",
            offline,
            offline,
            "[You are offline.]",
            "[Welcome back!]",
            "[You are online, please log out first.]",
        ])
    );
}

#[test]
fn another_name_at_reg_switches_the_user() {
    let mut world = World::with_clients(&["x"]);
    world.command(
        "x",
        Command::Deregister {
            name: Some(name("y")),
        },
    );
    world.command("x", dereg());
    world.command(
        "x",
        Command::Register {
            name: Some(name("y")),
        },
    );
    world.run(SETTLED);
    let lines = ["[Incorrect username.]", "[You are Offline. Bye.]"];
    assert_eq!(world.lines("x"), shows(&lines));
    assert_eq!(world.ended("x"), Some(Ended::SwitchUser));
}

#[test]
fn who_leaves_without_a_word_is_believed_to_be_there() {
    for silent in [false, true] {
        let mut world = World::new();
        world.silent_exit = silent;
        world.start_all(&["x"]);
        world.lines(SERVER);
        world.leave("x");
        world.run(400);
        assert_eq!(world.ended("x"), Some(Ended::Normally));
        let expected: &[&str] = if silent {
            &[]
        } else {
            &["[Client x is offline.]"]
        };
        assert_eq!(world.lines(SERVER), shows(expected));
    }
}

#[test]
fn quit_waits_for_the_receipt_of_somebody_who_is_slow() {
    let mut world = World::with_clients(&["x", "y"]);
    world.separate("x", "y");
    world.slow_down("y", 1_000_000);
    world.command("x", send("y", "hello"));
    world.command("x", Command::Quit);
    world.run(5_000);
    let lines = world.lines("x");
    assert_eq!(
        lines.last().map(String::as_str),
        Some("[You are Offline. Bye.]")
    );
    assert!(
        lines.contains(&"[Message received by y.]".into()),
        "{lines:?}"
    );
}
