//! One side starts again and remembers nothing.

use chat_core::link::Event;

use super::network::{Faults, Network, ms, secs};

#[test]
fn who_talks_to_a_restarted_peer_is_told_at_once_that_it_is_another() {
    let (mut network, peer) = connected();
    network.restart(1);
    network.send(0, peer, 0, b"lost with the old one");
    // The packet, the hint, the handshake: two round trips.
    network.run(ms(40));
    let by = network.peer(0, 1);
    assert_ne!(by, peer);
    assert_eq!(
        network.notices(0)[1..],
        [
            &Event::Replaced { peer, by },
            &Event::Connected { peer: by }
        ]
    );
    network.send(0, by, 0, b"again");
    network.run(ms(500));
    assert_eq!(network.messages(1)[1..], [b"again"]);
    assert_eq!(network.notices(1).len(), 2, "connected, before and after");
}

#[test]
fn who_hears_from_a_restarted_peer_is_told_that_it_is_another() {
    let (mut network, peer) = connected();
    let old = network.peer(1, 0);
    network.restart(0);
    let again = network.connect(0, 1, true);
    network.send(0, again, 0, b"from the second life");
    network.run(secs(1));
    let new = network.peer(1, 0);
    assert_ne!(new, old);
    assert_eq!(
        network.messages(1),
        [&b"first"[..], b"from the second life"]
    );
    let replaced = Event::Replaced { peer: old, by: new };
    assert!(network.notices(1).contains(&&replaced));
    network.send(1, new, 0, b"welcome");
    network.run(secs(1));
    assert_eq!(network.messages(0), [b"welcome"]);
    assert!(
        !network
            .notices(0)
            .iter()
            .any(|is| matches!(is, Event::Replaced { .. }))
    );
    let _ = peer;
}

#[test]
fn without_a_hint_the_silence_leads_to_a_handshake() {
    const UNKNOWN: u8 = 7;
    let (mut network, peer) = connected();
    network.restart(1);
    network.send(0, peer, 0, b"lost with the old one");
    // Nothing but handshakes gets through to the second life.
    let replaced = |network: &Network| network.peer(0, 1) != peer;
    let end = network.now + secs(10);
    while !replaced(&network) && network.now < end {
        network.nodes[1].is_cut_off = network.log.last().is_some_and(|sent| sent.bytes[0] == 6);
        network.run(ms(1));
    }
    assert!(replaced(&network));
    let hints = network.log.iter().filter(|sent| sent.bytes[0] == UNKNOWN);
    assert_eq!(hints.count(), 0);
    assert!(
        end.saturating_since(network.now) > secs(8),
        "within two seconds"
    );
}

#[test]
fn what_is_owed_to_a_life_that_has_ended_is_given_up_when_the_next_one_answers() {
    const INITIATION: u8 = 3;
    let (mut network, _) = connected();
    network.restart(0);
    let again = network.connect(0, 1, true);
    network.send(0, again, 0, b"from the second life");
    // The message has arrived in the handshake; its answer meets a third life.
    network.run(ms(15));
    network.restart(0);
    let second = network.sender_of(1, b"from the second life");
    network.send(1, second, 0, b"to the second life");
    network.run(secs(2));
    let third = network.peer(1, 0);
    let replaced = Event::Replaced {
        peer: second,
        by: third,
    };
    assert!(network.notices(1).contains(&&replaced));
    network.log.clear();
    network.run(secs(20));
    let closed = Event::Closed { peer: second };
    assert!(network.notices(1).contains(&&closed));
    let handshakes = network
        .log
        .iter()
        .filter(|sent| sent.bytes[0] == INITIATION);
    assert_eq!(handshakes.count(), 0, "begun in silence");
    network.send(1, third, 0, b"to the third life");
    network.run(secs(1));
    assert_eq!(network.messages(0), [b"to the third life"]);
}

