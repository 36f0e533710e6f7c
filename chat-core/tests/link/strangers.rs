//! Garbage, replays, floods, hellos, and any order of calls.

use std::sync::Arc;

use chat_core::{
    config::LinkConfig,
    crypto::Identity,
    id::Path,
    link::{Endpoint, Event, SendError},
    time::{Instant, Now, WallTime},
};
use proptest::prelude::*;

use super::network::{Faults, Network, address, ms, secs};

#[test]
fn a_hello_is_repeated_and_its_answer_shows_the_key() {
    let mut network = Network::new(1, Faults::NONE);
    let (client, server) = (network.add(1), network.add(2));
    let (now, path) = (network.clocks(), network.path(server));
    network.nodes[server].is_cut_off = true;
    network.nodes[client].endpoint.hello(now, path);
    network.run(secs(2));
    assert_eq!(network.log.len(), 5);
    network.nodes[server].is_cut_off = false;
    network.run(secs(1));
    let key = network.key(server);
    assert_eq!(
        network.notices(client)[0],
        &Event::HelloAnswered { path, key }
    );
    let (hello, answer) = (&network.log[0].bytes, &network.log.last().unwrap().bytes);
    assert!(answer.len() <= hello.len());
    network.nodes[client].endpoint.stop_hello();
    network.run(secs(1));
    assert_eq!(network.next_event(), None);
    let peer = network.connect(client, server, false);
    network.send(client, peer, 0, b"hello");
    network.run(secs(1));
    assert_eq!(network.messages(server), [b"hello"]);
}

#[test]
fn what_is_no_datagram_and_what_is_not_meant_for_it_is_counted() {
    let mut network = Network::new(1, Faults::NONE);
    let (client, server) = (network.add(1), network.add(2));
    let peer = network.connect(client, server, false);
    network.send(client, peer, 0, b"hello");
    network.run(ms(1));
    let mut initiation = network.log[0].bytes.clone();
    let last = initiation.len() - 1;
    initiation[last] ^= 1;
    initiation[last - 16] ^= 1;
    let before = network.nodes[server].endpoint.counters();
    for _ in 0..2 {
        network.hand_in(server, address(66, 6_666), &initiation);
        network.hand_in(server, address(66, 6_666), b"no datagram");
    }
    let counters = network.nodes[server].endpoint.counters();
    assert_eq!(counters.unauthenticated, before.unauthenticated + 2);
    assert_eq!(counters.malformed, before.malformed + 2);
}

#[test]
fn a_packet_that_comes_again_is_counted() {
    let (mut network, peer) = Network::pair(1, Faults::NONE);
    network.send(0, peer, 0, b"hello");
    network.run(secs(1));
    network.send(0, peer, 0, b"again");
    let sent = network.log.len();
    network.run(secs(1));
    let (from, packet) = (network.log[sent].from, network.log[sent].bytes.clone());
    assert_eq!(network.nodes[1].endpoint.counters().replayed, 0);
    for _ in 0..3 {
        network.hand_in(1, from, &packet);
    }
    assert_eq!(network.nodes[1].endpoint.counters().replayed, 3);
}

#[test]
fn everything_that_was_ever_sent_can_be_replayed_without_effect() {
    let (mut network, peer) = Network::pair(1, Faults::NONE);
    for message in 0..20u8 {
        network.send(0, peer, message % 3, &[message; 300]);
        network.run(ms(50));
    }
    let back = network.peer(1, 0);
    let recorded = network.log.clone();
    for sent in recorded.iter().chain(recorded.iter().rev()) {
        let from = address(66, 6_666);
        for (node, source) in [(0, sent.from), (1, sent.from), (0, from), (1, from)] {
            network.hand_in(node, source, &sent.bytes);
        }
        network.drain();
    }
    network.run(secs(30));
    assert_eq!(network.messages(1).len(), 20);
    assert_eq!((network.peer(0, 1), network.peer(1, 0)), (peer, back));
    assert_eq!(network.notices(0).len() + network.notices(1).len(), 2);
    network.send(0, peer, 0, b"still there?");
    network.run(ms(20));
    assert!(network.is_done(0, peer));
}

