//! What a driver sees of a server: inputs in any order, outputs, time.

use chat_core::{
    client::{self, Client},
    crypto::Identity,
    id::{MessageId, Path},
    machine::Machine,
    server::{self, Command, Event, Server},
    store::{Entry, Log, MemoryStore, OperationId, Position, StoreError, StoreEvent},
    time::{Duration, Instant, Now, WallTime},
};

const SERVER: u16 = 5_000;
const CLIENT: u16 = 5_001;

fn path(port: u16) -> Path {
    Path::to(([127, 0, 0, 1], port).into())
}

fn at(millis: u64) -> Now {
    let wall = WallTime::from_micros(1_700_000_000_000_000 + millis * 1_000);
    Now::new(Instant::from_micros(millis * 1_000), wall)
}

fn new_server() -> Server {
    let options = server::Options::new(Identity::from_seed(&[9; 32]), [9; 32]);
    Server::new(at(0), options)
}

fn new_client() -> Client {
    let name = "alice".parse().expect("a legal name");
    let identity = Identity::from_seed(&[1; 32]);
    let options = client::Options::new(name, identity, path(SERVER), [1; 32]);
    Client::new(at(0), options)
}

/// Lets the store do what a machine asks of it.
fn store(now: Now, machine: &mut impl Machine, store: &mut MemoryStore) {
    while let Some((id, operation)) = machine.poll_persist() {
        store.handle(id, operation);
        while let Some(event) = store.poll_event() {
            machine.handle_stored(now, event);
        }
    }
}

fn shown(server: &mut Server) -> Vec<Event> {
    std::iter::from_fn(|| server.poll_event()).collect()
}

/// A server and a client that exchange datagrams every millisecond, each with a store.
struct Pair {
    server: Server,
    client: Client,
    stores: [MemoryStore; 2],
    millis: u64,
}

impl Pair {
    fn new() -> Self {
        Self {
            server: new_server(),
            client: new_client(),
            stores: [MemoryStore::new(), MemoryStore::new()],
            millis: 0,
        }
    }

    fn run(&mut self, millis: u64) {
        let mut buffer = Vec::new();
        for _ in 0..millis {
            self.millis += 1;
            let now = at(self.millis);
            self.server.handle_timeout(now);
            self.client.handle_timeout(now);
            store(now, &mut self.server, &mut self.stores[0]);
            store(now, &mut self.client, &mut self.stores[1]);
            while self.client.poll_transmit(now, &mut buffer).is_some() {
                self.server.handle_datagram(now, path(CLIENT), &mut buffer);
            }
            while self.server.poll_transmit(now, &mut buffer).is_some() {
                self.client.handle_datagram(now, path(SERVER), &mut buffer);
            }
        }
    }
}

fn has_registered(events: &[Event]) -> bool {
    let registered = |event: &Event| matches!(event, Event::Registered { .. });
    events.iter().any(registered)
}

#[test]
fn until_its_records_are_loaded_a_server_is_not_there() {
    let mut pair = Pair::new();
    let mut records = MemoryStore::new();
    let mut waiting = Vec::new();
    while let Some(operation) = pair.server.poll_persist() {
        waiting.push(operation);
    }
    pair.run(300);
    assert!(pair.server.server_counters().dropped_while_loading > 0);
    assert_eq!(pair.server.counters().datagrams_received, 0);
    for (id, operation) in waiting {
        records.handle(id, operation);
    }
    while let Some(event) = records.poll_event() {
        pair.server.handle_stored(at(300), event);
    }
    pair.stores[0] = records;
    pair.run(1_000);
    assert!(has_registered(&shown(&mut pair.server)));
}

#[test]
fn records_that_cannot_be_read_at_first_are_asked_for_again() {
    let mut pair = Pair::new();
    while let Some((operation, _)) = pair.server.poll_persist() {
        let error = StoreError::Unavailable;
        let failed = StoreEvent::Failed { operation, error };
        pair.server.handle_stored(at(0), failed);
    }
    pair.run(3_000);
    assert!(has_registered(&shown(&mut pair.server)));
}

#[test]
fn the_timeout_is_not_after_now_while_something_waits_and_far_away_when_all_is_quiet() {
    let mut server = new_server();
    assert_eq!(server.poll_timeout(), Some(at(0).instant));
    store(at(0), &mut server, &mut MemoryStore::new());
    let quiet_until = server.poll_timeout().expect("the grace ends some time");
    assert!(quiet_until >= at(1_000).instant);
    server.handle_command(at(5), Command::Groups);
    assert_eq!(server.poll_timeout(), Some(at(5).instant));
    assert_eq!(shown(&mut server), [Event::Groups { names: vec![] }]);
    assert_eq!(server.poll_timeout(), Some(quiet_until));
}

