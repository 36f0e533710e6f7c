//! What a client shows.

use alloc::format;
use core::fmt;

use super::{English, Neutral, peer_line, write_groups, write_lines, write_peers};
use crate::{
    client::{Event, Owed, Refused, Stage},
    config::MAX_TEXT_BYTES,
    conversation::Conversation,
};

/// So much of a pending message is shown.
const SHOWN_CHARACTERS: usize = 60;

impl fmt::Display for English<'_, Event> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.event {
            Event::Message { .. } => self.write_message(f),
            Event::Received { .. }
            | Event::ReceivedByServer { .. }
            | Event::NoAck { .. }
            | Event::Saved { .. }
            | Event::SavedReceived { .. }
            | Event::Exists { .. }
            | Event::MailboxFull { .. }
            | Event::Expired { .. }
            | Event::NoSuchClient { .. }
            | Event::NotAMember { .. }
            | Event::KeyChanged { .. }
            | Event::Kept { .. }
            | Event::TooLong { .. }
            | Event::OutboxFull
            | Event::StoreFailed { .. } => self.write_outcome(f),
            Event::GroupCreated { .. }
            | Event::GroupExists { .. }
            | Event::NoSuchGroup { .. }
            | Event::Groups { .. }
            | Event::InGroup { .. }
            | Event::EnteredGroup { .. }
            | Event::Members { .. }
            | Event::LeftGroup { .. }
            | Event::Gone { .. }
            | Event::OfflineMessages => self.write_group(f),
            Event::ServerTrusted { .. }
            | Event::ServerKeyChanged { .. }
            | Event::Registered { .. }
            | Event::NameTaken { .. }
            | Event::ServerFull
            | Event::Superseded
            | Event::Dismissed
            | Event::Banned
            | Event::TableUpdated
            | Event::Offline
            | Event::Attempt { .. }
            | Event::NotResponding
            | Event::ServerBack
            | Event::Exiting => self.write_session(f),
            Event::Peers {
                server,
                server_online,
                peers,
            } => {
                f.write_str(&peer_line("SERVER", Some(server), *server_online))?;
                f.write_str(if peers.is_empty() { "" } else { "\n" })?;
                write_peers(f, peers)
            }
            Event::Pending { messages } => self.write_pending(f, messages),
            Event::Verification {
                name,
                number,
                compared: true,
            } => write!(
                f,
                "[You have verified {name}. Your safety number with {name} is:]\n{number}"
            ),
            Event::Verification { name, number, .. } => write!(
                f,
                "[Your safety number with {name} is:]\n{number}\n[Compare it with what {name} \
                 sees, but not in this chat. If it is the same: verify {name} yes]"
            ),
            Event::KeyUnknown { name } => write!(f, "[The key of {name} is not known.]"),
            Event::Refused(refused) => write_refused(f, refused),
            Event::Note(note) => write_lines(f, note.split('\n').map(Neutral)),
            Event::Queued { .. } | Event::Local { .. } | Event::Ended(_) => Ok(()),
        }
    }
}

