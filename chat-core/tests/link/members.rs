//! Somebody with a key of its own who speaks the protocol, and means no good.

use chat_core::{
    config::LinkConfig,
    crypto::{Identity, Random, aead, mac::ReceiverKeys, noise},
    link::{Event, STREAMS},
    wire::{
        AckRange, Decoder, LinkFrame, List, encode,
        header::{self, PROLOGUE},
    },
};
use proptest::prelude::*;

use super::network::{Faults, Network, address, ms, secs};

const FRAGMENT_BYTES: usize = 1_040;

#[test]
fn a_frame_with_an_unknown_tag_is_skipped_counted_and_reported() {
    let (mut network, mut member) = network_with_member();
    let mut frames = vec![0x83, 0x18, 0x63, 0x61, b'x', 0xf6];
    encode(&data(0, 0, 1, 0, b"!"), &mut frames);
    member.send_bytes(&mut network, &frames);
    network.drain();
    assert_eq!(network.messages(0), [b"!"]);
    assert_eq!(network.nodes[0].endpoint.counters().unknown_frames, 1);
    let answer = member.last_frames(&network);
    assert!(
        answer.contains(&LinkFrame::Unsupported { tag: 99 }),
        "{answer:?}"
    );
    assert!(
        answer
            .iter()
            .any(|frame| matches!(frame, LinkFrame::Ack { .. }))
    );
}

#[test]
fn an_acknowledgement_of_what_was_never_sent_is_malformed() {
    let (mut network, mut member) = network_with_member();
    for largest in [1_000, u64::MAX] {
        member.send(
            &mut network,
            &[LinkFrame::Ack {
                largest,
                delay: 0,
                ranges: List::new(vec![AckRange {
                    arrived: 1,
                    missing: 0,
                }]),
            }],
        );
    }
    assert_eq!(network.nodes[0].endpoint.counters().malformed, 2);
}

#[test]
fn incomplete_messages_are_held_within_the_limit_and_the_rest_is_not_acknowledged() {
    let (mut network, mut member) = network_with_member();
    let part = [7; FRAGMENT_BYTES];
    let length = 64 * FRAGMENT_BYTES as u32;
    for sequence in 1..2_000 {
        member.send(&mut network, &[data(0, sequence, length, 0, &part)]);
        network.drain();
    }
    let counters = network.nodes[0].endpoint.counters();
    let held = 1_999 - counters.over_limit as usize;
    assert!(held * FRAGMENT_BYTES <= LinkConfig::default().max_reassembly_bytes);
    assert!(held > 800);
    member.send(&mut network, &[data(0, 0, 5, 0, b"first")]);
    network.drain();
    assert_eq!(
        network.messages(0),
        [b"first"],
        "what is waited for always has room"
    );
}

#[test]
fn a_handshake_frame_in_a_session_means_nothing() {
    let (mut network, mut member) = network_with_member();
    let start = LinkFrame::Start {
        incarnation: 9,
        counter: 9,
        early_taken: true,
    };
    member.send(&mut network, &[start, data(0, 0, 1, 0, b"!")]);
    network.run(ms(100));
    assert_eq!(network.messages(0).len(), 0);
    assert_eq!(network.nodes[0].endpoint.counters().malformed, 1);
}

fn frame() -> impl Strategy<Value = LinkFrame> {
    let small = || prop_oneof![0u64..20, any::<u64>()];
    let lengths = prop_oneof![0u32..3_000, any::<u32>()];
    let offsets = prop_oneof![Just(0u32), Just(FRAGMENT_BYTES as u32), any::<u32>()];
    prop_oneof![
        (
            small(),
            small(),
            prop::collection::vec((small(), small()), 0..5)
        )
            .prop_map(|(largest, delay, ranges)| LinkFrame::Ack {
                largest,
                delay,
                ranges: List::new(
                    ranges
                        .into_iter()
                        .map(|(arrived, missing)| AckRange { arrived, missing })
                        .collect()
                ),
            }),
        Just(LinkFrame::Ping {}),
        (0u8..70, small(), lengths, offsets, 0usize..1_041).prop_map(
            |(stream, sequence, length, offset, bytes)| data(
                stream,
                sequence,
                length,
                offset,
                &vec![1; bytes]
            )
        ),
        (0..STREAMS, small(), 0usize..1_041).prop_map(|(stream, sequence, bytes)| data(
            stream,
            sequence,
            bytes as u32,
            0,
            &vec![1; bytes]
        )),
        (0u8..70, small(), 1u32..4).prop_map(|(stream, sequence, count)| LinkFrame::Skip {
            stream,
            sequence,
            count
        }),
        small().prop_map(|token| LinkFrame::PathChallenge { token }),
        small().prop_map(|token| LinkFrame::PathResponse { token }),
        any::<u16>().prop_map(|tag| LinkFrame::Unsupported { tag }),
        small().prop_map(|incarnation| LinkFrame::Start {
            incarnation,
            counter: 0,
            early_taken: false
        }),
    ]
}

