//! The client: registration, table, conversations, groups, and what is owed.
//!
//! What the user types is queued ([`Command`]) and begins in its turn. A message goes into the
//! outbox and on a lane, directly to its recipient or by the server, until it has its one final
//! state. What arrives is appended to the inbox and accepted when that is durable; the screen reads
//! the inbox and shows it ([`Event`]). The [crate] says how a client is driven.

mod answers;
mod attempts;
mod command;
mod commands;
mod connection;
mod copies;
mod direct;
mod entry;
mod event;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod keeping;
mod lane;
mod leaving;
mod look_ups;
mod mail;
mod outbox;
mod positions;
mod receiving;
mod records;
mod running;
mod screen;
mod sending;
mod showing;
mod silence;
mod strangers;
mod table;
mod verifying;

use alloc::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
    vec::Vec,
};

pub use command::{Command, CommandError};
pub use event::{Ended, Event, Owed, Peer, Refused, Stage};

use self::{
    attempts::Attempts,
    commands::Commands,
    connection::{Phase, ServerSide},
    copies::Copies,
    keeping::Purpose,
    leaving::{Ending, Leave},
    look_ups::LookUps,
    outbox::Outbox,
    receiving::Receiving,
    records::Records,
    running::Request,
    screen::{Mark, Screen},
    table::Table,
};
use crate::{
    action::Action,
    config::ClientConfig,
    crypto::{self, Identity, Random},
    id::{Fingerprint, Path, PublicKey},
    link::{self, Endpoint, PeerId, SendId},
    machine::Machine,
    name::Name,
    store::{OperationId, Pending, StoreEvent, StoreOperation},
    time::{Instant, Now},
    wire::{self, ChatFrame},
};

/// What a client starts with.
pub struct Options {
    /// The name to be registered at once.
    pub name: Name,
    /// The identity that owns the name.
    pub identity: Identity,
    /// Where the server is.
    pub server: Path,
    /// The server's key, if it is remembered.
    pub server_key: Option<PublicKey>,
    /// The fingerprint that the server's key must have, if the user has fixed it.
    pub server_fingerprint: Option<Fingerprint>,
    /// The name and everything of it is freed when the client leaves.
    pub ephemeral: bool,
    /// The user of a running client has become another one by `reg`: if the name is refused, the
    /// client stays, offline. Else it ends.
    pub switched: bool,
    /// Leave without telling the server.
    pub silent_exit: bool,
    /// All randomness follows from it; it is never used twice.
    pub seed: [u8; 32],
    /// Limits and times.
    pub config: ClientConfig,
}

impl Options {
    /// What is needed; everything else as it is by default: no key known, nothing special.
    pub fn new(name: Name, identity: Identity, server: Path, seed: [u8; 32]) -> Self {
        Self {
            name,
            identity,
            server,
            server_key: None,
            server_fingerprint: None,
            ephemeral: false,
            switched: false,
            silent_exit: false,
            seed,
            config: ClientConfig::default(),
        }
    }
}

/// One user's client of one server.
///
/// This type routes and applies: what arrives goes to the part that it concerns, and what comes of
/// that to the link, the store or the screen. The rules are in the parts.
pub struct Client {
    name: Name,
    identity: Identity,
    config: ClientConfig,
    ephemeral: bool,
    silent_exit: bool,
    now: Now,
    random: Random,
    link: Endpoint,
    pending: Pending<Purpose>,
    records: Records,
    events: VecDeque<(Event, Option<Mark>)>,
    commands: Commands,
    /// The command that waits for the server's answer.
    request: Option<Request>,
    last_request: u64,
    phase: Phase,
    server: ServerSide,
    /// Of what the user waits for.
    attempts: Attempts,
    /// Of a reconnection that the user has not been told about.
    quiet_attempts: Attempts,
    table: Table,
    look_ups: LookUps,
    /// Names whose changed key the user has been told about.
    warned: BTreeSet<Name>,
    outbox: Outbox,
    copies: Copies,
    /// Messages to the user itself that are not durable yet.
    own_messages: usize,
    receiving: Receiving,
    screen: Screen,
    group: Option<Name>,
    leaving: Option<Leave>,
    ending: Option<Ending>,
    /// Parts of what was kept that are still being read.
    loading: usize,
    /// All datagrams have been polled since the link last had something to do.
    flushed: bool,
}

