//! What happened in a world, as values: what oracles and traces are made from.

use std::net::SocketAddr;

use chat_core::{
    client::{self, Command},
    id::MessageId,
    server,
    store::StoreOperation,
    time::Instant,
};

use crate::faults::Fault;

/// One thing that happened.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// When, on the world's clock.
    pub at: Instant,
    /// The number of the node.
    pub node: usize,
    /// What.
    pub what: What,
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// The machine of this user starts; a server has none.
    Starts(String),
    /// The machine has ended: by itself with an exit code, or without warning.
    Ends(Option<i32>),
    /// Something was done to the node: it was paused, its disk broke, …
    Suffers(String),
    /// A command was typed into it.
    Typed(Command),
    /// The client shows something.
    Shown(client::Event),
    /// The server shows something.
    Told(server::Event),
    /// Its store has done this, durably.
    Durable(StoreOperation),
    /// A log was full: its store has refused to append this to it.
    Refused(MessageId),
    /// A fault by chance.
    Fault(Fault),
    /// A datagram arrives. Recorded if datagrams are.
    Arrived {
        /// The node that sent it, if one did.
        from: Option<usize>,
        /// What kind of datagram it is.
        kind: &'static str,
        /// How long it is.
        bytes: usize,
    },
    /// A datagram of the node's reaches an address where nothing runs. Recorded if datagrams are.
    Missed {
        /// The address.
        to: SocketAddr,
        /// What kind of datagram it is.
        kind: &'static str,
        /// How long it is.
        bytes: usize,
    },
}

/// The records of a world, kept if somebody reads them.
#[derive(Debug, Default)]
pub struct Records {
    kept: Option<Vec<Record>>,
    with_datagrams: bool,
}

impl Records {
    /// Keeps what happens from now on.
    pub fn keep(&mut self) {
        self.kept.get_or_insert_default();
    }

    /// Keeps arrivals of datagrams too.
    pub fn keep_datagrams(&mut self) {
        self.with_datagrams = true;
    }

    /// Whether arrivals of datagrams are kept.
    pub fn are_with_datagrams(&self) -> bool {
        self.with_datagrams
    }

    /// Adds a record; `what` is made only if it is kept.
    pub fn add(&mut self, at: Instant, node: usize, what: impl FnOnce() -> What) {
        if let Some(kept) = &mut self.kept {
            let what = what();
            kept.push(Record { at, node, what });
        }
    }

    /// What has happened since this was asked last.
    pub fn take(&mut self) -> Vec<Record> {
        self.kept.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Whether there is something to take.
    pub fn is_empty(&self) -> bool {
        self.kept.as_ref().is_none_or(Vec::is_empty)
    }
}
