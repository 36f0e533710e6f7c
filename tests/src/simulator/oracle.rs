//! The oracle: what must hold, checked at each record of what happened, and in the end.
//!
//! It knows what was typed, what became durable and what was shown, and nothing of how a client or
//! server works inside.

mod durable;
mod end;
mod fate;
mod kept;
mod logs;
mod message;
mod reader;
mod shown;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt,
    ops::AddAssign,
};

use chat_core::{client::Command, id::MessageId, name::Name, server, store::Log, time::Instant};

pub use self::message::{Token, stored_token, token};
use self::{
    fate::{Fate, add},
    logs::Logs,
    message::{Message, To},
    reader::Reader,
};
use super::plan::{NODES, Node};
use crate::{
    record::{Record, What},
    world::SERVER,
};

/// What must hold, each with the name it has in reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Point {
    /// Every accepted message reaches everyone it is for.
    Lost,
    /// It is shown once, with its own text.
    Duplicated,
    /// Nothing is shown that was not sent to whoever shows it.
    Unexpected,
    /// Order holds per sender and conversation.
    Order,
    /// Nothing is promised that is not durable.
    Durability,
    /// What was received is told once, and nothing else.
    Receipt,
    /// What was typed is accepted or refused.
    Vanished,
    /// Tables, memberships and queues come to rest.
    Convergence,
    /// Who has nothing to say is quiet.
    Noise,
    /// An unvalidated address gets at most three bytes for one.
    Amplification,
    /// No key is used twice with one nonce.
    Nonce,
    /// Every collection stays under its limit.
    Limit,
    /// Nothing that arrives makes the program panic.
    Panic,
    /// The checker of traces finds nothing either.
    Trace,
}

/// Something that did not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What was to hold.
    pub point: Point,
    /// What happened instead.
    pub why: String,
    /// When.
    pub at: Instant,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.at.as_micros() as f64 / 1e6;
        write!(f, "{:?} at {seconds:.6} s: {}", self.point, self.why)
    }
}

/// How many messages came to what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Typed.
    pub attempted: u64,
    /// Durable at their senders, so owed.
    pub accepted: u64,
    /// Shown by somebody they were for; each reader counts.
    pub delivered: u64,
    /// Refused or expired, and announced.
    pub refused: u64,
    /// Shown again after a crash, as is allowed.
    pub repeated: u64,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.attempted += other.attempted;
        self.accepted += other.accepted;
        self.delivered += other.delivered;
        self.refused += other.refused;
        self.repeated += other.repeated;
    }
}

/// The oracle.
#[derive(Debug)]
pub struct Oracle {
    messages: BTreeMap<Token, Message>,
    by_id: HashMap<MessageId, Token>,
    fates: BTreeMap<MessageId, Fate>,
    readers: Vec<Reader>,
    logs: Logs,
    /// What a server whose clock has jumped took out of mailboxes before it was read.
    expired: BTreeSet<MessageId>,
    repeated: u64,
    failures: Vec<Failure>,
    at: Instant,
    /// Mailboxes are so small that there may be no place for a receipt.
    receipts_may_be_dropped: bool,
}

/// A mailbox for fewer entries may be full when a receipt is to be kept there.
const SMALL_MAILBOX: u64 = 1_000;

impl Oracle {
    /// It has seen nothing. So many entries fit into a mailbox.
    pub fn new(most_mail: u64) -> Self {
        Self {
            messages: BTreeMap::new(),
            by_id: HashMap::new(),
            fates: BTreeMap::new(),
            readers: NODES.iter().map(|_| Reader::default()).collect(),
            logs: Logs::default(),
            expired: BTreeSet::new(),
            repeated: 0,
            failures: Vec::new(),
            at: Instant::ZERO,
            receipts_may_be_dropped: most_mail < SMALL_MAILBOX,
        }
    }

    /// Takes what happened.
    pub fn observe(&mut self, record: &Record) {
        self.at = record.at;
        let node = record.node;
        match &record.what {
            What::Ends(_) => self.ends(node),
            What::Typed(command) => self.typed(node, command),
            What::Durable(operation) => self.durable(node, operation),
            What::Suffers(what) => self.readers[node].has_jumped |= what.starts_with("clock jumps"),
            What::Refused(id) => self.fate(id).was_turned_away = true,
            What::Shown(event) => self.shown(node, event),
            What::Told(server::Event::GroupMessage { group, .. }) => {
                self.logs.log(&Log::Group(group.clone())).tell();
            }
            _ => {}
        }
    }

    /// What did not hold, if anything.
    pub fn failure(&self) -> Option<&Failure> {
        self.failures.first()
    }

