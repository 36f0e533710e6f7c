//! The server does not answer: attempts, what goes on without it, and its return.

use chat_core::client::{Command, Ended};

use crate::world::{SAVED, SERVER, SETTLED, World, dereg, send, shows};

const ATTEMPTS: [&str; 6] = [
    "[Attempt 1 of 5: no answer from the server.]",
    "[Attempt 2 of 5: no answer from the server.]",
    "[Attempt 3 of 5: no answer from the server.]",
    "[Attempt 4 of 5: no answer from the server.]",
    "[Attempt 5 of 5: no answer from the server.]",
    "[Server not responding.]",
];

fn attempts_and(more: &[&str]) -> Vec<String> {
    shows(&[&ATTEMPTS[..], more].concat())
}

#[test]
fn a_first_registration_without_a_server_ends_after_five_attempts() {
    let mut world = World::new();
    world.start("x");
    world.run(2_499);
    assert_eq!(world.lines("x"), shows(&ATTEMPTS[..4]));
    world.run(100);
    assert_eq!(
        world.lines("x"),
        shows(&[ATTEMPTS[4], ATTEMPTS[5], "[Exiting]"])
    );
    assert_eq!(world.ended("x"), Some(Ended::NotResponding));
}

#[test]
fn whoever_has_written_to_many_unknown_names_is_told_of_each_when_the_server_is_back() {
    let mut world = World::with_clients(&["x"]);
    world.kill(SERVER);
    for number in 0..1_500 {
        world.command("x", send(&format!("n{number}"), "hello"));
        world.run(1);
    }
    world.run(10_000);
    world.lines("x");
    assert_eq!(world.client("x").owed(), 1_500);
    world.start(SERVER);
    world.run(10_000);
    let mut lines = world.lines("x");
    assert_eq!(lines.remove(0), "[Server is back.]");
    assert_eq!(lines.len(), 1_500);
    assert!(lines.contains(&"[Client n1499 does not exist.]".into()));
    assert_eq!(world.client("x").owed(), 0);
}

#[test]
fn a_known_client_goes_on_without_the_server() {
    let mut world = World::with_clients(&["x", "y"]);
    world.kill(SERVER);
    world.kill("x");
    world.start("x");
    world.run(3_000);
    assert_eq!(world.lines("x"), attempts_and(&[]));
    world.command("x", send("y", "still here"));
    world.run(50);
    assert_eq!(world.lines("x"), shows(&["[Message received by y.]"]));
    assert_eq!(world.lines("y"), shows(&["x: still here"]));
    world.start(SERVER);
    world.run(10_000);
    assert_eq!(world.lines("x"), shows(&["[Server is back.]"]));
}

#[test]
fn what_is_pending_is_shown_until_it_is_delivered_or_saved() {
    let mut world = World::with_clients(&["x", "y"]);
    world.command("x", Command::Pending);
    world.run(1);
    assert_eq!(world.lines("x"), shows(&["[Nothing is pending.]"]));
    world.kill("y");
    world.kill(SERVER);
    world.command("x", send("y", "one"));
    world.command("x", Command::SendAll { text: "two".into() });
    world.run(100);
    let pending = |first| {
        let second = "to all, <ts>, waits for the server: two";
        shows(&["[Pending messages:]", first, second])
    };
    world.command("x", Command::Pending);
    world.run(1);
    let sent = "to y, <ts>, was sent, no ack yet: one";
    assert_eq!(world.lines("x"), pending(sent));
    world.run(4_000);
    world.lines("x");
    world.command("x", Command::Pending);
    world.run(1);
    let kept = "to y, <ts>, waits for the server: one";
    assert_eq!(world.lines("x"), pending(kept));
    world.start(SERVER);
    world.run(12_000);
    world.lines("x");
    world.command("x", Command::Pending);
    world.run(1);
    assert_eq!(world.lines("x"), shows(&["[Nothing is pending.]"]));
}

#[test]
fn a_registration_that_the_server_took_and_lost_is_made_again() {
    let mut world = World::with_clients(&["x"]);
    world.kill(SERVER);
    world.run(30_000);
    assert_eq!(world.lines("x"), shows(&["[Server not responding.]"]));
    world.separate("x", SERVER);
    world.forget(SERVER);
    world.start(SERVER);
    world.run(1_000);
    // It takes the name, and dies before it can answer.
    world.slow_down(SERVER, 300_000);
    world.kill_after(SERVER, 1);
    world.join();
    world.run(10_000);
    assert!(!world.is_running(SERVER));
    world.spare(SERVER);
    world.slow_down(SERVER, 0);
    world.start(SERVER);
    world.run(5_000);
    assert_eq!(world.lines("x"), shows(&["[Server is back.]"]));
}

