//! The virtual world: hosts that run the real state machines, a network and disks between them.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use chat_core::{
    config::{ClientConfig, ServerConfig},
    store::StoreEvent,
    time::{Instant, Now},
};

use crate::{
    clock::Clock,
    disk,
    faults::Faults,
    net::Network,
    node::Node,
    random::Random,
    record::{Record, Records, What},
    transcript::{Kind, Transcript},
    wiretap::Wiretap,
};

mod events;
mod hosts;
mod users;

/// The name of the server's node.
pub const SERVER: &str = "server";

/// What can happen.
enum Happening {
    /// A datagram arrives.
    Datagram {
        from: SocketAddr,
        to: SocketAddr,
        bytes: Vec<u8>,
    },
    /// A disk has done an operation.
    Applied { node: usize, start: u64 },
    /// The store reports something.
    Stored {
        node: usize,
        start: u64,
        event: StoreEvent,
    },
    /// A machine's time has come.
    Wake { node: usize, start: u64 },
}

/// The world.
pub struct World {
    random: Random,
    faults: Faults,
    clock: Clock<Happening>,
    /// The network.
    pub network: Network,
    nodes: Vec<Node>,
    by_name: BTreeMap<String, usize>,
    /// How new disks behave.
    pub disk: disk::Behaviour,
    /// Limits and times of servers that are started.
    pub server_config: ServerConfig,
    /// Limits and times of clients that are started.
    pub client_config: ClientConfig,
    /// Per mille of operations of a disk at which the power of its node fails.
    pub power_cuts: u32,
    /// Per mille of inputs after which a driver goes on to other inputs before it drains the
    /// machine, and then does so in any order.
    pub lazy_drains: u32,
    transcript: Transcript,
    /// Listens to every datagram, if somebody does.
    pub wiretap: Option<Wiretap>,
    /// Whether lines and transcripts are written: people read them, oracles do not.
    pub is_transcribing: bool,
    records: Records,
    happened: u64,
    digest: u64,
    buffer: Vec<u8>,
}

/// How a client is started.
#[derive(Debug, Clone, Copy, Default)]
pub struct Start<'a> {
    /// The user's name, if it is not the node's.
    pub user: Option<&'a str>,
    /// The node whose identity of that user is copied, if any.
    pub identity_of: Option<&'a str>,
    /// The name is freed when the client leaves.
    pub ephemeral: bool,
    /// It leaves without telling the server.
    pub silent_exit: bool,
    /// The user of a running client becomes another one.
    pub is_switch: bool,
}

impl World {
    /// An empty world. Everything in it follows from `seed`.
    pub fn new(seed: u64) -> Self {
        Self::with_faults(seed, Faults::by_chance(Random::new(seed)))
    }

    /// An empty world, in which faults by chance are these.
    pub fn with_faults(seed: u64, faults: Faults) -> Self {
        let random = Random::new(seed);
        Self {
            random,
            clock: Clock::new(),
            network: Network::new(random, faults.clone()),
            faults,
            nodes: Vec::new(),
            by_name: BTreeMap::new(),
            disk: disk::Behaviour::default(),
            server_config: ServerConfig::default(),
            client_config: ClientConfig::default(),
            power_cuts: 0,
            lazy_drains: 0,
            transcript: Transcript::default(),
            wiretap: None,
            is_transcribing: true,
            records: Records::default(),
            happened: 0,
            digest: 0,
            buffer: Vec::new(),
        }
    }

    /// What the clocks show.
    pub fn now(&self) -> Now {
        self.clock.now()
    }

    /// Keeps records of what happens from now on.
    pub fn keep_records(&mut self) {
        self.records.keep();
    }

    /// Records arrivals of datagrams too.
    pub fn keep_datagrams(&mut self) {
        self.records.keep_datagrams();
    }

    /// What has happened since this was asked last, if records are kept.
    pub fn take_records(&mut self) -> Vec<Record> {
        self.records.take()
    }

    /// Whether there are records that were not taken.
    pub fn has_records(&self) -> bool {
        !self.records.is_empty()
    }

    /// How much has happened.
    pub fn happened(&self) -> u64 {
        self.happened
    }

    /// A hash of everything that has happened: the same for the same seed.
    pub fn digest(&self) -> u64 {
        self.digest
    }

    /// The randomness of this world, for the workload of a test.
    pub fn random(&self) -> Random {
        self.random
    }

