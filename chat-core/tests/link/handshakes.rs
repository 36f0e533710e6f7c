//! Handshakes: what starts one, what survives one, what two at once lead to.

use chat_core::link::Event;

use super::network::{Faults, Network, address, ms, secs};

const INITIATION: u8 = 3;
const RESPONSE: u8 = 4;
const DATA: u8 = 6;

#[test]
fn nothing_is_sent_before_there_is_a_message() {
    let (mut network, _) = Network::pair(1, Faults::NONE);
    network.run(secs(600));
    assert_eq!(network.log.len(), 0);
}

#[test]
fn a_handshake_is_three_datagrams_and_both_sides_are_connected() {
    let (mut network, peer) = Network::pair(1, Faults::NONE);
    network.send(0, peer, 0, b"hello");
    network.run(secs(1));
    let types: Vec<u8> = network.log.iter().map(|sent| sent.bytes[0]).collect();
    assert_eq!(
        types,
        [INITIATION, RESPONSE, 6, 6],
        "the third is acknowledged"
    );
    let back = network.peer(1, 0);
    assert_eq!(network.notices(0), [&Event::Connected { peer }]);
    assert_eq!(network.notices(1), [&Event::Connected { peer: back }]);
    assert_eq!(network.nodes[0].endpoint.round_trip(peer), Some(ms(20)));
}

#[test]
fn without_early_messages_the_first_one_follows_the_handshake() {
    let mut network = Network::new(1, Faults::NONE);
    let (client, server) = (network.add(1), network.add(2));
    let peer = network.connect(client, server, false);
    network.send(client, peer, 0, b"request");
    network.run(ms(29));
    assert_eq!(network.messages(server).len(), 0);
    network.run(ms(1));
    assert_eq!(network.messages(server), [b"request"]);
}

#[test]
fn an_unanswered_initiation_is_repeated_unchanged_and_another_made_after_five_seconds() {
    let (mut network, peer) = Network::pair(1, Faults::NONE);
    network.nodes[1].is_cut_off = true;
    network.send(0, peer, 0, &[1; 900]);
    network.run(secs(5));
    let first = network.log[0].clone();
    let after = |sent: &super::network::Sent| sent.at.saturating_since(first.at).as_millis();
    let times: Vec<u128> = network.log.iter().map(after).collect();
    assert_eq!(
        times[..7],
        [0, 100, 200, 300, 400, 500, 1_500],
        "urgent at first"
    );
    let copies = network.log.iter().filter(|sent| sent.bytes == first.bytes);
    assert_eq!(copies.count(), network.log.len());
    network.run(secs(5));
    assert_ne!(network.log.last().unwrap().bytes, first.bytes);
    network.nodes[1].is_cut_off = false;
    network.run(secs(3));
    assert_eq!(network.messages(1), [[1; 900]]);
}

#[test]
fn who_has_answered_in_vain_and_has_something_to_say_begins_itself() {
    let (mut network, peer) = Network::pair(1, Faults::NONE);
    network.send(0, peer, 0, &[1; 900]);
    network.run(ms(5));
    network.nodes[0].is_cut_off = true;
    network.run(ms(6));
    let back = network.peer(1, 0);
    network.send(1, back, 0, b"reply");
    network.run(ms(600));
    let address = network.nodes[1].address;
    let sent = network.log.iter().filter(|sent| sent.from == address);
    let types: Vec<u8> = sent.map(|sent| sent.bytes[0]).collect();
    assert!(types.contains(&RESPONSE), "{types:?}");
    assert!(types.contains(&INITIATION), "{types:?}");
}

#[test]
fn a_repeated_initiation_gets_the_same_answer() {
    let (mut network, peer) = Network::pair(1, Faults::NONE);
    network.send(0, peer, 0, b"hello");
    network.drain();
    let initiation = network.log[0].bytes.clone();
    network.faults.loss = 100;
    for _ in 0..3 {
        network.hand_in(1, address(1, 4_000), &initiation);
        network.drain();
    }
    let answers: Vec<_> = network.log[1..].iter().map(|sent| &sent.bytes).collect();
    assert_eq!(answers.len(), 3);
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert_eq!(
        network.messages(1),
        [b"hello"],
        "what rides in it is taken once"
    );
}

#[test]
fn two_handshakes_at_once_become_one_session() {
    for seed in 0..20 {
        let (mut network, peer) = Network::pair(seed, Faults::NONE);
        network.faults.jitter = ms(seed);
        let back = network.connect(1, 0, true);
        network.send(0, peer, 0, b"from the first");
        network.run(ms(seed / 2));
        network.send(1, back, 0, b"from the second");
        network.run(secs(2));
        assert_eq!(network.messages(1), [b"from the first"]);
        assert_eq!(network.messages(0), [b"from the second"]);
        assert_eq!(network.notices(0), [&Event::Connected { peer }]);
        assert_eq!(network.notices(1), [&Event::Connected { peer: back }]);
        assert_eq!(network.nodes[0].endpoint.counters().handshakes, 1);
    }
}

