//! Authenticated, encrypted, reliable messages between two keys: paths, acknowledgements,
//! retransmission. The link knows nothing of chat.
//!
//! An [`Endpoint`] holds the peers of one identity. A peer is the owner of another key; while
//! there is something to say to it, the endpoint keeps a session with it (Noise IK handshake) and
//! retransmits what was not acknowledged. Messages travel in [`STREAMS`] numbered streams: within
//! a stream they are delivered in order and once; a loss in one stream holds up no other.
//!
//! The streams of a peer outlive its sessions (a new handshake, another address) but not its
//! memory: when the owner of a key turns up without the streams (it was started again, had
//! forgotten this endpoint, or runs on a second device), it is another peer, and
//! [`Event::Replaced`] tells so. What was queued for the old one is not carried over. Whoever
//! needs more than that keeps its messages until the peer has accepted them, and sends them again.
//!
//! The grammar is that of the whole crate: `handle_*` takes input, `poll_*` gives output until
//! `None`, in any order, any number of times.

mod ack_ranges;
mod completion;
mod congestion;
mod cookie;
mod delivery;
mod early_guard;
mod fragment;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod handshake;
mod hello;
mod incoming;
mod negotiation;
mod path;
mod peer;
mod peers;
mod probe;
mod rate_limit;
mod receive_streams;
mod replay_window;
mod round_trip;
mod send_streams;
mod sent_packets;
mod session;
mod session_table;
mod sessions;
mod shared;
mod upkeep;

use alloc::{collections::VecDeque, sync::Arc, vec::Vec};

use self::{
    cookie::Cookies, early_guard::EarlyGuard, hello::Greeting, peer::Peer, peers::Peers,
    rate_limit::RateLimit, session_table::SessionTable, shared::Shared,
};
use crate::{
    config::LinkConfig,
    crypto::{Identity, Random, mac::ReceiverKeys},
    id::{Path, PublicKey},
    time::{Duration, Instant, Now},
};

/// How many streams lead to a peer. A program numbers its own messages' streams below this.
pub const STREAMS: u8 = 64;

/// A peer of an endpoint, from [`Endpoint::connect`] or its first event until [`Event::Closed`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerId(pub(crate) u32);

/// Names a message that was handed to [`Endpoint::send`], to cancel it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SendId {
    pub(crate) stream: u8,
    pub(crate) sequence: u64,
    pub(crate) generation: u64,
}

/// What an endpoint reports.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A session with this peer has carried an authenticated packet in each direction for the
    /// first time.
    Connected {
        /// The peer.
        peer: PeerId,
    },
    /// The owner of this peer's key has turned up without its streams, as another peer, which is
    /// connected and is what [`Endpoint::peer`] finds from then on. The old one keeps its session
    /// and can still be told something (it may be another device); close it when that is done.
    Replaced {
        /// The old peer.
        peer: PeerId,
        /// The new one.
        by: PeerId,
    },
    /// A message has arrived. It may precede `Connected`.
    Message {
        /// The peer.
        peer: PeerId,
        /// The stream it arrived on.
        stream: u8,
        /// The message.
        bytes: Vec<u8>,
    },
    /// The peer has proved that it receives at another address.
    Moved {
        /// The peer.
        peer: PeerId,
        /// Its address.
        path: Path,
    },
    /// The peer answered a probe, or was heard while it ran.
    ProbeAnswered {
        /// The peer.
        peer: PeerId,
    },
    /// The peer answered none of the probes and nothing of it was heard meanwhile.
    ProbeFailed {
        /// The peer.
        peer: PeerId,
    },
    /// The peer is forgotten: it said goodbye, or its session was idle for too long.
    Closed {
        /// The peer, whose id means nothing from then on.
        peer: PeerId,
    },
    /// Somebody at this path answered a hello with this key. Nothing proves yet that the key is
    /// its own: a handshake with it will.
    HelloAnswered {
        /// Where the answer came from.
        path: Path,
        /// The key it showed.
        key: PublicKey,
    },
}

