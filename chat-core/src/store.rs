//! What the core keeps durably, as values: operations that go out, events that come back.
//!
//! Two kinds of things are durable, and nothing else.
//!
//! * **Records** are small values under a key in a [`Table`], changed by compare-and-set on an
//!   opaque, increasing [`Revision`].
//! * **Logs** take entries by appending, each once (idempotent by its id), and are read by
//!   [`Position`].
//!
//! The rules that both sides keep:
//!
//! * State changes only from [`StoreEvent::Changed`] and [`StoreEvent::Arrived`]; a completion
//!   ([`StoreEvent::Done`] and its kin) only releases what waited for it. No order is promised
//!   between the two.
//! * Every operation may be repeated, and every completion may come late, twice or out of order.
//! * What is written takes place in the order in which it was handed in. A store that cannot write
//!   reports [`StoreEvent::Stalled`] and fails every write from then on, until it is handed
//!   [`StoreOperation::Resume`]: the core does so after [`StoreEvent::Well`], before it hands in
//!   again, in order, what has failed.
//! * Attaching to a table or a log subscribes to it: the store first reports what a table holds
//!   (`Changed` for each record), then completes the operation, then reports what happens.
//!   Attaching again reports again, and what happens is still reported once. Attachments end with
//!   the process.
//! * Whoever makes a change is told of it like everyone else: a compare-and-set on an attached
//!   table yields `Done` and `Changed`, an append to an attached log `Appended` and `Arrived`. An
//!   append that was made before yields `Appended` only.
//!
//! [`MemoryStore`] is the reference implementation.

mod memory;
mod pending;

use alloc::{string::String, sync::Arc, vec::Vec};
use core::fmt;

use serde::{Deserialize, Serialize};

pub use memory::MemoryStore;
pub(crate) use pending::Pending;

use crate::{id::MessageId, name::Name, time::WallTime};

/// A set of records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Table {
    /// Server: a name with its key and instance. Key: the folded name.
    Names,
    /// Server: a group's name and creator. Key: the folded name.
    Groups,
    /// Server: who reads a log and how far: the memberships of groups and of the channel.
    Members,
    /// Client: the last known table of names, with the pinned keys. Key: the folded name.
    Peers,
    /// Client: each message that is owed, its text and how far it has come. Key: the message id in
    /// hexadecimal.
    Outbox,
    /// Client: its own few values: the registration, how far the screen has shown the inbox. Key:
    /// what it is.
    Settings,
}

impl Table {
    /// The name of the table for an administrator: `names`, `groups`, …
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Names => "names",
            Self::Groups => "groups",
            Self::Members => "members",
            Self::Peers => "peers",
            Self::Outbox => "outbox",
            Self::Settings => "settings",
        }
    }
}

/// A log of entries.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Log {
    /// Server: mail and receipts for one user.
    Mailbox(Name),
    /// Server: what was said in a group.
    Group(Name),
    /// Server: what was said to everyone.
    Channel,
    /// Client: what has arrived; the screen is its reader.
    Inbox,
}

impl fmt::Display for Log {
    /// `mailbox/alice`, `group/g`, `channel`, `inbox`, with folded names.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mailbox(name) => write!(f, "mailbox/{}", name.folded()),
            Self::Group(name) => write!(f, "group/{}", name.folded()),
            Self::Channel => f.write_str("channel"),
            Self::Inbox => f.write_str("inbox"),
        }
    }
}

/// The version of a record. Larger is later; nothing else follows from its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Revision(pub u64);

/// A place in a log. The first entry stands at 1; positions increase and are never used again.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Position(pub u64);

/// Names one operation between the core and the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OperationId(pub u64);

/// An entry of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Where it stands in its log.
    pub position: Position,
    /// The id by which it is appended once.
    pub id: MessageId,
    /// When the appender received it. The server's stamps strictly increase.
    pub received: WallTime,
    /// The content, which the store does not look into.
    pub bytes: Arc<[u8]>,
}

/// How many entries a log may hold, and what an append does when it holds so many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// It fails with [`StoreError::Full`].
    Refuse(u64),
    /// It removes the oldest entries, as [`StoreOperation::Trim`] does, and takes place. The entry
    /// that is appended always stays.
    DropOldest(u64),
}

impl Limit {
    /// Whether a log with so many entries takes no more.
    pub const fn refuses(self, entries: u64) -> bool {
        matches!(self, Self::Refuse(limit) if entries >= limit)
    }

    /// Which entries are removed when one is appended at a position.
    pub const fn drops_up_to(self, appended: Position) -> Position {
        Position(match self {
            Self::Refuse(_) => 0,
            Self::DropOldest(0) => appended.0.saturating_sub(1),
            Self::DropOldest(limit) => appended.0.saturating_sub(limit),
        })
    }
}