#[test]
fn a_ping_notices_a_restarted_peer() {
    let (mut network, peer) = connected();
    network.restart(1);
    let now = network.clocks();
    network.nodes[0].endpoint.ping(now, peer);
    network.run(ms(40));
    assert_ne!(network.peer(0, 1), peer);
}

#[test]
fn the_other_side_coming_back_again_and_again_leaves_few_peers_behind() {
    let (mut network, _) = connected();
    let closed = |network: &Network| {
        let notices = network.notices(1);
        notices
            .iter()
            .filter(|is| matches!(is, Event::Closed { .. }))
            .count()
    };
    for life in 0..10u8 {
        network.restart(0);
        let peer = network.connect(0, 1, true);
        network.send(0, peer, 0, &[life]);
        network.run(secs(2));
    }
    assert_eq!(network.messages(1).len(), 11);
    assert_eq!(closed(&network), 7, "eleven lives, four are remembered");
    network.run(secs(300));
    assert_eq!(closed(&network), 11);
}

#[test]
fn both_sides_start_again_while_messages_are_under_way() {
    let (mut network, peer) = connected();
    for _ in 0..5 {
        network.send(0, peer, 0, b"to nobody");
    }
    network.run(ms(5));
    network.restart(0);
    network.restart(1);
    let (peer, back) = (network.connect(0, 1, true), network.connect(1, 0, true));
    network.send(0, peer, 0, b"to the second life");
    network.send(1, back, 0, b"from the second life");
    network.run(secs(3));
    assert_eq!(network.messages(1)[1..], [b"to the second life"]);
    assert_eq!(network.messages(0), [b"from the second life"]);
}

#[test]
fn a_second_device_with_the_same_key_takes_over_and_the_first_can_still_be_told() {
    let mut network = Network::new(1, Faults::NONE);
    let (first, second, server) = (network.add(1), network.add(1), network.add(2));
    let to_server = network.connect(first, server, false);
    network.send(first, to_server, 0, b"first device");
    network.run(secs(1));
    let old = network.peer(server, first);
    let to_server = network.connect(second, server, false);
    network.send(second, to_server, 0, b"second device");
    network.run(secs(1));
    let new = network.peer(server, second);
    assert_ne!(old, new);
    network.send(server, old, 0, b"you are superseded");
    network.send(server, new, 0, b"welcome");
    network.run(secs(1));
    assert_eq!(network.messages(first), [b"you are superseded"]);
    assert_eq!(network.messages(second), [b"welcome"]);
    let now = network.clocks();
    network.nodes[server].endpoint.close(now, old);
    network.run(secs(1));
    assert!(matches!(
        network.notices(first)[..],
        [_, Event::Closed { .. }]
    ));
    assert_eq!(network.peer(server, second), new);
}

#[test]
fn without_room_for_another_peer_who_has_begun_anew_has_to_wait_and_that_is_counted() {
    let mut config = chat_core::config::LinkConfig::default();
    config.max_peers = 1;
    let (mut network, peer) = Network::pair_with_config(1, Faults::NONE, config);
    network.send(0, peer, 0, b"one");
    network.run(secs(1));
    network.restart(1);
    network.send(0, peer, 0, b"two");
    network.run(secs(10));
    assert!(network.nodes[0].endpoint.counters().over_limit > 0);
    assert_eq!(network.messages(1), [b"one"]);
    let now = network.clocks();
    network.nodes[0].endpoint.close(now, peer);
    let peer = network.connect(0, 1, true);
    network.send(0, peer, 0, b"three");
    network.run(secs(10));
    assert_eq!(network.messages(1), [&b"one"[..], b"three"]);
}

/// Two nodes that have exchanged a message, and the first one's name for the second.
fn connected() -> (Network, chat_core::link::PeerId) {
    let (mut network, peer) = Network::pair(1, Faults::NONE);
    network.send(0, peer, 0, b"first");
    network.run(secs(1));
    (network, peer)
}
