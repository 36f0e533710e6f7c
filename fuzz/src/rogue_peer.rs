//! A peer that has made its handshake and then sends what no honest one would.

use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock, Mutex},
};

use chat_core::{
    config::MAX_MESSAGE_BYTES,
    crypto::{
        Random, aead,
        mac::ReceiverKeys,
        noise::{Initiator, SessionKeys},
    },
    id::Path,
    link::{Endpoint, Event, STREAMS},
    time::WallTime,
    wire::{
        AckRange, Bytes, Decoder, LinkFrame, List, encode,
        header::{Data, Datagram, Initiation, PROLOGUE, Response},
    },
};

use crate::{
    hosts::{Clock, IDENTITIES, Turns, address, small_link},
    input::Input,
};

const HONEST: usize = 0;
const ROGUE: usize = 1;
const PORT: u16 = 4_000;
/// The rogue's index of the session.
const INDEX: u32 = 7;

/// Whatever it sends: what the endpoint sends can be read, messages have a length and a stream
/// that they may have, what is queued has its limit, and the endpoint waits when it has nothing to
/// do.
pub fn target(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let Some(mut rogue) = Rogue::new() else {
        panic!("an endpoint answers a handshake");
    };
    while !input.is_empty() {
        rogue.step(&mut input);
        rogue.drain();
    }
}

struct Rogue {
    endpoint: Endpoint,
    clock: Clock,
    keys: SessionKeys,
    /// The endpoint's index of the session.
    receiver: u32,
    counter: u64,
}

/// The rogue's first message and what it made of an answer: both are always the same, and what
/// they cost is more than everything else.
struct Made {
    initiation: Vec<u8>,
    keys: Mutex<BTreeMap<Vec<u8>, SessionKeys>>,
}

static MADE: LazyLock<Made> = LazyLock::new(|| Made {
    initiation: initiator().1,
    keys: Mutex::new(BTreeMap::new()),
});

fn initiator() -> (Initiator, Vec<u8>) {
    let mut payload = Vec::new();
    let start = LinkFrame::Start {
        incarnation: 5,
        counter: 1,
        early_taken: false,
    };
    encode(&start, &mut payload);
    let honest = IDENTITIES[HONEST].public_key();
    let (initiator, noise) = Initiator::start(
        &IDENTITIES[ROGUE],
        &honest,
        &PROLOGUE,
        &payload,
        &mut Random::new([3; 32]),
        WallTime::default(),
    )
    .expect("a good key");
    let mut datagram = Vec::new();
    Initiation {
        sender: INDEX,
        noise: &noise,
    }
    .emit(&mut datagram);
    ReceiverKeys::of(&honest).append(&mut datagram, None);
    (initiator, datagram)
}

fn keys(response: &Response<'_>) -> SessionKeys {
    let mut known = MADE.keys.lock().expect("nobody panics here");
    let keys = known.entry(response.noise.to_vec()).or_insert_with(|| {
        let finished = initiator().0.finish(response.noise);
        finished.expect("the answer to this message").0
    });
    keys.clone()
}

impl Rogue {
    fn new() -> Option<Self> {
        let clock = Clock::new();
        let mut endpoint = Endpoint::new(IDENTITIES[HONEST].clone(), small_link(), [9; 32]);
        let path = Path::to(address(ROGUE, PORT));
        endpoint.handle_datagram(clock.now(), path, &mut MADE.initiation.clone());
        let mut answer = Vec::new();
        endpoint.poll_transmit(clock.now(), &mut answer)?;
        let Some(Datagram::Response(response)) = Datagram::parse(&answer) else {
            return None;
        };
        Some(Self {
            endpoint,
            clock,
            keys: keys(&response),
            receiver: response.sender,
            counter: 0,
        })
    }

    fn step(&mut self, input: &mut Input<'_>) {
        let choice = input.byte();
        let now = self.clock.now();
        match choice % 8 {
            0..=4 => {
                let mut frames = Vec::new();
                for _ in 0..=choice >> 6 {
                    frame(input, &mut frames);
                }
                self.send(&frames, choice & 32 != 0, input);
            }
            5 => self.clock.pass(input),
            6 => {
                if let Some(next) = self.endpoint.poll_timeout() {
                    self.clock.advance_to(next);
                }
            }
            _ => self.act(choice >> 3, now, input),
        }
    }

