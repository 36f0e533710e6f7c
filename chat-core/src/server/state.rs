//! The server without its link: who is there, and what becomes of each frame.
//!
//! Inputs are messages of peers, what the link reports of them, events of the store, and time.
//! Outputs are commands for the link, operations for the store, and events. What is durable
//! changes only by what the store says; a request whose records had to be written first is handled
//! again when they are, until there is nothing left to write, and is answered then.

use alloc::{
    boxed::Box,
    collections::{BTreeSet, VecDeque},
    string::String,
    sync::Arc,
    vec::Vec,
};
use core::net::SocketAddr;

use super::{
    Counters, Event,
    attachments::Attachments,
    interests::Interests,
    item::encode,
    log_reader::Span,
    members::Members,
    names::Names,
    rate_limit::Allowances,
    session::{Session, SessionId, Sessions},
    table::Table,
};
use crate::{
    config::ServerConfig,
    conversation::Conversation,
    id::{MessageId, PublicKey},
    link::PeerId,
    name::Name,
    store::{self, Log, OperationId, Pending, Position, Revision, StoreOperation},
    streams,
    time::{Instant, Now, WallTime},
    timers::Timers,
    unknown_tags::UnknownTags,
    wire::{ChatFrame, Presence},
};

/// Events that were not polled, at most; past it they are dropped, counted.
pub(super) const MAX_EVENTS: usize = 65_536;

/// What the link is asked to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum LinkCommand {
    Send {
        peer: PeerId,
        stream: u8,
        message: Arc<[u8]>,
    },
    Probe(PeerId),
    Close(PeerId),
}

/// What waits for an operation of the store.
#[derive(Debug)]
pub(super) enum Task {
    /// The records that the server starts with.
    Load,
    /// A request that is handled again.
    Request(SessionId, Box<ChatFrame>),
    Submit(Submission),
    /// A page of a log, for the reader of a session.
    Fetch(SessionId, Log, Span),
    /// A receipt: the entry at this position of a log may be passed when it is durable.
    Receipt(SessionId, Log, Position),
    TrimMailbox(SessionId),
    Cursor(String),
    Free(Name),
    /// Where a mailbox ends that is to be emptied.
    Empty(Log),
    /// The oldest entries of a log.
    FetchOldest(Log),
    /// The notice that an entry has expired, after which the log is trimmed up to it.
    Expire(Log, Position),
    /// The log was trimmed up to the last entry known to have expired.
    TrimExpired(Log),
    /// A name is banned, or not any more.
    Ban(Name, bool),
    /// Nothing: it only has to happen.
    Nothing,
}

/// A message that is being appended to a log.
#[derive(Debug, Clone)]
pub(super) struct Submission {
    pub(super) session: SessionId,
    pub(super) sender: Name,
    pub(super) message: MessageId,
    pub(super) to: Conversation,
    /// The stamp that it gets unless it was appended before.
    pub(super) received: WallTime,
}

/// What is due at a certain time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    /// Whether the client has accepted what was delivered, and is there at all.
    Check(SessionId),
    /// Requests that waited for their turn.
    Requests(SessionId),
    Close(SessionId),
    Table,
    Cursors,
    PresenceGrace,
    /// The end of an ephemeral name.
    Free(Name),
    /// The next log is searched for expired entries.
    Expiry,
}

/// How far the server is on its way to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stopping {
    No,
    /// What is only in memory is being written.
    Writing,
    Stopped,
}

/// Who sends a message.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sender {
    pub(super) peer: PeerId,
    pub(super) key: PublicKey,
    pub(super) address: SocketAddr,
}

/// The state of a server.
pub(super) struct State {
    pub(super) config: ServerConfig,
    pub(super) names: Names,
    pub(super) members: Members,
    pub(super) table: Table,
    pub(super) table_sent: u64,
    pub(super) sessions: Sessions,
    pub(super) allowances: Allowances,
    pub(super) attachments: Attachments,
    pub(super) interests: Interests,
    pub(super) pending: Pending<Task>,
    pub(super) timers: Timers<Timer>,
    pub(super) counters: Counters,
    /// Operations that must be complete before anything is answered.
    pub(super) loading: usize,
    pub(super) stopping: Stopping,
    /// The log that was last searched for expired entries.
    pub(super) expiry_round: Option<Log>,
    /// Names that the operator deletes: they are not free before everything of them is gone.
    pub(super) deleted: BTreeSet<Name>,
    /// Who has joined or left which group by what the store reported last.
    pub(super) moved: Vec<(Name, Name)>,
    last_stamp: WallTime,
    commands: VecDeque<LinkCommand>,
    events: VecDeque<Event>,
}

impl State {
    /// Begins to load the records. `epoch` is drawn at random.
    pub(super) fn new(now: Now, config: ServerConfig, epoch: u64) -> Self {
        let mut state = Self {
            names: Names::new(),
            members: Members::new(),
            table: Table::new(epoch),
            table_sent: 0,
            sessions: Sessions::new(),
            allowances: Allowances::new(config.requests_per_second),
            attachments: Attachments::new(),
            interests: Interests::new(),
            pending: Pending::new(),
            timers: Timers::new(),
            counters: Counters::default(),
            loading: 0,
            stopping: Stopping::No,
            expiry_round: None,
            deleted: BTreeSet::new(),
            moved: Vec::new(),
            last_stamp: WallTime::default(),
            commands: VecDeque::new(),
            events: VecDeque::new(),
            config,
        };
        state.attachments.pin(&Log::Channel);
        state.load(now);
        state
    }