#[test]
fn two_handshakes_at_once_between_clocks_that_differ_leave_both_sides_connected() {
    for seed in 0..20 {
        let (mut network, peer) = Network::pair(seed, Faults::NONE);
        network.nodes[(seed % 2) as usize].behind = secs(3_600);
        network.faults.jitter = ms(seed);
        network.run(ms(1));
        let back = network.connect(1, 0, true);
        network.send(0, peer, 0, b"from the first");
        network.run(ms(seed / 2));
        network.send(1, back, 0, b"from the second");
        network.run(secs(2));
        for minute in 0..10u8 {
            network.send(0, peer, 0, &[minute]);
            network.send(1, back, 0, &[minute]);
            network.run(secs(60));
        }
        assert_eq!(network.messages(0).len(), 11);
        assert_eq!(network.messages(1).len(), 11);
        assert_eq!(network.notices(0), [&Event::Connected { peer }]);
        assert_eq!(network.notices(1), [&Event::Connected { peer: back }]);
        assert_eq!(network.nodes[0].endpoint.counters().unknown_session, 0);
    }
}

#[test]
fn an_old_session_is_renewed_without_a_gap() {
    let (mut network, peer) = Network::pair(1, Faults::NONE);
    let mut expected = Vec::new();
    for minute in 0..200u8 {
        network.send(0, peer, 0, &[minute]);
        network.run(secs(60));
        expected.push([minute]);
    }
    assert_eq!(network.messages(1), expected);
    assert_eq!(network.nodes[0].endpoint.counters().handshakes, 4);
    assert_eq!(network.notices(0), [&Event::Connected { peer }]);
    assert_eq!(network.nodes[1].endpoint.counters().unknown_session, 0);
}

#[test]
fn a_packet_that_the_renewal_of_the_keys_overtakes_is_taken_and_acknowledged() {
    let mut network = Network::new(1, Faults::NONE);
    network.add(1);
    network.add(2);
    let peer = network.connect(0, 1, false);
    network.send(0, peer, 0, b"first");
    for _ in 0..61 {
        let now = network.clocks();
        network.nodes[0].endpoint.ping(now, peer);
        network.run(secs(60));
    }
    let before = network.log.len();
    network.faults.loss = 100;
    network.send(0, peer, 0, b"slow");
    network.drain();
    let slow = network.log[before..]
        .iter()
        .find(|sent| sent.bytes[0] == DATA);
    let slow = slow.unwrap().clone();
    let begun = network.log[before..]
        .iter()
        .find(|sent| sent.bytes[0] == INITIATION);
    let begun = begun.unwrap().clone();
    network.hand_in(1, begun.from, &begun.bytes);
    network.drain();
    let answer = network.log.last().unwrap().clone();
    assert_eq!(answer.bytes[0], RESPONSE);
    network.hand_in(0, answer.from, &answer.bytes);
    network.drain();
    let first = network.log.last().unwrap().clone();
    network.hand_in(1, first.from, &first.bytes);
    network.run(ms(1));
    assert_eq!(network.messages(1), [b"first"]);
    network.hand_in(1, slow.from, &slow.bytes);
    network.drain();
    assert_eq!(network.messages(1), [&b"first"[..], b"slow"]);
    assert_eq!(network.nodes[1].endpoint.counters().unknown_session, 0);
    assert!(!network.is_done(0, peer));
    let acknowledgement = network.log.last().unwrap().clone();
    network.hand_in(0, acknowledgement.from, &acknowledgement.bytes);
    assert!(network.is_done(0, peer));
}

#[test]
fn messages_that_cross_the_renewal_of_both_sides_arrive_once() {
    let faults = Faults {
        loss: 20,
        jitter: ms(20),
        ..Faults::NONE
    };
    for seed in 0..20 {
        let (mut network, peer) = Network::pair(seed, faults);
        network.send(0, peer, 0, b"0");
        assert!(network.run_until(secs(10), |network| network.is_done(0, peer)));
        let back = network.peer(1, 0);
        for _ in 0..59 {
            network.run(secs(60));
            let now = network.clocks();
            network.nodes[0].endpoint.ping(now, peer);
        }
        network.run(secs(120));
        for message in 1..50u8 {
            network.send(0, peer, 0, &[message]);
            network.send(1, back, 0, &[message]);
            network.run(ms(5));
        }
        network.run(secs(120));
        assert_eq!(network.messages(0).len(), 49, "seed {seed}");
        assert_eq!(network.messages(1).len(), 50, "seed {seed}");
    }
}

#[test]
fn a_handshake_does_not_replace_a_session_before_it_carries_something() {
    let (mut network, peer) = Network::pair(1, Faults::NONE);
    network.send(0, peer, 0, b"one");
    network.run(secs(1));
    let initiation = network.log[0].bytes.clone();
    network.restart(0);
    let peer = network.connect(0, 1, true);
    network.send(0, peer, 0, b"two");
    network.run(secs(1));
    let back = network.peer(1, 0);
    // The recorded initiation of the first life comes from somewhere else.
    network.hand_in(1, address(66, 6_666), &initiation);
    network.send(1, back, 0, b"to the second life");
    network.run(secs(30));
    assert_eq!(network.peer(1, 0), back);
    assert_eq!(network.messages(0), [b"to the second life"]);
    assert_eq!(network.messages(1), [b"one", b"two"]);
}