#[test]
fn a_clock_that_goes_back_stands_still() {
    let mut pair = Pair::new();
    pair.run(500);
    shown(&mut pair.server);
    pair.server.handle_timeout(at(0));
    pair.server.handle_command(at(0), Command::Peers);
    let events = shown(&mut pair.server);
    assert!(matches!(&events[..], [Event::Peers { peers }] if peers.len() == 1 && peers[0].online));
    pair.run(100);
    assert_eq!(shown(&mut pair.server), []);
}

#[test]
fn a_clock_that_goes_back_brings_nothing_forward() {
    let (mut back, mut steady) = (new_server(), new_server());
    back.handle_timeout(at(5_000));
    steady.handle_timeout(at(5_000));
    store(at(0), &mut back, &mut MemoryStore::new());
    store(at(5_000), &mut steady, &mut MemoryStore::new());
    assert_eq!(back.poll_timeout(), steady.poll_timeout());
}

#[test]
fn completions_that_nobody_waits_for_and_garbage_change_nothing() {
    let mut pair = Pair::new();
    pair.run(500);
    shown(&mut pair.server);
    let operation = OperationId(u64::MAX);
    for event in [
        StoreEvent::Done {
            operation,
            revision: None,
        },
        StoreEvent::Conflict {
            operation,
            current: None,
        },
        StoreEvent::Fetched {
            operation,
            entries: Vec::new(),
        },
        StoreEvent::Arrived {
            log: Log::Inbox,
            entry: Entry {
                position: Position(1),
                id: MessageId([1; 16]),
                received: WallTime::default(),
                bytes: [].into(),
            },
        },
        StoreEvent::Resynchronise,
        StoreEvent::Well,
    ] {
        pair.server.handle_stored(at(500), event);
    }
    for length in 0..200_u8 {
        let mut datagram = vec![length.wrapping_mul(37); usize::from(length)];
        pair.server
            .handle_datagram(at(500), path(6_000), &mut datagram);
    }
    pair.run(100);
    assert_eq!(shown(&mut pair.server), []);
    pair.server.handle_command(at(700), Command::Peers);
    assert!(matches!(&shown(&mut pair.server)[..], [Event::Peers { peers }] if peers[0].online));
}

#[test]
fn a_server_stops_when_everything_is_written() {
    let mut pair = Pair::new();
    pair.run(500);
    shown(&mut pair.server);
    pair.server.handle_command(at(501), Command::Stop);
    store(at(501), &mut pair.server, &mut pair.stores[0]);
    assert_eq!(shown(&mut pair.server), [Event::Stopped]);
    pair.server.handle_command(at(502), Command::Stop);
    assert_eq!(shown(&mut pair.server), [], "once");
}

#[test]
fn a_server_that_stops_waits_for_its_store_and_nothing_else() {
    let mut pair = Pair::new();
    pair.run(500);
    pair.server.handle_command(at(501), Command::Stop);
    let mut buffer = Vec::new();
    for millis in [30_000, 60_000, 60_000] {
        pair.server.handle_timeout(at(millis));
        shown(&mut pair.server);
        while pair.server.poll_persist().is_some() {}
        while pair.server.poll_transmit(at(millis), &mut buffer).is_some() {}
    }
    let next = pair.server.poll_timeout();
    assert!(next.is_none_or(|next| next > at(60_000).instant));
}

#[test]
fn a_client_that_is_gone_is_found_to_be_offline_within_thirty_seconds() {
    let mut pair = Pair::new();
    pair.run(500);
    shown(&mut pair.server);
    let mut buffer = Vec::new();
    let (start, mut millis) = (pair.millis, pair.millis);
    let is_offline = |event: &Event| matches!(event, Event::Offline { .. });
    while !shown(&mut pair.server).iter().any(is_offline) {
        millis += 10;
        let now = at(millis);
        pair.server.handle_timeout(now);
        store(now, &mut pair.server, &mut pair.stores[0]);
        while pair.server.poll_transmit(now, &mut buffer).is_some() {}
        let limit = Duration::from_secs(30);
        assert!(now.instant.saturating_since(at(start).instant) < limit);
    }
}
