//! A machine on its store: what it takes, and what it does when its turn comes.

use chat_core::{
    action::Action,
    client::{self, Client, Ended},
    id::{Path, PublicKey},
    link::{self, Endpoint},
    server::Server,
    store::StoreEvent,
    text::English,
    time::{Instant, Now},
};

use crate::disk::Disk;

/// How long a datagram takes, in microseconds.
const DELAY: u64 = 1_000;

pub(crate) enum Machine {
    Client(Box<Client>),
    Server(Box<Server>),
    /// Speaks the link, and says what the test says.
    Stranger(Box<Endpoint>),
}

pub(crate) struct Node {
    pub(crate) machine: Option<Machine>,
    pub(crate) disk: Disk,
    pub(crate) port: u16,
    pub(crate) identity: u8,
    pub(crate) starts: u8,
    pub(crate) lines: Vec<String>,
    pub(crate) events: Vec<client::Event>,
    pub(crate) ended: Option<Ended>,
    pub(crate) server_key: Option<PublicKey>,
    /// Operations that the store still takes before the machine is killed.
    pub(crate) operations_left: Option<usize>,
    pub(crate) operations: usize,
    /// What a stranger was told.
    pub(crate) messages: Vec<Vec<u8>>,
    /// How many actions are done at a turn; the rest waits.
    pub(crate) actions_at_once: usize,
}

pub(crate) struct Datagram {
    pub(crate) at: u64,
    pub(crate) from: u16,
    pub(crate) to: u16,
    pub(crate) bytes: Vec<u8>,
}

pub(crate) fn path(port: u16) -> Path {
    Path::to(([127, 0, 0, 1], port).into())
}

impl Node {
    pub(crate) fn receive(&mut self, now: Now, datagram: &mut Datagram) {
        let from = path(datagram.from);
        match &mut self.machine {
            Some(Machine::Client(client)) => {
                client.handle_datagram(now, from, &mut datagram.bytes);
            }
            Some(Machine::Server(server)) => {
                server.handle_datagram(now, from, &mut datagram.bytes);
            }
            Some(Machine::Stranger(endpoint)) => {
                endpoint.handle_datagram(now, from, &mut datagram.bytes);
            }
            None => {}
        }
    }

    pub(crate) fn act(&mut self, now: Now, sent: &mut Vec<Datagram>) {
        let due = |at: Option<Instant>| at.is_some_and(|at| at <= now.instant);
        match &mut self.machine {
            Some(Machine::Client(client)) if due(client.poll_timeout()) => {
                client.handle_timeout(now);
            }
            Some(Machine::Server(server)) if due(server.poll_timeout()) => {
                server.handle_timeout(now);
            }
            Some(Machine::Stranger(endpoint)) if due(endpoint.poll_timeout()) => {
                endpoint.handle_timeout(now);
            }
            _ => {}
        }
        self.complete(now);
        let mut buffer = Vec::new();
        for _ in 0..self.actions_at_once {
            let action = match &mut self.machine {
                Some(Machine::Client(client)) => client.poll_action(now, &mut buffer).map(Ok),
                Some(Machine::Server(server)) => server.poll_action(now, &mut buffer).map(Err),
                Some(Machine::Stranger(endpoint)) => {
                    while let Some(event) = endpoint.poll_event() {
                        if let link::Event::Message { bytes, .. } = event {
                            self.messages.push(bytes);
                        }
                    }
                    let path = endpoint.poll_transmit(now, &mut buffer);
                    path.map(|path| Ok(Action::Send(path)))
                }
                None => return,
            };
            match action {
                None => break,
                Some(Ok(Action::Display(event))) => self.show(&event),
                Some(Err(Action::Display(event))) => {
                    let text = English::new(&event, &|_| "<ts>".into()).to_string();
                    self.lines.extend(text.lines().map(Into::into));
                }
                Some(Ok(Action::Persist(id, operation)) | Err(Action::Persist(id, operation))) => {
                    if self.operations_left == Some(0) {
                        self.machine = None;
                        return;
                    }
                    self.operations_left = self.operations_left.map(|left| left - 1);
                    self.operations += 1;
                    self.disk.handle(now.instant.as_micros(), id, operation);
                    self.complete(now);
                }
                Some(Ok(Action::Send(to)) | Err(Action::Send(to))) => sent.push(Datagram {
                    at: now.instant.as_micros() + DELAY,
                    from: self.port,
                    to: to.remote.port(),
                    bytes: buffer.clone(),
                }),
            }
        }
    }

    fn complete(&mut self, now: Now) {
        while let Some(event) = self.disk.poll_event(now.instant.as_micros()) {
            self.stored(now, event);
        }
    }

    pub(crate) fn stored(&mut self, now: Now, event: StoreEvent) {
        match &mut self.machine {
            Some(Machine::Client(client)) => client.handle_stored(now, event),
            Some(Machine::Server(server)) => server.handle_stored(now, event),
            Some(Machine::Stranger(_)) | None => {}
        }
    }

    fn show(&mut self, event: &client::Event) {
        match event {
            client::Event::ServerTrusted { key } => self.server_key = Some(*key),
            client::Event::Ended(ended) => {
                self.ended = Some(*ended);
                self.machine = None;
            }
            _ => {}
        }
        self.events.push(event.clone());
        let text = English::new(event, &|_| "<ts>".into()).to_string();
        if !text.is_empty() {
            self.lines.extend(text.lines().map(Into::into));
        }
    }
}
