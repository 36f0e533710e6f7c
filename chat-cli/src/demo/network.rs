//! A network in memory that loses, repeats, delays and reorders datagrams.

use std::{collections::BTreeMap, net::SocketAddr};

use chat_core::{
    crypto::Random,
    time::{Duration, Instant},
};

/// Of so many datagrams, this many are lost.
const LOST: (u64, u64) = (3, 10);
/// Of so many datagrams, this many arrive twice.
const REPEATED: (u64, u64) = (1, 20);
/// A datagram is under way for at least this long, and for up to [`MAX_DELAY`].
const MIN_DELAY: Duration = Duration::from_millis(15);
const MAX_DELAY: Duration = Duration::from_millis(90);

/// A datagram under way.
pub(super) struct Datagram {
    pub(super) from: SocketAddr,
    pub(super) to: SocketAddr,
    pub(super) bytes: Vec<u8>,
}

/// The network, and what it has counted.
pub(super) struct Network {
    random: Random,
    /// By when they arrive; the number keeps those of one moment apart.
    under_way: BTreeMap<(Instant, u64), Datagram>,
    /// Datagrams that were sent.
    pub(super) sent: u64,
    /// Datagrams that arrived nowhere.
    pub(super) dropped: u64,
}

impl Network {
    /// Whatever happens to datagrams follows from `random`.
    pub(super) fn new(random: Random) -> Self {
        Self {
            random,
            under_way: BTreeMap::new(),
            sent: 0,
            dropped: 0,
        }
    }

    /// Takes a datagram.
    pub(super) fn send(&mut self, now: Instant, from: SocketAddr, to: SocketAddr, bytes: &[u8]) {
        self.sent += 1;
        if self.happens(LOST) {
            self.dropped += 1;
            return;
        }
        let copies = if self.happens(REPEATED) { 2 } else { 1 };
        for copy in 0..copies {
            let arrives = now + self.delay();
            let datagram = Datagram {
                from,
                to,
                bytes: bytes.to_vec(),
            };
            self.under_way
                .insert((arrives, 2 * self.sent + copy), datagram);
        }
    }

    /// The next datagram that has arrived.
    pub(super) fn arrived(&mut self, now: Instant) -> Option<Datagram> {
        let first = self.under_way.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }

    /// When the next datagram arrives.
    pub(super) fn next_arrival(&self) -> Option<Instant> {
        self.under_way.first_key_value().map(|((at, _), _)| *at)
    }

    fn happens(&mut self, (times, of): (u64, u64)) -> bool {
        self.random.u64() % of < times
    }

    fn delay(&mut self) -> Duration {
        let micros = (MAX_DELAY - MIN_DELAY).as_micros() as u64;
        MIN_DELAY + Duration::from_micros(self.random.u64() % micros)
    }
}
