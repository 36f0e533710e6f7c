//! The server: names, presence, mail, groups, the channel, fan-out.
//!
//! A datagram becomes an event of the link; its message a frame; the frame is handled by a state
//! that knows nothing of packets and asks for operations of the store; what the store completes
//! releases the answers, which go back through the link. The [crate] says how a server is driven.
//!
//! While the records are being loaded from the store, datagrams are dropped: to a client the
//! server is not there yet.

mod attachments;
mod delivery;
mod ephemeral;
mod event;
mod expiry;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod groups;
mod interests;
mod item;
mod log_reader;
mod mail;
mod members;
mod names;
mod operator;
mod presence;
mod rate_limit;
mod reader;
mod record;
mod registration;
mod requests;
mod session;
mod state;
mod stored;
mod table;
mod table_updates;
#[cfg(test)]
mod tests;

use alloc::vec::Vec;

pub use event::{Command, Event};

use crate::{
    action::Action,
    config::ServerConfig,
    crypto::{self, Identity},
    id::{Path, PublicKey},
    link::{self, Endpoint, PeerId, SendError},
    machine::Machine,
    store::{OperationId, StoreEvent, StoreOperation},
    time::{Instant, Now},
};
use state::{LinkCommand, Sender, State};

/// What the link knows of a peer.
#[derive(Debug, Clone, Copy, Default)]
struct PeerStatus {
    /// When an authenticated packet of it last arrived.
    last_heard: Option<Instant>,
    /// Messages for it that it has not acknowledged.
    queued: usize,
}

/// Asks the link for what it knows of a peer.
type Status<'a> = &'a dyn Fn(PeerId) -> PeerStatus;

/// What a server starts with.
pub struct Options {
    /// The server's identity.
    pub identity: Identity,
    /// All randomness follows from it; it is never used twice.
    pub seed: [u8; 32],
    /// Limits and times.
    pub config: ServerConfig,
}

impl Options {
    /// With the limits and times that are the default.
    pub fn new(identity: Identity, seed: [u8; 32]) -> Self {
        Self {
            identity,
            seed,
            config: ServerConfig::default(),
        }
    }
}

/// What a server has counted since it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Counters {
    /// Datagrams dropped because the records were not loaded.
    pub dropped_while_loading: u64,
    /// Messages of the link that were no frames.
    pub malformed_messages: u64,
    /// Frames that a server does not expect.
    pub unexpected_frames: u64,
    /// Frames skipped because their tag is unknown.
    pub unknown_frames: u64,
    /// Messages that became durable: mail, and posts to groups and everyone. One that is handed in
    /// again may count again.
    pub messages_stored: u64,
    /// Clients cut off because they asked for too much, or read too slowly.
    pub cut_off: u64,
    /// Names whose changes a client is not told of, because it watches as many as it may.
    pub interests_over_limit: u64,
    /// Receipts for which there was no place in the sender's mailbox.
    pub dropped_receipts: u64,
    /// Events dropped because they were not polled.
    pub dropped_events: u64,
}

/// How much there is of what a server holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Size {
    /// Names that are registered.
    pub names: usize,
    /// Clients that are online.
    pub sessions: usize,
    /// Groups.
    pub groups: usize,
    /// Operations of the store that are not complete.
    pub pending: usize,
}

/// A server.
pub struct Server {
    link: Endpoint,
    state: State,
    /// The latest time that was handed in: a clock that goes back stands still.
    latest: Instant,
}

impl Server {
    /// A server that first reads its records from the store.
    pub fn new(now: Now, options: Options) -> Self {
        let Options {
            identity,
            seed,
            config,
        } = options;
        let [a, b, c, d, e, f, g, h, ..] = crypto::hash(b"table epoch", &[&seed]);
        let epoch = u64::from_le_bytes([a, b, c, d, e, f, g, h]);
        let link_seed = crypto::hash(b"link", &[&seed]);
        Self {
            link: Endpoint::new(identity, config.link.clone(), link_seed),
            state: State::new(now, config, epoch),
            latest: now.instant,
        }
    }

    /// The server's key.
    pub fn public_key(&self) -> PublicKey {
        self.link.public_key()
    }

    /// What the link has counted.
    pub fn counters(&self) -> link::Counters {
        self.link.counters()
    }

    /// What the server itself has counted.
    pub const fn server_counters(&self) -> Counters {
        self.state.counters
    }

    /// How much there is of what the server holds.
    pub fn size(&self) -> Size {
        Size {
            names: self.state.names.len(),
            sessions: self.state.sessions.len(),
            groups: self.state.members.groups(),
            pending: self.state.pending.len(),
        }
    }

