//! What a user asks of a client.

use alloc::string::String;

use crate::name::Name;

/// A command. Commands run in the order in which they are handed in: sends may overlap, every
/// other command begins when those before it have their answer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Command {
    /// Go online again: under the same name if none is given. Another name switches the user:
    /// the client ends with [`Ended::SwitchUser`](super::Ended::SwitchUser) and the driver starts
    /// one with that user's identity, handing over what [`Client::take_commands`] gives; if it
    /// cannot, [`Client::stay`] lets the client go on.
    ///
    /// [`Client::take_commands`]: super::Client::take_commands
    /// [`Client::stay`]: super::Client::stay
    Register {
        /// The name.
        name: Option<Name>,
    },
    /// A direct message.
    Send {
        /// The recipient.
        to: Name,
        /// The text.
        text: String,
    },
    /// A message to everyone, or to the group in group mode.
    SendAll {
        /// The text.
        text: String,
    },
    /// A message to the group.
    SendGroup {
        /// The text.
        text: String,
    },
    /// Create a group without joining it.
    CreateGroup {
        /// The group.
        group: Name,
    },
    /// List all groups.
    ListGroups,
    /// Join a group.
    JoinGroup {
        /// The group.
        group: Name,
    },
    /// List the members of the group.
    ListMembers,
    /// Leave the group.
    LeaveGroup,
    /// Show the table.
    Peers,
    /// Show the messages that are owed.
    Pending,
    /// Show what this user and another one compare to know that nobody is between them, or keep that
    /// they have.
    Verify {
        /// The other user.
        name: Name,
        /// They have compared it, and it is the same for both.
        compared: bool,
    },
    /// Go offline and stay running; the name, if given, must be the user's own.
    Deregister {
        /// The name.
        name: Option<Name>,
    },
    /// Show a line of the driver's own when its turn comes.
    Note(String),
    /// A command of the driver's own: [`Event::Local`](super::Event::Local) tells when its turn has
    /// come.
    Local {
        /// How the driver numbers it.
        number: u64,
    },
    /// Wait for what is owed, leave as by `Deregister`, end normally.
    Quit,
    /// The end of input: like `Quit`, but the end tells whether anything is still owed.
    Finish,
}

/// Why a command was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CommandError {
    /// As many commands wait as may: hand it in again when an event has been polled.
    #[error("too many commands wait")]
    Busy,
    /// The client has ended.
    #[error("the client has ended")]
    Ended,
}
