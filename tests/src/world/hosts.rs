//! Hosts, and what is done to them: they are started, killed, paused, their power fails.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use chat_core::{
    client::{self, Client},
    crypto::Identity,
    id::Path,
    server::{self, Server},
    time::Now,
};

use super::{SERVER, Start, World};
use crate::{
    disk::{self, Disk},
    net::nat,
    node::{Home, Machine, Node, PowerCut},
    random::{Stream, entity},
    record::What,
    transcript::Kind,
};

impl World {
    /// Makes a host whose clocks run faster by so many parts per million, if there is none.
    pub fn add_host(&mut self, name: &str, rate: i32) {
        let index = self.host(name);
        self.nodes[index].skew.rate = rate;
    }

    /// Puts a host behind a NAT of its own.
    pub fn put_behind_nat(&mut self, name: &str, kind: nat::Kind) {
        let index = self.index(name);
        let [_, _, high, low] = match self.nodes[index].address.ip() {
            IpAddr::V4(ip) => ip.octets(),
            IpAddr::V6(_) => unreachable!("hosts have IPv4 addresses"),
        };
        let outer = Ipv4Addr::new(100, 64, high, low);
        let host = self.nodes[index].address.ip();
        self.network.put_behind_nat(host, outer.into(), kind);
    }

    /// All disks work well from now on.
    pub fn heal_disks(&mut self) {
        self.disk = disk::Behaviour::default();
        for index in 0..self.nodes.len() {
            let homes = self.nodes[index].homes.values_mut();
            homes.for_each(|home| {
                home.disk.behaviour = disk::Behaviour::default();
                home.power_cut = None;
            });
            let name = self.nodes[index].name.clone();
            self.mend_disk(&name);
        }
    }

    /// Starts the server.
    pub fn start_server(&mut self) {
        let index = self.host(SERVER);
        self.home(index, "", None);
        let (now, seed) = (self.local(index), self.start_seed(index));
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
        if self.is_transcribing {
            self.show(index, &format!("[Server started on {address}.]"));
        }
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
        let (now, seed) = (self.local(index), self.start_seed(index));
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

    /// Ends whatever runs on the node, without warning. A part of what its disk had not done yet
    /// is done, the rest is lost.
    pub fn kill(&mut self, name: &str) {
        let index = self.index(name);
        let node = &mut self.nodes[index];
        let (starts, number) = (node.starts, node.entity);
        let random = self.random;
        if node.machine.is_some()
            && let Some(home) = node.home()
        {
            let most = home.disk.waiting() as u64 + 1;
            let survivors = random.below(most, Stream::Crash, number, starts);
            self.crash_disk(index, survivors as usize);
            self.record(index, || What::Ends(None));
        }
        self.note(index, Kind::Happened, "killed");
        self.stop(index);
    }

    /// The first so many of the operations that the disk had not done survive.
    pub(super) fn crash_disk(&mut self, index: usize, survivors: usize) {
        let Some(home) = self.nodes[index].home() else {
            return;
        };
        for operation in home.disk.crash(survivors) {
            self.record(index, || What::Durable(operation));
        }
    }

    /// What the clocks of a node show.
    pub(super) fn local(&self, index: usize) -> Now {
        self.nodes[index].skew.local(self.now().instant)
    }

    /// The wall clock of a node jumps by so many microseconds.
    pub fn jump_clock(&mut self, name: &str, micros: i64) {
        let index = self.index(name);
        self.nodes[index].skew.wall += micros;
        let seconds = micros / 1_000_000;
        self.suffer(index, &format!("clock jumps by {seconds} s"));
    }

    /// The disk of a node fails every operation from now on.
    pub fn break_disk(&mut self, name: &str) {
        let index = self.index(name);
        if let Some(home) = self.nodes[index].home() {
            home.disk.break_down();
            self.suffer(index, "disk breaks");
        }
    }

    /// The disk of a node works again.
    pub fn mend_disk(&mut self, name: &str) {
        let index = self.index(name);
        let Some(home) = self.nodes[index].home() else {
            return;
        };
        let report = home.disk.mend();
        self.suffer(index, "disk works");
        if let Some(event) = report {
            self.report(index, event);
        }
    }

    /// Stops a node in its tracks; datagrams to it wait in its socket.
    pub fn pause(&mut self, name: &str) {
        let index = self.index(name);
        self.suffer(index, "paused");
        self.nodes[index].paused = true;
    }

    /// Lets a paused node go on.
    pub fn resume(&mut self, name: &str) {
        let index = self.index(name);
        self.suffer(index, "resumed");
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

    /// The node of this name, made if there is none.
    pub(super) fn host(&mut self, name: &str) -> usize {
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
        let mut disk = Disk::new(self.random, self.faults.clone(), number);
        disk.behaviour = self.disk;
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
        let (number, starts) = (node.entity, node.starts);
        self.random.seed(Stream::Seed, number, starts)
    }

    pub(super) fn begin(&mut self, index: usize, machine: Machine) {
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
        self.record(index, || What::Starts(user));
        self.note(index, Kind::Happened, &text);
        self.after_input(index);
    }
}

fn port_of_start(starts: u64) -> u16 {
    40_000 + u16::try_from(starts % 20_000).expect("below 20,000")
}