    /// What the program above the endpoint does.
    fn act(&mut self, choice: u8, now: chat_core::time::Now, input: &mut Input<'_>) {
        let Some(peer) = self.endpoint.peer(&IDENTITIES[ROGUE].public_key()) else {
            return;
        };
        match choice % 8 {
            0 => self.endpoint.ping(now, peer),
            1 => self.endpoint.probe(now, peer),
            2 => self.endpoint.close(now, peer),
            _ => {
                let message = Arc::from(vec![1; usize::from(input.byte()) * 40]);
                let stream = input.byte() % STREAMS;
                if let Ok(send) = self.endpoint.send(now, peer, stream, message)
                    && choice % 8 == 3
                {
                    self.endpoint.cancel(now, peer, send);
                }
            }
        }
        assert!(self.endpoint.queued(peer) <= small_link().max_queued_messages);
    }

    /// Sends frames, under the next counter or any other.
    fn send(&mut self, frames: &[u8], jump: bool, input: &mut Input<'_>) {
        if jump {
            self.counter = self.counter.wrapping_add(input.number());
        }
        let (receiver, counter) = (self.receiver, self.counter);
        let mut datagram = Vec::new();
        Data { receiver, counter }.emit(&mut datagram);
        let header = datagram.clone();
        datagram.extend_from_slice(frames);
        aead::seal_in_place(&self.keys.send, counter, &header, &mut datagram, header.len());
        self.counter = self.counter.wrapping_add(1);
        // Jumps are also moves.
        let port = PORT + u16::from(jump);
        let path = Path::to(address(ROGUE, port));
        self.endpoint.handle_datagram(self.clock.now(), path, &mut datagram);
    }

    fn drain(&mut self) {
        let (mut turns, now, mut buffer) = (Turns::default(), self.clock.now(), Vec::new());
        loop {
            turns.turn();
            if let Some(event) = self.endpoint.poll_event() {
                if let Event::Message { stream, bytes, .. } = event {
                    assert!(stream < STREAMS && bytes.len() <= MAX_MESSAGE_BYTES);
                }
            } else if self.endpoint.poll_transmit(now, &mut buffer).is_some() {
                self.read(&mut buffer);
            } else if self.endpoint.poll_timeout().is_some_and(|at| at <= now.instant) {
                self.endpoint.handle_timeout(now);
            } else {
                return;
            }
        }
    }

    /// What the endpoint sends in this session can be read.
    fn read(&self, datagram: &mut [u8]) {
        assert!(datagram.len() <= 1_200);
        let parsed = Datagram::parse(datagram).expect("it sends datagrams");
        let Datagram::Data(Data { receiver, counter }) = parsed else {
            return;
        };
        assert_eq!(receiver, INDEX);
        let (header, sealed) = datagram.split_at_mut(Data::BYTES);
        let length = aead::open_in_place(&self.keys.receive, counter, header, sealed);
        let frames = &sealed[..length.expect("sealed for this session")];
        for frame in Decoder::<LinkFrame>::new(frames) {
            let frame = frame.expect("an endpoint sends frames");
            assert!(!matches!(frame, LinkFrame::Unknown { .. }));
        }
    }
}

/// A frame of the fuzzer's choice, or bytes that are none.
fn frame(input: &mut Input<'_>, frames: &mut Vec<u8>) {
    let choice = input.byte() % 12;
    let frame = match choice {
        0 | 1 => LinkFrame::Ack {
            largest: input.number(),
            delay: input.number(),
            ranges: List::new(
                (0..input.byte() % 4)
                    .map(|_| AckRange {
                        arrived: input.number(),
                        missing: input.number(),
                    })
                    .collect(),
            ),
        },
        2 => LinkFrame::Ping {},
        3..=5 => {
            let stream = input.byte() % 70;
            let sequence = input.number();
            let fragments = u32::from(input.byte() % 4);
            let index = u32::from(input.byte() % 4);
            let last = if index < fragments { 1_040 } else { usize::from(input.byte()) };
            LinkFrame::Data {
                stream,
                sequence,
                length: fragments * 1_040 + last as u32 % 1_040,
                offset: index * 1_040,
                bytes: Bytes::from(vec![choice; last]),
            }
        }
        6 | 7 => LinkFrame::Skip {
            stream: input.byte() % 70,
            sequence: input.number(),
            count: input.number() as u32,
        },
        8 => LinkFrame::PathChallenge {
            token: input.number(),
        },
        9 => LinkFrame::PathResponse {
            token: input.number(),
        },
        10 if input.byte().is_multiple_of(8) => LinkFrame::Close {},
        10 => LinkFrame::Start {
            incarnation: input.number(),
            counter: input.number(),
            early_taken: false,
        },
        _ => return frames.extend_from_slice(input.piece()),
    };
    encode(&frame, frames);
}
