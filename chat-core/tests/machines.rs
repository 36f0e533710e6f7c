//! What a driver sees of any machine, and of a client in particular.

use chat_core::{
    client::{self, Client, Command, CommandError, Ended, Event},
    crypto::Identity,
    id::Path,
    machine::Machine,
    server::{self, Server},
    store::MemoryStore,
    time::{Duration, Instant, Now, WallTime},
    wire::header::HelloAck,
};

const SERVER: u16 = 5_000;
const CLIENT: u16 = 5_001;

#[test]
fn a_driver_that_knows_only_the_machine_runs_a_client_and_a_server() {
    let mut pair = Pair::new();
    assert_eq!(pair.client.machine.store_of(), None, "no server is trusted");
    pair.run(500);
    let key = pair.server.machine.public_key();
    assert_eq!(Machine::store_of(&pair.server.machine), Some(key));
    assert_eq!(Machine::store_of(&pair.client.machine), Some(key));
    assert_eq!(pair.client.machine.name().as_str(), "alice");
    assert!(pair.client.machine.counters().datagrams_received > 0);
    let registered = |event: &Event| matches!(event, Event::Registered { .. });
    assert!(pair.client.shown.iter().any(registered));
    assert_eq!((pair.client.end(), pair.server.end()), (None, None));
    pair.client.leave(pair.now());
    pair.run(500);
    assert_eq!(pair.client.end(), Some(Ended::Normally));
    pair.server.leave(pair.now());
    pair.run(10);
    assert_eq!(pair.server.end(), Some(()));
}

#[test]
fn a_client_that_is_stopped_while_it_meets_its_server_goes_on_later() {
    let mut pair = Pair::new();
    // It has the server's key and has begun a handshake, whose answer is lost.
    pair.run(2);
    let mut waiting = Vec::new();
    for _ in 0..400 {
        pair.millis += 1;
        let sent = pair.client.turn(pair.now());
        pair.server.take(pair.now(), CLIENT, sent);
        waiting.extend(pair.server.turn(pair.now()));
    }
    waiting.retain(|datagram| datagram.len() == HelloAck::BYTES);
    assert!(!waiting.is_empty());
    // It wakes too late for the handshake, and finds only that the server is there.
    pair.millis += 180_000;
    pair.client.take(pair.now(), SERVER, waiting);
    pair.run(5_000);
    let registered = |event: &Event| matches!(event, Event::Registered { .. });
    assert!(
        pair.client.shown.iter().any(registered),
        "{:?}",
        pair.client.shown
    );
}

#[test]
fn while_events_are_not_polled_datagrams_are_dropped_and_counted() {
    let mut pair = Pair::new();
    pair.run(500);
    pair.client.shows = false;
    for _ in 0..MAX_EVENTS {
        pair.command(Command::Note("a line".into())).expect("room");
    }
    assert_eq!(pair.client.machine.dropped(), 0);
    pair.client
        .machine
        .handle_datagram(pair.now(), path(SERVER), &mut [0; 40]);
    assert_eq!(pair.client.machine.dropped(), 1);
    pair.client.shows = true;
    pair.run(10);
    pair.client
        .machine
        .handle_datagram(pair.now(), path(SERVER), &mut [0; 40]);
    assert_eq!(pair.client.machine.dropped(), 1);
}

#[test]
fn commands_that_wait_are_bounded_and_the_end_takes_none() {
    let mut pair = Pair::new();
    let note = || Command::Note("later".into());
    for _ in 0..MAX_COMMANDS {
        assert_eq!(pair.command(note()), Ok(()));
    }
    assert_eq!(pair.command(note()), Err(CommandError::Busy));
    pair.client.leave(pair.now());
    assert_eq!(pair.command(note()), Err(CommandError::Ended));
}

#[test]
fn a_switch_hands_on_the_commands_that_have_not_begun() {
    let mut pair = Pair::new();
    let commands = pair.switch();
    assert_eq!(pair.client.end(), Some(Ended::SwitchUser));
    let wanted = pair.client.machine.wanted_user();
    assert_eq!(wanted.map(|name| name.as_str()), Some("bob"));
    assert_eq!(pair.client.machine.take_commands(), commands);
    assert_eq!(pair.client.machine.wanted_user(), None);
}