impl Event {
    /// The peer that the event is about.
    pub fn peer(&self) -> Option<PeerId> {
        match self {
            Self::Connected { peer }
            | Self::Replaced { peer, .. }
            | Self::Message { peer, .. }
            | Self::Moved { peer, .. }
            | Self::ProbeAnswered { peer }
            | Self::ProbeFailed { peer }
            | Self::Closed { peer } => Some(*peer),
            Self::HelloAnswered { .. } => None,
        }
    }
}

/// Why a message cannot be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// As many messages or bytes as allowed wait for this peer.
    #[error("too much waits for this peer")]
    QueueFull,
    /// The message is longer than [`MAX_MESSAGE_BYTES`](crate::config::MAX_MESSAGE_BYTES).
    #[error("the message is too long")]
    TooLong,
    /// There is no such peer (any more).
    #[error("there is no such peer")]
    NoSuchPeer,
}

/// What an endpoint has counted since it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Counters {
    /// Datagrams handed in.
    pub datagrams_received: u64,
    /// Datagrams encoded.
    pub datagrams_sent: u64,
    /// Dropped: no datagram of this protocol, or cut short.
    pub malformed: u64,
    /// Dropped: for a session that is not known.
    pub unknown_session: u64,
    /// Dropped: the authentication failed.
    pub unauthenticated: u64,
    /// Dropped: a packet that had arrived before, or is too old to tell.
    pub replayed: u64,
    /// Dropped: a limit was reached.
    pub over_limit: u64,
    /// Frames skipped because their tag is unknown.
    pub unknown_frames: u64,
    /// Packets sent again.
    pub retransmitted: u64,
    /// Handshakes completed.
    pub handshakes: u64,
}

/// All peers of one identity.
pub struct Endpoint {
    shared: Shared,
    /// For what arrives before a session exists.
    receiver: ReceiverKeys,
    /// The highest handshake counter used. It follows the wall clock, so that the first one is
    /// higher than those of an earlier endpoint of this identity.
    counter: u64,
    is_listening: bool,
    peers: Peers,
    sessions: SessionTable,
    early: EarlyGuard,
    cookies: Cookies,
    hints: RateLimit,
    greeting: Option<Greeting>,
    replies: VecDeque<(Path, Vec<u8>)>,
    goodbyes: VecDeque<(Path, Vec<u8>)>,
}

impl Endpoint {
    /// An endpoint for `identity`. All its randomness follows from `seed`, which must never be
    /// used twice.
    pub fn new(identity: Identity, config: LinkConfig, seed: [u8; 32]) -> Self {
        let mut random = Random::new(seed);
        Self {
            receiver: ReceiverKeys::of(&identity.public_key()),
            counter: 0,
            is_listening: true,
            peers: Peers::default(),
            sessions: SessionTable::new(random.u32()),
            early: EarlyGuard::default(),
            cookies: Cookies::new(&mut random),
            hints: RateLimit::default(),
            greeting: None,
            replies: VecDeque::new(),
            goodbyes: VecDeque::new(),
            shared: Shared {
                identity,
                config,
                random,
                now: Instant::ZERO,
                wall: crate::time::WallTime::default(),
                counters: Counters::default(),
                events: VecDeque::new(),
                released: Vec::new(),
            },
        }
    }

    /// The key of this endpoint.
    pub fn public_key(&self) -> PublicKey {
        self.shared.identity.public_key()
    }

    /// Whether datagrams are taken at all. A deaf endpoint drops everything it is handed, has
    /// forgotten its peers (`close` them first) and sends nothing but the goodbyes that wait.
    pub fn set_listening(&mut self, listening: bool) {
        self.is_listening = listening;
        if listening {
            return;
        }
        let slots: Vec<u32> = self.peers.slots().collect();
        for slot in slots {
            self.forget(slot);
        }
        self.shared.events.clear();
        self.replies.clear();
        self.greeting = None;
    }

