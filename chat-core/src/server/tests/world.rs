//! Clients that say what the test says, a link that loses nothing, and the store in memory.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    string::String,
    vec::Vec,
};

use crate::{
    config::ServerConfig,
    conversation::Conversation,
    id::{InstanceId, MessageId, PublicKey},
    link::PeerId,
    name::Name,
    server::{
        Command, Event, PeerStatus,
        item::encode,
        state::{LinkCommand, Sender, State},
    },
    store::{MemoryStore, OperationId, StoreEvent, StoreOperation},
    time::{Duration, Instant, Now, WallTime},
    wire::{Bytes, ChatFrame, Content, Decoder, List, ReadPosition, TableVersion},
};

/// So many operations, events and commands in a row are without end.
const WITHOUT_END: usize = 1_000_000;

pub(crate) struct World {
    pub(crate) state: State,
    pub(crate) store: MemoryStore,
    pub(crate) config: ServerConfig,
    now: Instant,
    /// Peers that do not answer any more.
    pub(crate) dead: BTreeSet<u32>,
    /// Peers to which something is always on its way.
    pub(crate) slow: BTreeSet<u32>,
    /// Operations stay in here while the store does not work.
    pub(crate) blocked: Option<Vec<(OperationId, StoreOperation)>>,
    /// What arrives in a log is not noticed.
    pub(crate) loses_notices: bool,
    received: BTreeMap<u32, Vec<ChatFrame>>,
    pub(crate) closed: Vec<u32>,
    events: Vec<Event>,
    starts: u64,
    request: u64,
}

pub(crate) fn name(text: &str) -> Name {
    text.parse().unwrap()
}

pub(crate) fn user(text: &str) -> Conversation {
    Conversation::User(name(text))
}

pub(crate) fn group(text: &str) -> Conversation {
    Conversation::Group(name(text))
}

pub(crate) fn message(number: u8) -> MessageId {
    MessageId([number; 16])
}

/// A key for each letter, so that a test says `x` for the user, its key and its peer.
fn key(text: &str) -> PublicKey {
    PublicKey([text.as_bytes()[0]; 32])
}