#[test]
fn a_first_message_is_taken_once_even_if_its_initiation_is_replayed_to_another_life() {
    let (mut network, peer) = Network::pair(1, Faults::NONE);
    network.send(0, peer, 0, b"hello");
    network.run(secs(1));
    let initiation = network.log[0].bytes.clone();
    network.restart(1);
    network.run(secs(1));
    network.hand_in(1, address(66, 6_666), &initiation);
    network.run(secs(20));
    assert_eq!(network.messages(1), [b"hello"], "that was the first life");
}

#[test]
fn under_load_a_handshake_is_made_only_with_who_shows_that_it_receives() {
    const COOKIE_REPLY: u8 = 5;
    let mut config = LinkConfig::default();
    config.handshakes_before_cookies = 0;
    let (mut network, peer) = Network::pair_with_config(1, Faults::NONE, config);
    network.send(0, peer, 0, b"hello");
    network.run(ms(30));
    assert_eq!(network.log[1].bytes[0], COOKIE_REPLY);
    assert_eq!(network.messages(1), [b"hello"], "after one more round trip");
}

#[test]
fn a_hello_brings_the_cookie_for_the_handshake() {
    const COOKIE_REPLY: u8 = 5;
    let mut config = LinkConfig::default();
    config.handshakes_before_cookies = 0;
    let mut network = Network::with_config(1, Faults::NONE, config);
    network.add(1);
    network.add(2);
    let (now, path) = (network.clocks(), network.path(1));
    network.nodes[0].endpoint.hello(now, path);
    network.run(ms(20));
    network.nodes[0].endpoint.stop_hello();
    let peer = network.connect(0, 1, true);
    network.send(0, peer, 0, b"hello");
    network.run(secs(1));
    assert_eq!(network.messages(1), [b"hello"]);
    assert!(network.log.iter().all(|sent| sent.bytes[0] != COOKIE_REPLY));
}

#[test]
fn there_are_no_more_peers_than_allowed() {
    let mut config = LinkConfig::default();
    config.max_peers = 3;
    let mut network = Network::with_config(1, Faults::NONE, config);
    let server = network.add(100);
    for identity in 1..=5 {
        let client = network.add(identity);
        let peer = network.connect(client, server, false);
        network.send(client, peer, 0, b"hello");
    }
    network.run(secs(2));
    assert_eq!(network.messages(server).len(), 3);
    let (now, path) = (network.clocks(), network.path(1));
    let stranger = Identity::from_seed(&[200; 32]).public_key();
    let endpoint = &mut network.nodes[server].endpoint;
    let refused = endpoint.connect(now, stranger, path, false);
    assert_eq!(refused, Err(SendError::QueueFull));
    assert!(endpoint.counters().over_limit > 2);
}

#[test]
fn who_does_not_poll_events_loses_no_message() {
    let mut config = LinkConfig::default();
    config.max_events = 10;
    let (mut network, peer) = Network::pair_with_config(1, Faults::NONE, config);
    network.send(0, peer, 0, b"first");
    network.run(secs(1));
    let before = network.log.len();
    for message in 0..50u8 {
        network.send(0, peer, 0, &[message; 900]);
    }
    network.drain();
    for sent in network.log.split_off(before) {
        network.hand_in(1, sent.from, &sent.bytes);
    }
    assert!(network.nodes[1].endpoint.counters().over_limit > 0);
    network.run(secs(10));
    assert_eq!(network.messages(1).len(), 51);
}

#[test]
fn a_message_to_a_peer_that_is_gone_is_refused() {
    let (mut network, peer) = Network::pair(1, Faults::NONE);
    let now = network.clocks();
    let endpoint = &mut network.nodes[0].endpoint;
    endpoint.close(now, peer);
    let refused = endpoint.send(now, peer, 0, Arc::from(*b"hello"));
    assert_eq!(refused, Err(SendError::NoSuchPeer));
    endpoint.probe(now, peer);
    endpoint.ping(now, peer);
    endpoint.close(now, peer);
    assert_eq!(endpoint.poll_event(), None);
}

