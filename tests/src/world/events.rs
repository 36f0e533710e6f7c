//! What happens in the world: datagrams arrive, disks finish, machines wake and are drained.

use std::{net::SocketAddr, time::Duration};

use chat_core::{
    client::{self, Command},
    id::Path,
    server,
    store::StoreEvent,
    time::{Instant, Now},
};

use super::{Happening, Start, World};
use crate::{
    lines,
    node::{Line, Machine, Output, PowerCut, exit_code},
    random::{Stream, entity},
    transcript::Kind,
};

/// As many datagrams wait for a paused node; the rest is lost.
const SOCKET_BUFFER: usize = 256;

impl World {
    pub(super) fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Datagram { from, to, bytes } => self.deliver(from, to, bytes),
            Happening::Applied { node, start } if self.is_current(node, start) => {
                self.apply(node, start);
            }
            Happening::Stored { node, start, event } if self.is_current(node, start) => {
                self.report(node, event);
            }
            Happening::Wake { node, start } if self.is_current(node, start) => {
                let now = self.now().instant;
                if self.nodes[node].wake.is_some_and(|wake| wake <= now) {
                    self.wake(node);
                }
            }
            _ => {}
        }
    }

    fn is_current(&self, index: usize, start: u64) -> bool {
        let node = &self.nodes[index];
        node.starts == start && node.machine.is_some()
    }

    pub(super) fn deliver(&mut self, from: SocketAddr, to: SocketAddr, mut bytes: Vec<u8>) {
        let now = self.now();
        let Some(index) = self.nodes.iter().position(|node| node.address == to) else {
            return;
        };
        let node = &mut self.nodes[index];
        if node.paused {
            if node.socket.len() < SOCKET_BUFFER {
                node.socket.push_back((from, bytes));
            }
            return;
        }
        if let Some(machine) = &mut node.machine {
            let path = Path {
                local: Some(to.ip()),
                remote: from,
            };
            machine.handle_datagram(now, path, &mut bytes);
            self.after_input(index);
        }
    }

    fn apply(&mut self, index: usize, start: u64) {
        let node = &mut self.nodes[index];
        let Some(home) = node.home() else { return };
        let number = home.disk.applied() + 1;
        let cut = home.power_cut.filter(|(at, _)| *at == number);
        let events = match cut {
            Some((_, PowerCut::Before)) => Vec::new(),
            _ => home.disk.apply(),
        };
        if cut.is_some() {
            home.power_cut = None;
            home.disk.crash(0);
            self.note(index, Kind::Happened, "power fails");
            self.stop(index);
            return;
        }
        for (delay, event) in events {
            let node = index;
            self.clock
                .schedule_in(delay, Happening::Stored { node, start, event });
        }
    }

    pub(super) fn wake(&mut self, index: usize) {
        let now = self.now();
        let node = &mut self.nodes[index];
        node.wake = None;
        if node.paused {
            return;
        }
        if let Some(machine) = &mut node.machine {
            machine.handle_timeout(now);
            self.drain(index);
        }
    }

    pub(super) fn report(&mut self, index: usize, event: StoreEvent) {
        let now = self.now();
        let node = &mut self.nodes[index];
        if node.paused {
            node.reports.push(event);
        } else if let Some(machine) = &mut node.machine {
            machine.handle_stored(now, event);
            self.after_input(index);
        }
    }

    /// Does what the machine wants done, or lets that wait for a while.
    pub(super) fn after_input(&mut self, index: usize) {
        let node = &mut self.nodes[index];
        node.inputs += 1;
        let (number, input) = (entity(&node.name), node.inputs);
        if self
            .random
            .chance(self.lazy_drains, Stream::Drain, number, input)
        {
            let later = self
                .random
                .below(3_000, Stream::Drain, number, input + (1 << 40));
            self.wake_at(index, self.now().instant + Duration::from_micros(later));
        } else {
            self.drain(index);
        }
    }

    fn wake_at(&mut self, index: usize, at: Instant) {
        let node = &mut self.nodes[index];
        if node.wake.is_none_or(|wake| at < wake) {
            node.wake = Some(at);
            let (node, start) = (index, node.starts);
            self.clock.schedule(at, Happening::Wake { node, start });
        }
    }

    fn drain(&mut self, index: usize) {
        let now = self.now();
        let mut buffer = std::mem::take(&mut self.buffer);
        let mut ended = None;
        while let Some(output) = self.poll(index, now, &mut buffer) {
            match output {
                Output::Send(path) => self.send(index, path, &buffer),
                Output::Persist(id, operation) => {
                    let node = &mut self.nodes[index];
                    let start = node.starts;
                    let home = node.home().expect("what runs has a home");
                    let duration = home.disk.submit(id, operation);
                    let node = index;
                    self.clock
                        .schedule_in(duration, Happening::Applied { node, start });
                }
                Output::Client(event) => ended = self.client_event(index, event).or(ended),
                Output::Server(server::Event::Stopped) => ended = Some(client::Ended::Normally),
                Output::Server(event) => {
                    for line in lines::of_server(&event) {
                        self.show(index, &line);
                    }
                }
            }
        }
        self.buffer = buffer;
        match ended {
            Some(how) => self.end(index, how),
            None => {
                let timeout = self.nodes[index].machine.as_ref();
                if let Some(at) = timeout.and_then(Machine::poll_timeout) {
                    self.wake_at(index, at);
                }
            }
        }
    }

    /// The next output: in the machine's order, or with lazy drains in any.
    fn poll(&mut self, index: usize, now: Now, buffer: &mut Vec<u8>) -> Option<Output> {
        let lazy = self.lazy_drains > 0;
        let random = self.random;
        let node = &mut self.nodes[index];
        let machine = node.machine.as_mut()?;
        if !lazy {
            return machine.poll(now, buffer);
        }
        node.inputs += 1;
        let first = random.below(3, Stream::Drain, entity(&node.name), node.inputs);
        (first..first + 3).find_map(|kind| machine.poll_kind(now, kind % 3, buffer))
    }

    fn send(&mut self, index: usize, path: Path, datagram: &[u8]) {
        let from = self.nodes[index].address;
        let to = path.remote;
        for (delay, bytes) in self.network.carry(from, to, datagram) {
            self.clock
                .schedule_in(delay, Happening::Datagram { from, to, bytes });
        }
    }

    fn client_event(&mut self, index: usize, event: client::Event) -> Option<client::Ended> {
        for line in lines::of_client(&event) {
            self.show(index, &line);
        }
        let node = &mut self.nodes[index];
        node.events.push(event.clone());
        match event {
            client::Event::ServerTrusted { key } => {
                node.home().expect("what runs has a home").server_key = Some(key);
                None
            }
            client::Event::Ended(how) => Some(how),
            _ => None,
        }
    }

    /// A machine has ended by itself: its disk does what it was asked to do.
    fn end(&mut self, index: usize, how: client::Ended) {
        let node = &mut self.nodes[index];
        if let Some(home) = node.home() {
            home.disk.crash(usize::MAX);
        }
        let mut commands = match &mut node.machine {
            Some(Machine::Client(client)) => client.take_commands().into_iter(),
            _ => Vec::new().into_iter(),
        };
        self.stop(index);
        if how == client::Ended::SwitchUser {
            let Some(Command::Register { name: Some(user) }) = commands.next() else {
                unreachable!("the first command names the other user");
            };
            let name = self.nodes[index].name.clone();
            let start = Start {
                user: Some(user.as_str()),
                is_switch: true,
                ..Start::default()
            };
            self.start_client_as(&name, start);
            for command in commands {
                self.client_command(index, "", command);
            }
            return;
        }
        let code = exit_code(how);
        self.nodes[index].exit = Some(code);
        self.note(index, Kind::Happened, &format!("exits {code}"));
    }

    pub(super) fn stop(&mut self, index: usize) {
        let node = &mut self.nodes[index];
        node.machine = None;
        node.wake = None;
        node.socket.clear();
        node.reports.clear();
        node.typed.clear();
    }

    pub(super) fn show(&mut self, index: usize, line: &str) {
        self.note(index, Kind::Shown, line);
        let at = self.now().instant;
        let text = line.to_owned();
        self.nodes[index].lines.push(Line { at, text });
    }

    pub(super) fn note(&mut self, index: usize, kind: Kind, text: &str) {
        let at = self.now().instant;
        self.transcript.add(at, &self.nodes[index].name, kind, text);
    }
}