proptest! {
    #[test]
    fn no_frames_of_a_member_do_harm_to_others(
        packets in prop::collection::vec((prop::collection::vec(frame(), 1..4), 0u64..50), 1..60),
    ) {
        let (mut network, mut member) = network_with_member();
        let honest = network.add(3);
        let peer = network.connect(honest, 0, false);
        for (frames, pause) in packets {
            let back = network.nodes[0].endpoint.peer(&member.identity.public_key());
            back.map(|back| network.send(0, back, 1, &[5; 3_000]));
            member.send(&mut network, &frames);
            network.run(ms(pause));
        }
        network.send(honest, peer, 0, b"honest");
        network.run(secs(2));
        prop_assert!(network.messages(0).contains(&&b"honest"[..]));
    }
}

/// A member whose packets are made by hand.
struct Member {
    identity: Identity,
    keys: noise::SessionKeys,
    remote: u32,
    counter: u64,
}

/// A network with one node, to which a member has a session.
fn network_with_member() -> (Network, Member) {
    let mut network = Network::new(1, Faults::NONE);
    network.add(1);
    let identity = Identity::from_seed(&[66; 32]);
    let (key, wall) = (network.key(0), network.clocks().wall);
    let mut payload = Vec::new();
    let start = LinkFrame::Start {
        incarnation: 1,
        counter: wall.as_micros(),
        early_taken: false,
    };
    encode(&start, &mut payload);
    let mut random = Random::new([66; 32]);
    let (mut initiator, message) =
        noise::Initiator::start(&identity, &key, &PROLOGUE, &payload, &mut random, wall)
            .expect("the key is good");
    let mut datagram = Vec::new();
    let initiation = header::Initiation {
        sender: 7,
        noise: &message,
    };
    initiation.emit(&mut datagram);
    ReceiverKeys::of(&key).append(&mut datagram, None);
    network.hand_in(0, address(66, 6_666), &datagram);
    network.drain();
    let answer = network.log.last().expect("there is an answer");
    let response = header::Response::parse(&answer.bytes).expect("which is a response");
    let (keys, _) = initiator
        .finish(response.noise)
        .expect("to this initiation");
    let mut member = Member {
        identity,
        keys,
        remote: response.sender,
        counter: 0,
    };
    member.send(&mut network, &[LinkFrame::Ping {}]);
    network.drain();
    assert!(matches!(network.notices(0)[..], [Event::Connected { .. }]));
    (network, member)
}

impl Member {
    fn send(&mut self, network: &mut Network, frames: &[LinkFrame]) {
        let mut bytes = Vec::new();
        frames.iter().for_each(|frame| encode(frame, &mut bytes));
        self.send_bytes(network, &bytes);
    }

    fn send_bytes(&mut self, network: &mut Network, frames: &[u8]) {
        let mut packet = Vec::new();
        let head = header::Data {
            receiver: self.remote,
            counter: self.counter,
        };
        head.emit(&mut packet);
        let associated = packet.clone();
        packet.extend_from_slice(frames);
        let (key, from) = (&self.keys.send, header::Data::BYTES);
        aead::seal_in_place(key, self.counter, &associated, &mut packet, from);
        self.counter += 1;
        network.hand_in(0, address(66, 6_666), &packet);
    }

    /// The frames of the last packet that was sent to it.
    fn last_frames(&self, network: &Network) -> Vec<LinkFrame> {
        let mut packet = network
            .log
            .last()
            .expect("something was sent")
            .bytes
            .clone();
        let counter = header::Data::parse(&packet).expect("a packet").counter;
        let (head, sealed) = packet.split_at_mut(header::Data::BYTES);
        let length = aead::open_in_place(&self.keys.receive, counter, head, sealed)
            .expect("the packet is for the member");
        Decoder::new(&sealed[..length])
            .map(|frame| frame.expect("a frame"))
            .collect()
    }
}

fn data(stream: u8, sequence: u64, length: u32, offset: u32, bytes: &[u8]) -> LinkFrame {
    LinkFrame::Data {
        stream,
        sequence,
        length,
        offset,
        bytes: bytes.to_vec().into(),
    }
}
