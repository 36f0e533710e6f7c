//! The client: registration, table, conversations, groups, and what is owed.
//!
//! # The run loop
//! ```text
//! loop {
//!     while let Some(action) = client.poll_action(now, &mut buffer) { do it }
//!     wait for a datagram, a command, a completion of the store, or client.poll_timeout();
//!     hand it to client.handle_*(now, …)
//! }
//! ```
//! There is no contract beyond that: any number of inputs between drains, any order.

mod command;
mod event;

use alloc::vec::Vec;

pub use command::{Command, CommandError};
pub use event::{Ended, Event, Peer, Refused};

use crate::{
    action::Action,
    config::ClientConfig,
    crypto::Identity,
    id::{Fingerprint, Path, PublicKey},
    link,
    name::Name,
    store::{OperationId, StoreEvent, StoreOperation},
    time::{Instant, Now},
};

/// What a client starts with.
pub struct Options {
    /// The name to be registered at once.
    pub name: Name,
    /// The identity that owns the name.
    pub identity: Identity,
    /// Where the server is.
    pub server: Path,
    /// The server's key, if it is remembered.
    pub server_key: Option<PublicKey>,
    /// The fingerprint that the server's key must have, if the user has fixed it.
    pub server_fingerprint: Option<Fingerprint>,
    /// The name and everything of it is freed when the client leaves.
    pub ephemeral: bool,
    /// Leave without telling the server.
    pub silent_exit: bool,
    /// All randomness follows from it; it is never used twice.
    pub seed: [u8; 32],
    /// Limits and times.
    pub config: ClientConfig,
}

/// One user's client of one server.
pub struct Client {
    _options: Options,
}

impl Client {
    /// A client that registers at once.
    pub fn new(_now: Now, _options: Options) -> Self {
        unimplemented!()
    }

    /// The user's name.
    pub fn name(&self) -> &Name {
        unimplemented!()
    }

    /// The group that the user is in: the client is in group mode.
    pub fn group(&self) -> Option<&Name> {
        unimplemented!()
    }

    /// The server's key, once it is trusted. No operation for the store is polled before, so that
    /// the driver can keep one store per server.
    pub fn server_key(&self) -> Option<PublicKey> {
        unimplemented!()
    }

    /// Messages accepted from the user that are neither delivered nor saved.
    pub fn owed(&self) -> usize {
        unimplemented!()
    }

    /// What the link has counted.
    pub fn counters(&self) -> link::Counters {
        unimplemented!()
    }

    /// The commands that have not begun, for the client that takes over after
    /// [`Ended::SwitchUser`]: the first is the [`Command::Register`] with the other user's name.
    pub fn take_commands(&mut self) -> Vec<Command> {
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

    /// Takes a command, which begins when those before it are done.
    ///
    /// # Errors
    /// If too many wait, or the client has ended.
    pub fn handle_command(&mut self, _now: Now, _command: Command) -> Result<(), CommandError> {
        unimplemented!()
    }

    /// Takes what the store completed, read or noticed.
    pub fn handle_stored(&mut self, _now: Now, _event: StoreEvent) {
        unimplemented!()
    }

    /// Leaves at once, as by a signal: tells the server, waits at most
    /// [`ClientConfig::leave_timeout`], ends. A second call ends without waiting.
    pub fn leave(&mut self, _now: Now) {
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
