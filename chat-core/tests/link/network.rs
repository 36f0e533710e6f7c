//! A few endpoints, a clock that jumps to the next event, and a network that misbehaves by seed.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc};

use chat_core::{
    config::LinkConfig,
    crypto::Identity,
    id::{Path, PublicKey},
    link::{Endpoint, Event, PeerId, SendId},
    time::{Duration, Instant, Now, WallTime},
};

/// Wall clock at the start of every scenario.
const EPOCH: u64 = 1_700_000_000_000_000;

/// What the network does to datagrams; each with so many chances in a hundred.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Faults {
    pub(crate) loss: u64,
    pub(crate) duplication: u64,
    pub(crate) corruption: u64,
    pub(crate) truncation: u64,
    /// The time a datagram takes, at least.
    pub(crate) delay: Duration,
    /// How much longer it may take, drawn for each: what is more than the spacing reorders.
    pub(crate) jitter: Duration,
}

impl Faults {
    pub(crate) const NONE: Self = Self {
        loss: 0,
        duplication: 0,
        corruption: 0,
        truncation: 0,
        delay: Duration::from_millis(10),
        jitter: Duration::ZERO,
    };
    pub(crate) const ALL: Self = Self {
        loss: 30,
        duplication: 10,
        corruption: 5,
        truncation: 5,
        delay: Duration::from_millis(2),
        jitter: Duration::from_millis(20),
    };
}

pub(crate) struct Node {
    pub(crate) endpoint: Endpoint,
    pub(crate) address: SocketAddr,
    pub(crate) events: Vec<(Instant, Event)>,
    /// It sends and receives nothing.
    pub(crate) is_cut_off: bool,
    /// How far its wall clock is behind.
    pub(crate) behind: Duration,
    identity: u8,
}

impl Node {
    fn clocks(&self, now: Instant) -> Now {
        let wall = EPOCH + now.as_micros() - self.behind.as_micros() as u64;
        Now::new(now, WallTime::from_micros(wall))
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) at: Instant,
    pub(crate) from: SocketAddr,
    pub(crate) to: SocketAddr,
    pub(crate) bytes: Vec<u8>,
}

pub(crate) struct Network {
    pub(crate) now: Instant,
    pub(crate) nodes: Vec<Node>,
    pub(crate) faults: Faults,
    /// Everything that was sent.
    pub(crate) log: Vec<Sent>,
    config: LinkConfig,
    in_flight: BTreeMap<(Instant, u64), Sent>,
    random: u64,
    sequence: u64,
}

impl Network {
    pub(crate) fn new(seed: u64, faults: Faults) -> Self {
        Self::with_config(seed, faults, LinkConfig::default())
    }

    pub(crate) fn with_config(seed: u64, faults: Faults, config: LinkConfig) -> Self {
        Self {
            now: Instant::from_micros(1_000_000),
            nodes: Vec::new(),
            faults,
            log: Vec::new(),
            config,
            in_flight: BTreeMap::new(),
            random: seed,
            sequence: 0,
        }
    }

    /// Two endpoints on a network, and the first one's name for the second.
    pub(crate) fn pair(seed: u64, faults: Faults) -> (Self, PeerId) {
        Self::pair_with_config(seed, faults, LinkConfig::default())
    }

    /// Likewise, with limits and times of the test's choice.
    pub(crate) fn pair_with_config(
        seed: u64,
        faults: Faults,
        config: LinkConfig,
    ) -> (Self, PeerId) {
        let mut network = Self::with_config(seed, faults, config);
        network.add(1);
        network.add(2);
        let peer = network.connect(0, 1, true);
        (network, peer)
    }

    /// Adds a node whose key follows from `identity`.
    pub(crate) fn add(&mut self, identity: u8) -> usize {
        let number = self.nodes.len();
        let endpoint = self.endpoint(identity);
        self.nodes.push(Node {
            endpoint,
            address: address(number as u8 + 1, 4_000),
            events: Vec::new(),
            is_cut_off: false,
            behind: Duration::ZERO,
            identity,
        });
        number
    }

