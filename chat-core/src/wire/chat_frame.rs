//! Frames of the chat: what a message of the link carries.

use super::{
    array::frames,
    types::{Address, Bytes, List, ReadPosition, Refusal, Rejection, TableEntry, TableVersion},
};
use crate::{
    conversation::{Conversation, Text},
    id::{InstanceId, MessageId},
    name::Name,
    time::WallTime,
};

frames! {
    /// A frame of the chat. A `request` is a number of the client's choice that comes back in the
    /// answer; a repeated request is answered again.
    pub enum ChatFrame {
        /// Client to server: the owner of this session's key goes online under this name.
        /// Answered by `Registered` or `Refused`.
        1 => Register {
            /// The number of the request.
            request: u64,
            /// The name.
            name: Name,
            /// Which start of the client this is.
            instance: InstanceId,
            /// An automatic return: refused if another instance has taken over since.
            resume: bool,
            /// The name is to be freed when the client leaves.
            ephemeral: bool,
            /// The version of the table that the client has.
            table: TableVersion,
            /// How far the client has read, live, in the logs of its group and the channel.
            positions: List<ReadPosition, 16>,
        }
        /// Client to server: goes offline. Answered by `Completed`.
        2 => Deregister {
            /// The number of the request.
            request: u64,
        }
        /// Client to server. Answered by `Completed` or `Refused`.
        3 => CreateGroup {
            /// The number of the request.
            request: u64,
            /// The group.
            group: Name,
        }
        /// Client to server. Answered by `Names`.
        4 => ListGroups {
            /// The number of the request.
            request: u64,
            /// Names after this one.
            after: Option<Name>,
        }
        /// Client to server. Answered by `Completed` or `Refused`.
        5 => JoinGroup {
            /// The number of the request.
            request: u64,
            /// The group.
            group: Name,
        }
        /// Client to server. Answered by `Completed` or `Refused`.
        6 => LeaveGroup {
            /// The number of the request.
            request: u64,
            /// The group.
            group: Name,
        }
        /// Client to server. Answered by `Names` or `Refused`.
        7 => ListMembers {
            /// The number of the request.
            request: u64,
            /// The group.
            group: Name,
            /// Names after this one.
            after: Option<Name>,
        }
        /// Client to server: asks for a name's entry, and to be told of its changes.
        /// Answered by `Found`.
        8 => LookUp {
            /// The number of the request.
            request: u64,
            /// The name.
            name: Name,
        }
        /// Client to server: a message to be kept and delivered. Answered by `Accepted` (group,
        /// channel), `Saved` or `Exists` (user), or `Rejected`.
        9 => Submit {
            /// The message.
            id: MessageId,
            /// Whom it is for.
            to: Conversation,
            /// For a user: the text, sealed to the recipient's key. Else the text in UTF-8.
            body: Bytes,
        }
        /// The messages are durable at the receiver: the only acknowledgement of a message.
        10 => Accepted {
            /// The messages.
            ids: List<MessageId, 64>,
        }
        /// Client to client: a direct message. Answered by `Accepted`.
        11 => Direct {
            /// The message.
            id: MessageId,
            /// The sender's name; its key must be the session's.
            from: Name,
            /// Whom it is for: a client may have gone offline and come back under another name.
            to: Name,
            /// The text.
            text: Text,
        }
        /// Server to client: the client is online.
        12 => Registered {
            /// The number of the request.
            request: u64,
            /// Whether the name was known before.
            returning: bool,
            /// The group that the user is a member of.
            group: Option<Name>,
            /// The address that the server sees the client at.
            address: Address,
        }
        /// Server to client: the request was refused.
        13 => Refused {
            /// The number of the request.
            request: u64,
            /// Why.
            reason: Refusal,
        }
        /// Server to client: the request is done, durably.
        14 => Completed {
            /// The number of the request.
            request: u64,
        }
        /// Server to client: names of groups or members, in order.
        15 => Names {
            /// The number of the request.
            request: u64,
            /// The names.
            names: List<Name, 1000>,
            /// More follow: ask again after the last one.
            more: bool,
        }
        /// Server to client: what the table holds for a name.
        16 => Found {
            /// The number of the request.
            request: u64,
            /// The entry; none if nobody has the name.
            entry: Option<TableEntry>,
        }
        /// Server to client: entries of the table that changed.
        17 => TableChanges {
            /// Every change after this number is in this frame or those that follow; zero: the
            /// whole table, and what is not in it does not exist.
            after: u64,
            /// The version that the client has when it has applied them.
            version: TableVersion,
            /// The last frame of a series.
            complete: bool,
            /// The entries.
            entries: List<TableEntry, 256>,
        }
        /// Server to client: an entry of a log. Answered by `Accepted`.
        18 => Deliver {
            /// The log: the client's own mailbox (its own name), its group or the channel.
            log: Conversation,
            /// Where the entry stands in the log.
            position: u64,
            /// When the server received it.
            received: WallTime,
            /// The message.
            id: MessageId,
            /// Whether it is delivered as it arrives; else it was kept for the client.
            live: bool,
            /// A [`Content`], encoded.
            content: Bytes,
        }
        /// Server to client: everything that was kept has been delivered; what follows is live.
        19 => CaughtUp {}
        /// Server to client: the message is in the recipient's mailbox, the recipient is offline.
        20 => Saved {
            /// The message.
            id: MessageId,
            /// When the server received it.
            received: WallTime,
        }
        /// Server to client: the recipient is online after all; the server delivers the message.
        21 => Exists {
            /// The message.
            id: MessageId,
        }
        /// Server to client: the message was not taken, and will not be.
        22 => Rejected {
            /// The message.
            id: MessageId,
            /// Why.
            reason: Rejection,
        }
        /// Server to client: the user is online elsewhere; this instance is offline.
        23 => Superseded {}
        /// Server to client: entries of a log were trimmed before the client read them.
        24 => Gone {
            /// The log.
            log: Conversation,
            /// How many.
            count: u64,
        }
        /// A frame with this tag was skipped and will be skipped if it is sent again.
        25 => Unsupported {
            /// The tag.
            tag: u16,
        }
        /// Server to client: this session's key is not registered here; the client registers.
        26 => NotRegistered {}
        /// Server to client: the operator has logged the user out; the client stays offline until
        /// its user wants to be online again.
        27 => Dismissed {}
    }
}

frames! {
    /// What an entry of a server's log holds.
    pub enum Content {
        /// In a mailbox: a direct message, sealed to its recipient, who finds the sender's key
        /// inside.
        1 => Mail {
            /// The sender.
            sender: Name,
            /// The sealed text.
            sealed: Bytes,
        }
        /// In the log of a group or the channel.
        2 => Post {
            /// The sender.
            sender: Name,
            /// The text.
            text: Text,
        }
        /// In a sender's mailbox: a reader has accepted a message that was stored for it.
        3 => Receipt {
            /// The message.
            message: MessageId,
            /// Who has it.
            reader: Name,
            /// When the server had received the message.
            received: WallTime,
        }
        /// In a sender's mailbox: a message was trimmed unread.
        4 => Expired {
            /// The message.
            message: MessageId,
            /// Who has not read it.
            reader: Name,
            /// When the server had received the message.
            received: WallTime,
        }
    }
}
