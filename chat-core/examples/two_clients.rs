//! A server and two clients in memory: no socket, no clock, no disk, and the same every time.
//!
//! Run it with `cargo run -p chat-core --example two_clients`.

use chat_core::{
    action::Action,
    client::{self, Client, Command},
    config::{ClientConfig, ServerConfig},
    crypto::Identity,
    id::Path,
    server::{self, Server},
    store::MemoryStore,
    text::English,
    time::{Instant, Now, WallTime},
};

const SERVER: u16 = 5_000;
const ALICE: u16 = 5_001;
const BOB: u16 = 5_002;

/// Datagrams under way: from which port, to which, and the bytes.
type Network = Vec<(u16, u16, Vec<u8>)>;

/// Gives a machine what has arrived for it and the time, then does all that it wants done.
/// Clients and servers have the same methods, so one macro serves both.
macro_rules! turn {
    ($machine:ident, $port:ident, $store:ident, $now:ident, $network:ident, $lines:ident) => {
        for (from, _, mut datagram) in $network.extract_if(.., |(_, to, _)| *to == $port) {
            $machine.handle_datagram($now, path(from), &mut datagram);
        }
        $machine.handle_timeout($now);
        let mut buffer = Vec::new();
        while let Some(action) = $machine.poll_action($now, &mut buffer) {
            match action {
                Action::Send(path) => $network.push(($port, path.remote.port(), buffer.clone())),
                Action::Persist(id, operation) => $store.handle(id, operation),
                Action::Display(event) => {
                    let line = English::new(&event, &|_| "now".into()).to_string();
                    $lines.push(format!("{}: {line}", stringify!($machine)));
                }
            }
            while let Some(event) = $store.poll_event() {
                $machine.handle_stored($now, event);
            }
        }
    };
}

fn path(port: u16) -> Path {
    Path::to(([127, 0, 0, 1], port).into())
}

fn client(now: Now, name: &str, number: u8) -> Client {
    let options = client::Options {
        name: name.parse().expect("a legal name"),
        identity: Identity::from_seed(&[number; 32]),
        server: path(SERVER),
        server_key: None,
        server_fingerprint: None,
        ephemeral: false,
        switched: false,
        silent_exit: false,
        seed: [number; 32],
        config: ClientConfig::default(),
    };
    Client::new(now, options)
}

/// Lets alice and bob chat for two virtual seconds, and tells what everybody showed.
pub(crate) fn chat() -> Vec<String> {
    let wall = WallTime::from_micros(1_700_000_000_000_000);
    let start = Now::new(Instant::ZERO, wall);
    let (identity, config) = (Identity::from_seed(&[9; 32]), ServerConfig::default());
    let options = server::Options {
        identity,
        seed: [9; 32],
        config,
    };
    let mut server = Server::new(start, options);
    let (mut alice, mut bob) = (client(start, "alice", 1), client(start, "bob", 2));
    let [mut server_store, mut alice_store, mut bob_store] = [(); 3].map(|()| MemoryStore::new());
    let (mut network, mut lines) = (Network::new(), Vec::new());
    // A driver would sleep until the earliest `poll_timeout`; here a tick is a millisecond.
    for tick in 0..2_000 {
        let now = Now::new(Instant::from_micros(tick * 1_000), wall);
        if tick == 1_000 {
            let (to, text) = ("bob".parse().expect("a legal name"), "hello".into());
            let taken = alice.handle_command(now, Command::Send { to, text });
            assert_eq!(taken, Ok(()));
        }
        turn!(server, SERVER, server_store, now, network, lines);
        turn!(alice, ALICE, alice_store, now, network, lines);
        turn!(bob, BOB, bob_store, now, network, lines);
    }
    lines
}

fn main() {
    chat().iter().for_each(|line| println!("{line}"));
}
