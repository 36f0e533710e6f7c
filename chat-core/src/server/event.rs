//! What a server shows.

use alloc::vec::Vec;

use crate::{client::Peer, name::Name};

/// Something that a server shows. Its English line is written by [`crate::text`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A client is online: it registered, or came back.
    Registered {
        /// Its name.
        name: Name,
    },
    /// A client is offline: it left, or does not answer.
    Offline {
        /// Its name.
        name: Name,
    },
    /// A batch of changes of the table goes to the clients.
    TableUpdated,
    /// A group was created.
    GroupCreated {
        /// By whom.
        name: Name,
        /// The group.
        group: Name,
    },
    /// A client has joined a group.
    GroupJoined {
        /// The client.
        name: Name,
        /// The group.
        group: Name,
    },
    /// A client has left a group.
    GroupLeft {
        /// The client.
        name: Name,
        /// The group.
        group: Name,
    },
    /// A client has sent a message to a group.
    GroupMessage {
        /// The client.
        name: Name,
        /// The group.
        group: Name,
    },
    /// A message was saved for an absent client.
    Saved {
        /// The absent client.
        name: Name,
    },
    /// The store does not take anything: the server promises nothing until it does.
    StoreStalled,
    /// The store works again.
    StoreWell,
    /// The table, in answer to a command.
    Peers {
        /// All names, in order.
        peers: Vec<Peer>,
    },
    /// All groups, in answer to a command.
    Groups {
        /// Their names, in order.
        names: Vec<Name>,
    },
    /// A client was logged out, in answer to a command.
    Kicked {
        /// Its name.
        name: Name,
    },
    /// A name is banned, in answer to a command.
    Banned {
        /// The name.
        name: Name,
    },
    /// A name is not banned any more, in answer to a command.
    Unbanned {
        /// The name.
        name: Name,
    },
    /// The names that are banned, in answer to a command.
    Bans {
        /// The names, in order.
        names: Vec<Name>,
    },
    /// A name is gone with its mail and its memberships, in answer to a command.
    Deleted {
        /// The name.
        name: Name,
    },
    /// A command was for a name that nobody has.
    NoSuchClient {
        /// The name.
        name: Name,
    },
    /// A command was for a client that is not online.
    NotOnline {
        /// Its name.
        name: Name,
    },
    /// The server has stopped; nothing follows.
    Stopped,
}

/// What an operator asks of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Command {
    /// Show the table.
    Peers,
    /// Show the groups.
    Groups,
    /// Log a client out. It stays offline until its user registers again.
    Kick {
        /// Its name.
        name: Name,
    },
    /// Log a client out and let nobody in with its name or its key, now or after a restart.
    Ban {
        /// Its name.
        name: Name,
    },
    /// Take a ban back.
    Unban {
        /// The name.
        name: Name,
    },
    /// Show who is banned.
    Bans,
    /// Log a client out and remove its name, its mail and its memberships: the name is free.
    Delete {
        /// Its name.
        name: Name,
    },
    /// Write what is only in memory and stop.
    Stop,
}