proptest! {
    #[test]
    fn garbage_is_dropped_and_counted(datagrams in prop::collection::vec(any::<Vec<u8>>(), 1..50)) {
        let identity = Identity::from_seed(&[1; 32]);
        let mut endpoint = Endpoint::new(identity, LinkConfig::default(), [2; 32]);
        for mut datagram in datagrams {
            endpoint.handle_datagram(Now::default(), Path::to(address(1, 1_024)), &mut datagram);
        }
        prop_assert_eq!(endpoint.poll_event(), None);
    }

    /// Every type of datagram, cut, changed and spliced, to an endpoint that is in the middle of
    /// everything.
    #[test]
    fn altered_datagrams_do_no_harm(
        seed: u64,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u16>(), any::<u8>(), 0u8..4), 1..60),
    ) {
        let (mut network, peer) = Network::pair(seed, Faults::NONE);
        let (now, path) = (network.clocks(), network.path(1));
        network.nodes[0].endpoint.hello(now, path);
        network.send(0, peer, 0, &[1; 3_000]);
        network.run(ms(100));
        network.nodes[0].endpoint.stop_hello();
        let recorded = network.log.clone();
        for (which, at, value, how) in changes {
            let sent = which.get(&recorded);
            let mut bytes = sent.bytes.clone();
            let at = usize::from(at) % bytes.len();
            match how {
                0 => bytes[at] ^= value.max(1),
                1 => bytes.truncate(at),
                2 => bytes.push(value),
                _ => bytes[0] = value % 9,
            }
            for node in 0..2 {
                network.hand_in(node, sent.from, &bytes);
            }
        }
        network.run(secs(20));
        prop_assert_eq!(network.messages(1), [[1; 3_000]]);
        network.send(0, peer, 0, b"still there?");
        network.run(secs(5));
        prop_assert!(network.is_done(0, peer));
    }

    /// Clocks that go back, calls in any order, drains or none in between.
    #[test]
    fn any_order_of_calls_is_legal(calls in prop::collection::vec((0u8..14, 0u64..3_000), 1..200)) {
        let (mut network, first) = Network::pair(1, Faults::NONE);
        let (mut peers, mut message, mut micros) = (vec![first], None, 1_000_000);
        let mut buffer = Vec::new();
        for (call, value) in calls {
            micros += value * 100;
            let instant = Instant::from_micros(micros - value % 7 * 50_000);
            let now = Now::new(instant, WallTime::from_micros(value));
            let (key, path, own) = (network.key(1), network.path(1), network.path(0));
            let peer = peers[value as usize % peers.len()];
            let [here, there] = &mut network.nodes[..] else { unreachable!() };
            let (here, there) = (&mut here.endpoint, &mut there.endpoint);
            match call {
                0 => peers.extend(here.connect(now, key, path, value % 2 == 0)),
                1 | 2 => {
                    let bytes = Arc::from(vec![1; value as usize]);
                    message = here.send(now, peer, value as u8 % 64, bytes).ok().or(message);
                }
                3 => message.into_iter().for_each(|message| here.cancel(now, peer, message)),
                4 => here.probe(now, peer),
                5 => here.ping(now, peer),
                6 if value % 5 == 0 => here.close(now, peer),
                7 if value % 9 == 0 => here.set_listening(value % 2 == 0),
                8 => here.handle_timeout(now),
                9 => there.handle_timeout(now),
                10 if value % 3 == 0 => here.hello(now, path),
                11 => {
                    while here.poll_transmit(now, &mut buffer).is_some() {
                        there.handle_datagram(now, own, &mut buffer);
                    }
                }
                12 => {
                    while there.poll_transmit(now, &mut buffer).is_some() {
                        here.handle_datagram(now, path, &mut buffer);
                    }
                }
                _ => while here.poll_event().is_some() {},
            }
        }
    }
}
