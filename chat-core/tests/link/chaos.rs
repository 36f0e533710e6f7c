//! Everything at once, for a while; then all is well again.

use std::collections::BTreeMap;

use chat_core::link::{Event, PeerId};

use super::network::{Faults, Network, address, ms, secs};

#[test]
fn after_any_chaos_messages_get_through_and_none_has_come_twice_or_out_of_order() {
    for seed in 0..40 {
        let mut chaos = Chaos::new(seed);
        for _ in 0..60 {
            chaos.anything();
        }
        chaos.settle_down();
        chaos.check();
    }
}

/// A life of a node, and the peer and stream that it was given a message of.
type Receiver = (usize, u32, PeerId, u8);
/// The life of the sender, and the number of the message.
type Message = (u32, u32);

/// Two nodes with a few streams, and how often each has been started.
struct Chaos {
    seed: u64,
    network: Network,
    lives: [u32; 2],
    next: u32,
    given: BTreeMap<Receiver, Vec<Message>>,
}

impl Chaos {
    fn new(seed: u64) -> Self {
        let (mut network, _) = Network::pair(seed, Faults::NONE);
        let draws: [u64; 4] = std::array::from_fn(|_| network.draw());
        network.faults = Faults {
            loss: draws[0] % 40,
            duplication: draws[1] % 20,
            corruption: draws[2] % 5,
            jitter: ms(draws[3] % 60),
            ..Faults::NONE
        };
        Self {
            seed,
            network,
            lives: [0; 2],
            next: 0,
            given: BTreeMap::new(),
        }
    }

    fn anything(&mut self) {
        let draw = self.network.draw();
        let (node, value) = ((draw >> 32) as usize % 2, draw >> 40);
        let now = self.network.clocks();
        match draw % 20 {
            0 => self.restart(node),
            1 => {
                let port = 1_024 + (value % 50_000) as u16;
                self.network.nodes[node].address = address(node as u8 + 1, port);
            }
            2 => self.network.nodes[node].is_cut_off ^= true,
            3 => self.network.run(secs(value % 100)),
            4 => self.network.run(secs(value % 5)),
            5 => {
                let peer = self.network.connect(node, 1 - node, true);
                self.network.nodes[node].endpoint.ping(now, peer);
                self.network.nodes[node].endpoint.probe(now, peer);
            }
            6 if value % 4 == 0 => {
                let peer = self.network.connect(node, 1 - node, true);
                self.network.nodes[node].endpoint.close(now, peer);
            }
            7 => {
                let message = self.send(node, value);
                let peer = self.network.connect(node, 1 - node, true);
                self.network.nodes[node].endpoint.cancel(now, peer, message);
            }
            _ => {
                self.send(node, value);
            }
        }
        self.network.run(ms(value % 97));
        self.collect();
    }

    fn restart(&mut self, node: usize) {
        self.collect();
        self.network.restart(node);
        self.lives[node] += 1;
    }

    fn send(&mut self, node: usize, value: u64) -> chat_core::link::SendId {
        let peer = self.network.connect(node, 1 - node, true);
        let mut message = self.lives[node].to_be_bytes().to_vec();
        message.extend_from_slice(&self.next.to_be_bytes());
        message.resize(8 + value as usize % 2_500, 0);
        self.next += 1;
        self.network.send(node, peer, (value % 3) as u8, &message)
    }

    /// Notes what has been given to the present lives.
    fn collect(&mut self) {
        for node in 0..2 {
            for (_, event) in self.network.nodes[node].events.drain(..) {
                let Event::Message {
                    peer,
                    stream,
                    bytes,
                } = event
                else {
                    continue;
                };
                let word = |at: usize| u32::from_be_bytes(std::array::from_fn(|i| bytes[at + i]));
                let to = (node, self.lives[node], peer, stream);
                self.given.entry(to).or_default().push((word(0), word(4)));
            }
        }
    }

    /// The faults end, and within a few seconds both sides reach each other.
    fn settle_down(&mut self) {
        self.network.faults = Faults::NONE;
        for node in 0..2 {
            self.network.nodes[node].is_cut_off = false;
            // This one may still go to somebody who is gone.
            self.send(node, 0);
        }
        self.network.run(secs(15));
        for node in 0..2 {
            let before = self.next;
            self.send(node, 0);
            self.network.run(secs(3));
            self.collect();
            let arrived = self
                .given
                .values()
                .flatten()
                .any(|(_, number)| *number == before);
            assert!(
                arrived,
                "seed {}: the last message of node {node}",
                self.seed
            );
        }
        self.network.run(secs(300));
        assert_eq!(self.network.next_event(), None, "seed {}", self.seed);
    }

    /// A peer that was forgotten and has come back is another one: what was owed to it when it
    /// had not said who it is may come again.
    fn check(&self) {
        for messages in self.given.values() {
            let in_order = messages.is_sorted_by(|before, after| before < after);
            assert!(in_order, "twice or out of order: {messages:?}");
        }
    }
}
