//! A server and three users in memory, on a bad network, in a time of their own.

use std::net::SocketAddr;

use chat_core::{
    action::Action,
    client::{self, Client, Command, Event},
    crypto::{Identity, Random, hash},
    id::Path,
    machine::Machine,
    name::Name,
    server::{self, Server},
    store::MemoryStore,
    time::{Instant, Now, WallTime},
};

use super::network::Network;

/// Who is there, besides the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Who {
    Alice,
    Bob,
    You,
}

impl Who {
    pub(super) const ALL: [Self; 3] = [Self::Alice, Self::Bob, Self::You];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Alice => "alice",
            Self::Bob => "bob",
            Self::You => "you",
        }
    }

    /// Who has this name, if anyone.
    pub(super) fn called(name: &Name) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|who| who.name() == name.as_str())
    }
}

/// Noon of 1 January 2026: the same seed is to show the same times.
const START: WallTime = WallTime::from_micros(1_767_268_800_000_000);

/// A machine with its address and its store.
struct Node<M> {
    machine: M,
    address: SocketAddr,
    store: MemoryStore,
}

impl<M: Machine> Node<M> {
    /// Does all that the machine wants done, and adds what it shows to `shown`.
    fn turn(&mut self, now: Now, network: &mut Network, shown: &mut Vec<M::Event>) {
        if self
            .machine
            .poll_timeout()
            .is_some_and(|at| at <= now.instant)
        {
            self.machine.handle_timeout(now);
        }
        let mut buffer = Vec::new();
        while let Some(action) = self.machine.poll_action(now, &mut buffer) {
            match action {
                Action::Send(path) => {
                    network.send(now.instant, self.address, path.remote, &buffer);
                }
                Action::Persist(id, operation) => self.store.handle(id, operation),
                Action::Display(event) => shown.push(event),
            }
            while let Some(event) = self.store.poll_event() {
                self.machine.handle_stored(now, event);
            }
        }
    }
}

/// Everything that there is.
pub(super) struct World {
    now: Instant,
    random: Random,
    pub(super) network: Network,
    server: Option<Node<Server>>,
    /// What the server's disk holds while there is no server.
    disk: MemoryStore,
    /// In the order of [`Who::ALL`].
    users: Vec<Node<Client>>,
}

impl World {
    /// Everything that happens follows from `seed` and from what is typed.
    pub(super) fn new(seed: u64) -> Self {
        let mut random = Random::new(hash(b"demo", &[&seed.to_le_bytes()]));
        let mut world = Self {
            now: Instant::ZERO,
            network: Network::new(Random::new(random.bytes())),
            server: None,
            disk: MemoryStore::new(),
            users: Vec::new(),
            random,
        };
        world.start_server();
        for who in Who::ALL {
            let user = world.user(who);
            world.users.push(user);
        }
        world
    }

    /// The time in the world.
    pub(super) fn now(&self) -> Now {
        let passed = self.now.as_micros();
        Now::new(self.now, WallTime::from_micros(START.as_micros() + passed))
    }

    /// It is later.
    pub(super) fn advance(&mut self, to: Instant) {
        self.now = self.now.max(to);
    }

    /// When something happens next.
    pub(super) fn next_due(&self) -> Option<Instant> {
        let server = self.server.iter().map(|node| node.machine.poll_timeout());
        let users = self.users.iter().map(|node| node.machine.poll_timeout());
        let all = server.chain(users).chain([self.network.next_arrival()]);
        all.flatten().min()
    }

    /// Lets happen what is due, and tells what users are shown.
    pub(super) fn turn(&mut self) -> Vec<(Who, Event)> {
        let (now, mut shown) = (self.now(), Vec::new());
        while let Some(mut datagram) = self.network.arrived(now.instant) {
            let (path, to) = (Path::to(datagram.from), datagram.to);
            if let Some(node) = self.users.iter_mut().find(|node| node.address == to) {
                node.machine.handle_datagram(now, path, &mut datagram.bytes);
            } else if let Some(server) = &mut self.server {
                server
                    .machine
                    .handle_datagram(now, path, &mut datagram.bytes);
            } else {
                self.network.dropped += 1;
            }
        }
        if let Some(server) = &mut self.server {
            server.turn(now, &mut self.network, &mut Vec::new());
        }
        for (who, node) in Who::ALL.into_iter().zip(&mut self.users) {
            let mut events = Vec::new();
            node.turn(now, &mut self.network, &mut events);
            shown.extend(events.into_iter().map(|event| (who, event)));
        }
        shown
    }

    /// A user's client.
    pub(super) fn client(&mut self, who: Who) -> &mut Client {
        &mut self.users[who as usize].machine
    }

    /// A user asks something of the client.
    pub(super) fn command(&mut self, who: Who, command: Command) {
        let now = self.now();
        // Only a client that has ended, or one with a hundred commands, takes none.
        let _ = self.client(who).handle_command(now, command);
    }

    /// The server loses its power.
    pub(super) fn stop_server(&mut self) {
        if let Some(server) = self.server.take() {
            self.disk = server.store.image();
        }
    }

    /// The server is there, with what its disk holds.
    pub(super) fn start_server(&mut self) {
        let options = server::Options::new(Identity::from_seed(&[1; 32]), self.random.bytes());
        self.server.get_or_insert_with(|| Node {
            machine: Server::new(Now::new(self.now, START), options),
            address: server_address(),
            store: std::mem::take(&mut self.disk),
        });
    }

    fn user(&mut self, who: Who) -> Node<Client> {
        let name = who.name().parse().expect("names are legal");
        let identity = Identity::from_seed(&self.random.bytes());
        let server = Path::to(server_address());
        let options = client::Options::new(name, identity, server, self.random.bytes());
        Node {
            machine: Client::new(self.now(), options),
            address: SocketAddr::from(([10, 0, 0, 2 + who as u8], 5_000)),
            store: MemoryStore::new(),
        }
    }
}

fn server_address() -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 1], 5_000))
}
