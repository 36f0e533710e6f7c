//! Datagrams that mean nothing are counted and dropped, and the chat goes on.

use std::{net::SocketAddr, time::Duration};

use tests::{
    net::Recorded,
    random::Stream,
    world::{SERVER, World},
};

const STRANGER: SocketAddr = SocketAddr::new(
    std::net::IpAddr::V4(std::net::Ipv4Addr::new(10, 9, 9, 9)),
    9,
);

/// A world in which x and y have chatted, with every datagram of that.
fn a_recorded_chat() -> (World, Vec<Recorded>) {
    let mut world = World::new(1);
    world.network.is_recording = true;
    world.start_server();
    for name in ["x", "y"] {
        world.start_client(name);
        world.wait_for(name, "[Welcome, You are registered.]");
    }
    world.run_for(Duration::from_secs(1));
    world.command("x", "send y hello");
    world.wait_for("x", "[Message received by y.]");
    world.command("x", "send_all hello");
    world.wait_for("x", "[Message received by Server.]");
    world.run_for(Duration::from_secs(1));
    let recording = world.network.take_recording();
    assert!(recording.len() > 10, "{} datagrams", recording.len());
    (world, recording)
}

/// Whether the world still works, and nothing was shown that was not sent.
fn the_chat_goes_on(world: &mut World) {
    let before = world.node("y").lines.len();
    world.command("x", "send y still there");
    world.wait_for("y", "x: still there");
    world.start_client("newcomer");
    world.wait_for("newcomer", "[Welcome, You are registered.]");
    world.run_for(Duration::from_secs(2));
    let shown: Vec<_> = world.node("y").texts().skip(before).collect();
    let messages: Vec<_> = shown
        .iter()
        .filter(|line| **line != "[Client table updated.]")
        .collect();
    assert_eq!(messages, [&"x: still there"]);
}

fn inject_everywhere(world: &mut World, from: SocketAddr, bytes: &[u8]) {
    for to in [SERVER, "x", "y"] {
        world.inject(from, to, bytes);
    }
    world.run_for(Duration::from_millis(1));
}

fn malformed(world: &World, name: &str) -> u64 {
    let counters = world
        .node(name)
        .machine
        .as_ref()
        .expect("it runs")
        .counters();
    counters.malformed + counters.unauthenticated + counters.unknown_session + counters.replayed
}

#[test]
fn garbage_is_counted_and_dropped() {
    let (mut world, _) = a_recorded_chat();
    let before = [SERVER, "x", "y"].map(|name| malformed(&world, name));
    let random = world.random();
    for number in 0..300 {
        let length = random.below(1_500, Stream::Workload, 0, number) as usize;
        let mut bytes: Vec<u8> = (0..length as u64)
            .map(|at| random.draw(Stream::Workload, number + 1, at) as u8)
            .collect();
        // Each type of datagram is met often.
        if let Some(first) = bytes.first_mut() {
            *first = (number % 8) as u8;
        }
        inject_everywhere(&mut world, STRANGER, &bytes);
    }
    for (name, before) in [SERVER, "x", "y"].into_iter().zip(before) {
        assert!(
            malformed(&world, name) > before,
            "{name} has counted nothing"
        );
    }
    the_chat_goes_on(&mut world);
}

#[test]
fn empty_and_oversized_datagrams_are_dropped() {
    let (mut world, _) = a_recorded_chat();
    for length in [0, 1, 2, 12, 13, 28, 29, 65_507] {
        inject_everywhere(&mut world, STRANGER, &vec![1; length]);
    }
    the_chat_goes_on(&mut world);
}

#[test]
fn truncated_datagrams_are_dropped() {
    let (mut world, recording) = a_recorded_chat();
    for (from, _, bytes) in &recording {
        for length in [0, 1, bytes.len() / 2, bytes.len() - 1] {
            inject_everywhere(&mut world, *from, &bytes[..length]);
        }
    }
    the_chat_goes_on(&mut world);
}

#[test]
fn flipped_bits_are_noticed() {
    let (mut world, recording) = a_recorded_chat();
    for (from, _, bytes) in &recording {
        for at in (0..bytes.len()).step_by(7) {
            let mut bytes = bytes.clone();
            bytes[at] ^= 1 << (at % 8);
            inject_everywhere(&mut world, *from, &bytes);
        }
    }
    the_chat_goes_on(&mut world);
}

#[test]
fn replayed_datagrams_change_nothing() {
    let (mut world, recording) = a_recorded_chat();
    world.run_for(Duration::from_secs(60));
    for _ in 0..3 {
        for (from, _, bytes) in &recording {
            inject_everywhere(&mut world, *from, bytes);
            inject_everywhere(&mut world, STRANGER, bytes);
        }
    }
    the_chat_goes_on(&mut world);
}

#[test]
fn a_stranger_is_sent_at_most_three_times_what_came_from_it() {
    let (mut world, recording) = a_recorded_chat();
    let server = world.node(SERVER).address;
    let mut received = 0;
    for (_, to, bytes) in &recording {
        if *to == server {
            world.inject(STRANGER, SERVER, bytes);
            received += bytes.len() as u64;
            world.run_for(Duration::from_secs(5));
            let sent = world.network.bytes(server.ip(), STRANGER.ip());
            assert!(sent <= 3 * received, "{sent} bytes for {received}");
        }
    }
}