    /// Changes limits and times from here on, but for those of the link, which stay as they were at
    /// first. What exceeds a lower limit stays.
    pub fn set_config(&mut self, config: ServerConfig) {
        self.state.config = config;
    }

    /// Takes a datagram, which is decrypted in place.
    pub fn handle_datagram(&mut self, now: Now, path: Path, datagram: &mut [u8]) {
        let now = self.clamp(now);
        if !self.state.is_ready() {
            self.state.counters.dropped_while_loading += 1;
            return;
        }
        self.link.handle_datagram(now, path, datagram);
        self.route(now);
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Now) {
        let now = self.clamp(now);
        self.link.handle_timeout(now);
        // What has arrived is taken in before anybody is found to be silent.
        self.route(now);
        let link = &self.link;
        let status = |peer| PeerStatus {
            last_heard: link.last_heard(peer),
            queued: link.queued(peer),
        };
        self.state.handle_timeout(now, &status);
        self.route(now);
    }

    /// Takes an operator's command.
    pub fn handle_command(&mut self, now: Now, command: Command) {
        let now = self.clamp(now);
        self.state.operate(now, command);
        self.route(now);
    }

    /// Takes what the store completed, read or noticed.
    pub fn handle_stored(&mut self, now: Now, event: StoreEvent) {
        let now = self.clamp(now);
        self.state.handle_stored(now, event);
        self.route(now);
    }

    /// The next thing to be done: persist, then display, then send.
    pub fn poll_action(&mut self, now: Now, buffer: &mut Vec<u8>) -> Option<Action<Event>> {
        Machine::poll_action(self, now, buffer)
    }

    /// Encodes the next datagram into `buffer`, which is cleared first.
    pub fn poll_transmit(&mut self, now: Now, buffer: &mut Vec<u8>) -> Option<Path> {
        let now = self.clamp(now);
        self.link.poll_transmit(now, buffer)
    }

    /// The next operation for the store.
    pub fn poll_persist(&mut self) -> Option<(OperationId, StoreOperation)> {
        self.state.poll_persist()
    }

    /// The next event to be shown.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.state.poll_event()
    }

    /// When [`Self::handle_timeout`] is due; not later than now while anything waits to be polled.
    pub fn poll_timeout(&self) -> Option<Instant> {
        if self.state.has_output() {
            return Some(self.latest);
        }
        let timeouts = [self.state.next_timeout(), self.link.poll_timeout()];
        timeouts.into_iter().flatten().min()
    }

    fn clamp(&mut self, now: Now) -> Now {
        self.latest = self.latest.max(now.instant);
        Now {
            instant: self.latest,
            ..now
        }
    }

    /// Takes what the link reports to the state, and what the state commands to the link, until
    /// both are silent.
    fn route(&mut self, now: Now) {
        loop {
            if let Some(event) = self.link.poll_event() {
                self.handle_link(now, event);
            } else if let Some(command) = self.state.poll_command() {
                self.obey(now, command);
            } else {
                return;
            }
        }
    }

    fn handle_link(&mut self, now: Now, event: link::Event) {
        match event {
            link::Event::Message { peer, bytes, .. } => {
                let (key, path) = (self.link.key(peer), self.link.path(peer));
                if let (Some(key), Some(path)) = (key, path) {
                    let address = path.remote;
                    let from = Sender { peer, key, address };
                    self.state.handle_message(now, &from, &bytes);
                }
            }
            link::Event::Moved { peer, path } => self.state.handle_moved(now, peer, path.remote),
            link::Event::ProbeAnswered { peer } => self.state.handle_probe_answered(peer),
            link::Event::ProbeFailed { peer } => self.state.handle_probe_failed(now, peer),
            link::Event::Closed { peer } => self.state.handle_closed(now, peer),
            // The new peer registers; then it is known what becomes of the old one.
            link::Event::Replaced { .. }
            | link::Event::Connected { .. }
            | link::Event::HelloAnswered { .. } => {}
        }
    }

    fn obey(&mut self, now: Now, command: LinkCommand) {
        match command {
            LinkCommand::Send {
                peer,
                stream,
                message,
            } => match self.link.send(now, peer, stream, message) {
                Ok(_) | Err(SendError::NoSuchPeer) => {}
                Err(SendError::QueueFull) => self.state.handle_queue_full(now, peer),
                Err(SendError::TooLong) => self.state.counters.unexpected_frames += 1,
            },
            LinkCommand::Probe(peer) => self.link.probe(now, peer),
            LinkCommand::Close(peer) => self.link.close(now, peer),
        }
    }
}
