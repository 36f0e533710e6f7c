//! A server and two clients in memory: no socket, no clock, no disk, and the same every time.
//!
//! Run it with `cargo run -p chat-core --example two_clients`.

use chat_core::{
    action::Action,
    client::{self, Client, Command},
    crypto::Identity,
    id::Path,
    machine::Machine,
    server::{self, Server},
    store::MemoryStore,
    text::English,
    time::{Instant, Now, WallTime},
};

const SERVER: u16 = 5_000;

/// Datagrams under way: from which port, to which, and the bytes.
type Network = Vec<(u16, u16, Vec<u8>)>;

/// A machine, its port and its store.
struct Node<M>(M, u16, MemoryStore);

impl<M: Machine> Node<M> {
    /// Gives the machine what has arrived for it and the time, does all that it wants done, and
    /// tells what it showed.
    fn turn(&mut self, now: Now, network: &mut Network) -> Vec<M::Event> {
        let Self(machine, port, store) = self;
        for (from, _, mut datagram) in network.extract_if(.., |(_, to, _)| to == port) {
            machine.handle_datagram(now, path(from), &mut datagram);
        }
        machine.handle_timeout(now);
        let (mut buffer, mut shown) = (Vec::new(), Vec::new());
        while let Some(action) = machine.poll_action(now, &mut buffer) {
            match action {
                Action::Send(path) => network.push((*port, path.remote.port(), buffer.clone())),
                Action::Persist(id, operation) => store.handle(id, operation),
                Action::Display(event) => shown.push(event),
            }
            while let Some(event) = store.poll_event() {
                machine.handle_stored(now, event);
            }
        }
        shown
    }
}

fn path(port: u16) -> Path {
    Path::to(([127, 0, 0, 1], port).into())
}

fn server(now: Now) -> Node<Server> {
    let options = server::Options::new(Identity::from_seed(&[9; 32]), [9; 32]);
    Node(Server::new(now, options), SERVER, MemoryStore::new())
}

fn client(now: Now, name: &str, port: u16) -> Node<Client> {
    let seed = [port as u8; 32];
    let (name, identity) = (
        name.parse().expect("a legal name"),
        Identity::from_seed(&seed),
    );
    let options = client::Options::new(name, identity, path(SERVER), seed);
    Node(Client::new(now, options), port, MemoryStore::new())
}

/// Lets alice and bob chat for two virtual seconds, and tells what they showed.
pub(crate) fn chat() -> Vec<String> {
    let at = |millis| {
        Now::new(
            Instant::from_micros(millis * 1_000_u64),
            WallTime::default(),
        )
    };
    let (mut server, mut network, mut lines) = (server(at(0)), Network::new(), Vec::new());
    let mut clients =
        [("alice", 5_001), ("bob", 5_002)].map(|(name, port)| client(at(0), name, port));
    // A driver would sleep until the earliest `poll_timeout`; here a tick is a millisecond.
    for now in (0..2_000).map(at) {
        if now == at(1_000) {
            let (to, text) = ("bob".parse().expect("a legal name"), "hello".into());
            let taken = clients[0].0.handle_command(now, Command::Send { to, text });
            assert_eq!(taken, Ok(()));
        }
        server.turn(now, &mut network);
        for client in &mut clients {
            for event in client.turn(now, &mut network) {
                let line = English::new(&event, &|_| "now".into());
                lines.push(format!("{} sees {line}", client.0.name()));
            }
        }
    }
    lines
}

fn main() {
    chat().iter().for_each(|line| println!("{line}"));
}
