//! A server, three clients that say what the fuzzer likes, a store and a network that do.

use std::sync::Arc;

use chat_core::{
    config::ServerConfig,
    id::{MessageId, Path},
    link::{Endpoint, Event as LinkEvent},
    server::{Command, Options, Server},
    text::English,
    time::{Duration, WallTime},
    wire::{ChatFrame, Content, decode},
};

use crate::{
    frames,
    hosts::{Clock, Datagram, IDENTITIES, Network, Turns, address, small_link},
    input::Input,
    store::Store,
};

const SERVER: usize = 0;
const CLIENTS: [usize; 3] = [1, 2, 3];
const NAMES: [&str; 3] = ["alice", "bob", "carol"];
const PORT: u16 = 4_000;
const STREAMS: u8 = 64;

/// Whatever happens: what a client is told can be read, no message is accepted or delivered before
/// the store has it, nothing shown does a terminal harm, and a server that has nothing to do waits.
pub fn target(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let mut world = World::new(input.byte());
    while !input.is_empty() {
        world.step(&mut input);
        if world.is_prompt {
            world.drain();
        }
    }
    world.drain();
}

struct World {
    server: Server,
    clients: Vec<Endpoint>,
    clock: Clock,
    network: Network,
    store: Store,
    /// The server does what is due, and is drained, after every step.
    is_prompt: bool,
    request: u64,
}

fn config() -> ServerConfig {
    let mut config = ServerConfig::default();
    config.link = small_link();
    config.max_names = 3;
    config.max_groups = 2;
    config.max_mailbox = 4;
    config.max_group_log = 4;
    config.expiry = Duration::from_secs(600);
    config.push_whole_table_below = 2;
    config.presence_grace = Duration::from_secs(3);
    config.max_unaccepted = 3;
    config.ephemeral_grace = Duration::from_secs(30);
    config.requests_per_second = 20;
    config.members_per_request = 2;
    config.max_waiting_requests = 12;
    config.max_waiting_bytes = 2_000;
    config.max_requests_in_flight = 4;
    config.max_interests = 2;
    config
}

impl World {
    fn new(flags: u8) -> Self {
        let clock = Clock::new();
        let mut options = Options::new(IDENTITIES[SERVER].clone(), [7; 32]);
        options.config = config();
        if flags & 1 == 1 {
            options.config.push_whole_table_below = 10;
        }
        let client = |host: usize| {
            Endpoint::new(IDENTITIES[host].clone(), small_link(), [host as u8; 32])
        };
        let mut world = Self {
            server: Server::new(clock.now(), options),
            clients: CLIENTS.map(client).into(),
            clock,
            network: Network::default(),
            store: Store::new(),
            is_prompt: true,
            request: 1,
        };
        // Some have come already.
        for client in 0..usize::from(flags >> 1 & 3) {
            world.drain();
            world.register(client);
            for _ in 0..3 {
                world.drain();
                world.deliver_all();
            }
        }
        world
    }

    fn register(&mut self, client: usize) {
        self.request += 1;
        let frame = ChatFrame::Register {
            request: self.request,
            name: NAMES[client].parse().expect("a legal name"),
            instance: chat_core::id::InstanceId([1; 16]),
            resume: false,
            ephemeral: false,
            table: chat_core::wire::TableVersion::default(),
            positions: chat_core::wire::List::new(Vec::new()),
        };
        self.say(client, 0, frames::encoded(&frame));
    }

    fn step(&mut self, input: &mut Input<'_>) {
        let (choice, now) = (input.byte(), self.clock.now());
        let client = usize::from(choice >> 4) % CLIENTS.len();
        match choice % 16 {
            0..=4 => {
                let frame = frames::from_client(input);
                let stream = input.byte() % 4;
                self.say(client, stream, frame);
            }
            5 => self.register(client),
            6 | 7 => self.deliver_all(),
            8 => {
                if let Some(datagram) = self.network.deliver(input) {
                    self.arrive(datagram);
                }
            }
            9 => self.network.lose(input),
            10 => self.clock.pass(input),
            11 => {
                let others = self.clients.iter().map(Endpoint::poll_timeout);
                let next = others.chain([self.server.poll_timeout()]).flatten().min();
                if let Some(next) = next {
                    self.clock.advance_to(next);
                }
            }
            12 | 13 => self.store.step(input),
            14 => match choice >> 4 {
                0..=3 => self.is_prompt ^= true,
                4 => self.server.handle_command(now, Command::Peers),
                5 => self.server.handle_command(now, Command::Groups),
                6 | 7 => {
                    let name = NAMES[client].parse().expect("a legal name");
                    let command = match input.below(4) {
                        0 => Command::Kick { name },
                        1 => Command::Ban { name },
                        2 => Command::Unban { name },
                        _ => Command::Delete { name },
                    };
                    self.server.handle_command(now, command);
                }
                8 => self.server.handle_command(now, Command::Stop),
                9 => self.clients[client].set_listening(false),
                10..=12 => self.clients[client].set_listening(true),
                _ => self.leave(client),
            },
            _ => {
                let path = Path::to(address(input.below(4), PORT));
                let mut bytes = input.piece().to_vec();
                self.server.handle_datagram(now, path, &mut bytes);
            }
        }
    }

