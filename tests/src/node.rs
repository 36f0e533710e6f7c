//! A host in the virtual world: an address, disks, and the state machine that runs on it.

use std::{
    collections::{BTreeMap, VecDeque},
    net::SocketAddr,
};

use chat_core::{
    action::Action,
    client::{self, Client},
    id::{Path, PublicKey},
    link::Counters,
    server::{self, Server},
    store::{OperationId, StoreEvent, StoreOperation},
    time::{Instant, Now, WallTime},
};

use crate::{clock::WALL_AT_START, disk::Disk, random::entity};

/// A running state machine.
pub enum Machine {
    /// A server.
    Server(Box<Server>),
    /// A client.
    Client(Box<Client>),
}

/// What a state machine wants done.
pub enum Output {
    /// Send the datagram in the buffer.
    Send(Path),
    /// Hand the operation to the disk.
    Persist(OperationId, StoreOperation),
    /// A client shows something.
    Client(client::Event),
    /// A server shows something.
    Server(server::Event),
}

/// Calls the same method of whichever machine it is.
macro_rules! either {
    ($self:expr, $machine:ident => $call:expr) => {
        match $self {
            Machine::Server($machine) => $call,
            Machine::Client($machine) => $call,
        }
    };
}

impl Machine {
    /// Takes a datagram.
    pub fn handle_datagram(&mut self, now: Now, path: Path, datagram: &mut [u8]) {
        either!(self, machine => machine.handle_datagram(now, path, datagram));
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Now) {
        either!(self, machine => machine.handle_timeout(now));
    }

    /// Takes what the store reports.
    pub fn handle_stored(&mut self, now: Now, event: StoreEvent) {
        either!(self, machine => machine.handle_stored(now, event));
    }

    /// When something is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        either!(self, machine => machine.poll_timeout())
    }

    /// What the link has counted.
    pub fn counters(&self) -> Counters {
        either!(self, machine => machine.counters())
    }

    /// The next thing to be done, in the order that the machine prefers.
    pub fn poll(&mut self, now: Now, buffer: &mut Vec<u8>) -> Option<Output> {
        Some(match self {
            Self::Server(server) => match server.poll_action(now, buffer)? {
                Action::Send(path) => Output::Send(path),
                Action::Persist(id, operation) => Output::Persist(id, operation),
                Action::Display(event) => Output::Server(event),
            },
            Self::Client(client) => match client.poll_action(now, buffer)? {
                Action::Send(path) => Output::Send(path),
                Action::Persist(id, operation) => Output::Persist(id, operation),
                Action::Display(event) => Output::Client(event),
            },
        })
    }

    /// The next thing to be done of one kind (0: send, 1: persist, 2: show), whatever else waits.
    pub fn poll_kind(&mut self, now: Now, kind: u64, buffer: &mut Vec<u8>) -> Option<Output> {
        match kind {
            0 => either!(self, machine => machine.poll_transmit(now, buffer)).map(Output::Send),
            1 => either!(self, machine => machine.poll_persist())
                .map(|(id, operation)| Output::Persist(id, operation)),
            _ => match self {
                Self::Server(server) => server.poll_event().map(Output::Server),
                Self::Client(client) => client.poll_event().map(Output::Client),
            },
        }
    }
}

/// What one user (or the server) keeps on a host across restarts.
#[derive(Debug)]
pub struct Home {
    /// The seed of the identity.
    pub identity: [u8; 32],
    /// The server's key, once it is trusted.
    pub server_key: Option<PublicKey>,
    /// The store.
    pub disk: Disk,
    /// The power fails at the operation with this number, counted since the disk was made.
    pub power_cut: Option<(u64, PowerCut)>,
}

/// When the power fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PowerCut {
    /// Just before the operation would be done.
    Before,
    /// When it is done, before anybody is told.
    After,
}

/// A line that a node has shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// When.
    pub at: Instant,
    /// The line.
    pub text: String,
}