    /// What the oracle knows of a client.
    pub fn is_online(&self, node: Node) -> bool {
        self.readers[node].is_online
    }

    /// Whether the client shows that its user has gone offline.
    pub fn is_offline(&self, node: Node) -> bool {
        self.readers[node].is_offline
    }

    /// The group that a client is a member of, as the server has kept it.
    pub fn group_of(&self, node: Node) -> Option<String> {
        let mut members = self.logs.members.iter();
        members.find_map(|(log, members)| match log {
            Log::Group(group) if members.contains_key(NODES[node]) => {
                Some(group.folded().to_owned())
            }
            _ => None,
        })
    }

    /// Whether no client may show again after a crash what it has shown.
    pub fn screens_are_saved(&self) -> bool {
        self.readers.iter().all(Reader::has_saved_its_screen)
    }

    /// How many messages came to what.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts {
            repeated: self.repeated,
            ..Counts::default()
        };
        counts.attempted = self.messages.len() as u64;
        for fate in self.fates.values() {
            counts.accepted += u64::from(fate.is_accepted());
            counts.delivered += fate.shown_by.len() as u64;
            counts.refused += u64::from(fate.is_refused());
        }
        counts
    }

    /// Takes down that something did not hold.
    pub fn fail(&mut self, point: Point, why: String) {
        let at = self.at;
        self.failures.push(Failure { point, why, at });
    }

    fn ends(&mut self, node: Node) {
        if let Some(reader) = self.readers.get_mut(node) {
            reader.end();
        }
        if NODES[node] == SERVER {
            self.logs.tell_all();
        }
        self.logs.leaving.retain(|(_, leaving)| *leaving != node);
        for fate in self.fates.values_mut() {
            if fate.kept_by.contains(&node) {
                add(&mut fate.kept_before_death, node);
            }
        }
        let of_node = |message: &&mut Message| message.from == node;
        for message in self.messages.values_mut().filter(of_node) {
            message.sender_restarted = true;
        }
    }

    fn typed(&mut self, node: Node, command: &Command) {
        let (to, text) = match command {
            Command::Send { to, text } => (To::User(to.clone()), text),
            Command::SendAll { text } => (To::All, text),
            Command::SendGroup { text } => (To::Group, text),
            Command::JoinGroup { group } => {
                let log = Log::Group(group.clone());
                let said = self.logs.log(&log).told();
                let reader = &mut self.readers[node];
                if reader
                    .said_before
                    .as_ref()
                    .is_none_or(|(other, _)| *other != log)
                {
                    reader.said_before = Some((log, said));
                }
                return;
            }
            _ => return,
        };
        if let Some(token) = token(text.as_bytes()) {
            let message = Message::new(node, to, text.clone(), self.at);
            self.messages.insert(token, message);
        }
    }

    /// Somebody has kept this text under this id.
    fn learn(&mut self, token: Token, id: MessageId) -> &mut Fate {
        if let Some(message) = self.messages.get_mut(&token) {
            message.id = Some(id);
            self.by_id.insert(id, token);
        }
        self.fate(&id)
    }

    fn message(&self, id: &MessageId) -> Option<&Message> {
        self.messages.get(self.by_id.get(id)?)
    }

    fn fate(&mut self, id: &MessageId) -> &mut Fate {
        self.fates.entry(*id).or_default()
    }

    /// Who is to get a message, as far as that is settled, and who has not left since then.
    fn readers(&self, message: &Message) -> Vec<Node> {
        let stored = || self.fates.get(message.id.as_ref()?)?.stored.as_ref();
        match (&message.to, stored()) {
            (To::User(name), _) => node_of(name).into_iter().collect(),
            (_, Some(stored)) => {
                let readers = stored.readers.iter().copied();
                readers.filter(|reader| *reader != message.from).collect()
            }
            (_, None) => Vec::new(),
        }
    }

    fn describe_id(&self, id: &MessageId) -> String {
        match self.by_id.get(id) {
            Some(token) => self.describe(*token),
            None => format!("a message ({id:?})"),
        }
    }

    fn describe(&self, token: Token) -> String {
        let Some(message) = self.messages.get(&token) else {
            return format!("#{token}#");
        };
        let from = NODES[message.from];
        match &message.to {
            To::User(name) => format!("#{token}# from {from} to {name}"),
            To::Group => format!("#{token}# from {from} to the group"),
            To::All => format!("#{token}# from {from} to all"),
        }
    }
}

/// The node of the user with this name.
fn node_of(name: &Name) -> Option<Node> {
    let folded = name.folded();
    NODES
        .iter()
        .skip(1)
        .position(|node| *node == folded)
        .map(|at| at + 1)
}
