//! Probes, pings, goodbyes, and quiet when there is nothing to say.

use chat_core::link::Event;

use super::network::{Faults, Network, ms, secs};

#[test]
fn an_idle_session_sends_nothing_and_wakes_up_for_nothing() {
    let (mut network, peer) = connected();
    let sent = network.log.len();
    let wake_up = network.next_event().unwrap();
    assert!(
        wake_up.saturating_since(network.now) > secs(100),
        "only to end the session"
    );
    network.run(secs(170));
    assert_eq!(network.log.len(), sent);
    network.run(secs(60));
    assert_eq!(network.log.len(), sent);
    assert_eq!(network.notices(0)[1..], [&Event::Closed { peer }]);
    assert_eq!(network.next_event(), None);
}

#[test]
fn while_anything_waits_to_be_polled_the_timeout_is_not_after_now() {
    let (mut network, peer) = Network::pair(1, Faults::NONE);
    network.send(0, peer, 0, b"hello");
    let now = network.now;
    let due = |network: &Network, node: usize| {
        let timeout = network.nodes[node].endpoint.poll_timeout();
        timeout.is_some_and(|at| at <= now)
    };
    assert!(due(&network, 0), "a datagram waits");
    network.drain();
    assert!(!due(&network, 0));
    let initiation = network.log[0].clone();
    network.hand_in(1, initiation.from, &initiation.bytes);
    let (clocks, mut buffer) = (network.clocks(), Vec::new());
    let endpoint = &mut network.nodes[1].endpoint;
    while endpoint.poll_transmit(clocks, &mut buffer).is_some() {}
    assert!(due(&network, 1), "an event waits");
    network.drain();
    assert!(!due(&network, 1));
    network.run(secs(1));
    let now = network.clocks();
    network.nodes[0].endpoint.close(now, peer);
    let timeout = network.nodes[0].endpoint.poll_timeout();
    assert_eq!(timeout, Some(now.instant), "a goodbye waits");
    network.nodes[0].endpoint.set_listening(false);
    let timeout = network.nodes[0].endpoint.poll_timeout();
    assert_eq!(timeout, Some(now.instant), "also of who is deaf");
}

#[test]
fn pings_keep_a_session_and_cost_two_datagrams_each() {
    let (mut network, peer) = connected();
    let sent = network.log.len();
    for _ in 0..100 {
        let now = network.clocks();
        network.nodes[0].endpoint.ping(now, peer);
        network.run(secs(8));
    }
    assert_eq!(network.log.len() - sent, 200);
    assert!(network.nodes[0].endpoint.is_connected(peer));
    let heard = network.nodes[0].endpoint.last_heard(peer).unwrap();
    assert!(network.now.saturating_since(heard) <= secs(8));
}

#[test]
fn a_probe_is_answered_within_a_round_trip() {
    let (mut network, peer) = connected();
    let now = network.clocks();
    network.nodes[0].endpoint.probe(now, peer);
    network.run(ms(20));
    assert_eq!(network.notices(0)[1..], [&Event::ProbeAnswered { peer }]);
    network.run(secs(10));
    assert_eq!(network.notices(0).len(), 2);
}

#[test]
fn a_probe_of_a_silent_peer_fails_after_half_a_second_and_no_sooner() {
    let (mut network, peer) = connected();
    network.nodes[1].is_cut_off = true;
    let (now, sent) = (network.clocks(), network.log.len());
    network.nodes[0].endpoint.probe(now, peer);
    network.nodes[0].endpoint.probe(now, peer);
    network.run(ms(474));
    assert_eq!(network.notices(0).len(), 1);
    assert!(network.run_until(ms(200), |network| network.notices(0).len() == 2));
    assert_eq!(network.notices(0)[1..], [&Event::ProbeFailed { peer }]);
    assert_eq!(network.log.len() - sent, 20);
}

#[test]
fn at_thirty_percent_loss_a_probe_of_a_living_peer_is_answered() {
    let (mut network, peer) = connected();
    network.faults.loss = 30;
    for _ in 0..200 {
        let now = network.clocks();
        network.nodes[0].endpoint.probe(now, peer);
        network.run(secs(1));
    }
    let answered = |event: &&&Event| matches!(event, Event::ProbeAnswered { .. });
    assert_eq!(network.notices(0).iter().filter(answered).count(), 200);
}

