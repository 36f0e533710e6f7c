//! Two endpoints of the link and a network that does what the fuzzer likes.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc};

use chat_core::{
    id::Path,
    link::{Endpoint, Event, PeerId, SendError, SendId},
    time::Duration,
};

use crate::{
    hosts::{Clock, IDENTITIES, Network, Turns, address, small_link},
    input::Input,
};

/// The lengths of messages.
const LENGTHS: [usize; 8] = [8, 9, 40, 200, 1_039, 1_041, 3_000, 12_000];
const STREAMS: u8 = 3;
/// When the network has been calm for so long, everything has arrived.
const CALM: Duration = Duration::from_secs(90);

/// Whatever happens: messages of a stream arrive in order and once, as they were sent; an endpoint
/// that has nothing to do waits; and if nobody has left and nothing was taken back, everything
/// arrives when the network is calm.
pub fn target(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let mut pair = Pair::new(input.byte());
    while !input.is_empty() {
        pair.step(&mut input);
        pair.drain();
    }
    pair.calm_down();
}

struct Host {
    endpoint: Endpoint,
    address: SocketAddr,
    /// How often it has been started.
    life: u8,
    last: Option<(PeerId, SendId)>,
    /// By life, peer and stream: the number of the last message that it was given.
    given: BTreeMap<(u8, PeerId, u8), u64>,
    received: u64,
    sent: u64,
}

struct Pair {
    hosts: [Host; 2],
    clock: Clock,
    network: Network,
    /// Nobody has left, been forgotten or taken anything back: nothing may be lost.
    is_complete: bool,
    early: bool,
    messages: u64,
}

impl Pair {
    fn new(flags: u8) -> Self {
        let host = |host| Host {
            endpoint: endpoint(host, 0),
            address: address(host, 4_000),
            life: 0,
            last: None,
            given: BTreeMap::new(),
            received: 0,
            sent: 0,
        };
        Self {
            hosts: [host(0), host(1)],
            clock: Clock::new(),
            network: Network::default(),
            is_complete: true,
            early: flags & 1 == 1,
            messages: 0,
        }
    }

    fn step(&mut self, input: &mut Input<'_>) {
        let (choice, now) = (input.byte(), self.clock.now());
        let host = usize::from(choice & 1);
        match choice >> 1 & 15 {
            0..=3 => self.send(host, input.byte()),
            4 | 5 => self.deliver_all(),
            6 | 7 => {
                if let Some(datagram) = self.network.deliver(input) {
                    self.arrive(datagram.from, datagram.to, datagram.bytes);
                }
            }
            8 => self.network.lose(input),
            9 => self.clock.pass(input),
            10 | 11 => self.wait(),
            12 => {
                let peer = self.connect(host);
                let endpoint = &mut self.hosts[host].endpoint;
                match peer {
                    Some(peer) if choice & 32 == 0 => endpoint.ping(now, peer),
                    Some(peer) => endpoint.probe(now, peer),
                    None => {}
                }
            }
            13 => self.hosts[host].address = address(host, 4_000 + u16::from(input.byte() % 4)),
            14 => self.take_back(host, choice),
            _ => {
                let from = address(input.below(3), 4_000);
                let to = self.hosts[host].address;
                self.arrive(from, to, input.piece().to_vec());
            }
        }
    }

    /// What spoils completeness: a message is taken back, a peer closed, an endpoint is started
    /// again or deaf for a while.
    fn take_back(&mut self, host: usize, choice: u8) {
        let now = self.clock.now();
        let peer = self.connect(host);
        let this = &mut self.hosts[host];
        self.is_complete = false;
        match (choice >> 5, peer) {
            (0 | 1, _) => {
                if let Some((peer, message)) = this.last.take() {
                    this.endpoint.cancel(now, peer, message);
                }
            }
            (2 | 3, Some(peer)) => this.endpoint.close(now, peer),
            (4, _) => this.endpoint.set_listening(false),
            (5, _) => this.endpoint.set_listening(true),
            (_, _) => {
                this.life = this.life.wrapping_add(1);
                this.last = None;
                this.endpoint = endpoint(host, this.life);
            }
        }
    }

    fn connect(&mut self, host: usize) -> Option<PeerId> {
        let (now, early) = (self.clock.now(), self.early);
        let other = &self.hosts[1 - host];
        let (key, path) = (other.endpoint.public_key(), Path::to(other.address));
        self.hosts[host].endpoint.connect(now, key, path, early).ok()
    }