#[test]
fn a_client_whose_user_cannot_switch_stays_and_goes_on_with_its_commands() {
    let mut pair = Pair::new();
    pair.switch();
    let now = pair.now();
    pair.client.machine.stay(now);
    pair.client.shown.clear();
    pair.run(10);
    assert_eq!(pair.client.shown, [Event::Note("after".into())]);
    pair.command(Command::Register { name: None })
        .expect("it has not ended");
    pair.run(500);
    let registered = |event: &Event| {
        matches!(
            event,
            Event::Registered {
                returning: true,
                ..
            }
        )
    };
    assert!(pair.client.shown.iter().any(registered));
}

#[test]
fn staying_changes_nothing_without_a_switch() {
    let mut pair = Pair::new();
    pair.run(500);
    pair.client.leave(pair.now());
    let now = pair.now();
    pair.client.machine.stay(now);
    pair.run(500);
    assert_eq!(pair.client.end(), Some(Ended::Normally));
}

const MAX_EVENTS: usize = 16;
const MAX_COMMANDS: usize = 4;

fn path(port: u16) -> Path {
    Path::to(([127, 0, 0, 1], port).into())
}

/// A machine with its store, and what it has shown.
struct Driven<M: Machine> {
    machine: M,
    store: MemoryStore,
    shown: Vec<M::Event>,
    shows: bool,
}

impl<M: Machine> Driven<M> {
    fn new(machine: M) -> Self {
        Self {
            machine,
            store: MemoryStore::new(),
            shown: Vec::new(),
            shows: true,
        }
    }

    /// Does what is due and what the machine wants: the datagrams that it sends.
    fn turn(&mut self, now: Now) -> Vec<Vec<u8>> {
        if self
            .machine
            .poll_timeout()
            .is_some_and(|at| at <= now.instant)
        {
            self.machine.handle_timeout(now);
        }
        while let Some((id, operation)) = self.machine.poll_persist() {
            self.store.handle(id, operation);
            while let Some(event) = self.store.poll_event() {
                self.machine.handle_stored(now, event);
            }
        }
        let (mut buffer, mut sent) = (Vec::new(), Vec::new());
        while self.machine.poll_transmit(now, &mut buffer).is_some() {
            sent.push(buffer.clone());
        }
        while self.shows
            && let Some(event) = self.machine.poll_event()
        {
            self.shown.push(event);
        }
        sent
    }

    fn take(&mut self, now: Now, from: u16, datagrams: Vec<Vec<u8>>) {
        for mut datagram in datagrams {
            self.machine.handle_datagram(now, path(from), &mut datagram);
        }
    }

    fn leave(&mut self, now: Now) {
        self.machine.leave(now);
    }

    fn end(&self) -> Option<M::End> {
        self.shown.last().and_then(M::end)
    }
}

/// A server and a client that exchange datagrams every millisecond.
struct Pair {
    server: Driven<Server>,
    client: Driven<Client>,
    millis: u64,
}

impl Pair {
    fn new() -> Self {
        let now = at(0);
        let server = server::Options::new(Identity::from_seed(&[9; 32]), [9; 32]);
        let name = "alice".parse().expect("a legal name");
        let identity = Identity::from_seed(&[1; 32]);
        let mut client = client::Options::new(name, identity, path(SERVER), [1; 32]);
        client.config.link.max_events = MAX_EVENTS;
        client.config.max_commands = MAX_COMMANDS;
        client.config.leave_timeout = Duration::from_millis(100);
        Self {
            server: Driven::new(Server::new(now, server)),
            client: Driven::new(Client::new(now, client)),
            millis: 0,
        }
    }

    fn now(&self) -> Now {
        at(self.millis)
    }

    fn run(&mut self, millis: u64) {
        for _ in 0..millis {
            self.millis += 1;
            let now = self.now();
            let sent = self.server.turn(now);
            self.client.take(now, SERVER, sent);
            let sent = self.client.turn(now);
            self.server.take(now, CLIENT, sent);
        }
    }

    fn command(&mut self, command: Command) -> Result<(), CommandError> {
        self.client.machine.handle_command(at(self.millis), command)
    }

    /// Online, the user goes offline and wants to be another one, then more: the last two.
    fn switch(&mut self) -> [Command; 2] {
        self.run(500);
        let name = Some("bob".parse().expect("a legal name"));
        let commands = [Command::Register { name }, Command::Note("after".into())];
        let leave = Command::Deregister { name: None };
        for command in core::iter::once(leave).chain(commands.clone()) {
            self.command(command).expect("room");
        }
        self.run(500);
        commands
    }
}

fn at(millis: u64) -> Now {
    let wall = WallTime::from_micros(1_700_000_000_000_000 + millis * 1_000);
    Now::new(Instant::from_micros(millis * 1_000), wall)
}