    /// What has happened so far.
    pub fn transcript(&self) -> &Transcript {
        &self.transcript
    }

    /// The node of this name.
    ///
    /// # Panics
    /// If there is none.
    pub fn node(&self, name: &str) -> &Node {
        &self.nodes[self.index(name)]
    }

    /// The node of this name.
    ///
    /// # Panics
    /// If there is none.
    pub fn node_mut(&mut self, name: &str) -> &mut Node {
        let index = self.index(name);
        &mut self.nodes[index]
    }

    /// Whether something runs on this node.
    pub fn is_running(&self, name: &str) -> bool {
        self.by_name
            .get(name)
            .is_some_and(|index| self.nodes[*index].machine.is_some())
    }

    /// Puts a datagram on the network that no node has sent. It arrives for certain.
    pub fn inject(&mut self, from: SocketAddr, to: &str, bytes: &[u8]) {
        self.inject_to(from, self.node(to).address, bytes.to_vec());
    }

    /// Like [`Self::inject`], to an address.
    pub fn inject_to(&mut self, from: SocketAddr, to: SocketAddr, bytes: Vec<u8>) {
        self.clock
            .schedule_in(Duration::ZERO, Happening::Datagram { from, to, bytes });
    }

    /// Lets nothing through between two nodes.
    pub fn cut(&mut self, one: &str, other: &str) {
        self.cut_way(one, other);
        self.cut_way(other, one);
    }

    /// Lets nothing through from one node to another.
    pub fn cut_way(&mut self, from: &str, to: &str) {
        let (from, to) = (self.node(from).address.ip(), self.node(to).address.ip());
        self.network.cut(from, to);
    }

    /// Lets everything through between two nodes again.
    pub fn mend(&mut self, one: &str, other: &str) {
        self.mend_way(one, other);
        self.mend_way(other, one);
    }

    /// Lets everything through from one node to another again.
    pub fn mend_way(&mut self, from: &str, to: &str) {
        let (from, to) = (self.node(from).address.ip(), self.node(to).address.ip());
        self.network.mend(from, to);
    }

    /// Lets the world go on for so long.
    pub fn run_for(&mut self, duration: Duration) {
        self.run_until(duration, |_| false);
    }

    /// Lets the world go on until `condition` holds, at most for `patience`. Tells whether it
    /// holds.
    pub fn run_until(&mut self, patience: Duration, condition: impl Fn(&Self) -> bool) -> bool {
        let deadline = self.clock.now().instant + patience;
        while !condition(self) {
            if !self.step(deadline) {
                return condition(self);
            }
        }
        true
    }

    /// Lets the next thing happen, unless that is after `deadline`: then it is that time. Tells
    /// whether something happened.
    pub fn step(&mut self, deadline: Instant) -> bool {
        let next = self.clock.next_until(deadline);
        let has_next = next.is_some();
        next.into_iter().for_each(|next| self.happen(next));
        has_next
    }

    /// Lets the world go on until the node has shown `line`, at most for a minute.
    ///
    /// # Panics
    /// If it does not.
    pub fn wait_for(&mut self, name: &str, line: &str) {
        let index = self.index(name);
        let shown = self.run_until(Duration::from_secs(60), |world| {
            world.nodes[index].texts().any(|text| text == line)
        });
        let last = self.transcript.render_last(60);
        assert!(
            shown,
            "{name} did not show {line:?}; the last lines:\n{last}"
        );
    }

    fn index(&self, name: &str) -> usize {
        *self
            .by_name
            .get(name)
            .unwrap_or_else(|| panic!("there is no node {name}"))
    }

    fn record(&mut self, index: usize, what: impl FnOnce() -> What) {
        self.records.add(self.clock.now().instant, index, what);
    }

    /// Something was done to a node: for the records and the transcript.
    fn suffer(&mut self, index: usize, what: &str) {
        self.record(index, || What::Suffers(what.to_owned()));
        self.note(index, Kind::Happened, what);
    }

    /// Writes something down that concerns everybody.
    pub fn remark(&mut self, what: &str) {
        self.suffer(0, what);
    }

    fn note(&mut self, index: usize, kind: Kind, text: &str) {
        if self.is_transcribing {
            let at = self.now().instant;
            self.transcript.add(at, &self.nodes[index].name, kind, text);
        }
    }
}