impl Client {
    /// A client that registers at once.
    pub fn new(now: Now, options: Options) -> Self {
        let config = options.config;
        let attempts = || Attempts::new(config.attempt_timeout, config.attempts);
        let mut random = Random::new(crypto::hash(b"client", &[&options.seed]));
        let link_seed = crypto::hash(b"client link", &[&options.seed]);
        // A fixed fingerprint is the user's word: what was remembered does not count against it.
        let pinned = options.server_key.filter(|key| {
            let fixed = options.server_fingerprint;
            fixed.is_none_or(|fixed| fixed == key.fingerprint())
        });
        let mut server = ServerSide::new(options.server, options.server_fingerprint, &mut random);
        server.first = !options.switched;
        let mut client = Self {
            link: Endpoint::new(options.identity.clone(), config.link.clone(), link_seed),
            name: options.name,
            identity: options.identity,
            ephemeral: options.ephemeral,
            silent_exit: options.silent_exit,
            now,
            random,
            pending: Pending::new(),
            records: Records::default(),
            events: VecDeque::new(),
            commands: Commands::new(config.max_commands),
            request: None,
            last_request: 0,
            phase: Phase::Discovering,
            server,
            attempts: attempts(),
            quiet_attempts: attempts(),
            table: Table::new(config.max_peers, config.table_notice_interval),
            look_ups: LookUps::default(),
            warned: BTreeSet::new(),
            outbox: Outbox::default(),
            copies: Copies::default(),
            own_messages: 0,
            receiving: Receiving::default(),
            screen: Screen::default(),
            group: None,
            leaving: None,
            ending: None,
            loading: 0,
            flushed: true,
            config,
        };
        match pinned {
            Some(key) => client.load(key),
            None => client.discover(),
        }
        client.work();
        client
    }

    /// The user's name.
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// The group that the user is in: the client is in group mode.
    pub fn group(&self) -> Option<&Name> {
        self.group.as_ref()
    }

    /// The names in the local table, in order.
    pub fn known_names(&self) -> impl Iterator<Item = &Name> {
        self.table.names()
    }

    /// The server's key, once it is trusted. No operation for the store is polled before, so that
    /// the driver can keep one store per server.
    pub fn server_key(&self) -> Option<PublicKey> {
        self.server.key
    }

    /// Messages accepted from the user that are neither delivered nor saved.
    pub fn owed(&self) -> usize {
        self.outbox.owed() + self.own_messages
    }

    /// Direct messages that are held back while the user is in a group.
    pub fn held(&self) -> usize {
        self.screen.held_count()
    }

    /// What the link has counted.
    pub fn counters(&self) -> link::Counters {
        self.link.counters()
    }

    /// What was dropped because a limit was reached: entries of the server's table, incoming
    /// messages, and datagrams while events are not polled.
    pub fn dropped(&self) -> u64 {
        self.table.dropped() + self.receiving.dropped
    }

    /// The commands that have not begun, for the client that takes over after
    /// [`Ended::SwitchUser`]: the first is the [`Command::Register`] with the other user's name.
    pub fn take_commands(&mut self) -> Vec<Command> {
        self.commands.take()
    }

    /// Whom the user wants to be, after [`Ended::SwitchUser`].
    pub fn wanted_user(&self) -> Option<&Name> {
        match self.commands.first() {
            Some(Command::Register { name }) => name.as_ref(),
            _ => None,
        }
    }

    /// Goes on after [`Ended::SwitchUser`], because the other user cannot be had: the client stays
    /// offline and drops the command that asked for it. Otherwise it changes nothing.
    pub fn stay(&mut self, now: Now) {
        self.advance_clock(now);
        self.undo_switch();
        self.work();
    }

    /// Takes a datagram, which is decrypted in place.
    pub fn handle_datagram(&mut self, now: Now, path: Path, datagram: &mut [u8]) {
        self.advance_clock(now);
        if self.events.len() >= self.config.link.max_events {
            self.receiving.dropped += 1;
            return;
        }
        self.link.handle_datagram(self.now, path, datagram);
        self.work();
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Now) {
        self.advance_clock(now);
        self.link.handle_timeout(self.now);
        self.pending.handle_timeout(now.instant);
        self.work();
        self.hand_over_overdue();
        self.make_attempts();
        self.keep_connection();
        if self.table.poll_notice(self.now.instant) && self.phase != Phase::Offline {
            self.show(Event::TableUpdated);
        }
        self.work();
    }

    /// Takes a command, which begins when those before it are done.
    ///
    /// # Errors
    /// If too many wait, or the client has ended.
    pub fn handle_command(&mut self, now: Now, command: Command) -> Result<(), CommandError> {
        self.advance_clock(now);
        if self.ending.is_some() {
            return Err(CommandError::Ended);
        }
        self.commands.push(command)?;
        self.work();
        Ok(())
    }

    /// Takes what the store completed, read or noticed.
    pub fn handle_stored(&mut self, now: Now, event: StoreEvent) {
        self.advance_clock(now);
        self.on_stored(event);
        self.work();
    }

