//! What a client and a server have in common for whoever drives them.

use alloc::vec::Vec;

use crate::{
    action::Action,
    client::{self, Client},
    id::{Path, PublicKey},
    server::{self, Server},
    store::{OperationId, StoreEvent, StoreOperation},
    time::{Instant, Now},
};

/// A state machine that does no IO. [`Client`] and [`Server`] have these methods themselves; with
/// this trait, one driver serves both. The [crate] says how.
pub trait Machine {
    /// What it shows.
    type Event;
    /// How it ends.
    type End;

    /// How the machine has ended, if `event` says so: nothing follows it.
    fn end(event: &Self::Event) -> Option<Self::End>;
    /// The server whose things the machine's store keeps; no operation is polled before it is known.
    fn store_of(&self) -> Option<PublicKey>;
    /// Leaves in order, as when a signal asks for it; a second call leaves at once.
    fn leave(&mut self, now: Now);
    /// Takes a datagram, which is decrypted in place.
    fn handle_datagram(&mut self, now: Now, path: Path, datagram: &mut [u8]);
    /// Does what is due.
    fn handle_timeout(&mut self, now: Now);
    /// Takes what the store completed, read or noticed.
    fn handle_stored(&mut self, now: Now, event: StoreEvent);
    /// Encodes the next datagram into `buffer`, which is cleared first.
    fn poll_transmit(&mut self, now: Now, buffer: &mut Vec<u8>) -> Option<Path>;
    /// The next operation for the store.
    fn poll_persist(&mut self) -> Option<(OperationId, StoreOperation)>;
    /// The next event to be shown.
    fn poll_event(&mut self) -> Option<Self::Event>;
    /// When `handle_timeout` is due; not later than now while anything waits to be polled.
    fn poll_timeout(&self) -> Option<Instant>;

    /// The next thing to be done: persist, then display, then send.
    fn poll_action(&mut self, now: Now, buffer: &mut Vec<u8>) -> Option<Action<Self::Event>> {
        if let Some((id, operation)) = self.poll_persist() {
            return Some(Action::Persist(id, operation));
        }
        if let Some(event) = self.poll_event() {
            return Some(Action::Display(event));
        }
        if let Some(path) = self.poll_transmit(now, buffer) {
            return Some(Action::Send(path));
        }
        // The end is shown when everything else is done, the last datagram included.
        self.poll_event().map(Action::Display)
    }
}

macro_rules! forward {
    ($machine:ty) => {
        fn handle_datagram(&mut self, now: Now, path: Path, datagram: &mut [u8]) {
            <$machine>::handle_datagram(self, now, path, datagram);
        }

        fn handle_timeout(&mut self, now: Now) {
            <$machine>::handle_timeout(self, now);
        }

        fn handle_stored(&mut self, now: Now, event: StoreEvent) {
            <$machine>::handle_stored(self, now, event);
        }

        fn poll_transmit(&mut self, now: Now, buffer: &mut Vec<u8>) -> Option<Path> {
            <$machine>::poll_transmit(self, now, buffer)
        }

        fn poll_persist(&mut self) -> Option<(OperationId, StoreOperation)> {
            <$machine>::poll_persist(self)
        }

        fn poll_event(&mut self) -> Option<Self::Event> {
            <$machine>::poll_event(self)
        }

        fn poll_timeout(&self) -> Option<Instant> {
            <$machine>::poll_timeout(self)
        }
    };
}

impl Machine for Client {
    type Event = client::Event;
    type End = client::Ended;

    fn end(event: &Self::Event) -> Option<Self::End> {
        match event {
            client::Event::Ended(ended) => Some(*ended),
            _ => None,
        }
    }

    fn store_of(&self) -> Option<PublicKey> {
        self.server_key()
    }

    fn leave(&mut self, now: Now) {
        Self::leave(self, now);
    }

    forward!(Client);
}

impl Machine for Server {
    type Event = server::Event;
    type End = ();

    fn end(event: &Self::Event) -> Option<()> {
        matches!(event, server::Event::Stopped).then_some(())
    }

    fn store_of(&self) -> Option<PublicKey> {
        Some(self.public_key())
    }

    fn leave(&mut self, now: Now) {
        self.handle_command(now, server::Command::Stop);
    }

    forward!(Server);
}
