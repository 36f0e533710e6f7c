//! The virtual world: hosts that run the real state machines, a network and disks between them.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};

use chat_core::{
    client::{self, Client, Command},
    config::{ClientConfig, ServerConfig},
    crypto::Identity,
    id::Path,
    server::{self, Server},
    store::StoreEvent,
    time::Now,
};

use crate::{
    clock::Clock,
    command,
    disk::{self, Disk},
    net::Network,
    node::{Home, Machine, Node, PowerCut},
    random::{Random, Stream, entity},
    transcript::{Kind, Transcript},
};

mod events;

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
    clock: Clock<Happening>,
    /// The network.
    pub network: Network,
    nodes: Vec<Node>,
    by_name: BTreeMap<String, usize>,
    /// How new disks behave.
    pub disk_faults: disk::Faults,
    /// Limits and times of servers that are started.
    pub server_config: ServerConfig,
    /// Limits and times of clients that are started.
    pub client_config: ClientConfig,
    /// Per mille of inputs after which a driver goes on to other inputs before it drains the
    /// machine, and then does so in any order.
    pub lazy_drains: u32,
    transcript: Transcript,
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
        let random = Random::new(seed);
        Self {
            random,
            clock: Clock::new(),
            network: Network::new(random),
            nodes: Vec::new(),
            by_name: BTreeMap::new(),
            disk_faults: disk::Faults::default(),
            server_config: ServerConfig::default(),
            client_config: ClientConfig::default(),
            lazy_drains: 0,
            transcript: Transcript::default(),
            buffer: Vec::new(),
        }
    }

    /// What the clocks show.
    pub fn now(&self) -> Now {
        self.clock.now()
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

    /// Starts the server.
    pub fn start_server(&mut self) {
        let index = self.host(SERVER);
        self.home(index, "", None);
        let (now, seed) = (self.now(), self.start_seed(index));
        let node = &mut self.nodes[index];
        node.user = String::new();
        let home = node.homes.get(&node.user).expect("it was just made");
        let server = Server::new(
            now,
            server::Options {
                identity: Identity::from_seed(&home.identity),
                seed,
                config: self.server_config.clone(),
            },
        );
        let address = node.address;
        self.begin(index, Machine::Server(Box::new(server)));
        self.show(index, &format!("[Server started on {address}.]"));
    }

    /// Starts a client on the node `name`, under the user's name of the same spelling.
    pub fn start_client(&mut self, name: &str) {
        self.start_client_as(name, Start::default());
    }

    /// Starts a client on the node `name`.
    ///
    /// # Panics
    /// If the user's name is none.
    pub fn start_client_as(&mut self, name: &str, start: Start<'_>) {
        let index = self.host(name);
        let user = start.user.unwrap_or(name);
        let copied = start.identity_of.map(|other| self.index(other));
        self.home(index, user, copied);
        let (now, seed) = (self.now(), self.start_seed(index));
        let server = self.nodes[self.index(SERVER)].address;
        let node = &mut self.nodes[index];
        user.clone_into(&mut node.user);
        node.address.set_port(port_of_start(node.starts));
        let home = node.homes.get(user).expect("it was just made");
        let client = Client::new(
            now,
            client::Options {
                name: user.parse().expect("a legal name"),
                identity: Identity::from_seed(&home.identity),
                server: Path::to(server),
                server_key: home.server_key,
                server_fingerprint: None,
                ephemeral: start.ephemeral,
                switched: start.is_switch,
                silent_exit: start.silent_exit,
                seed,
                config: self.client_config.clone(),
            },
        );
        self.begin(index, Machine::Client(Box::new(client)));
    }

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

    fn typed(&mut self, index: usize, line: &str) {
        let command = command::parse(line).unwrap_or_else(Command::Note);
        self.client_command(index, line, command);
    }

    /// Hands a client the end of its input.
    pub fn end_input(&mut self, name: &str) {
        let index = self.index(name);
        self.note(index, Kind::Happened, "end of input");
        self.client_command(index, "", Command::Finish);
    }

    /// Tells a client to leave at once, as by a signal, or the server to stop.
    pub fn interrupt(&mut self, name: &str) {
        let index = self.index(name);
        self.note(index, Kind::Happened, "interrupted");
        let now = self.now();
        match &mut self.nodes[index].machine {
            Some(Machine::Client(client)) => client.leave(now),
            Some(Machine::Server(server)) => server.handle_command(now, server::Command::Stop),
            None => return,
        }
        self.after_input(index);
    }

    /// Ends whatever runs on the node, without warning. A part of what its disk had not done yet
    /// is done, the rest is lost.
    pub fn kill(&mut self, name: &str) {
        let index = self.index(name);
        let node = &mut self.nodes[index];
        let (starts, number) = (node.starts, entity(&node.name));
        let random = self.random;
        if let Some(home) = node.home() {
            let most = home.disk.waiting() as u64 + 1;
            let survivors = random.below(most, Stream::Crash, number, starts);
            home.disk.crash(survivors as usize);
        }
        self.note(index, Kind::Happened, "killed");
        self.stop(index);
    }

    /// Stops a node in its tracks; datagrams to it wait in its socket.
    pub fn pause(&mut self, name: &str) {
        let index = self.index(name);
        self.note(index, Kind::Happened, "paused");
        self.nodes[index].paused = true;
    }

    /// Lets a paused node go on.
    pub fn resume(&mut self, name: &str) {
        let index = self.index(name);
        self.note(index, Kind::Happened, "resumed");
        let node = &mut self.nodes[index];
        node.paused = false;
        let address = node.address;
        let reports = std::mem::take(&mut node.reports);
        let typed = std::mem::take(&mut node.typed);
        for (from, bytes) in std::mem::take(&mut node.socket) {
            self.deliver(from, address, bytes);
        }
        for event in reports {
            self.report(index, event);
        }
        for line in typed {
            self.typed(index, &line);
        }
        self.wake(index);
    }

    /// The power of this node fails at the operation of its disk that is `operations` from now.
    pub fn cut_power(&mut self, name: &str, operations: u64, when: PowerCut) {
        let node = self.node_mut(name);
        let home = node.home().expect("it has been started");
        home.power_cut = Some((home.disk.applied() + operations, when));
    }

    /// Puts a datagram on the network that no node has sent. It arrives for certain.
    pub fn inject(&mut self, from: SocketAddr, to: &str, bytes: &[u8]) {
        let to = self.node(to).address;
        let bytes = bytes.to_vec();
        self.clock
            .schedule_in(Duration::ZERO, Happening::Datagram { from, to, bytes });
    }

    /// Lets nothing through between two nodes.
    pub fn cut(&mut self, one: &str, other: &str) {
        let (a, b) = (self.node(one).address.ip(), self.node(other).address.ip());
        self.network.cut(a, b);
        self.network.cut(b, a);
    }

    /// Lets everything through between two nodes again.
    pub fn mend(&mut self, one: &str, other: &str) {
        let (a, b) = (self.node(one).address.ip(), self.node(other).address.ip());
        self.network.mend(a, b);
        self.network.mend(b, a);
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
            match self.clock.next_until(deadline) {
                Some(happening) => self.happen(happening),
                None => return condition(self),
            }
        }
        true
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

    /// The node of this name, made if there is none.
    fn host(&mut self, name: &str) -> usize {
        if let Some(index) = self.by_name.get(name) {
            return *index;
        }
        let index = self.nodes.len();
        let [high, low] = u16::try_from(index).expect("few nodes").to_be_bytes();
        let ip = if name == SERVER {
            Ipv4Addr::new(10, 0, 0, 1)
        } else {
            Ipv4Addr::new(10, 1, high, low)
        };
        let address = SocketAddr::new(IpAddr::V4(ip), 5_000);
        self.nodes.push(Node::new(name, address));
        self.by_name.insert(name.to_owned(), index);
        index
    }

    fn home(&mut self, index: usize, user: &str, copied: Option<usize>) {
        if self.nodes[index].homes.contains_key(user) {
            return;
        }
        let number = entity(&format!("{}/{user}", self.nodes[index].name));
        let identity = match copied {
            Some(other) => {
                let original = self.nodes[other].homes.get(user);
                original.expect("the identity to be copied").identity
            }
            None => self.random.seed(Stream::Seed, number, 0),
        };
        let mut disk = Disk::new(self.random, number);
        disk.faults = self.disk_faults;
        let home = Home {
            identity,
            server_key: None,
            disk,
            power_cut: None,
        };
        self.nodes[index].homes.insert(user.to_owned(), home);
    }

    fn start_seed(&mut self, index: usize) -> [u8; 32] {
        let node = &mut self.nodes[index];
        node.starts += 1;
        let (number, starts) = (entity(&node.name), node.starts);
        self.random.seed(Stream::Seed, number, starts)
    }

    fn begin(&mut self, index: usize, machine: Machine) {
        let node = &mut self.nodes[index];
        node.machine = Some(machine);
        node.paused = false;
        node.exit = None;
        node.wake = None;
        let user = node.user.clone();
        let text = match user.as_str() {
            "" => "starts".to_owned(),
            user if user == node.name => "starts".to_owned(),
            user => format!("starts as {user}"),
        };
        self.note(index, Kind::Happened, &text);
        self.after_input(index);
    }

    fn client_command(&mut self, index: usize, line: &str, command: Command) {
        let now = self.now();
        let node = &mut self.nodes[index];
        match &mut node.machine {
            Some(Machine::Client(client)) => {
                let taken = client.handle_command(now, command);
                assert!(taken.is_ok(), "{}: {line}: {taken:?}", node.name);
            }
            Some(Machine::Server(server)) => match line {
                "peers" => server.handle_command(now, server::Command::Peers),
                "groups" => server.handle_command(now, server::Command::Groups),
                _ => server.handle_command(now, server::Command::Stop),
            },
            None => return,
        }
        self.after_input(index);
    }
}

fn port_of_start(starts: u64) -> u16 {
    40_000 + u16::try_from(starts % 20_000).expect("below 20,000")
}
