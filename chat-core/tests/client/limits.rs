//! What a client keeps within its limits.

use chat_core::{
    client::{Command, Event, Stage},
    config::ServerConfig,
    time::Duration,
};

use crate::world::{SERVER, SETTLED, World, send, shows};

#[test]
fn a_full_outbox_takes_no_more() {
    let mut world = World::new();
    world.config.max_outbox = 2;
    world.start(SERVER);
    world.start("x");
    world.start("y");
    world.run(SETTLED);
    world.lines("x");
    world.kill(SERVER);
    world.kill("y");
    for text in ["one", "two", "three"] {
        world.command("x", send("y", text));
    }
    world.run(100);
    let full = "[Too many messages wait to be delivered, message not sent.]";
    assert_eq!(world.lines("x"), shows(&[full]));
    assert_eq!(world.client("x").owed(), 2);
}

#[test]
fn what_is_owed_for_too_long_is_given_up_at_the_next_start() {
    let mut world = World::new();
    world.config.outbox_expiry = Duration::from_secs(3_600);
    world.start(SERVER);
    world.start("x");
    world.start("y");
    world.run(SETTLED);
    world.kill(SERVER);
    world.kill("y");
    world.command(
        "x",
        Command::SendAll {
            text: "old".parse().unwrap(),
        },
    );
    world.command("x", send("y", "old"));
    world.run(3_000_000);
    world.command("x", send("y", "young"));
    world.run(700_000);
    world.kill("x");
    world.lines("x");
    world.start("x");
    world.run(100);
    assert_eq!(
        world.lines("x"),
        shows(&[
            "[Message of <ts> to all expired.]",
            "[Message of <ts> to y expired.]"
        ])
    );
    assert_eq!(world.client("x").owed(), 1);
}

#[test]
fn a_server_that_is_slow_is_not_sent_more_than_it_lets_wait() {
    let mut world = World::new();
    world.server_config.requests_per_second = 100;
    world.server_config.max_waiting_requests = 300;
    world.start_all(&["x"]);
    world.lines(SERVER);
    for number in 0..600 {
        let text = number.to_string();
        world.command("x", Command::SendAll { text });
    }
    world.run(7_000);
    assert_eq!(world.lines(SERVER), shows(&[]), "it cuts nobody off");
    let mut lines = world.lines("x");
    lines.retain(|line| line != "[Client table updated.]");
    assert_eq!(lines, shows(&["[Message received by Server.]"; 600]));
}

#[test]
fn a_client_that_is_cut_off_comes_back_at_once() {
    let mut world = World::with_clients(&["x"]);
    world.lines(SERVER);
    let mut strict = ServerConfig::default();
    strict.max_requests_in_flight = 20;
    strict.max_waiting_requests = 60;
    world.configure_server(strict);
    for number in 0..100 {
        let text = number.to_string();
        world.command("x", Command::SendAll { text });
    }
    while world.lines(SERVER) != shows(&["[Client x is offline.]"]) {
        world.run(1);
    }
    world.configure_server(ServerConfig::default());
    world.run(1_000);
    assert_eq!(world.lines(SERVER), shows(&["[Client x registered.]"]));
    let mut lines = world.lines("x");
    lines.retain(|line| line != "[Client table updated.]");
    assert_eq!(lines, shows(&["[Message received by Server.]"; 100]));
}

#[test]
fn so_many_messages_are_on_their_way_to_one_recipient_and_the_others_wait() {
    let mut world = World::with_clients(&["x", "y"]);
    world.separate("x", "y");
    for number in 0..300 {
        world.command("x", send("y", &number.to_string()));
    }
    world.run(100);
    world.events("x");
    world.command("x", Command::Pending);
    world.run(100);
    let events = world.events("x");
    let pending = events.iter().find_map(|event| match event {
        Event::Pending { messages } => Some(messages),
        _ => None,
    });
    let pending = pending.expect("an answer");
    assert_eq!(pending.len(), 300);
    let sent = pending.iter().filter(|owed| owed.stage == Stage::Sent);
    assert_eq!(sent.count(), 256);
}
