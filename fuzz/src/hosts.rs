//! What the targets with state machines share: clocks, addresses, identities, datagrams on their
//! way.

use std::{net::SocketAddr, sync::LazyLock};

use chat_core::{
    config::LinkConfig,
    crypto::Identity,
    id::Path,
    link::Endpoint,
    time::{Duration, Instant, Now, WallTime},
};

use crate::input::Input;

/// The wall clock at the start.
const EPOCH: u64 = 1_700_000_000_000_000;
/// The monotonic clock at the start.
const START: u64 = 1_000_000;
/// Datagrams on their way, at most; past it the oldest is lost.
const MAX_IN_FLIGHT: usize = 64;
/// So many datagrams or events in a row are without end.
const WITHOUT_END: usize = 5_000;

/// The identities of all hosts, by number.
pub(crate) static IDENTITIES: LazyLock<[Identity; 4]> = LazyLock::new(|| {
    crate::do_without_ciphers();
    core::array::from_fn(|number| Identity::from_seed(&[number as u8 + 1; 32]))
});

/// The clock that all hosts share.
pub(crate) struct Clock {
    micros: u64,
    wall: u64,
}

impl Clock {
    pub(crate) fn new() -> Self {
        Self {
            micros: START,
            wall: EPOCH,
        }
    }

    pub(crate) fn now(&self) -> Now {
        let wall = WallTime::from_micros(self.wall);
        Now::new(Instant::from_micros(self.micros), wall)
    }

    pub(crate) fn advance(&mut self, micros: u64) {
        self.micros = self.micros.saturating_add(micros);
        self.wall = self.wall.saturating_add(micros);
    }

    /// Goes on to an instant, if it is not over.
    pub(crate) fn advance_to(&mut self, instant: Instant) {
        self.advance(instant.saturating_since(self.now().instant).as_micros() as u64);
    }

    /// A time of the fuzzer's choice passes: nothing to minutes.
    pub(crate) fn pass(&mut self, input: &mut Input<'_>) {
        let choice = u64::from(input.byte());
        self.advance(match choice {
            0..=127 => choice * 1_000,
            128..=223 => (choice - 127) * 50_000,
            224..=251 => (choice - 223) * 5_000_000,
            _ => (choice - 251) * 3_600_000_000,
        });
    }
}

/// The address of a host.
pub(crate) fn address(host: usize, port: u16) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, host as u8 + 1], port))
}

/// Limits that a short input reaches.
pub(crate) fn small_link() -> LinkConfig {
    let mut config = LinkConfig::default();
    config.max_peers = 4;
    config.max_queued_messages = 24;
    config.max_queued_bytes = 100_000;
    config.max_bytes_in_flight = 20_000;
    config.max_reassembly_bytes = 10_000;
    config.max_events = 40;
    config.handshakes_before_cookies = 6;
    config.rekey_after = Duration::from_secs(20);
    config.old_keys_for = Duration::from_secs(5);
    config.idle_timeout = Duration::from_secs(60);
    config
}

/// A datagram on its way.
#[derive(Clone)]
pub(crate) struct Datagram {
    pub(crate) from: SocketAddr,
    pub(crate) to: SocketAddr,
    pub(crate) bytes: Vec<u8>,
}

/// The datagrams on their way.
#[derive(Default)]
pub(crate) struct Network {
    in_flight: Vec<Datagram>,
}

impl Network {
    /// A host has sent a datagram.
    pub(crate) fn send(&mut self, from: SocketAddr, to: Path, bytes: &[u8]) {
        assert!(!bytes.is_empty() && bytes.len() <= 1_200, "{}", bytes.len());
        if self.in_flight.len() == MAX_IN_FLIGHT {
            self.in_flight.remove(0);
        }
        self.in_flight.push(Datagram {
            from,
            to: to.remote,
            bytes: bytes.to_vec(),
        });
    }

    /// A host's link sends all that is due. Whether there was any.
    pub(crate) fn send_all(&mut self, from: SocketAddr, link: &mut Endpoint, now: Now) -> bool {
        let (mut buffer, mut busy) = (Vec::new(), false);
        link.handle_timeout(now);
        while let Some(path) = link.poll_transmit(now, &mut buffer) {
            self.send(from, path, &buffer);
            busy = true;
        }
        busy
    }

    /// Whether nothing is on its way.
    pub(crate) fn is_empty(&self) -> bool {
        self.in_flight.is_empty()
    }

    /// Everything on its way arrives, in order.
    pub(crate) fn deliver_all(&mut self) -> Vec<Datagram> {
        core::mem::take(&mut self.in_flight)
    }

    /// One datagram of the fuzzer's choice arrives: whole or not, and is still on its way or not.
    pub(crate) fn deliver(&mut self, input: &mut Input<'_>) -> Option<Datagram> {
        let (choice, at) = (input.byte(), input.byte());
        if self.in_flight.is_empty() {
            return None;
        }
        let at = usize::from(at) % self.in_flight.len();
        let mut datagram = match choice % 4 {
            0 => self.in_flight.remove(0),
            1 => self.in_flight.remove(at),
            _ => self.in_flight[at].clone(),
        };
        if choice >= 192 {
            let place = usize::from(input.u16()) % datagram.bytes.len();
            match input.byte() {
                0 => datagram.bytes.truncate(place),
                flipped => datagram.bytes[place] ^= flipped,
            }
        }
        Some(datagram)
    }

    /// Some datagrams are lost.
    pub(crate) fn lose(&mut self, input: &mut Input<'_>) {
        let pattern = input.byte();
        let mut at = 0;
        self.in_flight.retain(|_| {
            at += 1;
            pattern >> (at % 8) & 1 == 0
        });
    }
}

/// Counts what must have an end.
#[derive(Default)]
pub(crate) struct Turns(usize);

impl Turns {
    pub(crate) fn turn(&mut self) {
        self.0 += 1;
        assert!(self.0 < WITHOUT_END, "it goes on without end");
    }
}
