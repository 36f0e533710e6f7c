//! A registered member that speaks the protocol and means harm: nothing breaks, nobody is taken
//! in, the others are served.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc, time::Duration};

use chat_core::{
    action::Action,
    client::{self, Client, Command},
    config::{ClientConfig, LinkConfig, ServerConfig},
    conversation::{Conversation, Text},
    crypto::Identity,
    id::{InstanceId, MessageId, Path, PublicKey},
    link::{Endpoint, Event, PeerId},
    name::Name,
    server::{self, Server},
    store::MemoryStore,
    text::English,
    time::{Instant, Now, WallTime},
    wire::{self, Bytes, ChatFrame, Decoder, List, TableVersion},
};

const SERVER: u16 = 1;
const X: u16 = 2;
const Y: u16 = 3;
const MALLORY: u16 = 4;

/// A server, the honest x and y, and Mallory, who owns an endpoint and says what she likes.
struct Arena {
    now: Instant,
    server: Server,
    server_store: MemoryStore,
    honest: BTreeMap<u16, (Client, MemoryStore, Vec<String>)>,
    mallory: Endpoint,
    /// What Mallory was sent, by whom.
    heard: Vec<(PeerId, ChatFrame)>,
    network: Vec<(u16, u16, Vec<u8>)>,
}

fn path(port: u16) -> Path {
    Path::to(SocketAddr::from(([127, 0, 0, 1], port)))
}

fn name(text: &str) -> Name {
    text.parse().expect("a legal name")
}

fn id(number: u64) -> MessageId {
    MessageId(u128::from(number).to_be_bytes())
}

fn encode(frame: &ChatFrame) -> Vec<u8> {
    let mut bytes = Vec::new();
    wire::encode(frame, &mut bytes);
    bytes
}

impl Arena {
    fn new() -> Self {
        let mut arena = Self {
            now: Instant::from_micros(1_000_000),
            server: Server::new(
                Now::new(Instant::from_micros(1_000_000), WallTime::from_micros(1)),
                server::Options {
                    identity: Identity::from_seed(&[9; 32]),
                    seed: [9; 32],
                    config: ServerConfig::default(),
                },
            ),
            server_store: MemoryStore::new(),
            honest: BTreeMap::new(),
            mallory: Endpoint::new(
                Identity::from_seed(&[66; 32]),
                LinkConfig::default(),
                [66; 32],
            ),
            heard: Vec::new(),
            network: Vec::new(),
        };
        for (port, user) in [(X, "x"), (Y, "y")] {
            let options = client::Options {
                name: name(user),
                identity: Identity::from_seed(&[port as u8; 32]),
                server: path(SERVER),
                server_key: None,
                server_fingerprint: None,
                ephemeral: false,
                switched: false,
                silent_exit: false,
                seed: [port as u8; 32],
                config: ClientConfig::default(),
            };
            let client = Client::new(arena.clocks(), options);
            let machine = (client, MemoryStore::new(), Vec::new());
            arena.honest.insert(port, machine);
        }
        arena.run(1_000);
        arena.say_to_server(&[arena.register(1, "mallory")]);
        arena.run(500);
        assert!(matches!(
            arena.heard.first(),
            Some((_, ChatFrame::Registered { .. }))
        ));
        arena
    }

    fn clocks(&self) -> Now {
        let wall = 1_700_000_000_000_000 + self.now.as_micros();
        Now::new(self.now, WallTime::from_micros(wall))
    }

    /// Everybody does what there is to do, for so many milliseconds.
    fn run(&mut self, milliseconds: u64) {
        for _ in 0..milliseconds {
            self.now = self.now + Duration::from_millis(1);
            let now = self.clocks();
            for (from, to, mut bytes) in std::mem::take(&mut self.network) {
                match to {
                    SERVER => self.server.handle_datagram(now, path(from), &mut bytes),
                    MALLORY => self.mallory.handle_datagram(now, path(from), &mut bytes),
                    _ => {
                        if let Some((client, ..)) = self.honest.get_mut(&to) {
                            client.handle_datagram(now, path(from), &mut bytes);
                        }
                    }
                }
            }
            self.turn_server(now);
            self.turn_clients(now);
            self.turn_mallory(now);
        }
    }

    fn turn_server(&mut self, now: Now) {
        self.server.handle_timeout(now);
        let mut buffer = Vec::new();
        while let Some(action) = self.server.poll_action(now, &mut buffer) {
            match action {
                Action::Send(to) => {
                    self.network
                        .push((SERVER, to.remote.port(), buffer.clone()));
                }
                Action::Persist(id, operation) => self.server_store.handle(id, operation),
                Action::Display(_) => {}
            }
            while let Some(event) = self.server_store.poll_event() {
                self.server.handle_stored(now, event);
            }
        }
    }