impl English<'_, Event> {
    /// Messages: a sender whose key is not the known one is marked.
    fn write_message(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Event::Message {
            sender,
            verified,
            conversation,
            stored,
            text,
            ..
        } = self.event
        else {
            return Ok(());
        };
        let mark = if *verified { "" } else { " (unverified)" };
        let (sender, text) = (format!("{sender}{mark}"), Neutral(text.as_str()));
        match (conversation, stored.map(|stored| self.time(&stored))) {
            (Conversation::User(_), None) => write!(f, "{sender}: {text}"),
            (Conversation::User(_), Some(at)) => write!(f, "{sender}: {at} {text}"),
            (Conversation::Group(_), None) => write!(f, "[Group_Message {sender}: {text}]"),
            (Conversation::Group(_), Some(at)) => write!(f, "Group Chat {sender}: {at} {text}"),
            (Conversation::Channel, None) => write!(f, "[Channel_Message {sender}: {text}]"),
            (Conversation::Channel, Some(at)) => write!(f, "Channel Message {sender}: {at} {text}"),
        }
    }

    /// What became of a message that was sent.
    fn write_outcome(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.event {
            Event::Received { by, .. } => write!(f, "[Message received by {by}.]"),
            Event::ReceivedByServer { .. } => f.write_str("[Message received by Server.]"),
            Event::NoAck { name, .. } => {
                write!(f, "[No ACK from {name}, message sent to server.]")
            }
            Event::Saved { received, .. } => {
                let at = self.time(received);
                write!(
                    f,
                    "[Offline message sent at {at} received by the server and saved.]"
                )
            }
            Event::SavedReceived { received, by, .. } => {
                let at = self.time(received);
                write!(f, "[Offline message sent at {at} received by {by}.]")
            }
            Event::Exists { name, .. } => write!(f, "[Client {name} exists!!]"),
            Event::MailboxFull { name, .. } => {
                write!(f, "[Mailbox of {name} is full, message not sent.]")
            }
            Event::Expired { received, to, .. } => {
                let (at, to) = (self.time(received), Addressee(to));
                write!(f, "[Message of {at} to {to} expired.]")
            }
            Event::NoSuchClient { name, .. } => write!(f, "[Client {name} does not exist.]"),
            Event::NotAMember { .. } => write_refused(f, &Refused::NotInGroup),
            Event::KeyChanged { name, compared } => {
                let before = if *compared {
                    ", and you had verified the one before"
                } else {
                    ""
                };
                write!(f, "[The key of {name} has changed{before}. ")?;
                write!(f, "Check with {name}; to send anyway, send again.]")
            }
            Event::Kept { to, .. } => {
                let to = Addressee(to);
                write!(f, "[Message to {to} kept until the server is back.]")
            }
            Event::TooLong { length } => write!(
                f,
                "[Message too long: {length} bytes, the limit is {MAX_TEXT_BYTES}.]"
            ),
            Event::OutboxFull => {
                f.write_str("[Too many messages wait to be delivered, message not sent.]")
            }
            Event::StoreFailed { .. } => {
                f.write_str("[Could not be stored on this machine, not sent.]")
            }
            _ => Ok(()),
        }
    }

    /// What is owed, each with the beginning of its text.
    fn write_pending(&self, f: &mut fmt::Formatter<'_>, messages: &[Owed]) -> fmt::Result {
        if messages.is_empty() {
            return f.write_str("[Nothing is pending.]");
        }
        f.write_str("[Pending messages:]\n")?;
        write_lines(
            f,
            messages.iter().map(|message| {
                let to = Addressee(&message.to);
                let stage = match message.stage {
                    Stage::Waiting => "waits for its turn",
                    Stage::Sent => "was sent, no ack yet",
                    Stage::ForServer => "waits for the server",
                };
                let (at, text) = (self.time(&message.created), message.text.as_str());
                let begins = text.char_indices().nth(SHOWN_CHARACTERS).map(|(at, _)| at);
                let dots = if begins.is_some() { "…" } else { "" };
                let text = Neutral(text.get(..begins.unwrap_or(text.len())).unwrap_or(text));
                format!("to {to}, {at}, {stage}: {text}{dots}")
            }),
        )
    }

    /// Groups, and what is read from logs.
    fn write_group(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.event {
            Event::GroupCreated { group } => write!(f, "[Group {group} created by Server.]"),
            Event::GroupExists { group } => write!(f, "[Group {group} already exists.]"),
            Event::NoSuchGroup { group } => write!(f, "[Group {group} does not exist.]"),
            Event::Groups { names } => write_groups(f, names),
            Event::InGroup { group } => write!(f, "[You are in group {group}.]"),
            Event::EnteredGroup { group } => write!(f, "[Entered group {group} successfully.]"),
            Event::Members { group, names } => {
                write!(f, "[Members in the group {group}:]")?;
                f.write_str(if names.is_empty() { "" } else { "\n" })?;
                write_lines(f, names)
            }
            Event::LeftGroup { group } => write!(f, "[Leave group chat {group}.]"),
            Event::Gone { log, count } => match log {
                Conversation::User(name) => {
                    write!(f, "[{count} older messages of {name} are gone.]")
                }
                Conversation::Group(group) => {
                    write!(f, "[{count} older messages of group {group} are gone.]")
                }
                Conversation::Channel => {
                    write!(f, "[{count} older messages of the channel are gone.]")
                }
            },
            Event::OfflineMessages => f.write_str("[You have offline messages:]"),
            _ => Ok(()),
        }
    }

    /// The user's own presence, and the server's.
    fn write_session(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.event {
            Event::ServerTrusted { key } => {
                let fingerprint = key.fingerprint();
                write!(
                    f,
                    "[The key of the server is trusted from this time on: {fingerprint}]"
                )
            }
            Event::ServerKeyChanged { expected, found } => write!(
                f,
                "[The key of the server has changed: expected {expected}, found {found}. \
                 Ask who runs it; if the new one is right, start with --server-key {found}]"
            ),
            Event::Registered { returning, .. } => f.write_str(if *returning {
                "[Welcome back!]"
            } else {
                "[Welcome, You are registered.]"
            }),
            Event::NameTaken { name } => write!(f, "[Name {name} is taken.]"),
            Event::ServerFull => f.write_str("[The server is full.]"),
            Event::Dismissed => f.write_str("[The operator has logged you out. You are offline.]"),
            Event::Banned => f.write_str("[You are banned from this server.]"),
            Event::Superseded => f.write_str("[You logged in on another device. You are offline.]"),
            Event::TableUpdated => f.write_str("[Client table updated.]"),
            Event::Offline => f.write_str("[You are Offline. Bye.]"),
            Event::Attempt { attempt, of } => {
                write!(f, "[Attempt {attempt} of {of}: no answer from the server.]")
            }
            Event::NotResponding => f.write_str("[Server not responding.]"),
            Event::ServerBack => f.write_str("[Server is back.]"),
            Event::Exiting => f.write_str("[Exiting]"),
            _ => Ok(()),
        }
    }
}

fn write_refused(f: &mut fmt::Formatter<'_>, refused: &Refused) -> fmt::Result {
    match refused {
        Refused::AlreadyOnline => f.write_str("[You are online, please log out first.]"),
        Refused::Offline(name) => write!(f, "[You are offline. Type: reg {name}]"),
        Refused::AlreadyOffline => f.write_str("[You are offline.]"),
        Refused::LeaveGroupFirst => f.write_str("[Leave the group first: leave_group]"),
        Refused::NotInGroup => f.write_str("[You are not in a group.]"),
        Refused::AlreadyInGroup => f.write_str("[You are already in a group.]"),
        Refused::IncorrectUsername => f.write_str("[Incorrect username.]"),
        Refused::CannotSwitchUser => f.write_str("[Start another client for that user.]"),
    }
}

/// Whom a message is for, in a sentence.
struct Addressee<'a>(&'a Conversation);

impl fmt::Display for Addressee<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Conversation::User(name) => name.fmt(f),
            Conversation::Group(group) => write!(f, "group {group}"),
            Conversation::Channel => f.write_str("all"),
        }
    }
}

#[cfg(test)]
mod tests;