/// What the core asks of the store.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreOperation {
    /// Writes a record if its revision is still `expected` (`None`: it does not exist).
    /// `value: None` removes it. Completes with `Done`, `Conflict`, or `Failed(TooBig)` when key and
    /// value are longer than [`MAX_STORED_BYTES`](crate::config::MAX_STORED_BYTES).
    CompareAndSet {
        /// The table.
        table: Table,
        /// The key within the table.
        key: String,
        /// The revision that the writer has seen.
        expected: Option<Revision>,
        /// The value to be stored.
        value: Option<Vec<u8>>,
    },
    /// Appends an entry unless one with this id was appended before.
    /// Completes with `Appended`, which tells where and when the entry (or the earlier one) was
    /// received, or with `Failed`: `Full` as `limit` says, `TooBig` when `bytes` are more than
    /// [`MAX_STORED_BYTES`](crate::config::MAX_STORED_BYTES).
    Append {
        /// The log.
        log: Log,
        /// The id of the entry.
        id: MessageId,
        /// The stamp.
        received: WallTime,
        /// The content.
        bytes: Arc<[u8]>,
        /// How many entries the log may hold.
        limit: Limit,
    },
    /// Reads up to `count` entries after a position, oldest first. Completes with `Fetched`.
    Fetch {
        /// The log.
        log: Log,
        /// Entries after this position.
        after: Position,
        /// At most so many.
        count: usize,
    },
    /// Removes the entries up to and including a position. Completes with `Done`. Their ids are
    /// remembered, for a store's own time, which is longer than their senders send them again.
    Trim {
        /// The log.
        log: Log,
        /// The last position to be removed.
        up_to: Position,
    },
    /// Subscribes to a log: entries appended from then on are reported as `Arrived`.
    /// Completes with `Attached`.
    AttachLog {
        /// The log.
        log: Log,
    },
    /// Ends a subscription to a log. Completes with `Done`.
    DetachLog {
        /// The log.
        log: Log,
    },
    /// The core knows that the store was stalled: it takes writes again, if it can. Completes with
    /// `Done`.
    Resume,
    /// Reports every record of a table as `Changed`, then completes with `Done`; later changes
    /// are reported as they happen.
    AttachTable {
        /// The table.
        table: Table,
    },
}

impl StoreOperation {
    /// Whether it changes what is durable.
    pub const fn is_write(&self) -> bool {
        matches!(
            self,
            Self::CompareAndSet { .. } | Self::Append { .. } | Self::Trim { .. }
        )
    }
}

/// Why an operation failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The store could not be reached or written; whether the operation took place is unknown.
    #[error("the store is unavailable")]
    Unavailable,
    /// The log holds as many entries as it may.
    #[error("the log is full")]
    Full,
    /// The value or entry is larger than the store takes.
    #[error("the value is too big")]
    TooBig,
}

/// What the store reports.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreEvent {
    /// The operation is durable.
    Done {
        /// Which one.
        operation: OperationId,
        /// For a compare-and-set, the revision of what it wrote or removed; `None` for every other
        /// operation, and when there was nothing to be removed.
        revision: Option<Revision>,
    },
    /// The entry is durable, by this or by an earlier append.
    Appended {
        /// Which operation.
        operation: OperationId,
        /// Where the entry stands (or stood, if it has been trimmed since).
        position: Position,
        /// Its stamp: that of the first append.
        received: WallTime,
    },
    /// The log is attached.
    Attached {
        /// Which operation.
        operation: OperationId,
        /// The position of the log's last entry, trimmed or not; zero for an unused log.
        head: Position,
    },
    /// A compare-and-set met another revision than expected; this is what the record holds.
    Conflict {
        /// Which operation.
        operation: OperationId,
        /// The record's revision and value; `None` if it does not exist.
        current: Option<(Revision, Vec<u8>)>,
    },
    /// The operation failed.
    Failed {
        /// Which one.
        operation: OperationId,
        /// Why.
        error: StoreError,
    },
    /// The entries that were asked for.
    Fetched {
        /// Which operation.
        operation: OperationId,
        /// Oldest first. Fewer than asked for: the log holds no more.
        entries: Vec<Entry>,
    },
    /// A record of an attached table was written (`value: None`: removed).
    Changed {
        /// The table.
        table: Table,
        /// The key.
        key: String,
        /// The revision of this value.
        revision: Revision,
        /// The value.
        value: Option<Vec<u8>>,
    },
    /// An entry was appended to an attached log.
    Arrived {
        /// The log.
        log: Log,
        /// The entry.
        entry: Entry,
    },
    /// Notices may have been lost: read attached tables and logs again.
    Resynchronise,
    /// The store does not make progress; nothing new can be promised until [`Self::Well`], and
    /// every write fails until [`StoreOperation::Resume`].
    Stalled,
    /// The store works again, and waits for [`StoreOperation::Resume`].
    Well,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_table_has_its_own_name() {
        let tables = [
            (Table::Names, "names"),
            (Table::Groups, "groups"),
            (Table::Members, "members"),
            (Table::Peers, "peers"),
            (Table::Outbox, "outbox"),
            (Table::Settings, "settings"),
        ];
        for (table, name) in tables {
            assert_eq!(table.as_str(), name);
        }
    }
}