    /// Asks whoever is at `path` for its key; asks again until [`Self::stop_hello`].
    pub fn hello(&mut self, now: Now, path: Path) {
        self.advance(now);
        let nonce = self.shared.random.bytes();
        self.greeting = Some(Greeting::new(self.shared.now, path, nonce));
    }

    /// Somebody waits for the answer to [`Self::hello`]: it asks again now.
    pub fn hurry_hello(&mut self, now: Now) {
        self.advance(now);
        if let Some(greeting) = &mut self.greeting {
            greeting.hurry(self.shared.now);
        }
    }

    /// Asks no more.
    pub fn stop_hello(&mut self) {
        if let Some(greeting) = &mut self.greeting {
            greeting.stop();
        }
    }

    /// The peer with this key, to be reached at `path` if there is no session with it yet. If
    /// there is one along another path, a handshake finds out whether the peer is at `path` now,
    /// while the session goes on. `early` lets its first messages ride in the first
    /// handshake packet, which an attacker can replay: only for messages that do no harm when they
    /// come twice. No datagram is sent before there is a message.
    ///
    /// # Errors
    /// [`SendError::QueueFull`] if there are as many peers as allowed.
    pub fn connect(
        &mut self,
        now: Now,
        key: PublicKey,
        path: Path,
        early: bool,
    ) -> Result<PeerId, SendError> {
        self.advance(now);
        let present = self.present_peer(&key);
        let Some(slot) = present.or_else(|| self.begin_peer(&key, path)) else {
            self.shared.counters.over_limit += 1;
            return Err(SendError::QueueFull);
        };
        let peer = self.peers.at_mut(slot).ok_or(SendError::NoSuchPeer)?;
        peer.is_chosen = true;
        peer.is_known = true;
        peer.early = early;
        peer.may_be_at(path);
        let greeting = self.greeting.as_ref();
        if let Some(cookie) = greeting.and_then(|greeting| greeting.cookie(&path, &key)) {
            peer.cookie = Some(cookie);
        }
        let id = peer.id;
        self.settle(slot);
        Ok(id)
    }

    /// Queues a message on a stream. A handshake is made, and repeated, while anything is queued;
    /// a peer that does not answer for [`LinkConfig::idle_timeout`] is closed.
    ///
    /// # Errors
    /// If there is no such peer, the message is too long, or too much is queued.
    ///
    /// # Panics
    /// If `stream` is not below [`STREAMS`].
    pub fn send(
        &mut self,
        now: Now,
        peer: PeerId,
        stream: u8,
        message: Arc<[u8]>,
    ) -> Result<SendId, SendError> {
        assert!(
            stream < STREAMS,
            "a program numbers its streams below STREAMS"
        );
        self.advance(now);
        self.with_peer(peer, |peer, shared| peer.send(shared, stream, message))
            .unwrap_or(Err(SendError::NoSuchPeer))
    }

    /// Gives a queued message up: the peer is told not to wait for it. It may have arrived.
    pub fn cancel(&mut self, now: Now, peer: PeerId, message: SendId) {
        self.advance(now);
        self.with_peer(peer, |peer, _| peer.cancel(message));
    }

    /// Says goodbye to the peer (one packet, not repeated) and forgets it. No event follows.
    pub fn close(&mut self, now: Now, peer: PeerId) {
        self.advance(now);
        let Some(slot) = self.peers.slot(peer) else {
            return;
        };
        let goodbye = self
            .peers
            .at_mut(slot)
            .and_then(|peer| peer.goodbye(&self.shared));
        self.forget(slot);
        self.shared
            .events
            .retain(|event| event.peer() != Some(peer));
        if let Some(goodbye) = goodbye {
            upkeep::push_within_limit(&mut self.goodbyes, goodbye, &mut self.shared.counters);
        }
    }