/// A delivered entry as a line: `user x: hello`, `receipt 1 by y`, with `live` before it.
pub(crate) fn line(frame: &ChatFrame) -> Option<String> {
    use alloc::format;
    let ChatFrame::Deliver { live, content, .. } = frame else {
        return None;
    };
    let text = match Decoder::<Content>::new(content).next().unwrap().unwrap() {
        Content::Mail { sender, sealed } => {
            format!("mail {sender}: {}", String::from_utf8_lossy(&sealed))
        }
        Content::Post { sender, text } => format!("post {sender}: {text}"),
        Content::Receipt {
            message, reader, ..
        } => format!("receipt {} by {reader}", message.0[0]),
        Content::Expired {
            message, reader, ..
        } => format!("expired {} to {reader}", message.0[0]),
        Content::Unknown { .. } => unreachable!("the server writes none"),
    };
    Some(if *live { format!("live {text}") } else { text })
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(ServerConfig::default())
    }

    pub(crate) fn with(config: ServerConfig) -> Self {
        Self::start(config, MemoryStore::new(), Instant::from_micros(1))
    }

    /// A server that has just read its records from `store`.
    pub(crate) fn start(config: ServerConfig, store: MemoryStore, now: Instant) -> Self {
        let start = Now::new(now, WallTime::from_micros(now.as_micros()));
        let mut world = Self {
            state: State::new(start, config.clone(), now.as_micros() << 8),
            store,
            config,
            now,
            dead: BTreeSet::new(),
            slow: BTreeSet::new(),
            blocked: None,
            loses_notices: false,
            received: BTreeMap::new(),
            closed: Vec::new(),
            events: Vec::new(),
            starts: 0,
            request: 0,
        };
        world.settle();
        world
    }

    /// The server is killed, and started again on what was durable.
    pub(crate) fn restart(self) -> Self {
        let mut world = Self::start(self.config, self.store.image(), self.now);
        world.starts = self.starts;
        world
    }

    pub(crate) fn now(&self) -> Now {
        Now::new(self.now, WallTime::from_micros(self.now.as_micros()))
    }

    /// Lets the store and the link do what they are asked to.
    pub(crate) fn settle(&mut self) {
        let mut turns = 0;
        loop {
            turns += 1;
            assert!(turns < WITHOUT_END, "it goes on without end");
            let now = self.now();
            if let Some((id, operation)) = self.state.poll_persist() {
                match &mut self.blocked {
                    Some(blocked) => blocked.push((id, operation)),
                    None => self.store.handle(id, operation),
                }
            } else if let Some(event) = self.store.poll_event() {
                if !self.loses_notices || !matches!(event, StoreEvent::Arrived { .. }) {
                    self.state.handle_stored(now, event);
                }
            } else if let Some(command) = self.state.poll_command() {
                self.obey(now, command);
            } else {
                break;
            }
        }
        while let Some(event) = self.state.poll_event() {
            self.events.push(event);
        }
    }

    /// The store works again.
    pub(crate) fn unblock(&mut self) {
        for (id, operation) in self.blocked.take().unwrap_or_default() {
            self.store.handle(id, operation);
        }
        self.settle();
    }

    /// The operator asks for something.
    pub(crate) fn operate(&mut self, command: Command) {
        self.state.operate(self.now(), command);
        self.settle();
    }

    /// The store says something of its own.
    pub(crate) fn report(&mut self, event: StoreEvent) {
        self.state.handle_stored(self.now(), event);
        self.settle();
    }

    fn obey(&mut self, now: Now, command: LinkCommand) {
        match command {
            LinkCommand::Send { peer, message, .. } => {
                let frame = Decoder::new(&message).next().unwrap().unwrap();
                self.received.entry(peer.0).or_default().push(frame);
            }
            LinkCommand::Probe(peer) if self.dead.contains(&peer.0) => {
                self.state.handle_probe_failed(now, peer);
            }
            LinkCommand::Probe(peer) => self.state.handle_probe_answered(peer),
            LinkCommand::Close(peer) => self.closed.push(peer.0),
        }
    }

    /// Time passes; what is due is done when it is.
    pub(crate) fn pass(&mut self, duration: Duration) {
        let end = self.now + duration;
        self.settle();
        while let Some(due) = self.state.next_timeout().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            let (now, dead) = (self.now(), self.dead.clone());
            let slow = self.slow.clone();
            let status = |peer: PeerId| PeerStatus {
                last_heard: (!dead.contains(&peer.0)).then_some(now.instant),
                queued: usize::from(dead.contains(&peer.0) || slow.contains(&peer.0)),
            };
            self.state.handle_timeout(now, &status);
            self.settle();
        }
        self.now = end;
    }

    /// A peer, of the key of `owner`, says something.
    pub(crate) fn say(&mut self, peer: u32, owner: &str, frame: &ChatFrame) {
        self.say_bytes(peer, owner, &encode(frame));
    }

    pub(crate) fn say_bytes(&mut self, peer: u32, owner: &str, bytes: &[u8]) {
        let from = Sender {
            peer: PeerId(peer),
            key: key(owner),
            address: ([127, 0, 0, 1], 4_000).into(),
        };
        self.state.handle_message(self.now(), &from, bytes);
        self.settle();
    }

    pub(crate) fn register_frame(&mut self, owner: &str, resume: bool) -> ChatFrame {
        self.starts += 1;
        self.request += 1;
        ChatFrame::Register {
            request: self.request,
            name: name(owner),
            instance: InstanceId([u8::try_from(self.starts).unwrap(); 16]),
            resume,
            ephemeral: false,
            table: TableVersion::default(),
            positions: List::new(Vec::new()),
        }
    }

    /// For tests with more starts than instances can be told apart by.
    pub(crate) fn forget_starts(&mut self) {
        self.starts = 0;
    }

    /// An explicit start: a peer whose number is the letter's, unless another is given.
    pub(crate) fn register(&mut self, owner: &str) -> u32 {
        let peer = peer(owner);
        self.register_at(peer, owner);
        peer
    }

    pub(crate) fn register_at(&mut self, peer: u32, owner: &str) {
        let frame = self.register_frame(owner, false);
        self.say(peer, owner, &frame);
    }

    /// Registers with positions that the client has read up to.
    pub(crate) fn register_from(&mut self, owner: &str, positions: Vec<ReadPosition>) {
        let mut frame = self.register_frame(owner, false);
        if let ChatFrame::Register { positions: at, .. } = &mut frame {
            *at = List::new(positions);
        }
        self.say(peer(owner), owner, &frame);
    }

    pub(crate) fn ask(&mut self, owner: &str, frame: impl FnOnce(u64) -> ChatFrame) {
        self.request += 1;
        let frame = frame(self.request);
        self.say(peer(owner), owner, &frame);
    }

    pub(crate) fn deregister(&mut self, owner: &str) {
        self.ask(owner, |request| ChatFrame::Deregister { request });
        self.state.handle_closed(self.now(), PeerId(peer(owner)));
        self.settle();
    }

    pub(crate) fn create_and_join(&mut self, group: &str, members: &[&str]) {
        self.ask(members[0], |request| ChatFrame::CreateGroup {
            request,
            group: name(group),
        });
        for member in members {
            self.ask(member, |request| ChatFrame::JoinGroup {
                request,
                group: name(group),
            });
        }
    }

    pub(crate) fn submit(&mut self, owner: &str, number: u8, to: &Conversation, text: &str) {
        let frame = ChatFrame::Submit {
            id: message(number),
            to: to.clone(),
            body: Bytes::from(text.as_bytes().to_vec()),
        };
        self.say(peer(owner), owner, &frame);
    }

    /// Accepts everything that was delivered, until nothing more is. What was delivered, in order.
    pub(crate) fn accept(&mut self, owner: &str) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            let frames = self.hear(owner);
            let ids: Vec<MessageId> = frames.iter().filter_map(delivered_id).collect();
            lines.extend(frames.iter().filter_map(line));
            if ids.is_empty() {
                return lines;
            }
            for ids in ids.chunks(64) {
                let ids = List::new(ids.to_vec());
                self.say(peer(owner), owner, &ChatFrame::Accepted { ids });
            }
        }
    }

    /// What a client has been sent since it was asked last.
    pub(crate) fn hear(&mut self, owner: &str) -> Vec<ChatFrame> {
        self.hear_at(peer(owner))
    }

    pub(crate) fn hear_at(&mut self, peer: u32) -> Vec<ChatFrame> {
        self.received.remove(&peer).unwrap_or_default()
    }

    /// What the server has shown since it was asked last, except the batches of the table.
    pub(crate) fn shown(&mut self) -> Vec<Event> {
        let mut events = core::mem::take(&mut self.events);
        events.retain(|event| *event != Event::TableUpdated);
        events
    }

    pub(crate) fn batches_shown(&mut self) -> usize {
        let events = core::mem::take(&mut self.events);
        let batches = events.iter().filter(|event| **event == Event::TableUpdated);
        batches.count()
    }
}

/// The number of the peer that a user's only client is.
pub(crate) fn peer(owner: &str) -> u32 {
    u32::from(owner.as_bytes()[0])
}

fn delivered_id(frame: &ChatFrame) -> Option<MessageId> {
    match frame {
        ChatFrame::Deliver { id, .. } => Some(*id),
        _ => None,
    }
}
