//! What a client shows.

use alloc::{string::String, vec::Vec};
use core::net::SocketAddr;

use crate::{
    conversation::{Conversation, Text},
    id::{Fingerprint, MessageId, PublicKey, SafetyNumber},
    name::Name,
    time::WallTime,
};

/// Something that a client shows. Its English line is written by [`crate::text`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The server was met for the first time and its key is trusted from then on. The driver
    /// remembers it under the server's address as it was typed.
    ServerTrusted {
        /// The key.
        key: PublicKey,
    },
    /// The server shows another key than the remembered one. The client has ended.
    ServerKeyChanged {
        /// What was remembered.
        expected: Fingerprint,
        /// What the server shows.
        found: Fingerprint,
    },
    /// The name is registered.
    Registered {
        /// The name.
        name: Name,
        /// Whether it was known before.
        returning: bool,
    },
    /// The user is a member of this group.
    InGroup {
        /// The group.
        group: Name,
    },
    /// The name belongs to somebody else.
    NameTaken {
        /// The name.
        name: Name,
    },
    /// The server takes no more names.
    ServerFull,
    /// The user is online elsewhere; this instance is offline.
    Superseded,
    /// The operator of the server has logged the user out: the client is offline until its user
    /// registers again.
    Dismissed,
    /// The operator of the server does not let this user in: the client is offline.
    Banned,
    /// The local table was altered.
    TableUpdated,
    /// A message.
    Message {
        /// The message.
        id: MessageId,
        /// Who sent it.
        sender: Name,
        /// Whether the sender's key is the one known under that name.
        verified: bool,
        /// Where it was sent: to this user, to a group, to everyone.
        conversation: Conversation,
        /// When the server received it, if it was kept for this user.
        stored: Option<WallTime>,
        /// The text: untrusted.
        text: Text,
    },
    /// What follows was kept for this user.
    OfflineMessages,
    /// A message of the user's is owed from now on. What becomes of it is told under this id.
    Queued {
        /// The message.
        id: MessageId,
        /// Whom it is for.
        to: Conversation,
        /// Its text.
        text: Text,
    },
    /// The recipient has the message, durably.
    Received {
        /// The message.
        id: MessageId,
        /// Who has it.
        by: Name,
    },
    /// The server has the message for a group or everyone, durably.
    ReceivedByServer {
        /// The message.
        id: MessageId,
    },
    /// The recipient did not answer; the message goes to the server.
    NoAck {
        /// The message.
        id: MessageId,
        /// Who did not answer.
        name: Name,
    },
    /// The server keeps the message for an absent recipient.
    Saved {
        /// The message.
        id: MessageId,
        /// When the server received it.
        received: WallTime,
    },
    /// A message that the server had saved was delivered.
    SavedReceived {
        /// The message.
        id: MessageId,
        /// When the server had received it.
        received: WallTime,
        /// Who has it.
        by: Name,
    },
    /// The recipient is online after all.
    Exists {
        /// The message.
        id: MessageId,
        /// The recipient.
        name: Name,
    },
    /// The recipient's mailbox is full; the message is given up.
    MailboxFull {
        /// The message.
        id: MessageId,
        /// The recipient.
        name: Name,
    },
    /// A saved message was never read, or one that was kept could not be handed over for too long:
    /// it is gone.
    Expired {
        /// The message.
        id: MessageId,
        /// When the server had received it; if it never did, when it was written.
        received: WallTime,
        /// Whom it was for.
        to: Conversation,
    },
    /// Messages were trimmed before this user read them.
    Gone {
        /// The group, or the channel.
        log: Conversation,
        /// How many.
        count: u64,
    },
    /// Nobody has this name; the message is given up.
    NoSuchClient {
        /// The message.
        id: MessageId,
        /// The name.
        name: Name,
    },
    /// The user was not in the group any more, without knowing it; the message is given up.
    NotAMember {
        /// The message.
        id: MessageId,
        /// What it was for.
        of: Conversation,
    },
    /// The name has another key than before; the message waits for `send` to be repeated.
    KeyChanged {
        /// The name.
        name: Name,
        /// The user had compared the key before.
        compared: bool,
    },
    /// What this user and another one compare, in answer to a command.
    Verification {
        /// The other user.
        name: Name,
        /// The number, which is to be the same for both.
        number: SafetyNumber,
        /// They have compared it.
        compared: bool,
    },
    /// A command was for a name whose key is not known.
    KeyUnknown {
        /// The name.
        name: Name,
    },
    /// The message is kept until the server answers again.
    Kept {
        /// The message.
        id: MessageId,
        /// Whom it is for.
        to: Conversation,
    },
    /// The message is longer than allowed; it was not sent.
    TooLong {
        /// Its length in bytes.
        length: usize,
    },
    /// So many messages are owed that no other is taken.
    OutboxFull,
    /// The message or request could not be stored on this machine.
    StoreFailed {
        /// The message, if it was one; it is given up.
        id: Option<MessageId>,
    },
    /// The group was created.
    GroupCreated {
        /// The group.
        group: Name,
    },
    /// The group exists.
    GroupExists {
        /// The group.
        group: Name,
    },
    /// There is no such group.
    NoSuchGroup {
        /// The group.
        group: Name,
    },
    /// All groups, in order.
    Groups {
        /// Their names.
        names: Vec<Name>,
    },
    /// The user has joined the group.
    EnteredGroup {
        /// The group.
        group: Name,
    },
    /// All members of the group, in order.
    Members {
        /// The group.
        group: Name,
        /// Their names.
        names: Vec<Name>,
    },
    /// The user has left the group.
    LeftGroup {
        /// The group.
        group: Name,
    },
    /// What the client knows of everyone.
    Peers {
        /// The server's address.
        server: SocketAddr,
        /// Whether the server answers.
        server_online: bool,
        /// All others, in order.
        peers: Vec<Peer>,
    },
    /// The messages that are owed, in the order in which they were sent.
    Pending {
        /// The messages.
        messages: Vec<Owed>,
    },
    /// The client is offline by its own wish.
    Offline,
    /// The server has not answered a request for a while.
    Attempt {
        /// The number of the attempt, from 1.
        attempt: u32,
        /// How many are made.
        of: u32,
    },
    /// The server does not answer.
    NotResponding,
    /// The server answers again.
    ServerBack,
    /// The client ends because the server does not answer.
    Exiting,
    /// A command was refused.
    Refused(Refused),
    /// A command of the driver's own has its turn.
    Local {
        /// How the driver numbers it.
        number: u64,
    },
    /// A line of the driver's own, at its place among the others.
    Note(String),
    /// The client has ended; nothing follows.
    Ended(Ended),
}

