//! A client, a server and a peer that say what the fuzzer likes, a store and a network that do.

use std::{collections::BTreeSet, sync::Arc};

use chat_core::{
    client::{Client, Command, Event, Options},
    config::ClientConfig,
    conversation::Conversation,
    id::{MessageId, Path},
    link::{Endpoint, Event as LinkEvent, PeerId},
    text::English,
    time::{Duration, WallTime},
    wire::{Address, ChatFrame, List, Presence, TableEntry, decode},
};

use crate::{
    frames,
    hosts::{Clock, IDENTITIES, Network, Turns, address, small_link},
    input::Input,
    store::Store,
};

const CLIENT: usize = 0;
const SERVER: usize = 1;
const PEER: usize = 2;
const PORT: u16 = 4_000;
const STREAMS: u8 = 64;

/// Whatever happens: no message is shown twice, unless the store makes one up; nothing shown does
/// a terminal harm; what is kept in memory has its limits; and a client that has nothing to do
/// waits.
pub fn target(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let mut world = World::new(input.byte());
    while !input.is_empty() {
        world.step(&mut input);
        world.check();
    }
    world.drain();
}

struct World {
    client: Client,
    /// The server's and the peer's links.
    others: [Endpoint; 2],
    clock: Clock,
    network: Network,
    store: Store,
    /// The server answers as a server does.
    is_honest: bool,
    /// The client does what is due, and is drained, after every step.
    is_prompt: bool,
    /// The client's last request.
    request: u64,
    shown: BTreeSet<(String, MessageId)>,
}

fn config() -> ClientConfig {
    let mut config = ClientConfig::default();
    config.link = small_link();
    config.max_commands = 6;
    config.max_outbox = 8;
    config.max_inbox = 12;
    config.max_peers = 8;
    config.outbox_expiry = Duration::from_secs(3_600);
    config
}

impl World {
    fn new(flags: u8) -> Self {
        let clock = Clock::new();
        let name = "alice".parse().expect("a legal name");
        let server = Path::to(address(SERVER, PORT));
        let mut options = Options::new(name, IDENTITIES[CLIENT].clone(), server, [7; 32]);
        options.config = config();
        options.server_key = (flags & 1 == 0).then(|| IDENTITIES[SERVER].public_key());
        options.ephemeral = flags & 2 != 0;
        options.switched = flags & 4 != 0;
        options.silent_exit = flags & 8 != 0;
        let other = |host: usize| {
            Endpoint::new(IDENTITIES[host].clone(), small_link(), [host as u8; 32])
        };
        let mut world = Self {
            client: Client::new(clock.now(), options),
            others: [other(SERVER), other(PEER)],
            clock,
            network: Network::default(),
            store: Store::new(),
            is_honest: flags & 16 == 0,
            is_prompt: true,
            request: 1,
            shown: BTreeSet::new(),
        };
        if flags & 32 == 0 {
            for _ in 0..4 {
                world.drain();
                world.deliver_all();
            }
        }
        world
    }

    fn step(&mut self, input: &mut Input<'_>) {
        let (choice, now) = (input.byte(), self.clock.now());
        match choice % 16 {
            0..=2 => self.command(input),
            3 | 4 => {
                let frame = frames::from_server(input, self.request);
                self.say(SERVER, choice >> 4, frame);
            }
            5 => {
                let frame = frames::from_server(input, self.request);
                self.say(PEER, choice >> 4, frame);
            }
            6 | 7 => self.deliver_all(),
            8 => {
                if let Some(datagram) = self.network.deliver(input) {
                    self.arrive(datagram);
                }
            }
            9 => self.network.lose(input),
            10 => self.clock.pass(input),
            11 => {
                if let Some(next) = self.next_timeout() {
                    self.clock.advance_to(next);
                }
            }
            12 | 13 => self.store.step(input),
            14 => match choice >> 4 {
                0 | 1 => self.is_prompt ^= true,
                2 | 3 => self.is_honest ^= true,
                4 | 5 => self.client.leave(now),
                6 | 7 => self.client.stay(now),
                8 => drop(self.client.take_commands()),
                9 => self.others[0].set_listening(false),
                10 | 11 => self.others[0].set_listening(true),
                _ => self.turn_once(choice),
            },
            _ => {
                let path = Path::to(address(input.below(4), PORT));
                let mut bytes = input.piece().to_vec();
                self.client.handle_datagram(now, path, &mut bytes);
            }
        }
    }