/// A host's own clocks, which are wrong.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Skew {
    /// How far its wall clock is ahead, in microseconds.
    pub wall: i64,
    /// How much faster both its clocks run, in parts per million.
    pub rate: i32,
}

impl Skew {
    /// What the host's clocks show.
    pub fn local(self, at: Instant) -> Now {
        let micros = at.as_micros().cast_signed();
        let instant = micros + micros * i64::from(self.rate) / 1_000_000;
        let wall = WALL_AT_START.as_micros().cast_signed() + instant + self.wall;
        let unsigned = |micros: i64| micros.max(0).cast_unsigned();
        Now::new(
            Instant::from_micros(unsigned(instant)),
            WallTime::from_micros(unsigned(wall)),
        )
    }

    /// When the host's monotonic clock shows `local` or a little more.
    pub fn global(self, local: Instant) -> Instant {
        if self.rate == 0 {
            return local;
        }
        let rate = u64::try_from(1_000_000 + i64::from(self.rate)).expect("clocks go forward");
        Instant::from_micros(local.as_micros().saturating_mul(1_000_000).div_ceil(rate) + 1)
    }
}

/// A host and what runs on it.
pub struct Node {
    /// Its name in scenarios and transcripts.
    pub name: String,
    /// What stands for it in draws.
    pub entity: u64,
    /// Its clocks.
    pub skew: Skew,
    /// Its address; the port is another one after each start of a client.
    pub address: SocketAddr,
    /// What runs.
    pub machine: Option<Machine>,
    /// How often something was started: what was scheduled for an earlier start means nothing.
    pub starts: u64,
    /// It is stopped in its tracks: datagrams wait in its socket.
    pub paused: bool,
    /// What waits in the socket.
    pub socket: VecDeque<(SocketAddr, Vec<u8>)>,
    /// What was typed meanwhile.
    pub typed: Vec<String>,
    /// What the store has reported meanwhile.
    pub reports: Vec<StoreEvent>,
    /// Whose home is in use; empty for a server.
    pub user: String,
    /// The homes, by user.
    pub homes: BTreeMap<String, Home>,
    /// When the machine is to be woken.
    pub wake: Option<Instant>,
    /// What it has shown since the world began.
    pub lines: Vec<Line>,
    /// What it has shown as events, for tests that look deeper than lines.
    pub events: Vec<client::Event>,
    /// How the last run ended.
    pub exit: Option<i32>,
    /// Inputs so far, the counter of the draws about draining.
    pub inputs: u64,
}

impl Node {
    /// A host on which nothing has been started.
    pub fn new(name: &str, address: SocketAddr) -> Self {
        Self {
            name: name.to_owned(),
            entity: entity(name),
            skew: Skew::default(),
            address,
            machine: None,
            starts: 0,
            paused: false,
            socket: VecDeque::new(),
            typed: Vec::new(),
            reports: Vec::new(),
            user: String::new(),
            homes: BTreeMap::new(),
            wake: None,
            lines: Vec::new(),
            events: Vec::new(),
            exit: None,
            inputs: 0,
        }
    }

    /// The home in use.
    pub fn home(&mut self) -> Option<&mut Home> {
        self.homes.get_mut(&self.user)
    }

    /// The lines, without their times.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().map(|line| line.text.as_str())
    }
}

/// The exit code that a client's end means.
pub const fn exit_code(ended: client::Ended) -> i32 {
    match ended {
        client::Ended::Normally => 0,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_skewed_clock_is_woken_when_it_shows_the_time() {
        for rate in [-300, 0, 200] {
            let skew = Skew { wall: -5, rate };
            for micros in [0, 1, 999_999, 123_456_789] {
                let local = Instant::from_micros(micros);
                let shown = skew.local(skew.global(local)).instant;
                let late = shown.saturating_since(local).as_micros();
                assert!(shown >= local && late < 4, "{rate} {micros}: {late}");
            }
        }
    }
}