    /// Asks the peer for a sign of life, [`LinkConfig::probes`] times. Reported as
    /// [`Event::ProbeAnswered`] or [`Event::ProbeFailed`], the latter at once if there is no
    /// session. A probe that is running goes on.
    pub fn probe(&mut self, now: Now, peer: PeerId) {
        self.advance(now);
        self.with_peer(peer, Peer::probe);
    }

    /// Sends one packet that the peer acknowledges, to keep the session and its path alive. If
    /// the last one had no answer, a handshake is made beside it.
    pub fn ping(&mut self, now: Now, peer: PeerId) {
        self.advance(now);
        self.with_peer(peer, |peer, shared| peer.ping(shared));
    }

    /// The peer with this key.
    pub fn peer(&self, key: &PublicKey) -> Option<PeerId> {
        let slot = self.peers.current(key)?;
        Some(self.peers.at(slot)?.id)
    }

    /// The key of a peer.
    pub fn key(&self, peer: PeerId) -> Option<PublicKey> {
        Some(self.peers.get(peer)?.key)
    }

    /// Where datagrams to this peer go.
    pub fn path(&self, peer: PeerId) -> Option<Path> {
        Some(self.peers.get(peer)?.path)
    }

    /// Whether there is a session with this peer that has carried packets in both directions.
    pub fn is_connected(&self, peer: PeerId) -> bool {
        self.peers
            .get(peer)
            .is_some_and(|peer| peer.sessions.current.is_some())
    }

    /// When an authenticated packet of this peer last arrived.
    pub fn last_heard(&self, peer: PeerId) -> Option<Instant> {
        self.peers.get(peer)?.last_heard
    }

    /// The smoothed round trip time to this peer, once measured (RFC 6298).
    pub fn round_trip(&self, peer: PeerId) -> Option<Duration> {
        self.peers.get(peer)?.delivery.round_trip.smoothed()
    }

    /// Messages queued for this peer that its link has not acknowledged.
    pub fn queued(&self, peer: PeerId) -> usize {
        self.peers
            .get(peer)
            .map_or(0, |peer| peer.delivery.streams.queued())
    }

    /// What has been counted.
    pub fn counters(&self) -> Counters {
        self.shared.counters
    }

    /// Takes a datagram, which is decrypted in place. Bytes that mean nothing are counted and
    /// dropped.
    pub fn handle_datagram(&mut self, now: Now, path: Path, datagram: &mut [u8]) {
        self.advance(now);
        self.shared.counters.datagrams_received += 1;
        if !self.is_listening {
            return;
        }
        if self.shared.events.len() >= self.shared.config.max_events {
            self.shared.counters.over_limit += 1;
            return;
        }
        self.dispatch(path, datagram);
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Now) {
        self.advance(now);
        for slot in self.peers.take_due(self.shared.now) {
            if let Some(peer) = self.peers.at_mut(slot) {
                peer.handle_timeout(&mut self.shared);
                self.settle(slot);
            }
        }
    }

    /// Encodes the next datagram into `buffer`, which is cleared first.
    pub fn poll_transmit(&mut self, now: Now, buffer: &mut Vec<u8>) -> Option<Path> {
        self.advance(now);
        let path = self.next_datagram(buffer)?;
        self.shared.counters.datagrams_sent += 1;
        Some(path)
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.shared.events.pop_front()
    }

    /// When [`Self::handle_timeout`] is due; not later than now while a datagram or event waits.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let replies = self.is_listening && !self.replies.is_empty();
        let waits = !self.shared.events.is_empty() || !self.goodbyes.is_empty() || replies;
        if waits || self.is_listening && self.peers.ready().is_some() {
            return Some(self.shared.now);
        }
        let hello = self.greeting.as_ref().and_then(Greeting::next);
        let next = self.peers.next_timeout().into_iter().chain(hello).min();
        next.filter(|_| self.is_listening)
    }
}
