//! What has become of the one message of `chat-cli send`, as an exit code.

use std::process::ExitCode;

use chat_core::{client::Event, id::MessageId};

/// How far the message has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// It was not sent, or failed later.
    Failed,
    /// It is kept on this machine, and goes out when this user is online again.
    Kept,
    /// The server has it.
    Saved,
    /// The recipient has it.
    Delivered,
}

/// Follows one message.
#[derive(Debug)]
pub(super) struct Delivery {
    id: Option<MessageId>,
    state: State,
}

impl Delivery {
    /// Of a message that is yet to be sent.
    pub(super) const fn new() -> Self {
        Self {
            id: None,
            state: State::Failed,
        }
    }

    /// Takes notice of what is shown.
    pub(super) fn see(&mut self, event: &Event) {
        let (id, state) = match event {
            // It is the first that is sent, by this client.
            Event::Queued { id, .. } if self.id.is_none() => {
                self.id = Some(*id);
                (id, State::Kept)
            }
            Event::Saved { id, .. } => (id, State::Saved),
            // The server has it, and delivers it.
            Event::Exists { id, .. } => (id, State::Saved),
            Event::Received { id, .. } | Event::SavedReceived { id, .. } => (id, State::Delivered),
            Event::MailboxFull { id, .. }
            | Event::NoSuchClient { id, .. }
            | Event::Expired { id, .. }
            | Event::StoreFailed { id: Some(id) } => (id, State::Failed),
            _ => return,
        };
        if self.id == Some(*id) {
            self.state = state;
        }
    }

    /// 0 if the recipient has it, 3 if the server keeps it, 4 if this machine does (which it does
    /// not for an `ephemeral` user), else 1.
    pub(super) fn exit_code(&self, ephemeral: bool) -> ExitCode {
        ExitCode::from(match self.state {
            State::Delivered => 0,
            State::Saved => 3,
            State::Kept if !ephemeral => 4,
            State::Kept | State::Failed => 1,
        })
    }
}

#[cfg(test)]
mod tests {
    use chat_core::{
        conversation::{Conversation, Text},
        name::Name,
        time::WallTime,
    };

    use super::*;

    const ID: MessageId = MessageId([1; 16]);

    fn name() -> Name {
        "y".parse().unwrap()
    }

    fn code(events: &[Event]) -> ExitCode {
        let mut delivery = Delivery::new();
        events.iter().for_each(|event| delivery.see(event));
        delivery.exit_code(false)
    }

    #[test]
    fn the_last_state_of_the_message_is_the_exit_code() {
        let to = Conversation::User(name());
        let text = Text::default();
        let queued = Event::Queued { id: ID, to, text };
        let received = WallTime::default();
        let saved = Event::Saved { id: ID, received };
        let delivered = Event::Received { id: ID, by: name() };
        let unknown = Event::NoSuchClient {
            id: ID,
            name: name(),
        };
        let other = Event::Received {
            id: MessageId([2; 16]),
            by: name(),
        };
        assert_eq!(code(&[]), ExitCode::from(1));
        assert_eq!(code(&[Event::OutboxFull]), ExitCode::from(1));
        assert_eq!(code(std::slice::from_ref(&queued)), ExitCode::from(4));
        assert_eq!(code(&[queued.clone(), saved]), ExitCode::from(3));
        assert_eq!(code(&[queued.clone(), delivered]), ExitCode::from(0));
        assert_eq!(code(&[queued.clone(), other]), ExitCode::from(4));
        assert_eq!(code(&[queued, unknown]), ExitCode::from(1));
    }
}
