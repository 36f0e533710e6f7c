//! Handshakes that lead nowhere: keys that are none, and first messages of strangers.

use chat_core::{
    crypto::{Identity, Random, mac::ReceiverKeys, noise},
    id::{Path, PublicKey},
    wire::{LinkFrame, encode, header, header::PROLOGUE},
};

use super::network::{Faults, Network, address, ms, secs};

#[test]
fn with_a_key_of_low_order_no_handshake_is_begun() {
    let mut network = Network::new(1, Faults::NONE);
    network.add(1);
    let (now, path) = (network.clocks(), Path::to(address(9, 4_000)));
    let endpoint = &mut network.nodes[0].endpoint;
    let nobody = endpoint.connect(now, PublicKey([0; 32]), path, true);
    let nobody = nobody.expect("there is room");
    network.send(0, nobody, 0, b"hello");
    network.run(secs(60));
    assert_eq!(network.log.len(), 0);
    assert!(!network.nodes[0].endpoint.is_connected(nobody));
    assert!(!network.is_done(0, nobody));
}

#[test]
fn who_calls_itself_does_not_get_through() {
    let mut network = Network::new(1, Faults::NONE);
    network.add(1);
    let itself = network.connect(0, 0, true);
    network.send(0, itself, 0, b"hello");
    network.run(secs(10));
    assert!(network.nodes[0].events.is_empty());
    assert!(network.nodes[0].endpoint.counters().malformed > 0);
    assert!(network.log.len() < 20, "{} datagrams", network.log.len());
}

#[test]
fn a_first_message_of_another_protocol_is_not_answered() {
    let mut network = Network::new(1, Faults::NONE);
    network.add(1);
    let noise = first_message(&network, b"another protocol", &start());
    hand_in(&mut network, &noise);
    assert_eq!(network.log.len(), 0);
    assert_eq!(network.nodes[0].endpoint.counters().unauthenticated, 1);
}

#[test]
fn a_first_message_that_does_not_begin_is_not_answered() {
    let mut ping = Vec::new();
    encode(&LinkFrame::Ping {}, &mut ping);
    for payload in [&ping[..], &[], &[0xff; 9]] {
        let mut network = Network::new(1, Faults::NONE);
        network.add(1);
        let noise = first_message(&network, &PROLOGUE, payload);
        hand_in(&mut network, &noise);
        assert_eq!(network.log.len(), 0);
        assert_eq!(network.nodes[0].endpoint.counters().malformed, 1);
    }
}

#[test]
fn a_first_message_that_is_as_it_should_be_is_answered() {
    let mut network = Network::new(1, Faults::NONE);
    network.add(1);
    let noise = first_message(&network, &PROLOGUE, &start());
    hand_in(&mut network, &noise);
    assert_eq!(network.log.len(), 1);
}

fn start() -> Vec<u8> {
    let mut payload = Vec::new();
    let start = LinkFrame::Start {
        incarnation: 1,
        counter: 1,
        early_taken: false,
    };
    encode(&start, &mut payload);
    payload
}

/// What somebody's handshake with the first node begins with.
fn first_message(network: &Network, prologue: &[u8], payload: &[u8]) -> Vec<u8> {
    let (identity, key) = (Identity::from_seed(&[66; 32]), network.key(0));
    let (mut random, wall) = (Random::new([66; 32]), network.clocks().wall);
    let started = noise::Initiator::start(&identity, &key, prologue, payload, &mut random, wall);
    started.expect("the key is good").1
}

fn hand_in(network: &mut Network, noise: &[u8]) {
    let mut datagram = Vec::new();
    header::Initiation { sender: 7, noise }.emit(&mut datagram);
    ReceiverKeys::of(&network.key(0)).append(&mut datagram, None);
    network.hand_in(0, address(66, 6_666), &datagram);
    network.run(ms(1));
}
