//! A virtual world: machines, their stores, and a network with a delay of a millisecond.

use std::collections::{BTreeMap, BTreeSet};

use chat_core::{
    client::{self, Client, Command, Ended},
    config::{ClientConfig, LinkConfig, ServerConfig},
    crypto::Identity,
    link::Endpoint,
    name::Name,
    server::{self, Server},
    store::StoreEvent,
    time::{Instant, Now, WallTime},
    wire::{ChatFrame, Decoder},
};

use crate::{
    disk::{Disk, Fault},
    node::{Datagram, Machine, Node, path},
    weather::{Chance, Weather},
};

const WALL: u64 = 1_700_000_000_000_000;
pub(crate) const SERVER: &str = "server";
pub(crate) const SAVED: &str = "[Offline message sent at <ts> received by the server and saved.]";

pub(crate) fn name(text: &str) -> Name {
    text.parse().expect("a legal name")
}

pub(crate) fn send(to: &str, text: &str) -> Command {
    Command::Send {
        to: name(to),
        text: text.into(),
    }
}

pub(crate) fn reg() -> Command {
    Command::Register { name: None }
}

pub(crate) fn dereg() -> Command {
    Command::Deregister { name: None }
}

pub(crate) struct World {
    now: u64,
    nodes: BTreeMap<String, Node>,
    network: Vec<Datagram>,
    /// Pairs of ports between which nothing gets through, in this direction.
    blocked: BTreeSet<(u16, u16)>,
    weather: Weather,
    turns: usize,
    pub(crate) config: ClientConfig,
    pub(crate) server_config: ServerConfig,
    pub(crate) server_identity: u8,
    /// Clients that are started leave without a word.
    pub(crate) silent_exit: bool,
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            now: 0,
            nodes: BTreeMap::new(),
            network: Vec::new(),
            blocked: BTreeSet::new(),
            weather: Weather::default(),
            turns: 0,
            config: ClientConfig::default(),
            server_config: ServerConfig::default(),
            server_identity: 99,
            silent_exit: false,
        }
    }

    /// A server and these clients, registered, with a table of each other.
    pub(crate) fn with_clients(names: &[&str]) -> Self {
        let mut world = Self::new();
        world.start_all(names);
        world
    }

    /// Starts a server, and clients that see their welcome and nothing else.
    pub(crate) fn start_all(&mut self, names: &[&str]) {
        self.start(SERVER);
        for name in names {
            self.start(name);
        }
        self.run(SETTLED);
        for name in names {
            let welcome = ["[Welcome, You are registered.]"];
            assert_eq!(self.lines(name), shows(&welcome), "{name}");
        }
    }

    fn time(&self) -> Now {
        Now::new(
            Instant::from_micros(self.now),
            WallTime::from_micros(WALL + self.now),
        )
    }

    /// Starts a machine, on the store that it had.
    pub(crate) fn start(&mut self, who: &str) {
        let identity = u8::try_from(self.nodes.len()).expect("few nodes") + 1;
        self.start_with(who, identity);
    }

    /// Starts another client of the same user, on a store of its own.
    pub(crate) fn start_elsewhere(&mut self, who: &str, elsewhere: &str) {
        self.start_with(elsewhere, self.nodes[who].identity);
    }

    fn start_with(&mut self, who: &str, identity: u8) {
        let now = self.time();
        let node = self.node_of(who, identity);
        let mut seed = [node.starts; 32];
        (seed[0], seed[1]) = (node.identity, node.port as u8);
        let identity = Identity::from_seed(&[node.identity; 32]);
        let server_key = node.server_key;
        let machine = if who == SERVER {
            Machine::Server(Box::new(Server::new(
                now,
                server::Options {
                    identity: Identity::from_seed(&[self.server_identity; 32]),
                    seed,
                    config: self.server_config.clone(),
                },
            )))
        } else {
            Machine::Client(Box::new(Client::new(
                now,
                client::Options {
                    name: name(who.trim_end_matches('\'')),
                    identity,
                    server: path(5_000),
                    server_key,
                    server_fingerprint: None,
                    ephemeral: false,
                    switched: false,
                    silent_exit: self.silent_exit,
                    seed,
                    config: self.config.clone(),
                },
            )))
        };
        self.node(who).machine = Some(machine);
    }

    /// The node of this name, about to start.
    fn node_of(&mut self, who: &str, identity: u8) -> &mut Node {
        let count = self.nodes.len() as u16;
        let node = self.nodes.entry(who.into()).or_insert(Node {
            machine: None,
            disk: Disk::new(),
            port: if who == SERVER { 5_000 } else { 6_000 + count },
            identity,
            starts: 0,
            lines: Vec::new(),
            events: Vec::new(),
            ended: None,
            server_key: None,
            operations_left: None,
            operations: 0,
            messages: Vec::new(),
            actions_at_once: usize::MAX,
        });
        node.starts += 1;
        node.disk.reopen();
        node.ended = None;
        node
    }

    /// Starts somebody who speaks the link, and is no client.
    pub(crate) fn start_stranger(&mut self, who: &str) {
        let node = self.node_of(who, 200);
        let identity = Identity::from_seed(&[node.identity; 32]);
        let endpoint = Endpoint::new(identity, LinkConfig::default(), [node.starts; 32]);
        node.machine = Some(Machine::Stranger(Box::new(endpoint)));
    }

    /// A stranger says something to a client.
    pub(crate) fn say(&mut self, who: &str, to: &str, message: &[u8]) {
        let now = self.time();
        let to = &self.nodes[to];
        let key = Identity::from_seed(&[to.identity; 32]).public_key();
        let path = path(to.port);
        let Some(Machine::Stranger(endpoint)) = &mut self.node(who).machine else {
            panic!("{who} is no stranger");
        };
        let peer = endpoint
            .connect(now, key, path, false)
            .expect("room for it");
        endpoint
            .send(now, peer, 0, message.into())
            .expect("room for it");
    }

    /// Whether a stranger has a link to a client.
    pub(crate) fn is_linked(&self, who: &str, to: &str) -> bool {
        let key = Identity::from_seed(&[self.nodes[to].identity; 32]).public_key();
        match &self.nodes[who].machine {
            Some(Machine::Stranger(endpoint)) => endpoint.peer(&key).is_some(),
            _ => panic!("{who} is no stranger"),
        }
    }

    /// The frames that a stranger was told.
    pub(crate) fn hear(&mut self, who: &str) -> Vec<ChatFrame> {
        let messages = core::mem::take(&mut self.node(who).messages);
        let frames = messages.iter().flat_map(|bytes| Decoder::new(bytes));
        frames.map(|frame| frame.expect("a frame")).collect()
    }

    pub(crate) fn kill(&mut self, who: &str) {
        self.node(who).machine = None;
    }

    /// Makes a node forget everything, as after an installation from scratch.
    pub(crate) fn forget(&mut self, who: &str) {
        self.node(who).disk = Disk::new();
    }

    /// The machine is killed when its store is asked for one more operation than these.
    pub(crate) fn kill_after(&mut self, who: &str, operations: usize) {
        self.node(who).operations_left = Some(operations);
    }

    /// Lets the store take everything again.
    pub(crate) fn spare(&mut self, who: &str) {
        self.node(who).operations_left = None;
    }

    pub(crate) fn is_running(&self, who: &str) -> bool {
        self.nodes[who].machine.is_some()
    }

    /// Operations that the store of `who` has been asked for.
    pub(crate) fn operations(&self, who: &str) -> usize {
        self.nodes[who].operations
    }

    /// Does no more than `count` actions of `who` at a turn.
    pub(crate) fn drain_slowly(&mut self, who: &str, count: usize) {
        self.node(who).actions_at_once = count;
    }

    /// From now on the store of `who` is slow, out of order and unreliable.
    pub(crate) fn roughen(&mut self, who: &str, seed: u64) {
        self.node(who).disk.roughen(seed);
    }

    /// From now on the store of `who` takes so many microseconds for each operation.
    pub(crate) fn slow_down(&mut self, who: &str, micros: u64) {
        self.node(who).disk.slow_down(micros);
    }

    /// From now on the store of `who` works as it says.
    pub(crate) fn set_fault(&mut self, who: &str, fault: Fault) {
        self.node(who).disk.fault = fault;
    }

    /// The store of `who` says something of its own.
    pub(crate) fn report(&mut self, who: &str, event: StoreEvent) {
        let now = self.time();
        self.node(who).stored(now, event);
    }

    /// From now on a machine has another address.
    pub(crate) fn move_to(&mut self, who: &str, port: u16) {
        self.node(who).port = port;
    }

    /// Nothing gets through between two nodes, in either direction.
    pub(crate) fn separate(&mut self, one: &str, other: &str) {
        let (one, other) = (self.nodes[one].port, self.nodes[other].port);
        self.blocked.extend([(one, other), (other, one)]);
    }

    /// Nothing gets through from one node to another.
    pub(crate) fn block(&mut self, from: &str, to: &str) {
        let (from, to) = (self.nodes[from].port, self.nodes[to].port);
        self.blocked.insert((from, to));
    }

    pub(crate) fn join(&mut self) {
        self.blocked.clear();
    }

    /// From now on datagrams are lost, doubled and delayed by chance.
    pub(crate) fn storm(&mut self, seed: u64, loss: u64, duplication: u64, jitter: u64) {
        self.weather = Weather {
            chance: Chance(seed),
            loss,
            duplication,
            jitter,
        };
    }

    /// From now on every datagram arrives, once and in order.
    pub(crate) fn calm(&mut self) {
        self.weather = Weather::default();
        for node in self.nodes.values_mut() {
            node.disk.smooth();
        }
    }

    pub(crate) fn command(&mut self, who: &str, command: Command) {
        let now = self.time();
        match &mut self.node(who).machine {
            Some(Machine::Client(client)) => {
                client.handle_command(now, command).expect("room for it");
            }
            _ => panic!("{who} is no running client"),
        }
    }

    /// From here on the server has these limits.
    pub(crate) fn configure_server(&mut self, config: ServerConfig) {
        match &mut self.node(SERVER).machine {
            Some(Machine::Server(server)) => server.set_config(config),
            _ => panic!("the server does not run"),
        }
    }

    /// A command of the server's operator.
    pub(crate) fn operate(&mut self, command: server::Command) {
        let now = self.time();
        match &mut self.node(SERVER).machine {
            Some(Machine::Server(server)) => server.handle_command(now, command),
            _ => panic!("the server does not run"),
        }
    }

    /// Likewise, but nothing happens if it is not running.
    pub(crate) fn command_if_running(&mut self, who: &str, command: Command) {
        if self.is_running(who) {
            self.command(who, command);
        }
    }

    pub(crate) fn leave(&mut self, who: &str) {
        let now = self.time();
        if let Some(Machine::Client(client)) = &mut self.node(who).machine {
            client.leave(now);
        }
    }

    pub(crate) fn client(&self, who: &str) -> &Client {
        match &self.nodes[who].machine {
            Some(Machine::Client(client)) => client,
            _ => panic!("{who} is no running client"),
        }
    }

    pub(crate) fn ended(&self, who: &str) -> Option<Ended> {
        self.nodes[who].ended
    }

    /// What `who` has shown since the last call, with stamps as `<ts>` and without the lines about
    /// the table.
    pub(crate) fn lines(&mut self, who: &str) -> Vec<String> {
        let mut lines = core::mem::take(&mut self.node(who).lines);
        lines.retain(|line| line != "[Client table updated.]" && !line.contains("trusted"));
        lines
    }

    /// All events that `who` has shown since the last call.
    pub(crate) fn events(&mut self, who: &str) -> Vec<client::Event> {
        core::mem::take(&mut self.node(who).events)
    }

    /// How often anything has happened.
    pub(crate) fn turns(&self) -> usize {
        self.turns
    }

    /// Lets the time pass.
    pub(crate) fn run(&mut self, millis: u64) {
        let end = self.now + millis * 1_000;
        let mut idle_turns = 0;
        loop {
            self.turn();
            let next = self.next();
            if next > end {
                self.now = end;
                return;
            }
            idle_turns = if next > self.now { 0 } else { idle_turns + 1 };
            assert!(idle_turns < 100_000, "the world stands still");
            self.now = self.now.max(next);
        }
    }

    fn next(&self) -> u64 {
        let datagrams = self.network.iter().map(|datagram| datagram.at);
        let timers = self.nodes.values().filter_map(|node| {
            let timeout = match node.machine.as_ref()? {
                Machine::Client(client) => client.poll_timeout(),
                Machine::Server(server) => server.poll_timeout(),
                Machine::Stranger(endpoint) => endpoint.poll_timeout(),
            };
            timeout.map(Instant::as_micros)
        });
        let disks = self.nodes.values().filter(|node| node.machine.is_some());
        let disks = disks.filter_map(|node| node.disk.next());
        datagrams
            .chain(timers)
            .chain(disks)
            .min()
            .unwrap_or(u64::MAX)
    }

    /// Delivers what is due, then does what the machines want.
    fn turn(&mut self) {
        self.turns += 1;
        let now = self.time();
        let (mut due, later): (Vec<_>, _) = core::mem::take(&mut self.network)
            .into_iter()
            .partition(|datagram| datagram.at <= self.now);
        self.network = later;
        due.sort_by_key(|datagram| datagram.at);
        let mut sent = Vec::new();
        for node in self.nodes.values_mut() {
            let port = node.port;
            for datagram in due.iter_mut().filter(|datagram| datagram.to == port) {
                node.receive(now, datagram);
            }
            node.act(now, &mut sent);
        }
        for datagram in sent {
            self.carry(datagram);
        }
    }

    fn carry(&mut self, datagram: Datagram) {
        let weather = &mut self.weather;
        let mut copies = usize::from(weather.chance.below(100) >= weather.loss);
        if weather.chance.below(100) < weather.duplication {
            copies += 1;
        }
        if self.blocked.contains(&(datagram.from, datagram.to)) {
            return;
        }
        for _ in 0..copies {
            let at = datagram.at + weather.chance.below(weather.jitter);
            let bytes = datagram.bytes.clone();
            self.network.push(Datagram {
                at,
                bytes,
                ..datagram
            });
        }
    }

    fn node(&mut self, who: &str) -> &mut Node {
        self.nodes.get_mut(who).expect("a node of that name")
    }
}

/// A shorthand for the lines that are expected.
pub(crate) fn shows(lines: &[&str]) -> Vec<String> {
    lines.iter().map(|line| (*line).into()).collect()
}

/// Milliseconds in which everything that needs an answer has it.
pub(crate) const SETTLED: u64 = 1_000;
