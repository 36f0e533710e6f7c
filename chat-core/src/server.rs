//! The server: names, presence, mail, groups, the channel, fan-out.

mod event;

use alloc::vec::Vec;

pub use event::{Command, Event};

use crate::{
    action::Action,
    config::ServerConfig,
    crypto::Identity,
    id::{Path, PublicKey},
    link,
    store::{OperationId, StoreEvent, StoreOperation},
    time::{Instant, Now},
};

/// What a server starts with.
pub struct Options {
    /// The server's identity.
    pub identity: Identity,
    /// All randomness follows from it; it is never used twice.
    pub seed: [u8; 32],
    /// Limits and times.
    pub config: ServerConfig,
}

/// A server.
pub struct Server {
    _options: Options,
}

impl Server {
    /// A server that first reads its records from the store.
    pub fn new(_now: Now, _options: Options) -> Self {
        unimplemented!()
    }

    /// The server's key.
    pub fn public_key(&self) -> PublicKey {
        unimplemented!()
    }

    /// What the link has counted.
    pub fn counters(&self) -> link::Counters {
        unimplemented!()
    }

    /// Takes a datagram, which is decrypted in place.
    pub fn handle_datagram(&mut self, _now: Now, _path: Path, _datagram: &mut [u8]) {
        unimplemented!()
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, _now: Now) {
        unimplemented!()
    }

    /// Takes an operator's command.
    pub fn handle_command(&mut self, _now: Now, _command: Command) {
        unimplemented!()
    }

    /// Takes what the store completed, read or noticed.
    pub fn handle_stored(&mut self, _now: Now, _event: StoreEvent) {
        unimplemented!()
    }

    /// The next thing to be done: persist, then display, then send.
    pub fn poll_action(&mut self, _now: Now, _buffer: &mut Vec<u8>) -> Option<Action<Event>> {
        unimplemented!()
    }

    /// Encodes the next datagram into `buffer`, which is cleared first.
    pub fn poll_transmit(&mut self, _now: Now, _buffer: &mut Vec<u8>) -> Option<Path> {
        unimplemented!()
    }

    /// The next operation for the store.
    pub fn poll_persist(&mut self) -> Option<(OperationId, StoreOperation)> {
        unimplemented!()
    }

    /// The next event to be shown.
    pub fn poll_event(&mut self) -> Option<Event> {
        unimplemented!()
    }

    /// When [`Self::handle_timeout`] is due; not later than now while anything waits to be polled.
    pub fn poll_timeout(&self) -> Option<Instant> {
        unimplemented!()
    }
}
