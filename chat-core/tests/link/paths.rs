//! Addresses change, and nobody is flooded who did not ask.

use std::collections::BTreeMap;

use chat_core::{id::Path, link::Event};

use super::network::{Faults, Network, address, ms, secs};

#[test]
fn a_peer_that_moves_is_followed_after_a_challenge_and_nothing_is_lost() {
    let (mut network, peer) = connected();
    let back = network.peer(1, 0);
    network.nodes[0].address = address(77, 4_000);
    network.send(0, peer, 0, b"from elsewhere");
    network.run(ms(200));
    let moved = Event::Moved {
        peer: back,
        path: Path::to(address(77, 4_000)),
    };
    assert_eq!(network.notices(1)[1..], [&moved]);
    network.send(1, back, 0, b"found you");
    network.run(ms(200));
    assert_eq!(network.messages(1)[1..], [b"from elsewhere"]);
    assert_eq!(network.messages(0), [b"found you"]);
}

#[test]
fn a_packet_that_somebody_else_forwards_moves_nobody() {
    let (mut network, peer) = connected();
    let back = network.peer(1, 0);
    network.faults.loss = 100;
    network.send(0, peer, 0, b"intercepted");
    network.drain();
    let packet = network.log.last().unwrap().bytes.clone();
    network.faults.loss = 0;
    network.hand_in(1, address(66, 6_666), &packet);
    network.run(secs(10));
    assert_eq!(network.nodes[1].endpoint.path(back), Some(network.path(0)));
    assert_eq!(network.notices(1).len(), 1, "connected and no more");
    assert_eq!(network.messages(1)[1..], [b"intercepted"]);
    assert!(sent_to(&network, 66) <= 3 * packet.len());
}

#[test]
fn an_address_that_more_comes_from_may_be_asked_more_often() {
    let asked = |packets: usize| {
        let (mut network, peer) = connected();
        network.faults.loss = 100;
        for _ in 0..packets {
            let now = network.clocks();
            network.nodes[0].endpoint.ping(now, peer);
            network.drain();
            let from = network.nodes[0].address;
            let packet = network.log.iter().rfind(|sent| sent.from == from);
            let packet = packet.unwrap().bytes.clone();
            network.hand_in(1, address(66, 6_666), &packet);
        }
        network.run(secs(10));
        sent_to(&network, 66)
    };
    assert!(asked(1) < asked(2), "{} and {}", asked(1), asked(2));
}

#[test]
fn an_answer_that_somebody_else_forwards_moves_nobody() {
    let (mut network, peer) = Network::pair(1, Faults::NONE);
    network.send(0, peer, 0, b"hello");
    network.run(ms(5));
    network.faults.loss = 100;
    network.run(ms(5));
    let answer = network.log.last().unwrap().clone();
    assert_eq!(answer.from, network.nodes[1].address);
    network.faults.loss = 0;
    network.hand_in(0, address(66, 6_666), &answer.bytes);
    assert!(network.nodes[0].endpoint.is_connected(peer));
    assert_eq!(network.nodes[0].endpoint.path(peer), Some(network.path(1)));
    network.run(secs(10));
    assert_eq!(network.nodes[0].endpoint.path(peer), Some(network.path(1)));
    assert_eq!(network.messages(1), [b"hello"]);
    assert!(sent_to(&network, 66) <= 3 * answer.bytes.len());
}

/// Some NATs give whoever is behind them another address towards everybody.
#[test]
fn a_peer_whose_answer_comes_from_elsewhere_is_found_there() {
    let (mut network, peer) = connected();
    let (towards_others, towards_it) = (address(79, 4_000), address(80, 4_000));
    network.nodes[1].address = towards_others;
    network.connect(0, 1, true);
    network.send(0, peer, 0, b"where are you?");
    network.faults.loss = 100;
    network.drain();
    let initiation = network.log.iter().rfind(|sent| sent.to == towards_others);
    let initiation = initiation.unwrap().clone();
    network.faults.loss = 0;
    network.nodes[1].address = towards_it;
    network.hand_in(1, initiation.from, &initiation.bytes);
    network.run(secs(2));
    assert_eq!(network.messages(1)[1..], [b"where are you?"]);
    assert_eq!(network.nodes[0].endpoint.path(peer), Some(network.path(1)));
}

#[test]
fn both_sides_move_at_once_and_the_program_knows_where_one_of_them_is() {
    let (mut network, peer) = connected();
    network.nodes[0].address = address(77, 4_000);
    network.nodes[1].address = address(78, 4_000);
    network.send(0, peer, 0, b"where are you?");
    network.run(secs(3));
    assert_eq!(network.messages(1).len(), 1);
    assert_eq!(
        network.connect(0, 1, true),
        peer,
        "the same peer, elsewhere"
    );
    network.run(secs(5));
    assert_eq!(network.messages(1)[1..], [b"where are you?"]);
    assert_eq!(network.nodes[0].endpoint.path(peer), Some(network.path(1)));
}

#[test]
fn a_peer_that_begins_anew_elsewhere_is_found_within_a_round_trip_by_who_knows_where() {
    let (mut network, peer) = connected();
    network.restart(1);
    network.nodes[1].address = address(78, 4_000);
    network.connect(0, 1, true);
    network.send(0, peer, 0, b"lost with the old one");
    network.run(ms(40));
    let by = network.peer(0, 1);
    assert!(network.notices(0).contains(&&Event::Replaced { peer, by }));
    assert_eq!(network.nodes[0].endpoint.path(by), Some(network.path(1)));
}

