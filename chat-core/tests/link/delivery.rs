//! Messages arrive: all of them, once, in order.

use std::collections::BTreeMap;

use chat_core::{config::LinkConfig, link::Event};
use proptest::prelude::*;

use super::network::{Faults, Network, ms, secs};

#[test]
fn the_first_message_rides_in_the_handshake_and_is_acknowledged_within_a_round_trip() {
    let (mut network, peer) = Network::pair(1, Faults::NONE);
    network.send(0, peer, 0, b"hello");
    network.run(ms(10));
    assert_eq!(network.messages(1), [b"hello"]);
    network.run(ms(10));
    assert!(network.is_done(0, peer));
    assert_eq!(network.notices(0), [&Event::Connected { peer }]);
}

#[test]
fn a_message_on_an_idle_session_is_acknowledged_within_a_round_trip() {
    let (mut network, peer) = Network::pair(1, Faults::NONE);
    network.send(0, peer, 0, b"one");
    network.run(secs(5));
    network.send(0, peer, 0, b"two");
    network.run(ms(20));
    assert_eq!(network.messages(1), [b"one", b"two"]);
    assert!(network.is_done(0, peer));
}

#[test]
fn the_answer_to_a_message_shares_its_datagram_with_the_acknowledgement() {
    let (mut network, peer) = Network::pair(1, Faults::NONE);
    network.send(0, peer, 0, b"one");
    network.run(secs(5));
    let (before, back) = (network.log.len(), network.peer(1, 0));
    network.send(0, peer, 0, b"question");
    assert!(network.run_until(secs(1), |network| network.messages(1).len() == 2));
    assert_eq!(
        network.log.len() - before,
        2,
        "the question and the acknowledgement"
    );
    network.send(1, back, 0, b"answer");
    network.run(secs(1));
    assert_eq!(network.messages(0), [b"answer"]);
}

#[test]
fn small_messages_share_a_datagram() {
    let (mut network, peer) = Network::pair(1, Faults::NONE);
    network.send(0, peer, 0, b"first");
    network.run(secs(1));
    let before = network.log.len();
    for stream in 0..20 {
        network.send(0, peer, stream, b"a few words");
    }
    network.run(secs(1));
    assert_eq!(network.messages(1).len(), 21);
    assert_eq!(network.log.len() - before, 2);
}

#[test]
fn a_message_of_64_kib_arrives_through_all_faults() {
    let (mut network, peer) = Network::pair(7, Faults::ALL);
    let message: Vec<u8> = (0..65_536u32).map(|at| (at % 251) as u8).collect();
    network.send(0, peer, 5, &message);
    assert!(network.run_until(secs(60), |network| network.is_done(0, peer)));
    assert_eq!(network.messages(1), [&message[..]]);
}

#[test]
fn a_large_message_holds_up_no_small_one_of_another_stream() {
    let (mut network, peer) = Network::pair(1, Faults::NONE);
    network.send(0, peer, 0, b"first");
    network.run(secs(1));
    network.send(0, peer, 1, &[7; 65_536]);
    network.run(ms(1));
    network.send(0, peer, 2, b"small");
    network.run(ms(11));
    assert_eq!(network.messages(1), [&b"first"[..], b"small"]);
}

#[test]
fn small_messages_that_come_too_early_do_not_keep_a_large_one_from_arriving() {
    let mut config = LinkConfig::default();
    config.max_reassembly_bytes = 10_000;
    let (mut network, peer) = Network::pair_with_config(1, Faults::NONE, config);
    for stream in [2, 1] {
        network.send(0, peer, stream, &[stream; 12_000]);
    }
    for number in 0..20 {
        network.send(0, peer, 2, &[number; 40]);
    }
    // What follows on the first acknowledgement is lost.
    network.run(ms(45));
    network.nodes[1].is_cut_off = true;
    network.run(ms(500));
    network.nodes[1].is_cut_off = false;
    network.run(secs(60));
    assert_eq!(network.messages(1).len(), 22);
}

#[test]
fn what_is_sent_again_is_counted() {
    let (mut network, peer) = Network::pair(1, Faults::NONE);
    let mut again = 0;
    for message in [&b"in a handshake"[..], b"in a packet"] {
        let sent = network.log.len();
        network.nodes[1].is_cut_off = true;
        network.send(0, peer, 0, message);
        network.run(secs(3));
        again += network.log.len() - sent - 1;
        network.nodes[1].is_cut_off = false;
        assert!(network.run_until(secs(60), |network| network.is_done(0, peer)));
        network.run(secs(5));
        let counters = network.nodes[0].endpoint.counters();
        again += 1;
        assert_eq!(counters.retransmitted as usize, again);
    }
    assert!(again > 4);
}

#[test]
fn a_cancelled_message_is_not_waited_for() {
    let (mut network, peer) = Network::pair(1, Faults::NONE);
    network.send(0, peer, 0, b"first");
    network.run(secs(1));
    network.nodes[1].is_cut_off = true;
    let given_up = network.send(0, peer, 0, b"given up");
    network.send(0, peer, 0, b"last");
    network.run(ms(300));
    let now = network.clocks();
    network.nodes[0].endpoint.cancel(now, peer, given_up);
    network.nodes[1].is_cut_off = false;
    network.run(secs(5));
    assert_eq!(network.messages(1), [&b"first"[..], b"last"]);
    assert!(network.is_done(0, peer));
}

#[test]
fn at_thirty_percent_loss_nearly_every_message_is_acknowledged_within_500_ms() {
    let faults = Faults {
        loss: 30,
        delay: ms(1),
        ..Faults::NONE
    };
    let (mut network, peer) = Network::pair(3, faults);
    network.send(0, peer, 0, b"first");
    network.run(secs(5));
    let late = (0..300)
        .filter(|_| {
            network.send(0, peer, 0, b"a message");
            let in_time = network.run_until(ms(500), |network| network.is_done(0, peer));
            network.run(secs(5));
            !in_time
        })
        .count();
    assert!(late <= 9, "{late} of 300");
    assert_eq!(network.messages(1).len(), 301);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn all_messages_arrive_once_and_in_order_whatever_the_network_does(
        seed: u64,
        loss in 0u64..31,
        jitter in 0u64..40,
        sends in prop::collection::vec((0usize..2, 0u8..4, 0usize..4_000, 0u64..60), 1..40),
    ) {
        let faults = Faults { loss, jitter: ms(jitter), ..Faults::ALL };
        let (mut network, peer) = Network::pair(seed, faults);
        let back = network.connect(1, 0, true);
        let mut expected: BTreeMap<(usize, u8), Vec<Vec<u8>>> = BTreeMap::new();
        for (number, (from, stream, length, pause)) in sends.into_iter().enumerate() {
            let mut message = vec![number as u8; length];
            message.extend_from_slice(&number.to_le_bytes());
            network.send(from, [peer, back][from], stream, &message);
            expected.entry((1 - from, stream)).or_default().push(message);
            network.run(ms(pause));
        }
        let done = network.run_until(secs(120), |network| {
            network.is_done(0, peer) && network.is_done(1, back)
        });
        prop_assert!(done, "{:?}", network.nodes[0].endpoint.counters());
        let mut arrived: BTreeMap<(usize, u8), Vec<Vec<u8>>> = BTreeMap::new();
        for node in 0..2 {
            for (_, event) in &network.nodes[node].events {
                if let Event::Message { stream, bytes, .. } = event {
                    arrived.entry((node, *stream)).or_default().push(bytes.clone());
                }
            }
        }
        prop_assert_eq!(arrived, expected);
    }
}
