//! Which stream of the link carries what between a client and its server.

use crate::{conversation::Conversation, crypto, link::STREAMS};

/// Requests and their answers, acceptances, what concerns the registration.
pub(crate) const CONTROL: u8 = 0;
/// Changes of the table.
pub(crate) const TABLE: u8 = 1;
/// What was kept for a client, in the order in which the server received it, up to `CaughtUp`.
pub(crate) const CATCH_UP: u8 = 2;

const FIRST_CONVERSATION: u8 = 3;

/// Everything about one conversation: what is submitted to it, what becomes of that, and what is
/// delivered live. Conversations that share a stream by chance only wait for each other.
pub(crate) fn of(conversation: &Conversation) -> u8 {
    let (kind, name) = match conversation {
        Conversation::User(name) => (b"user" as &[u8], name.folded()),
        Conversation::Group(name) => (b"group" as &[u8], name.folded()),
        Conversation::Channel => (b"channel" as &[u8], ""),
    };
    let hash = crypto::hash(kind, &[name.as_bytes()]);
    FIRST_CONVERSATION + hash[0] % (STREAMS - FIRST_CONVERSATION)
}