    fn turn_clients(&mut self, now: Now) {
        let mut buffer = Vec::new();
        for (port, (client, store, lines)) in &mut self.honest {
            client.handle_timeout(now);
            while let Some(action) = client.poll_action(now, &mut buffer) {
                match action {
                    Action::Send(to) => {
                        self.network.push((*port, to.remote.port(), buffer.clone()));
                    }
                    Action::Persist(id, operation) => store.handle(id, operation),
                    Action::Display(event) => {
                        let line = English::new(&event, &|_| "now".into()).to_string();
                        lines.extend(Some(line).filter(|line| !line.is_empty()));
                    }
                }
                while let Some(event) = store.poll_event() {
                    client.handle_stored(now, event);
                }
            }
        }
    }

    fn turn_mallory(&mut self, now: Now) {
        self.mallory.handle_timeout(now);
        let mut buffer = Vec::new();
        while let Some(to) = self.mallory.poll_transmit(now, &mut buffer) {
            self.network
                .push((MALLORY, to.remote.port(), buffer.clone()));
        }
        while let Some(event) = self.mallory.poll_event() {
            if let Event::Message { peer, bytes, .. } = event {
                let frames = Decoder::<ChatFrame>::new(&bytes).map_while(Result::ok);
                self.heard.extend(frames.map(|frame| (peer, frame)));
            }
        }
    }

    fn register(&self, request: u64, user: &str) -> ChatFrame {
        ChatFrame::Register {
            request,
            name: name(user),
            instance: InstanceId([7; 16]),
            resume: false,
            ephemeral: false,
            table: TableVersion::default(),
            positions: List::new(Vec::new()),
        }
    }

    fn say(&mut self, key: PublicKey, port: u16, bytes: &[u8]) {
        let now = self.clocks();
        let peer = self.mallory.connect(now, key, path(port), false);
        let peer = peer.expect("there is room");
        // Her own queue is full when she says too much: that is her own affair.
        let _ = self.mallory.send(now, peer, 0, Arc::from(bytes));
    }

    fn say_to_server(&mut self, frames: &[ChatFrame]) {
        let key = Identity::from_seed(&[9; 32]).public_key();
        for frame in frames {
            self.say(key, SERVER, &encode(frame));
        }
    }

    fn say_to_client(&mut self, port: u16, frame: &ChatFrame) {
        let key = Identity::from_seed(&[port as u8; 32]).public_key();
        self.say(key, port, &encode(frame));
    }

    fn command(&mut self, port: u16, command: Command) {
        let now = self.clocks();
        let (client, ..) = self.honest.get_mut(&port).expect("it runs");
        assert_eq!(client.handle_command(now, command), Ok(()));
    }

    fn lines(&mut self, port: u16) -> Vec<String> {
        let (_, _, lines) = self.honest.get_mut(&port).expect("it runs");
        std::mem::take(lines)
    }

    /// x and y chat directly and by the channel, and see that and nothing else.
    fn the_chat_goes_on(&mut self) {
        self.run(1_500);
        for port in [X, Y] {
            self.lines(port);
        }
        let (to, text) = (name("y"), "hello".to_owned());
        self.command(X, Command::Send { to, text });
        self.run(300);
        let text = "everybody".to_owned();
        self.command(Y, Command::SendAll { text });
        self.run(300);
        let shown = |lines: Vec<String>| -> Vec<String> {
            let is_table = |line: &String| line == "[Client table updated.]";
            lines.into_iter().filter(|line| !is_table(line)).collect()
        };
        let expected = ["[Message received by y.]", "[Channel_Message y: everybody]"];
        assert_eq!(shown(self.lines(X)), expected);
        let expected = ["x: hello", "[Message received by Server.]"];
        assert_eq!(shown(self.lines(Y)), expected);
    }

    fn heard(&self, is_it: impl Fn(&ChatFrame) -> bool) -> usize {
        self.heard.iter().filter(|(_, frame)| is_it(frame)).count()
    }
}

#[test]
fn a_name_cannot_be_borrowed() {
    let mut arena = Arena::new();
    for (number, from) in ["x", "server-1", "nobody"].into_iter().enumerate() {
        let direct = ChatFrame::Direct {
            id: id(number as u64),
            from: name(from),
            to: name("y"),
            text: Text::new("give me your money".to_owned()).expect("short"),
        };
        arena.say_to_client(Y, &direct);
    }
    arena.say_to_server(&[arena.register(2, "x")]);
    arena.run(2_000);
    let lines = arena.lines(Y);
    assert!(
        !lines.iter().any(|line| line.contains("money")),
        "{lines:?}"
    );
    assert_eq!(
        arena.heard(|is| matches!(is, ChatFrame::Accepted { .. })),
        0
    );
    assert_eq!(arena.heard(|is| matches!(is, ChatFrame::Refused { .. })), 1);
    arena.the_chat_goes_on();
}

