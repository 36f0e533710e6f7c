//! What people do: they type, end their input, interrupt.

use chat_core::{client::Command, server};

use super::World;
use crate::{command, node::Machine, record::What, transcript::Kind};

impl World {
    /// Types a line into a client or the server.
    pub fn command(&mut self, name: &str, line: &str) {
        let index = self.index(name);
        self.note(index, Kind::Typed, line);
        if self.nodes[index].paused {
            self.nodes[index].typed.push(line.to_owned());
            return;
        }
        self.typed(index, line);
    }

    pub(super) fn typed(&mut self, index: usize, line: &str) {
        let command = command::parse(line).unwrap_or_else(Command::Note);
        self.client_command(index, line, command);
    }

    /// Hands a client the end of its input.
    pub fn end_input(&mut self, name: &str) {
        let index = self.index(name);
        self.suffer(index, "end of input");
        self.client_command(index, "", Command::Finish);
    }

    /// Tells a client to leave at once, as by a signal, or the server to stop.
    pub fn interrupt(&mut self, name: &str) {
        let index = self.index(name);
        self.suffer(index, "interrupted");
        let now = self.local(index);
        match &mut self.nodes[index].machine {
            Some(Machine::Client(client)) => client.leave(now),
            Some(Machine::Server(server)) => server.handle_command(now, server::Command::Stop),
            None => return,
        }
        self.after_input(index);
    }

    pub(super) fn client_command(&mut self, index: usize, line: &str, command: Command) {
        let now = self.local(index);
        let typed = command.clone();
        let node = &mut self.nodes[index];
        match &mut node.machine {
            Some(Machine::Client(client)) => {
                // A client that has ended takes no more.
                if client.handle_command(now, command).is_err() {
                    return;
                }
                self.record(index, || What::Typed(typed));
            }
            Some(Machine::Server(server)) => server.handle_command(now, operator(line)),
            None => return,
        }
        self.after_input(index);
    }
}

/// What an operator asks of the server; whatever is no other command stops it.
fn operator(line: &str) -> server::Command {
    let (word, name) = line.split_once(' ').unwrap_or((line, ""));
    match (word, name.parse()) {
        ("peers", _) => server::Command::Peers,
        ("groups", _) => server::Command::Groups,
        ("kick", Ok(name)) => server::Command::Kick { name },
        ("ban", Ok(name)) => server::Command::Ban { name },
        ("unban", Ok(name)) => server::Command::Unban { name },
        _ => server::Command::Stop,
    }
}