    fn send(&mut self, host: usize, choice: u8) {
        let now = self.clock.now();
        let Some(peer) = self.connect(host) else {
            return;
        };
        let stream = choice % STREAMS;
        let length = LENGTHS[usize::from(choice >> 5)];
        let message = message(host, self.messages + 1, length);
        let this = &mut self.hosts[host];
        match this.endpoint.send(now, peer, stream, Arc::from(message)) {
            Ok(send) => {
                self.messages += 1;
                this.sent += 1;
                this.last = Some((peer, send));
            }
            Err(error) => assert_eq!(error, SendError::QueueFull),
        }
        assert!(this.endpoint.queued(peer) <= small_link().max_queued_messages);
    }

    fn deliver_all(&mut self) {
        for datagram in self.network.deliver_all() {
            self.arrive(datagram.from, datagram.to, datagram.bytes);
        }
    }

    /// A datagram arrives, at whoever has the address.
    fn arrive(&mut self, from: SocketAddr, to: SocketAddr, mut bytes: Vec<u8>) {
        let now = self.clock.now();
        if let Some(host) = self.hosts.iter_mut().find(|host| host.address == to) {
            let endpoint = &mut host.endpoint;
            endpoint.handle_datagram(now, Path::to(from), &mut bytes);
        }
        self.events();
    }

    /// Time passes until something is due.
    fn wait(&mut self) {
        let timeouts = self.hosts.iter().map(|host| host.endpoint.poll_timeout());
        if let Some(next) = timeouts.flatten().min() {
            self.clock.advance_to(next);
        }
    }

    /// Everything that waits is sent and told, and what is due is done, until nothing is.
    fn drain(&mut self) {
        let mut turns = Turns::default();
        for host in 0..self.hosts.len() {
            let now = self.clock.now();
            let mut buffer = Vec::new();
            loop {
                turns.turn();
                self.events();
                let this = &mut self.hosts[host];
                if let Some(path) = this.endpoint.poll_transmit(now, &mut buffer) {
                    self.network.send(this.address, path, &buffer);
                } else if this.endpoint.poll_timeout().is_some_and(|at| at <= now.instant) {
                    this.endpoint.handle_timeout(now);
                } else {
                    break;
                }
            }
        }
    }

    fn events(&mut self) {
        for (number, host) in self.hosts.iter_mut().enumerate() {
            while let Some(event) = host.endpoint.poll_event() {
                match event {
                    Event::Message {
                        peer,
                        stream,
                        bytes,
                    } => {
                        assert!(stream < STREAMS);
                        let sent = number_of(1 - number, &bytes);
                        let key = (host.life, peer, stream);
                        let before = host.given.insert(key, sent);
                        assert!(before < Some(sent), "twice or out of order");
                        host.received += 1;
                    }
                    Event::Replaced { .. } | Event::Closed { .. } => self.is_complete = false,
                    _ => {}
                }
            }
        }
    }

    fn calm_down(&mut self) {
        let end = self.clock.now().instant + CALM;
        let mut turns = Turns::default();
        for host in 0..self.hosts.len() {
            // Who asks for the other knows where it is, as from a server.
            self.connect(host);
        }
        while self.is_complete && self.clock.now().instant < end && !self.is_all_there() {
            turns.turn();
            self.drain();
            self.clock.advance(5_000);
            self.deliver_all();
            self.drain();
            if self.network.is_empty() {
                self.wait();
            }
        }
        assert!(
            !self.is_complete || self.is_all_there(),
            "{:?} of {:?} have arrived",
            [self.hosts[1].received, self.hosts[0].received],
            [self.hosts[0].sent, self.hosts[1].sent],
        );
    }

    fn is_all_there(&self) -> bool {
        let [one, other] = &self.hosts;
        assert!(one.received <= other.sent && other.received <= one.sent || !self.is_complete);
        one.received == other.sent && other.received == one.sent
    }
}

fn endpoint(host: usize, life: u8) -> Endpoint {
    let mut seed = [host as u8; 32];
    seed[0] = life;
    Endpoint::new(IDENTITIES[host].clone(), small_link(), seed)
}

/// A message that says whose it is and which.
fn message(host: usize, number: u64, length: usize) -> Vec<u8> {
    let head = (number << 1 | host as u64).to_be_bytes();
    let mut message = vec![number as u8; length.max(head.len())];
    message[..head.len()].copy_from_slice(&head);
    message
}

/// The number of a message, which is as this host has sent it.
fn number_of(host: usize, bytes: &[u8]) -> u64 {
    let head = bytes.first_chunk().expect("a whole message");
    let number = u64::from_be_bytes(*head) >> 1;
    assert_eq!(bytes, message(host, number, bytes.len()));
    assert!(LENGTHS.contains(&bytes.len()));
    number
}