#[test]
fn a_path_that_leads_nowhere_is_tried_once_and_the_session_goes_on() {
    let (mut network, peer) = connected();
    let (address_before, nowhere) = (network.nodes[1].address, address(79, 4_000));
    for round in 1..=20 {
        network.nodes[1].address = nowhere;
        network.connect(0, 1, true);
        network.nodes[1].address = address_before;
        network.send(0, peer, 0, b"still here");
        network.run(ms(500));
        assert_eq!(network.messages(1).len(), 1 + round);
    }
    assert_eq!(network.nodes[0].endpoint.path(peer), Some(network.path(1)));
    let tried = network.log.iter().filter(|sent| sent.to == nowhere);
    assert_eq!(tried.count(), 1);
}

#[test]
fn a_replayed_handshake_from_a_false_address_makes_no_more_than_three_times_its_bytes() {
    let (mut network, peer) = Network::pair(1, Faults::NONE);
    // The endpoint has been shown the time, so the initiation is younger than it.
    network.run(ms(1));
    network.send(0, peer, 0, b"hello");
    network.faults.loss = 100;
    network.drain();
    let initiation = network.log[0].bytes.clone();
    network.faults.loss = 0;
    network.nodes[0].is_cut_off = true;
    let victim = address(99, 9_999);
    network.hand_in(1, victim, &initiation);
    network.drain();
    assert_eq!(network.messages(1), [b"hello"]);
    // The program answers, and the link would like to reach whoever that was.
    let back = network.peer(1, 0);
    network.send(1, back, 0, &[7; 30_000]);
    for _ in 0..20 {
        network.run(secs(3));
        assert!(sent_to(&network, 99) <= 3 * initiation.len());
    }
}

#[test]
fn a_copied_handshake_and_a_copied_packet_from_false_addresses_move_nobody() {
    let (mut network, peer) = Network::pair(1, Faults::NONE);
    network.run(ms(1));
    network.send(0, peer, 0, b"hello");
    assert!(network.run_until(secs(1), |network| network.log.len() == 2));
    network.faults.loss = 100;
    assert!(network.run_until(secs(1), |network| network.log.len() == 3));
    let [initiation, _, packet] = &network.log[..] else {
        unreachable!()
    };
    let (initiation, packet) = (initiation.bytes.clone(), packet.bytes.clone());
    network.faults.loss = 0;
    network.nodes[0].is_cut_off = true;
    let (victim, other) = (address(99, 9_999), address(98, 9_999));
    network.hand_in(1, victim, &initiation);
    network.hand_in(1, other, &packet);
    let back = network.peer(1, 0);
    network.send(1, back, 0, &[7; 30_000]);
    network.run(secs(10));
    assert!(sent_to(&network, 99) <= 3 * initiation.len());
    assert!(sent_to(&network, 98) <= 3 * packet.len());
}

#[test]
fn a_path_that_has_not_proved_itself_never_gets_more_than_three_times_what_came_from_it() {
    let faults = Faults {
        loss: 20,
        duplication: 10,
        jitter: ms(20),
        ..Faults::NONE
    };
    for seed in 0..30 {
        let (mut network, peer) = Network::pair(seed, faults);
        network.send(0, peer, 0, b"first");
        network.run(secs(5));
        let back = network.peer(1, 0);
        for hop in 0..10 {
            network.nodes[0].address = address(100 + hop, 4_000);
            network.send(0, peer, 0, &[hop; 2_000]);
            network.send(1, back, 0, &[hop; 20_000]);
            network.run(ms(seed * 20));
        }
        network.run(secs(20));
        assert_eq!(network.messages(0).len(), 10, "seed {seed}");
        assert_eq!(network.messages(1).len(), 11, "seed {seed}");
        check_amplification(&network);
    }
}

/// Replays the log: an address is validated once it was reported as the peer's path.
fn check_amplification(network: &Network) {
    let moves: BTreeMap<_, _> = network.nodes[1]
        .events
        .iter()
        .filter_map(|(at, event)| match event {
            Event::Moved { path, .. } => Some((path.remote, *at)),
            _ => None,
        })
        .collect();
    let mut budget: BTreeMap<_, usize> = BTreeMap::new();
    for sent in &network.log {
        if sent.from == network.nodes[1].address {
            let is_valid = moves.get(&sent.to).is_some_and(|at| *at <= sent.at);
            let is_unknown =
                sent.to.ip().to_string().starts_with("10.0.0.1") && sent.to != address(1, 4_000);
            if is_unknown && !is_valid {
                let left = budget.entry(sent.to).or_default();
                assert!(
                    *left >= sent.bytes.len(),
                    "{} to {}",
                    sent.bytes.len(),
                    sent.to
                );
                *left -= sent.bytes.len();
            }
        } else {
            // At most twice, if the network duplicates it.
            *budget.entry(sent.from).or_default() += 2 * 3 * sent.bytes.len();
        }
    }
}

fn sent_to(network: &Network, host: u8) -> usize {
    let sent = network.log.iter();
    sent.filter(|sent| sent.to.ip() == address(host, 0).ip())
        .map(|sent| sent.bytes.len())
        .sum()
}

/// Two nodes that have exchanged a message, and the first one's name for the second.
fn connected() -> (Network, chat_core::link::PeerId) {
    let (mut network, peer) = Network::pair(1, Faults::NONE);
    network.send(0, peer, 0, b"first");
    network.run(secs(1));
    (network, peer)
}