    /// Reads all records, and subscribes to their changes.
    pub(super) fn load(&mut self, now: Now) {
        for table in [
            store::Table::Names,
            store::Table::Groups,
            store::Table::Members,
        ] {
            self.loading += 1;
            self.start(now, StoreOperation::AttachTable { table }, Task::Load);
        }
        self.loading += 1;
        let log = Log::Channel;
        self.start(now, StoreOperation::AttachLog { log }, Task::Load);
    }

    /// Whether the records are there, so that requests can be answered.
    pub(super) const fn is_ready(&self) -> bool {
        self.loading == 0
    }

    /// A stamp later than every earlier one.
    pub(super) fn stamp(&mut self, now: Now) -> WallTime {
        let next = WallTime::from_micros(self.last_stamp.as_micros().saturating_add(1));
        self.last_stamp = next.max(now.wall);
        self.last_stamp
    }

    /// A log holds an entry with this stamp: those to come are later.
    pub(super) fn see_stamp(&mut self, stamp: WallTime) {
        self.last_stamp = self.last_stamp.max(stamp);
    }

    pub(super) fn start(&mut self, now: Now, operation: StoreOperation, task: Task) {
        if let Some(session) = task.session().and_then(|id| self.sessions.get_mut(id)) {
            session.in_flight += 1;
        }
        self.pending.start(now.instant, operation, task);
    }

    /// Starts to write a record, or to remove it.
    pub(super) fn write(
        &mut self,
        now: Now,
        table: store::Table,
        key: String,
        expected: Option<Revision>,
        value: Option<Vec<u8>>,
        task: Task,
    ) {
        let operation = StoreOperation::CompareAndSet {
            table,
            key,
            expected,
            value,
        };
        self.start(now, operation, task);
    }

    pub(super) fn show(&mut self, event: Event) {
        if self.events.len() < MAX_EVENTS {
            self.events.push_back(event);
        } else {
            self.counters.dropped_events += 1;
        }
    }

    pub(super) fn send(&mut self, session: SessionId, stream: u8, frame: &ChatFrame) {
        self.send_encoded(session, stream, encode(frame));
    }

    pub(super) fn send_encoded(&mut self, session: SessionId, stream: u8, message: Arc<[u8]>) {
        if let Some(session) = self.sessions.get(session) {
            let peer = session.peer;
            self.command(LinkCommand::Send {
                peer,
                stream,
                message,
            });
        }
    }

    /// Answers a request, or tells something about the registration.
    pub(super) fn answer(&mut self, session: SessionId, frame: &ChatFrame) {
        self.send(session, streams::CONTROL, frame);
    }

    /// Tells a user something about a conversation, if it is there.
    pub(super) fn tell(&mut self, user: &Name, about: &Conversation, frame: &ChatFrame) {
        if let Some(session) = self.names.get(user).and_then(|user| user.session) {
            self.send(session, streams::of(about), frame);
        }
    }

    pub(super) fn command(&mut self, command: LinkCommand) {
        self.commands.push_back(command);
    }

    pub(super) fn poll_command(&mut self) -> Option<LinkCommand> {
        self.commands.pop_front()
    }

    pub(super) fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    pub(super) fn poll_persist(&mut self) -> Option<(OperationId, StoreOperation)> {
        self.pending.poll()
    }

    /// Whether something waits to be polled.
    pub(super) fn has_output(&self) -> bool {
        self.pending.has_outgoing() || !self.events.is_empty()
    }

    pub(super) fn next_timeout(&self) -> Option<Instant> {
        let pending = self.pending.next_timeout();
        // Whoever stops does nothing more of its own accord.
        let timers = self.timers.next().filter(|_| self.stopping == Stopping::No);
        pending.into_iter().chain(timers).min()
    }

    /// The session of a peer, which is made when it says something for the first time.
    pub(super) fn session_of(&mut self, from: &Sender) -> SessionId {
        if let Some(id) = self.sessions.by_peer(from.peer) {
            return id;
        }
        self.sessions.insert(Session {
            peer: from.peer,
            key: from.key,
            address: from.address,
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            in_flight: 0,
            registering: false,
            turned_away: None,
            unknown_tags: UnknownTags::default(),
            login: None,
        })
    }

    /// Takes nothing more, and writes what is only in memory.
    pub(super) fn stop(&mut self, now: Now) {
        if self.stopping == Stopping::No {
            self.stopping = Stopping::Writing;
            self.write_cursors(now);
            self.stop_if_done();
        }
    }

    /// Everything that was to be written is.
    pub(super) fn stop_if_done(&mut self) {
        if self.stopping == Stopping::Writing && self.pending.is_empty() {
            self.stopping = Stopping::Stopped;
            self.show(Event::Stopped);
        }
    }

    /// The presence of a name whose owner has not been heard of since the start.
    pub(super) const fn presence_of_strangers(&self) -> Presence {
        if self.is_ready() {
            Presence::Offline
        } else {
            Presence::Unknown
        }
    }
}

impl Task {
    /// The session whose request this is.
    pub(super) const fn session(&self) -> Option<SessionId> {
        match self {
            Self::Request(session, _) => Some(*session),
            Self::Submit(submission) => Some(submission.session),
            _ => None,
        }
    }
}
