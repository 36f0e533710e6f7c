//! Nobody is killed, but nothing gets through for a while.

use crate::world::{SERVER, SETTLED, World, send, shows};

#[test]
fn a_client_that_was_cut_off_comes_back_by_itself_and_gets_its_mail_once() {
    let mut world = World::with_clients(&["x", "y"]);
    world.separate("x", SERVER);
    world.separate("x", "y");
    world.run(60_000);
    assert_eq!(world.lines("x"), shows(&["[Server not responding.]"]));
    world.command("y", send("x", "while you were away"));
    world.run(3_000);
    world.join();
    world.run(20_000);
    assert_eq!(
        world.lines("x"),
        shows(&[
            "[Server is back.]",
            "[You have offline messages:]",
            "y: <ts> while you were away",
        ])
    );
    world.command("x", send("y", "here again"));
    world.run(SETTLED);
    assert_eq!(world.lines("x"), shows(&["[Message received by y.]"]));
}

#[test]
fn a_short_interruption_is_not_noticed() {
    let mut world = World::with_clients(&["x", "y"]);
    world.separate("x", SERVER);
    world.run(400);
    world.join();
    world.run(30_000);
    assert_eq!(world.lines("x"), shows(&[]));
    assert_eq!(world.lines("y"), shows(&[]));
}

#[test]
fn an_ack_that_comes_after_the_handover_is_the_messages_one_final_state() {
    let mut world = World::with_clients(&["x", "y"]);
    world.separate("x", "y");
    world.separate("x", SERVER);
    world.command("x", send("y", "late"));
    world.run(600);
    let no_ack = "[No ACK from y, message sent to server.]";
    assert_eq!(world.lines("x"), shows(&[no_ack]));
    world.join();
    world.run(10_000);
    let lines = world.lines("x");
    let received = lines
        .iter()
        .filter(|line| *line == "[Message received by y.]");
    assert_eq!(received.count(), 1, "{lines:?}");
    assert!(lines.len() <= 2, "{lines:?}");
    assert_eq!(world.lines("y"), shows(&["x: late"]));
}

#[test]
fn a_direct_way_that_is_free_again_is_used_at_once() {
    let mut world = World::with_clients(&["x", "y"]);
    world.separate("x", "y");
    world.command("x", send("y", "one"));
    world.run(510);
    world.lines("x");
    world.join();
    world.command("x", send("y", "two"));
    world.run(450);
    assert_eq!(world.lines("x"), shows(&["[Message received by y.]"]));
    assert_eq!(world.lines("y"), shows(&["x: one", "x: two"]));
}

#[test]
fn who_has_nothing_to_do_is_quiet() {
    let mut world = World::with_clients(&["x", "y"]);
    world.command("x", send("y", "hello"));
    world.run(30_000);
    let before = world.turns();
    world.run(600_000);
    let turns = world.turns() - before;
    assert!(turns < 2_000, "{turns} turns in ten minutes");
}

#[test]
fn who_cannot_reach_the_server_is_not_loud() {
    let mut world = World::with_clients(&["x"]);
    world.kill(SERVER);
    world.run(30_000);
    let before = world.turns();
    world.run(600_000);
    let turns = world.turns() - before;
    assert!(turns < 3_000, "{turns} turns in ten minutes");
}

#[test]
fn a_first_registration_gets_through_though_a_third_is_lost() {
    let welcome = "[Welcome, You are registered.]".to_owned();
    for seed in 0..200 {
        let mut world = World::new();
        world.start(SERVER);
        world.storm(seed, 30, 0, 0);
        world.start("x");
        world.run(10_000);
        let lines = world.lines("x");
        assert!(lines.contains(&welcome), "seed {seed}: {lines:?}");
    }
}
