//! What happens in the world: datagrams arrive, disks finish, machines wake and are drained.

use std::{net::SocketAddr, time::Duration};

use chat_core::{
    client::{self, Command},
    id::Path,
    server,
    store::StoreEvent,
    time::{Instant, Now},
    wire::header,
};

use super::{Happening, Start, World};
use crate::{
    disk::Outcome,
    faults::Fault,
    lines,
    net::Arrival,
    node::{Line, Machine, Output, PowerCut, exit_code},
    random::{Stream, mix},
    record::What,
    transcript::Kind,
};

/// As many datagrams wait for a paused node; the rest is lost.
const SOCKET_BUFFER: usize = 256;

impl World {
    pub(super) fn happen(&mut self, happening: Happening) {
        self.happened += 1;
        self.digest = mix(self.digest ^ self.now().instant.as_micros() ^ fingerprint(&happening));
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
        let reached = self.network.arrive(self.now().instant, from, to);
        let index = |to| self.nodes.iter().position(|node| node.address == to);
        let Some((to, index)) = reached.and_then(|to| Some((to, index(to)?))) else {
            return self.record_miss(from, to, &bytes);
        };
        if let Some(wiretap) = &mut self.wiretap {
            wiretap.arrives(from, to.ip(), &bytes);
        }
        if self.records.are_with_datagrams() {
            self.record_arrival(index, from, &bytes);
        }
        let now = self.local(index);
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

    fn record_miss(&mut self, from: SocketAddr, to: SocketAddr, bytes: &[u8]) {
        if !self.records.are_with_datagrams() {
            return;
        }
        let host = self.network.host(from.ip());
        let sender = self.nodes.iter().position(|it| it.address.ip() == host);
        if let Some(sender) = sender {
            let (kind, bytes) = (kind_of(bytes), bytes.len());
            self.record(sender, || What::Missed { to, kind, bytes });
        }
    }

    fn record_arrival(&mut self, index: usize, from: SocketAddr, bytes: &[u8]) {
        let host = self.network.host(from.ip());
        let from = self.nodes.iter().position(|it| it.address.ip() == host);
        let (kind, bytes) = (kind_of(bytes), bytes.len());
        self.record(index, || What::Arrived { from, kind, bytes });
    }

    fn apply(&mut self, index: usize, start: u64) {
        let node = &mut self.nodes[index];
        let entity = node.entity;
        let Some(home) = node.home() else { return };
        let number = home.disk.applied() + 1;
        let planned = home.power_cut.filter(|(at, _)| *at == number);
        let mut happens = |kind| self.faults.happens(kind, entity, number, self.power_cuts);
        let cut = match planned {
            Some((_, when)) => Some(when),
            None if happens(Stream::PowerCutBefore) => Some(PowerCut::Before),
            None => happens(Stream::PowerCutAfter).then_some(PowerCut::After),
        };
        let cuts: Vec<_> = self.faults.take_happened().collect();
        let outcome = match cut {
            Some(PowerCut::Before) => Outcome::default(),
            _ => home.disk.apply(),
        };
        let faults: Vec<_> = home.disk.take_faults().collect();
        if cut.is_some() {
            home.power_cut = None;
        }
        self.record_faults(index, cuts.into_iter().chain(faults));
        if let Some(operation) = outcome.durable {
            self.record(index, || What::Durable(operation));
        }
        if let Some(id) = outcome.refused {
            self.record(index, || What::Refused(id));
        }
        if cut.is_some() {
            self.crash_disk(index, 0);
            self.record(index, || What::Ends(None));
            self.note(index, Kind::Happened, "power fails");
            self.stop(index);
            return;
        }
        for (delay, event) in outcome.reports {
            let node = index;
            self.clock
                .schedule_in(delay, Happening::Stored { node, start, event });
        }
    }

    fn record_faults(&mut self, index: usize, faults: impl IntoIterator<Item = Fault>) {
        for fault in faults {
            self.record(index, || What::Fault(fault));
        }
    }

    pub(super) fn wake(&mut self, index: usize) {
        let now = self.local(index);
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
        let now = self.local(index);
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
        let (number, input) = (node.entity, node.inputs);
        if self
            .faults
            .happens(Stream::Drain, number, input, self.lazy_drains)
        {
            let faults: Vec<_> = self.faults.take_happened().collect();
            self.record_faults(index, faults);
            let later = self
                .random
                .below(3_000, Stream::Drain, number, input + (1 << 40));
            self.wake_at(index, self.now().instant + Duration::from_micros(later));
        } else {
            self.drain(index);
        }
    }

    /// Wakes a machine when the world's clock shows `at`.
    fn wake_at(&mut self, index: usize, at: Instant) {
        let node = &mut self.nodes[index];
        if node.wake.is_none_or(|wake| at < wake) {
            node.wake = Some(at);
            let (node, start) = (index, node.starts);
            self.clock.schedule(at, Happening::Wake { node, start });
        }
    }

    fn drain(&mut self, index: usize) {
        let now = self.local(index);
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
                    if self.is_transcribing {
                        for line in lines::of_server(&event) {
                            self.show(index, &line);
                        }
                    }
                    self.record(index, || What::Told(event));
                }
            }
        }
        self.buffer = buffer;
        match ended {
            Some(how) => self.end(index, how),
            None => {
                let timeout = self.nodes[index].machine.as_ref();
                if let Some(at) = timeout.and_then(Machine::poll_timeout) {
                    let at = self.nodes[index].skew.global(at);
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
        let first = random.below(3, Stream::Drain, node.entity, node.inputs);
        (first..first + 3).find_map(|kind| machine.poll_kind(now, kind % 3, buffer))
    }

    fn send(&mut self, index: usize, path: Path, datagram: &[u8]) {
        let from = self.nodes[index].address;
        let (now, to) = (self.now().instant, path.remote);
        if let Some(wiretap) = &mut self.wiretap {
            wiretap.sends(from, to, datagram);
        }
        let arrivals = self.network.carry(now, from, to, datagram);
        let faults: Vec<_> = self.network.take_faults().collect();
        self.record_faults(index, faults);
        for Arrival { from, delay, bytes } in arrivals {
            self.clock
                .schedule_in(delay, Happening::Datagram { from, to, bytes });
        }
    }

    fn client_event(&mut self, index: usize, event: client::Event) -> Option<client::Ended> {
        if self.is_transcribing {
            for line in lines::of_client(&event) {
                self.show(index, &line);
            }
            self.nodes[index].events.push(event.clone());
        }
        self.record(index, || What::Shown(event.clone()));
        let node = &mut self.nodes[index];
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
        self.crash_disk(index, usize::MAX);
        let node = &mut self.nodes[index];
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
        self.record(index, || What::Ends(Some(code)));
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
}

/// What a datagram is, as its first byte tells.
fn kind_of(datagram: &[u8]) -> &'static str {
    match datagram.first().copied() {
        Some(header::Hello::TYPE) => "hello",
        Some(header::HelloAck::TYPE) => "hello ack",
        Some(header::Initiation::TYPE) => "initiation",
        Some(header::Response::TYPE) => "response",
        Some(header::CookieReply::TYPE) => "cookie reply",
        Some(header::Data::TYPE) => "data",
        Some(header::Unknown::TYPE) => "unknown session",
        _ => "garbage",
    }
}

/// A number that differs for different happenings.
fn fingerprint(happening: &Happening) -> u64 {
    let parts = match happening {
        Happening::Datagram { bytes, .. } => {
            // What is encrypted differs in its tag, which comes last.
            let tag = bytes.last_chunk().map_or(0, |tag| u64::from_le_bytes(*tag));
            [1, bytes.len() as u64, tag]
        }
        Happening::Applied { node, start } => [2, *node as u64, *start],
        Happening::Stored { node, start, .. } => [3, *node as u64, *start],
        Happening::Wake { node, start } => [4, *node as u64, *start],
    };
    parts.into_iter().fold(0, |digest, part| mix(digest ^ part))
}