#[test]
fn a_typed_dereg_without_the_server_ends_the_client() {
    let mut world = World::with_clients(&["x"]);
    world.kill(SERVER);
    world.command("x", dereg());
    world.run(3_000);
    assert_eq!(world.lines("x"), attempts_and(&["[Exiting]"]));
    assert_eq!(world.ended("x"), Some(Ended::NotResponding));
}

#[test]
fn an_idle_client_notices_within_thirty_seconds_and_says_so_once() {
    let mut world = World::with_clients(&["x"]);
    world.kill(SERVER);
    world.run(30_000);
    assert_eq!(world.lines("x"), shows(&["[Server not responding.]"]));
    world.command("x", dereg());
    world.run(3_000);
    assert_eq!(world.lines("x"), attempts_and(&["[Exiting]"]));
}

#[test]
fn another_command_leaves_the_client_running() {
    let mut world = World::with_clients(&["x"]);
    world.kill(SERVER);
    world.command("x", Command::ListGroups);
    world.command("x", Command::Note("after".into()));
    world.run(3_000);
    assert_eq!(world.lines("x"), attempts_and(&["after"]));
    world.start(SERVER);
    world.run(10_000);
    assert_eq!(world.lines("x"), shows(&["[Server is back.]"]));
    world.command("x", Command::ListGroups);
    world.run(50);
    assert_eq!(
        world.lines("x"),
        shows(&["[No available group right now.]"])
    );
}

#[test]
fn messages_are_kept_and_sent_in_order_when_the_server_is_back() {
    let mut world = World::with_clients(&["x", "y"]);
    world.command("y", dereg());
    world.run(SETTLED);
    world.kill(SERVER);
    world.command("x", send("y", "one"));
    world.command("x", send("y", "two"));
    world.command(
        "x",
        Command::SendAll {
            text: "three".into(),
        },
    );
    world.run(3_000);
    let kept = "[Message to y kept until the server is back.]";
    let kept_all = "[Message to all kept until the server is back.]";
    assert_eq!(world.lines("x"), attempts_and(&[kept, kept, kept_all]));
    assert_eq!(world.client("x").owed(), 3);
    world.start(SERVER);
    world.run(10_000);
    let lines = world.lines("x");
    assert_eq!(lines[0], "[Server is back.]");
    assert_eq!(lines.iter().filter(|line| *line == SAVED).count(), 2);
    assert_eq!(lines.len(), 4, "{lines:?}");
    world.command("y", crate::world::reg());
    world.run(SETTLED);
    let lines = world.lines("y");
    let mail: Vec<_> = lines.iter().filter(|line| line.starts_with("x:")).collect();
    assert_eq!(mail, ["x: <ts> one", "x: <ts> two"]);
}

#[test]
fn what_is_kept_survives_a_restart_of_the_client() {
    let mut world = World::with_clients(&["x", "y"]);
    world.command("y", dereg());
    world.run(SETTLED);
    world.kill(SERVER);
    world.command("x", send("y", "one"));
    world.run(3_000);
    world.kill("x");
    world.start("x");
    world.run(3_000);
    assert_eq!(world.client("x").owed(), 1);
    world.start(SERVER);
    world.run(10_000);
    let lines = world.lines("x");
    assert!(lines.contains(&SAVED.into()), "{lines:?}");
}

#[test]
fn the_end_of_input_tells_what_is_still_owed() {
    let mut world = World::with_clients(&["x", "y"]);
    world.command("y", dereg());
    world.run(SETTLED);
    world.kill(SERVER);
    world.command("x", send("y", "one"));
    world.command("x", Command::Finish);
    world.run(6_000);
    assert_eq!(world.ended("x"), Some(Ended::Owing(1)));
}

#[test]
fn a_restarted_server_is_found_again_without_a_word() {
    let mut world = World::with_clients(&["x", "y"]);
    world.kill(SERVER);
    world.start(SERVER);
    world.run(SETTLED);
    world.command("x", Command::ListGroups);
    world.run(3_000);
    assert_eq!(
        world.lines("x"),
        shows(&["[No available group right now.]"])
    );
    world.run(40_000);
    assert_eq!(world.lines("x"), shows(&[]));
    assert_eq!(world.lines("y"), shows(&[]));
    world.command("x", send("y", "hello"));
    world.run(50);
    assert_eq!(world.lines("x"), shows(&["[Message received by y.]"]));
}