    fn say(&mut self, client: usize, stream: u8, frame: Vec<u8>) {
        let (now, server) = (self.clock.now(), IDENTITIES[SERVER].public_key());
        let path = Path::to(address(SERVER, PORT));
        let link = &mut self.clients[client];
        if let Ok(peer) = link.connect(now, server, path, false) {
            let _ = link.send(now, peer, stream % STREAMS, Arc::from(frame));
        }
    }

    /// The client's link says goodbye.
    fn leave(&mut self, client: usize) {
        let link = &mut self.clients[client];
        if let Some(peer) = link.peer(&IDENTITIES[SERVER].public_key()) {
            link.close(self.clock.now(), peer);
        }
    }

    fn deliver_all(&mut self) {
        for datagram in self.network.deliver_all() {
            self.arrive(datagram);
        }
    }

    fn arrive(&mut self, datagram: Datagram) {
        let (now, from) = (self.clock.now(), Path::to(datagram.from));
        let mut bytes = datagram.bytes;
        if datagram.to == address(SERVER, PORT) {
            self.server.handle_datagram(now, from, &mut bytes);
        }
        for (client, host) in CLIENTS.into_iter().enumerate() {
            if datagram.to == address(host, PORT) {
                self.clients[client].handle_datagram(now, from, &mut bytes);
                self.hear(client);
            }
        }
    }

    fn hear(&mut self, client: usize) {
        while let Some(event) = self.clients[client].poll_event() {
            let LinkEvent::Message { bytes, .. } = event else {
                continue;
            };
            let frame = decode::<ChatFrame>(&bytes).expect("a server says what can be read");
            match frame {
                ChatFrame::Accepted { ids } => {
                    for id in ids.iter() {
                        self.is_stored(*id);
                    }
                }
                ChatFrame::Saved { id, .. } | ChatFrame::Exists { id } => self.is_stored(id),
                ChatFrame::Deliver { id, content, .. } => {
                    let content = decode::<Content>(&content);
                    content.expect("a server delivers what can be read");
                    self.is_stored(id);
                }
                _ => {}
            }
        }
    }

    /// Nothing is promised before it is durable.
    fn is_stored(&self, id: MessageId) {
        assert!(self.store.is_foreign || self.store.appended.contains(&id), "{id}");
    }

    /// Everything that a driver does, until nothing is left to do.
    fn drain(&mut self) {
        let (mut turns, now, mut buffer) = (Turns::default(), self.clock.now(), Vec::new());
        loop {
            turns.turn();
            let mut busy = false;
            if let Some((id, operation)) = self.server.poll_persist() {
                self.store.take(id, operation);
                busy = true;
            }
            if let Some(event) = self.server.poll_event() {
                let line = English::new(&event, &|_: WallTime| "now".into()).to_string();
                let harmful = |c: char| c.is_control() && c != '\n';
                assert!(!line.contains(harmful), "{line:?}");
                busy = true;
            }
            if let Some(path) = self.server.poll_transmit(now, &mut buffer) {
                self.network.send(address(SERVER, PORT), path, &buffer);
                busy = true;
            }
            if let Some(event) = self.store.poll() {
                self.server.handle_stored(now, event);
                busy = true;
            }
            busy |= self.drain_clients();
            if busy {
                continue;
            }
            if self.server.poll_timeout().is_none_or(|at| at > now.instant) {
                return;
            }
            self.server.handle_timeout(now);
        }
    }

    fn drain_clients(&mut self) -> bool {
        let (now, mut busy) = (self.clock.now(), false);
        for (client, host) in CLIENTS.into_iter().enumerate() {
            let link = &mut self.clients[client];
            busy |= self.network.send_all(address(host, PORT), link, now);
            self.hear(client);
        }
        busy
    }
}