    fn endpoint(&mut self, identity: u8) -> Endpoint {
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&self.draw().to_le_bytes());
        let identity = Identity::from_seed(&[identity; 32]);
        Endpoint::new(identity, self.config.clone(), seed)
    }

    /// The node starts again and remembers nothing but its key.
    pub(crate) fn restart(&mut self, node: usize) {
        let endpoint = self.endpoint(self.nodes[node].identity);
        self.nodes[node].endpoint = endpoint;
    }

    pub(crate) fn clocks(&self) -> Now {
        let wall = WallTime::from_micros(EPOCH + self.now.as_micros());
        Now::new(self.now, wall)
    }

    pub(crate) fn key(&self, node: usize) -> PublicKey {
        self.nodes[node].endpoint.public_key()
    }

    pub(crate) fn path(&self, node: usize) -> Path {
        Path::to(self.nodes[node].address)
    }

    pub(crate) fn connect(&mut self, node: usize, to: usize, early: bool) -> PeerId {
        let now = self.nodes[node].clocks(self.now);
        let (key, path) = (self.key(to), self.path(to));
        let endpoint = &mut self.nodes[node].endpoint;
        endpoint
            .connect(now, key, path, early)
            .expect("there is room for a few peers")
    }

    pub(crate) fn send(&mut self, node: usize, peer: PeerId, stream: u8, message: &[u8]) -> SendId {
        let now = self.nodes[node].clocks(self.now);
        let endpoint = &mut self.nodes[node].endpoint;
        endpoint
            .send(now, peer, stream, Arc::from(message))
            .expect("there is room for a few messages")
    }

    /// Hands a datagram to a node at once.
    pub(crate) fn hand_in(&mut self, node: usize, from: SocketAddr, bytes: &[u8]) {
        let now = self.nodes[node].clocks(self.now);
        let endpoint = &mut self.nodes[node].endpoint;
        endpoint.handle_datagram(now, Path::to(from), &mut bytes.to_vec());
    }

    /// Lets everybody send and report what waits.
    pub(crate) fn drain(&mut self) {
        for node in 0..self.nodes.len() {
            let now = self.nodes[node].clocks(self.now);
            let (mut buffer, mut datagrams) = (Vec::new(), 0);
            loop {
                while let Some(event) = self.nodes[node].endpoint.poll_event() {
                    self.nodes[node].events.push((self.now, event));
                }
                let Some(path) = self.nodes[node].endpoint.poll_transmit(now, &mut buffer) else {
                    break;
                };
                datagrams += 1;
                assert!(datagrams < 10_000, "an endpoint sends without end");
                assert!(buffer.len() <= 1_200, "{} bytes", buffer.len());
                self.transmit(node, path.remote, &buffer);
            }
        }
    }

    fn transmit(&mut self, node: usize, to: SocketAddr, bytes: &[u8]) {
        let sent = Sent {
            at: self.now,
            from: self.nodes[node].address,
            to,
            bytes: bytes.to_vec(),
        };
        self.log.push(sent.clone());
        if self.nodes[node].is_cut_off || self.chance(self.faults.loss) {
            return;
        }
        let copies = 1 + usize::from(self.chance(self.faults.duplication));
        for _ in 0..copies {
            self.put_in_flight(sent.clone());
        }
    }

    fn put_in_flight(&mut self, mut sent: Sent) {
        if self.chance(self.faults.corruption) {
            let at = self.draw() as usize % sent.bytes.len();
            sent.bytes[at] ^= 1 << (self.draw() % 8);
        }
        if self.chance(self.faults.truncation) {
            let length = self.draw() as usize % sent.bytes.len();
            sent.bytes.truncate(length);
        }
        let jitter = self.draw() % (self.faults.jitter.as_micros() as u64 + 1);
        let arrives = self.now + self.faults.delay + Duration::from_micros(jitter);
        self.sequence += 1;
        self.in_flight.insert((arrives, self.sequence), sent);
    }

    /// When something happens next.
    pub(crate) fn next_event(&self) -> Option<Instant> {
        let arrival = self.in_flight.keys().next().map(|(at, _)| *at);
        let timeouts = self
            .nodes
            .iter()
            .filter_map(|is| is.endpoint.poll_timeout());
        timeouts.chain(arrival).min()
    }

    /// Goes on to the next event, if it is not after `end`.
    fn step(&mut self, end: Instant) -> bool {
        self.drain();
        let Some(next) = self.next_event().filter(|next| *next <= end) else {
            return false;
        };
        self.now = self.now.max(next);
        while let Some(entry) = self.in_flight.first_entry() {
            if entry.key().0 > self.now {
                break;
            }
            let sent = entry.remove();
            let to = self.nodes.iter_mut().find(|node| node.address == sent.to);
            if let Some(node) = to.filter(|node| !node.is_cut_off) {
                let mut bytes = sent.bytes;
                let now = node.clocks(self.now);
                node.endpoint
                    .handle_datagram(now, Path::to(sent.from), &mut bytes);
            }
        }
        for node in &mut self.nodes {
            let now = node.clocks(self.now);
            node.endpoint.handle_timeout(now);
        }
        self.drain();
        true
    }

    /// Lets time pass.
    pub(crate) fn run(&mut self, time: Duration) {
        let end = self.now + time;
        self.run_until(time, |_| false);
        self.now = end;
    }

    /// Lets time pass until something is so, or the time is over. Whether it is.
    pub(crate) fn run_until(&mut self, time: Duration, is: impl Fn(&Self) -> bool) -> bool {
        let end = self.now + time;
        let (mut last, mut at_once) = (self.now, 0);
        loop {
            if is(self) {
                return true;
            }
            if !self.step(end) {
                return is(self);
            }
            at_once = if self.now == last { at_once + 1 } else { 0 };
            last = self.now;
            assert!(
                at_once < 1_000,
                "time stands still: something is always due"
            );
        }
    }

    /// The messages that a node was given, of all peers and streams.
    pub(crate) fn messages(&self, node: usize) -> Vec<&[u8]> {
        let events = self.nodes[node].events.iter();
        events
            .filter_map(|(_, event)| match event {
                Event::Message { bytes, .. } => Some(&bytes[..]),
                _ => None,
            })
            .collect()
    }

    /// The events of a node that are no messages.
    pub(crate) fn notices(&self, node: usize) -> Vec<&Event> {
        let events = self.nodes[node].events.iter().map(|(_, event)| event);
        events
            .filter(|event| !matches!(event, Event::Message { .. }))
            .collect()
    }

    /// The peer that a message came from.
    pub(crate) fn sender_of(&self, node: usize, message: &[u8]) -> PeerId {
        let mut events = self.nodes[node].events.iter();
        let sender = events.find_map(|(_, event)| match event {
            Event::Message { peer, bytes, .. } if bytes[..] == *message => Some(*peer),
            _ => None,
        });
        sender.expect("it has arrived")
    }

    /// Whether nothing is queued for this peer.
    pub(crate) fn is_done(&self, node: usize, peer: PeerId) -> bool {
        self.nodes[node].endpoint.queued(peer) == 0
    }

    /// The current peer of a node with another node's key.
    pub(crate) fn peer(&self, node: usize, of: usize) -> PeerId {
        self.nodes[node]
            .endpoint
            .peer(&self.key(of))
            .expect("they have met")
    }

    pub(crate) fn draw(&mut self) -> u64 {
        // SplitMix64.
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    fn chance(&mut self, percent: u64) -> bool {
        percent > 0 && self.draw() % 100 < percent
    }
}

pub(crate) fn address(host: u8, port: u16) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, host], port))
}

pub(crate) const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub(crate) const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