#[test]
fn only_the_server_is_believed_what_a_server_says() {
    let mut arena = Arena::new();
    arena.command(Y, Command::Deregister { name: None });
    arena.run(500);
    let (to, text) = (name("y"), "kept".to_owned());
    arena.command(X, Command::Send { to, text });
    arena.run(500);
    arena.lines(X);
    let received = WallTime::from_micros(1);
    for number in 0..3 {
        let log = Conversation::Channel;
        for frame in [
            ChatFrame::Deliver {
                log,
                position: number,
                received,
                id: id(number),
                live: true,
                content: Bytes::from(vec![1, 2, 3]),
            },
            ChatFrame::Superseded {},
            ChatFrame::NotRegistered {},
            ChatFrame::CaughtUp {},
            ChatFrame::Accepted {
                ids: List::new(vec![id(number)]),
            },
            ChatFrame::Saved {
                id: id(number),
                received,
            },
            ChatFrame::TableChanges {
                after: 0,
                version: TableVersion::default(),
                complete: true,
                entries: List::new(Vec::new()),
            },
        ] {
            arena.say_to_client(X, &frame);
            arena.say_to_server(&[frame]);
        }
    }
    arena.run(2_000);
    assert_eq!(arena.lines(X), Vec::<String>::new());
    arena.command(Y, Command::Register { name: None });
    arena.run(500);
    let lines = arena.lines(Y);
    assert!(lines.contains(&"x: now kept".to_owned()), "{lines:?}");
    arena.the_chat_goes_on();
}

#[test]
fn groups_are_closed_to_those_who_are_not_in_them() {
    let mut arena = Arena::new();
    let group = name("g");
    for command in [
        Command::CreateGroup {
            group: group.clone(),
        },
        Command::JoinGroup {
            group: group.clone(),
        },
    ] {
        arena.command(X, command);
    }
    arena.run(500);
    arena.lines(X);
    let body = Bytes::from(b"let me in".to_vec());
    let to = Conversation::Group(group.clone());
    let submit = |number, to: &Conversation| ChatFrame::Submit {
        id: id(number),
        to: to.clone(),
        body: body.clone(),
    };
    arena.say_to_server(&[
        submit(1, &to),
        submit(2, &Conversation::Group(name("none"))),
        submit(3, &Conversation::User(name("none"))),
        ChatFrame::ListMembers {
            request: 4,
            group: group.clone(),
            after: None,
        },
        ChatFrame::LeaveGroup { request: 5, group },
    ]);
    arena.run(500);
    let is_rejected = |is: &ChatFrame| matches!(is, ChatFrame::Rejected { .. });
    assert_eq!(arena.heard(is_rejected), 3);
    assert_eq!(arena.heard(|is| matches!(is, ChatFrame::Refused { .. })), 1);
    assert_eq!(arena.heard(|is| matches!(is, ChatFrame::Names { .. })), 0);
    assert_eq!(arena.lines(X), Vec::<String>::new());
}

#[test]
fn what_is_no_frame_is_counted_and_an_unknown_one_is_answered_once() {
    let mut arena = Arena::new();
    let key = Identity::from_seed(&[9; 32]).public_key();
    let malformed = arena.server.server_counters().malformed_messages;
    for length in [0_usize, 1, 7, 300, 60_000] {
        let garbage: Vec<u8> = (0..length).map(|at| (at * 37 % 251) as u8).collect();
        arena.say(key, SERVER, &garbage);
    }
    // An array of a tag that nobody knows and a field, 200 times in one message.
    arena.say(key, SERVER, &[0x82, 0x19, 0x7f, 0xff, 0x01].repeat(200));
    arena.run(1_000);
    let counted = arena.server.server_counters().malformed_messages - malformed;
    assert!(counted >= 3, "{counted}");
    let is_answer = |is: &ChatFrame| matches!(is, ChatFrame::Unsupported { tag: 0x7fff });
    let answers = arena.heard(is_answer);
    assert_eq!(answers, 1, "each peer is told once");
    assert_eq!(arena.server.server_counters().unknown_frames, 200);
    arena.run(5_000);
    assert_eq!(arena.heard(is_answer), answers, "not for ever");
    arena.the_chat_goes_on();
}

#[test]
fn a_client_tells_once_that_it_does_not_know_a_frame() {
    let mut arena = Arena::new();
    let key = Identity::from_seed(&[X as u8; 32]).public_key();
    arena.say(key, X, &[0x82, 0x19, 0x7f, 0xff, 0x01].repeat(200));
    arena.say(key, X, &encode(&ChatFrame::Unsupported { tag: 5 }));
    arena.run(5_000);
    let is_answer = |is: &ChatFrame| matches!(is, ChatFrame::Unsupported { .. });
    assert_eq!(arena.heard(is_answer), 1);
    arena.the_chat_goes_on();
}

#[test]
fn a_flood_of_requests_does_not_keep_the_others_from_chatting() {
    let mut arena = Arena::new();
    for round in 0..8 {
        let body = Bytes::from(vec![b'm'; 100]);
        for number in 0..200 {
            let request = round * 1_000 + number;
            let to = Conversation::User(name("nobody"));
            arena.say_to_server(&[
                ChatFrame::Submit {
                    id: id(request),
                    to,
                    body: body.clone(),
                },
                ChatFrame::LookUp {
                    request,
                    name: name(&format!("n{request}")),
                },
                ChatFrame::Accepted {
                    ids: List::new((0..64).map(id).collect()),
                },
            ]);
        }
        arena.run(20);
    }
    arena.the_chat_goes_on();
}