#[test]
fn a_probe_without_a_session_fails_at_once() {
    let (mut network, peer) = Network::pair(1, Faults::NONE);
    let now = network.clocks();
    network.nodes[0].endpoint.probe(now, peer);
    network.run(ms(0));
    assert_eq!(network.notices(0), [&Event::ProbeFailed { peer }]);
}

#[test]
fn who_says_goodbye_is_forgotten_on_both_sides() {
    let (mut network, peer) = connected();
    let (now, back) = (network.clocks(), network.peer(1, 0));
    network.nodes[0].endpoint.close(now, peer);
    assert!(network.nodes[0].endpoint.key(peer).is_none());
    network.run(ms(10));
    assert_eq!(network.notices(1)[1..], [&Event::Closed { peer: back }]);
    assert_eq!(network.notices(0).len(), 1, "no event follows");
    network.run(secs(300));
    assert_eq!(network.log.last().unwrap().at, now.instant);
}

#[test]
fn a_deaf_endpoint_sends_its_goodbyes_and_takes_nothing() {
    let (mut network, peer) = connected();
    let (now, back) = (network.clocks(), network.peer(1, 0));
    network.nodes[0].endpoint.close(now, peer);
    network.nodes[0].endpoint.set_listening(false);
    network.run(ms(100));
    assert_eq!(network.notices(1)[1..], [&Event::Closed { peer: back }]);
    let back = network.connect(1, 0, true);
    network.send(1, back, 0, b"anybody there?");
    network.run(secs(3));
    assert_eq!(network.messages(0).len(), 0);
    assert!(
        network
            .log
            .iter()
            .all(|sent| sent.from != network.nodes[0].address || sent.at <= now.instant)
    );
    network.nodes[0].endpoint.set_listening(true);
    network.run(secs(3));
    assert_eq!(network.messages(0), [b"anybody there?"]);
}

#[test]
fn a_message_nobody_waits_for_any_more_ends_the_handshakes() {
    let (mut network, peer) = Network::pair(1, Faults::NONE);
    network.nodes[1].is_cut_off = true;
    let message = network.send(0, peer, 0, b"hello");
    network.run(secs(3));
    let now = network.clocks();
    network.nodes[0].endpoint.cancel(now, peer, message);
    network.run(secs(2));
    let sent = network.log.len();
    network.run(secs(60));
    assert_eq!(network.log.len(), sent);
    assert_eq!(network.next_event(), None);
}

#[test]
fn a_peer_that_does_not_answer_for_three_minutes_is_given_up() {
    let (mut network, peer) = Network::pair(1, Faults::NONE);
    network.nodes[1].is_cut_off = true;
    network.send(0, peer, 0, b"anybody there?");
    network.run(secs(170));
    assert_eq!(network.notices(0), [] as [&Event; 0]);
    network.run(secs(20));
    assert_eq!(network.notices(0), [&Event::Closed { peer }]);
    let sent = network.log.len();
    network.run(secs(60));
    assert_eq!(network.log.len(), sent);
}

#[test]
fn a_dead_peer_is_tried_about_twice_a_second_while_something_is_owed() {
    let (mut network, peer) = connected();
    network.nodes[1].is_cut_off = true;
    network.send(0, peer, 0, b"hello");
    network.run(secs(60));
    let sent = network.log.len();
    network.run(secs(60));
    let datagrams = network.log.len() - sent;
    assert!((30..120).contains(&datagrams), "{datagrams} a minute");
    network.nodes[1].is_cut_off = false;
    network.run(secs(6));
    assert_eq!(network.messages(1)[1..], [b"hello"]);
}

/// Two nodes that have exchanged a message, and the first one's name for the second.
fn connected() -> (Network, chat_core::link::PeerId) {
    let (mut network, peer) = Network::pair(1, Faults::NONE);
    network.send(0, peer, 0, b"first");
    network.run(secs(1));
    (network, peer)
}