    /// Leaves at once, as by a signal: tells the server, waits at most
    /// [`ClientConfig::leave_timeout`], ends. A second call ends without waiting.
    pub fn leave(&mut self, now: Now) {
        self.advance_clock(now);
        self.leave_by_signal();
        self.work();
    }

    /// The next thing to be done: persist, then display, then send.
    pub fn poll_action(&mut self, now: Now, buffer: &mut Vec<u8>) -> Option<Action<Event>> {
        Machine::poll_action(self, now, buffer)
    }

    /// Encodes the next datagram into `buffer`, which is cleared first.
    pub fn poll_transmit(&mut self, now: Now, buffer: &mut Vec<u8>) -> Option<Path> {
        self.advance_clock(now);
        if self.is_silent() {
            return None;
        }
        self.send_accepted();
        let path = self.link.poll_transmit(self.now, buffer);
        self.flushed = path.is_none();
        path
    }

    /// The next operation for the store.
    pub fn poll_persist(&mut self) -> Option<(OperationId, StoreOperation)> {
        self.pending.poll()
    }

    /// The next event to be shown.
    pub fn poll_event(&mut self) -> Option<Event> {
        if let Some((event, mark)) = self.events.pop_front() {
            if let Some(mark) = mark {
                self.screen.polled(mark);
            }
            self.read_inbox();
            self.save_screen();
            return Some(event);
        }
        self.poll_end().map(Event::Ended)
    }

    /// When [`Self::handle_timeout`] is due; not later than now while anything waits to be polled.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let now = self.now.instant;
        let speaks = !self.is_silent();
        let waits = !self.events.is_empty()
            || self.pending.has_outgoing()
            || (speaks && self.receiving.has_accepted())
            || self.can_end(now);
        if waits {
            return Some(now);
        }
        [
            self.link.poll_timeout().filter(|_| speaks),
            self.pending.next_timeout(),
            self.attempts.poll_timeout(),
            self.quiet_attempts.poll_timeout(),
            self.outbox.poll_timeout(),
            self.table.poll_timeout(),
            self.connection_timeout(),
            self.leaving_timeout(),
            self.answer_timeout(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    fn advance_clock(&mut self, now: Now) {
        self.now = Now::new(self.now.instant.max(now.instant), now.wall);
    }

    /// Brings everything to where it can go without another input.
    fn work(&mut self) {
        self.receiving.unblock();
        loop {
            while let Some(event) = self.link.poll_event() {
                self.flushed = false;
                self.on_link_event(event);
            }
            if !self.run_command() && !self.finish_leaving() {
                break;
            }
        }
        self.submit_messages();
        self.send_look_ups();
        self.send_waiting_request();
        self.read_inbox();
        self.save_screen();
        self.watch_server();
    }

    fn show(&mut self, event: Event) {
        if !self.has_ended() {
            self.events.push_back((event, None));
        }
    }

    /// Sends a frame; what cannot be queued is the caller's to repeat.
    fn send_frame(
        &mut self,
        peer: PeerId,
        stream: u8,
        frame: &ChatFrame,
    ) -> Result<SendId, link::SendError> {
        let mut bytes = Vec::new();
        wire::encode(frame, &mut bytes);
        self.flushed = false;
        self.link.send(self.now, peer, stream, Arc::from(bytes))
    }

    fn next_request(&mut self) -> u64 {
        self.last_request += 1;
        self.last_request
    }

    fn on_link_event(&mut self, event: link::Event) {
        if self.ending.is_some() || self.phase == Phase::Offline {
            return;
        }
        match event {
            link::Event::Message { peer, bytes, .. } => self.on_message(peer, &bytes),
            link::Event::HelloAnswered { key, .. } => self.on_hello_answered(key),
            link::Event::Connected { peer } => self.on_connected(peer),
            link::Event::ProbeFailed { peer } if self.server.peer == Some(peer) => {
                self.on_server_silent();
            }
            link::Event::Replaced { peer, by } if self.server.peer == Some(peer) => {
                self.on_server_replaced(peer, by);
            }
            link::Event::Closed { peer } if self.server.peer == Some(peer) => {
                self.on_server_closed();
            }
            link::Event::Replaced { peer, by } => {
                self.on_candidate_gone(peer, Some(by));
                self.link.close(self.now, peer);
                self.send_again(peer);
            }
            link::Event::Closed { peer } => {
                self.on_candidate_gone(peer, None);
                self.send_again(peer);
            }
            link::Event::Moved { .. }
            | link::Event::ProbeAnswered { .. }
            | link::Event::ProbeFailed { .. } => {}
        }
    }
}