    fn check(&mut self) {
        if self.is_prompt {
            self.drain();
        }
        let most = config().max_outbox + config().max_commands + 8;
        assert!(self.client.owed() <= most, "{} are owed", self.client.owed());
    }

    fn command(&mut self, input: &mut Input<'_>) {
        let command = match input.byte() % 20 {
            0..=4 => Command::Send {
                to: frames::name(input),
                text: frames::text(input).to_string(),
            },
            5 | 6 => Command::SendAll {
                text: frames::text(input).to_string(),
            },
            7 => Command::SendGroup {
                text: frames::text(input).to_string(),
            },
            8 => Command::CreateGroup {
                group: frames::name(input),
            },
            9 => Command::ListGroups,
            10 => Command::JoinGroup {
                group: frames::name(input),
            },
            11 => Command::ListMembers,
            12 => Command::LeaveGroup,
            13 => [Command::Peers, Command::Pending][input.below(2)].clone(),
            14 => Command::Deregister { name: None },
            15 | 16 => Command::Register { name: None },
            17 => Command::Register {
                name: Some(frames::name(input)),
            },
            18 => Command::Note(frames::text(input).to_string()),
            _ => [Command::Quit, Command::Finish][input.below(2)].clone(),
        };
        // There may be no room for it.
        let _ = self.client.handle_command(self.clock.now(), command);
    }

    /// The server or the peer says something to the client, if it knows it.
    fn say(&mut self, host: usize, stream: u8, frame: Vec<u8>) {
        let (now, client) = (self.clock.now(), IDENTITIES[CLIENT].public_key());
        let path = Path::to(address(CLIENT, PORT));
        let link = &mut self.others[host - 1];
        if let Ok(peer) = link.connect(now, client, path, true) {
            let _ = link.send(now, peer, stream % STREAMS, Arc::from(frame));
        }
    }

    fn next_timeout(&self) -> Option<chat_core::time::Instant> {
        let others = self.others.iter().map(Endpoint::poll_timeout);
        others.chain([self.client.poll_timeout()]).flatten().min()
    }

    fn deliver_all(&mut self) {
        for datagram in self.network.deliver_all() {
            self.arrive(datagram);
        }
    }

    fn arrive(&mut self, datagram: crate::hosts::Datagram) {
        let (now, from) = (self.clock.now(), Path::to(datagram.from));
        let mut bytes = datagram.bytes;
        if datagram.to == address(CLIENT, PORT) {
            self.client.handle_datagram(now, from, &mut bytes);
        }
        for host in [SERVER, PEER] {
            if datagram.to == address(host, PORT) {
                self.others[host - 1].handle_datagram(now, from, &mut bytes);
                self.hear(host);
            }
        }
    }

    /// What the server or the peer is told.
    fn hear(&mut self, host: usize) {
        while let Some(event) = self.others[host - 1].poll_event() {
            let LinkEvent::Message { peer, stream, bytes } = event else {
                continue;
            };
            let Ok(frame) = decode::<ChatFrame>(&bytes) else {
                // An empty message is a knock: it makes a handshake, and no more.
                assert!(bytes.is_empty(), "it cannot be read: {bytes:02x?}");
                continue;
            };
            if host == SERVER {
                self.answer(peer, stream, frame);
            } else if let (ChatFrame::Direct { id, .. }, true) = (&frame, self.is_honest) {
                let ids = List::new(vec![*id]);
                self.reply(host, peer, 0, &ChatFrame::Accepted { ids });
            }
        }
    }

    fn reply(&mut self, host: usize, peer: PeerId, stream: u8, frame: &ChatFrame) {
        let (now, message) = (self.clock.now(), Arc::from(frames::encoded(frame)));
        let _ = self.others[host - 1].send(now, peer, stream, message);
    }

