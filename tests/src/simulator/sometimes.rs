//! What must happen in some run of many: a simulator that never gets there proves nothing.

use chat_core::{client::Event, conversation::Conversation, server, store::StoreOperation};

use super::oracle::Counts;
use crate::record::What;

/// Defines the points with their names.
macro_rules! points {
    ($( $(#[$meta:meta])* $point:ident, )*) => {
        /// Something that must happen in some run of many.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Sometimes { $( $(#[$meta])* $point, )* }

        impl Sometimes {
            /// All of them.
            pub const ALL: &[Self] = &[ $( Self::$point, )* ];
        }
    };
}

points! {
    /// A name is registered for the first time.
    Registered,
    /// A known name registers again.
    Returned,
    /// A direct message is shown.
    DirectShown,
    /// A message that was kept is shown.
    MailShown,
    /// What is said in a group is shown.
    GroupShown,
    /// What is said to everyone is shown.
    ChannelShown,
    /// What was said in a group meanwhile is shown later.
    KeptGroupShown,
    /// The recipient has a message.
    Received,
    /// The server has a message for a group or everyone.
    ReceivedByServer,
    /// A recipient does not answer.
    NoAck,
    /// The server keeps a message.
    Saved,
    /// A kept message has arrived.
    SavedReceived,
    /// A recipient is online after all.
    Exists,
    /// A mailbox is full.
    MailboxFull,
    /// Entries were trimmed before they were read.
    Gone,
    /// A message is for nobody.
    NoSuchClient,
    /// A message waits for the server.
    Kept,
    /// Something could not be stored.
    StoreFailed,
    /// A group is created.
    GroupCreated,
    /// A group exists already.
    GroupExists,
    /// A group does not exist.
    NoSuchGroup,
    /// A user enters a group.
    EnteredGroup,
    /// A user leaves a group.
    LeftGroup,
    /// A user finds itself in a group after a start.
    InGroup,
    /// Members are listed.
    Members,
    /// Groups are listed.
    Groups,
    /// A user goes offline.
    Offline,
    /// The server does not answer at first.
    Attempt,
    /// The server does not answer.
    NotResponding,
    /// The server is back.
    ServerBack,
    /// A command is refused.
    Refused,
    /// A client ends by itself.
    Exits,
    /// A node ends without warning.
    Dies,
    /// A log is trimmed.
    Trimmed,
    /// A message is shown again after a crash.
    ShownAgain,
    /// The server shows its table.
    Peers,
}

impl Sometimes {
    /// What has happened, if it is one of the points.
    pub(super) const fn of(what: &What) -> Option<Self> {
        Some(match what {
            What::Shown(event) => return Self::of_client(event),
            What::Told(server::Event::Peers { .. }) => Self::Peers,
            What::Ends(Some(_)) => Self::Exits,
            What::Ends(None) => Self::Dies,
            What::Durable(StoreOperation::Trim { .. }) => Self::Trimmed,
            _ => return None,
        })
    }

    /// What is known in the end.
    pub(super) fn of_counts(counts: Counts) -> Option<Self> {
        (counts.repeated > 0).then_some(Self::ShownAgain)
    }

    const fn of_client(event: &Event) -> Option<Self> {
        Some(match event {
            Event::Registered { returning, .. } if *returning => Self::Returned,
            Event::Registered { .. } => Self::Registered,
            Event::Message {
                conversation,
                stored,
                ..
            } => match (conversation, stored) {
                (Conversation::User(_), None) => Self::DirectShown,
                (Conversation::User(_), Some(_)) => Self::MailShown,
                (Conversation::Group(_), None) => Self::GroupShown,
                (Conversation::Group(_), Some(_)) => Self::KeptGroupShown,
                (Conversation::Channel, _) => Self::ChannelShown,
            },
            Event::Received { .. } => Self::Received,
            Event::ReceivedByServer { .. } => Self::ReceivedByServer,
            Event::NoAck { .. } => Self::NoAck,
            Event::Saved { .. } => Self::Saved,
            Event::SavedReceived { .. } => Self::SavedReceived,
            Event::Exists { .. } => Self::Exists,
            Event::MailboxFull { .. } => Self::MailboxFull,
            Event::Gone { .. } => Self::Gone,
            Event::NoSuchClient { .. } => Self::NoSuchClient,
            Event::Kept { .. } => Self::Kept,
            Event::StoreFailed { .. } => Self::StoreFailed,
            Event::GroupCreated { .. } => Self::GroupCreated,
            Event::GroupExists { .. } => Self::GroupExists,
            Event::NoSuchGroup { .. } => Self::NoSuchGroup,
            Event::EnteredGroup { .. } => Self::EnteredGroup,
            Event::LeftGroup { .. } => Self::LeftGroup,
            Event::InGroup { .. } => Self::InGroup,
            Event::Members { .. } => Self::Members,
            Event::Groups { .. } => Self::Groups,
            Event::Offline => Self::Offline,
            Event::Attempt { .. } => Self::Attempt,
            Event::NotResponding => Self::NotResponding,
            Event::ServerBack => Self::ServerBack,
            Event::Refused(_) => Self::Refused,
            _ => return None,
        })
    }
}
