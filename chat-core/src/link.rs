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

use alloc::{sync::Arc, vec::Vec};

use crate::{
    config::LinkConfig,
    crypto::Identity,
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
    _config: LinkConfig,
}

impl Endpoint {
    /// An endpoint for `identity`. All its randomness follows from `seed`, which must never be
    /// used twice. `counter` is larger than every [`Self::counter`] of an earlier endpoint of this
    /// identity as far as it is known: the wall clock makes up for what is not.
    pub fn new(identity: Identity, config: LinkConfig, seed: [u8; 32], counter: u64) -> Self {
        let _ = (identity, seed, counter);
        Self { _config: config }
    }

    /// The key of this endpoint.
    pub fn public_key(&self) -> PublicKey {
        unimplemented!()
    }

    /// Whether datagrams are taken at all. A deaf endpoint drops everything it is handed, has
    /// forgotten its peers (`close` them first) and sends nothing but the goodbyes that wait.
    pub fn set_listening(&mut self, _listening: bool) {
        unimplemented!()
    }

    /// Asks whoever is at `path` for its key; asks again until [`Self::stop_hello`].
    pub fn hello(&mut self, _now: Now, _path: Path) {
        unimplemented!()
    }

    /// Asks no more.
    pub fn stop_hello(&mut self) {
        unimplemented!()
    }

    /// The peer with this key, to be reached at `path` if there is no session with it yet.
    /// `early` lets its first messages ride in the first handshake packet, which an attacker can
    /// replay: only for messages that do no harm when they come twice.
    ///
    /// # Errors
    /// [`SendError::QueueFull`] if there are as many peers as allowed.
    pub fn connect(
        &mut self,
        _now: Now,
        _key: PublicKey,
        _path: Path,
        _early: bool,
    ) -> Result<PeerId, SendError> {
        unimplemented!()
    }

    /// Queues a message on a stream. A handshake is made, and repeated, while anything is queued.
    ///
    /// # Errors
    /// If there is no such peer, the message is too long, or too much is queued.
    pub fn send(
        &mut self,
        _now: Now,
        _peer: PeerId,
        _stream: u8,
        _message: Arc<[u8]>,
    ) -> Result<SendId, SendError> {
        unimplemented!()
    }

    /// Gives a queued message up: the peer is told not to wait for it. It may have arrived.
    pub fn cancel(&mut self, _now: Now, _peer: PeerId, _message: SendId) {
        unimplemented!()
    }

    /// Says goodbye to the peer (one packet, not repeated) and forgets it. No event follows.
    pub fn close(&mut self, _now: Now, _peer: PeerId) {
        unimplemented!()
    }

    /// Asks the peer for a sign of life, [`LinkConfig::probes`] times. Reported as
    /// [`Event::ProbeAnswered`] or [`Event::ProbeFailed`], the latter at once if there is no
    /// session. A probe that is running goes on.
    pub fn probe(&mut self, _now: Now, _peer: PeerId) {
        unimplemented!()
    }

    /// Sends one packet that the peer acknowledges, to keep the session and its path alive.
    pub fn ping(&mut self, _now: Now, _peer: PeerId) {
        unimplemented!()
    }

    /// The peer with this key.
    pub fn peer(&self, _key: &PublicKey) -> Option<PeerId> {
        unimplemented!()
    }

    /// The key of a peer.
    pub fn key(&self, _peer: PeerId) -> Option<PublicKey> {
        unimplemented!()
    }

    /// Where datagrams to this peer go.
    pub fn path(&self, _peer: PeerId) -> Option<Path> {
        unimplemented!()
    }

    /// Whether there is a session with this peer that has carried packets in both directions.
    pub fn is_connected(&self, _peer: PeerId) -> bool {
        unimplemented!()
    }

    /// When an authenticated packet of this peer last arrived.
    pub fn last_heard(&self, _peer: PeerId) -> Option<Instant> {
        unimplemented!()
    }

    /// The smoothed round trip time to this peer, once measured (RFC 6298).
    pub fn round_trip(&self, _peer: PeerId) -> Option<Duration> {
        unimplemented!()
    }

    /// Messages queued for this peer that its link has not acknowledged.
    pub fn queued(&self, _peer: PeerId) -> usize {
        unimplemented!()
    }

    /// The highest handshake counter used: persist it, and start the next endpoint above it.
    pub fn counter(&self) -> u64 {
        unimplemented!()
    }

    /// What has been counted.
    pub fn counters(&self) -> Counters {
        unimplemented!()
    }

    /// Takes a datagram, which is decrypted in place. Bytes that mean nothing are counted and
    /// dropped.
    pub fn handle_datagram(&mut self, _now: Now, _path: Path, _datagram: &mut [u8]) {
        unimplemented!()
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, _now: Now) {
        unimplemented!()
    }

    /// Encodes the next datagram into `buffer`, which is cleared first.
    pub fn poll_transmit(&mut self, _now: Now, _buffer: &mut Vec<u8>) -> Option<Path> {
        unimplemented!()
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<Event> {
        unimplemented!()
    }

    /// When [`Self::handle_timeout`] is due; not later than now while a datagram or event waits.
    pub fn poll_timeout(&self) -> Option<Instant> {
        unimplemented!()
    }
}