    /// The server answers a request.
    fn answer(&mut self, peer: PeerId, stream: u8, frame: ChatFrame) {
        let answer = match frame {
            ChatFrame::Register { request, .. } => ChatFrame::Registered {
                request,
                returning: false,
                group: None,
                address: Address(address(CLIENT, PORT)),
            },
            ChatFrame::Deregister { request }
            | ChatFrame::CreateGroup { request, .. }
            | ChatFrame::JoinGroup { request, .. }
            | ChatFrame::LeaveGroup { request, .. } => ChatFrame::Completed { request },
            ChatFrame::ListGroups { request, .. } | ChatFrame::ListMembers { request, .. } => {
                ChatFrame::Names {
                    request,
                    names: List::new(Vec::new()),
                    more: false,
                }
            }
            ChatFrame::LookUp { request, name } => ChatFrame::Found {
                request,
                entry: (name.as_str() == "bob").then(|| TableEntry {
                    name,
                    key: Some(IDENTITIES[PEER].public_key()),
                    address: Some(Address(address(PEER, PORT))),
                    presence: Presence::Online,
                }),
            },
            ChatFrame::Submit { id, to, .. } => match to {
                Conversation::User(_) => ChatFrame::Saved {
                    id,
                    received: self.clock.now().wall,
                },
                _ => ChatFrame::Accepted {
                    ids: List::new(vec![id]),
                },
            },
            _ => return,
        };
        self.note_request(&answer);
        if !self.is_honest {
            return;
        }
        self.reply(SERVER, peer, stream, &answer);
        if matches!(answer, ChatFrame::Registered { .. }) {
            self.reply(SERVER, peer, 2, &ChatFrame::CaughtUp {});
        }
    }

    fn note_request(&mut self, answer: &ChatFrame) {
        if let ChatFrame::Registered { request, .. }
        | ChatFrame::Completed { request }
        | ChatFrame::Names { request, .. }
        | ChatFrame::Found { request, .. } = answer
        {
            self.request = *request;
        }
    }

    /// One of the things that a driver does, by itself.
    fn turn_once(&mut self, choice: u8) {
        let now = self.clock.now();
        match choice >> 4 & 3 {
            0 => self.client.handle_timeout(now),
            1 => drop(self.transmit()),
            2 => drop(self.display()),
            _ => drop(self.persist()),
        }
    }

    fn transmit(&mut self) -> bool {
        let mut buffer = Vec::new();
        let path = self.client.poll_transmit(self.clock.now(), &mut buffer);
        if let Some(path) = path {
            self.network.send(address(CLIENT, PORT), path, &buffer);
        }
        path.is_some()
    }

    fn persist(&mut self) -> bool {
        let operation = self.client.poll_persist();
        let is_some = operation.is_some();
        if let Some((id, operation)) = operation {
            self.store.take(id, operation);
        }
        is_some
    }

    fn display(&mut self) -> bool {
        let Some(event) = self.client.poll_event() else {
            return false;
        };
        let line = English::new(&event, &|_: WallTime| "now".into()).to_string();
        let harmful = |c: char| c.is_control() && c != '\n';
        assert!(!line.contains(harmful), "{line:?}");
        if let Event::Message { id, sender, .. } = event {
            let is_new = self.shown.insert((sender.folded().into(), id));
            assert!(is_new || self.store.is_foreign, "shown twice: {line}");
        }
        true
    }

    /// Everything that a driver does, until nothing is left to do.
    fn drain(&mut self) {
        let (mut turns, now) = (Turns::default(), self.clock.now());
        loop {
            turns.turn();
            let mut busy = self.persist() | self.display() | self.transmit();
            if let Some(event) = self.store.poll() {
                self.client.handle_stored(now, event);
                busy = true;
            }
            busy |= self.drain_others();
            if busy {
                continue;
            }
            if self.client.poll_timeout().is_none_or(|at| at > now.instant) {
                return;
            }
            self.client.handle_timeout(now);
        }
    }

    fn drain_others(&mut self) -> bool {
        let (now, mut busy) = (self.clock.now(), false);
        for host in [SERVER, PEER] {
            let link = &mut self.others[host - 1];
            busy |= self.network.send_all(address(host, PORT), link, now);
            self.hear(host);
        }
        busy
    }
}
