//! The commands that wait for their turn.

use alloc::{collections::VecDeque, vec::Vec};

use super::command::{Command, CommandError};

/// Commands in the order typed.
pub(super) struct Commands {
    waiting: VecDeque<Command>,
    max: usize,
}

/// What has to be true before a command begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// No other command than a send is unanswered.
    AmongSends,
    /// Everything before it is answered.
    Alone,
    /// Likewise, and the table has come.
    AfterTable,
}

impl Commands {
    pub(super) fn new(max: usize) -> Self {
        Self {
            waiting: VecDeque::new(),
            max,
        }
    }

    pub(super) fn push(&mut self, command: Command) -> Result<(), CommandError> {
        if self.waiting.len() >= self.max {
            return Err(CommandError::Busy);
        }
        self.waiting.push_back(command);
        Ok(())
    }

    /// Puts a command back.
    pub(super) fn push_front(&mut self, command: Command) {
        self.waiting.push_front(command);
    }

    /// The first command.
    pub(super) fn first(&self) -> Option<&Command> {
        self.waiting.front()
    }

    /// What the first command waits for.
    pub(super) fn turn(&self) -> Option<Turn> {
        Some(match self.waiting.front()? {
            Command::Send { .. }
            | Command::SendAll { .. }
            | Command::SendGroup { .. }
            | Command::Pending
            | Command::Verify { .. }
            | Command::Local { .. } => Turn::AmongSends,
            Command::Peers => Turn::AfterTable,
            _ => Turn::Alone,
        })
    }

    /// The first command, if it is its turn.
    pub(super) fn pop_if(&mut self, turn: bool) -> Option<Command> {
        turn.then(|| self.waiting.pop_front()).flatten()
    }

    pub(super) fn take(&mut self) -> Vec<Command> {
        self.waiting.drain(..).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sends_overlap_and_everything_else_waits() {
        let mut commands = Commands::new(2);
        let send = Command::SendAll { text: "hi".into() };
        assert_eq!(commands.push(send), Ok(()));
        assert_eq!(commands.push(Command::Peers), Ok(()));
        assert_eq!(commands.push(Command::Quit), Err(CommandError::Busy));
        assert_eq!(commands.turn(), Some(Turn::AmongSends));
        commands.pop_if(true);
        assert_eq!(commands.turn(), Some(Turn::AfterTable));
        assert_eq!(commands.pop_if(false), None);
        commands.pop_if(true);
        assert_eq!(commands.turn(), None);
    }
}
