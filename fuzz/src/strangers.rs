//! Datagrams of strangers: handshakes, hellos, cookies, hints, and nothing of the kind.

use std::{collections::BTreeMap, net::SocketAddr};

use chat_core::{
    crypto::{Random, mac::ReceiverKeys, noise::Initiator},
    id::Path,
    link::Endpoint,
    time::WallTime,
    wire::{
        LinkFrame, encode,
        header::{Datagram, Initiation, PROLOGUE},
    },
};

use crate::{
    hosts::{Clock, IDENTITIES, Turns, address, small_link},
    input::Input,
};

const HONEST: usize = 0;
const PORT: u16 = 4_000;
/// An address that has not shown that it receives is sent so many times what came from it
/// (RFC 9000 §8.1).
const AMPLIFICATION: usize = 3;

/// Whatever strangers send: none of them is sent more than its share, and an endpoint that has
/// nothing to do waits. The strangers do not read what they get, so none has shown anything.
pub fn target(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let flags = input.byte();
    let mut config = small_link();
    config.handshakes_before_cookies = u32::from(flags & 3);
    let mut strangers = Strangers {
        endpoint: Endpoint::new(IDENTITIES[HONEST].clone(), config, [9; 32]),
        clock: Clock::new(),
        received: BTreeMap::new(),
        sent: BTreeMap::new(),
        handshakes: 0,
    };
    while !input.is_empty() {
        strangers.step(&mut input);
        strangers.drain();
    }
}

struct Strangers {
    endpoint: Endpoint,
    clock: Clock,
    /// Bytes from each address, and to it.
    received: BTreeMap<SocketAddr, usize>,
    sent: BTreeMap<SocketAddr, usize>,
    handshakes: u8,
}

impl Strangers {
    fn step(&mut self, input: &mut Input<'_>) {
        let choice = input.byte();
        let from = address(1 + usize::from(choice >> 6), PORT);
        match choice % 8 {
            0 => self.clock.pass(input),
            1 => {
                if let Some(next) = self.endpoint.poll_timeout() {
                    self.clock.advance_to(next);
                }
            }
            2 => {
                // A handshake costs much: few of them are enough.
                if self.handshakes < 6 {
                    self.handshakes += 1;
                    let datagram = initiation(input);
                    self.arrive(from, datagram);
                }
            }
            _ => {
                let (kind, pad) = (choice >> 3 & 7, input.byte());
                let mut datagram = vec![kind];
                datagram.extend_from_slice(input.piece());
                datagram.resize(datagram.len() + usize::from(pad), 0);
                if pad % 2 == 1 {
                    // The first code is as public as the key.
                    ReceiverKeys::of(&self.endpoint.public_key()).append(&mut datagram, None);
                }
                self.arrive(from, datagram);
            }
        }
    }

    fn arrive(&mut self, from: SocketAddr, mut datagram: Vec<u8>) {
        *self.received.entry(from).or_default() += datagram.len();
        self.endpoint
            .handle_datagram(self.clock.now(), Path::to(from), &mut datagram);
    }

    fn drain(&mut self) {
        let (mut turns, now, mut buffer) = (Turns::default(), self.clock.now(), Vec::new());
        loop {
            turns.turn();
            if self.endpoint.poll_event().is_some() {
                continue;
            }
            if let Some(path) = self.endpoint.poll_transmit(now, &mut buffer) {
                assert!(Datagram::parse(&buffer).is_some(), "it sends datagrams");
                let received = self.received.get(&path.remote).copied().unwrap_or(0);
                let sent = self.sent.entry(path.remote).or_default();
                *sent += buffer.len();
                assert!(*sent <= AMPLIFICATION * received, "{sent} for {received}");
            } else if self.endpoint.poll_timeout().is_some_and(|at| at <= now.instant) {
                self.endpoint.handle_timeout(now);
            } else {
                return;
            }
        }
    }
}

/// The beginning of a handshake, with frames that are the fuzzer's.
fn initiation(input: &mut Input<'_>) -> Vec<u8> {
    let (who, flags) = (1 + input.below(3), input.byte());
    let mut payload = Vec::new();
    if flags & 1 == 0 {
        let start = LinkFrame::Start {
            incarnation: input.number(),
            counter: input.number(),
            early_taken: flags & 2 != 0,
        };
        encode(&start, &mut payload);
    }
    payload.extend_from_slice(input.piece());
    let honest = IDENTITIES[HONEST].public_key();
    let random = &mut Random::new([flags; 32]);
    let wall = WallTime::default();
    let started = Initiator::start(&IDENTITIES[who], &honest, &PROLOGUE, &payload, random, wall);
    let (_, noise) = started.expect("a good key");
    let mut datagram = Vec::new();
    Initiation {
        sender: input.byte().into(),
        noise: &noise,
    }
    .emit(&mut datagram);
    let cookie = [flags; 16];
    let cookie = (flags & 4 != 0).then_some(&cookie);
    ReceiverKeys::of(&honest).append(&mut datagram, cookie);
    datagram
}