/// Why a command was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refused {
    /// `reg` while online.
    AlreadyOnline,
    /// A command that needs the server, while offline; the name to register again.
    Offline(Name),
    /// `dereg` while offline.
    AlreadyOffline,
    /// `send` in a group.
    LeaveGroupFirst,
    /// A group command outside of a group.
    NotInGroup,
    /// `join_group` and the like in a group.
    AlreadyInGroup,
    /// `dereg` with another user's name.
    IncorrectUsername,
    /// `reg` with another name than the driver can switch to (see `Command::Register`).
    CannotSwitchUser,
}

/// How a client ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ended {
    /// By `quit`, a signal, or the end of input with nothing left owed.
    Normally,
    /// The end of input was reached and so many messages were neither delivered nor saved.
    Owing(usize),
    /// The server does not respond.
    NotResponding,
    /// The name belongs to somebody else.
    NameTaken,
    /// The server cannot take the name, or its key has changed.
    Refused,
    /// The user wants to be another one: start a client with that identity.
    SwitchUser,
}

/// A line of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// The name.
    pub name: Name,
    /// Its last known address.
    pub address: Option<SocketAddr>,
    /// Whether it is online.
    pub online: bool,
}

/// A message that is neither delivered nor saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owed {
    /// The message.
    pub id: MessageId,
    /// Whom it is for.
    pub to: Conversation,
    /// Its text.
    pub text: Text,
    /// When the user sent it.
    pub created: WallTime,
    /// How far it has come.
    pub stage: Stage,
}

/// How far a message that is owed has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stage {
    /// It waits for its turn: for those before it, for word of where the recipient is, or for the
    /// user's word on a changed key.
    Waiting,
    /// It is on its way to the recipient itself.
    Sent,
    /// It is the server's to take, whose answer has not come.
    ForServer,
}
