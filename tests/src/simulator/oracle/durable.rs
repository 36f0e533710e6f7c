//! What becomes durable.

use chat_core::{
    id::MessageId,
    name::Name,
    store::{Limit, Log, Position, StoreOperation, Table},
};

use super::{
    Oracle, Point,
    fate::{Stored, add},
    kept::{Entry, Member, Owed, Screen, read},
    message::{Token, stored_token, token},
    node_of,
};
use crate::simulator::plan::{NODES, Node};

impl Oracle {
    pub(super) fn durable(&mut self, node: Node, operation: &StoreOperation) {
        match operation {
            StoreOperation::CompareAndSet {
                table, key, value, ..
            } => match (table, value) {
                (Table::Outbox, Some(value)) => self.owed(node, value),
                (Table::Outbox, None) => self.forgotten(node, key),
                (Table::Settings, Some(value)) if key == "screen" => {
                    if let Some(screen) = read::<Screen>(value) {
                        self.readers[node].screen = screen;
                    }
                }
                (Table::Members, value) => self.member(key, value.as_deref()),
                _ => {}
            },
            StoreOperation::Append {
                log: Log::Inbox,
                id,
                bytes,
                ..
            } => self.kept(node, id, bytes),
            StoreOperation::Append {
                log,
                id,
                bytes,
                limit,
                ..
            } => self.stored(log, id, bytes, *limit),
            StoreOperation::Trim { log, up_to } => self.trimmed(node, log, up_to.0),
            _ => {}
        }
    }

    /// A sender has made a message durable, or what became of it.
    fn owed(&mut self, node: Node, value: &[u8]) {
        let Some(owed) = read::<Owed>(value) else {
            return;
        };
        let Some(token) = token(owed.text.as_str().as_bytes()) else {
            return;
        };
        self.learn(token, owed.id).is_owed = true;
        if let Some(message) = self.messages.get_mut(&token)
            && !message.is_said_in(&owed.to)
        {
            let why = format!(
                "{} keeps {} for {:?}",
                NODES[node],
                self.describe(token),
                owed.to
            );
            self.fail(Point::Unexpected, why);
        }
    }

    /// A sender knows no more of a message. If its clock has jumped, that may be too early.
    fn forgotten(&mut self, node: Node, key: &str) {
        if let Ok(id) = key.parse() {
            let has_jumped = self.readers[node].has_jumped;
            let fate = self.fate(&id);
            fate.was_expired |= has_jumped && fate.kept_by.is_empty();
        }
    }

    /// A client has made an entry of its inbox durable.
    fn kept(&mut self, node: Node, id: &MessageId, bytes: &[u8]) {
        let message = match read::<Entry>(bytes) {
            Some(Entry::Message { id, text }) => {
                let token = token(text.as_str().as_bytes());
                token.inspect(|token| self.has(node, *token, id))
            }
            Some(Entry::Receipt {} | Entry::Expired {}) | None => None,
        };
        self.readers[node].keep(*id, message);
    }

    /// A client has a message, durably.
    fn has(&mut self, node: Node, token: Token, id: MessageId) {
        let is_own = self.messages.get(&token).is_some_and(|it| it.from == node);
        let fate = self.learn(token, id);
        add(&mut fate.kept_by, node);
        // A message to oneself is accepted and has arrived with one write.
        fate.is_owed |= is_own;
    }

    /// The server has made a message durable. What is said in public can be read there.
    fn stored(&mut self, log: &Log, id: &MessageId, bytes: &[u8], limit: Limit) {
        if !self.logs.log(log).append(*id) {
            return;
        }
        let mut left = Vec::new();
        let mut readers: Vec<Node> = match log {
            Log::Mailbox(name) => node_of(name).into_iter().collect(),
            _ => {
                if let Some(token) = stored_token(bytes) {
                    self.learn(token, *id);
                }
                let members = self.logs.members.get(log).into_iter().flatten();
                members.filter_map(|(name, _)| named(name)).collect()
            }
        };
        // Whoever has not been told that it has left may get what is said until then.
        for (_, leaving) in self.logs.leaving.iter().filter(|(from, _)| from == log) {
            add(&mut readers, *leaving);
            add(&mut left, *leaving);
        }
        self.fate(id).stored = Some(Stored {
            readers,
            left,
            is_trimmed: false,
        });
        let appended = Position(self.logs.log(log).len());
        self.dropped(log, limit.drops_up_to(appended).0);
    }

    /// A membership is durable, or no more.
    fn member(&mut self, key: &str, value: Option<&[u8]>) {
        let Some((log, name)) = key.split_once('\n') else {
            return;
        };
        let log = match log.split_once('/') {
            Some((_, group)) => Log::Group(group.parse().expect("a group's name")),
            None => Log::Channel,
        };
        let reader = named(name);
        let members = self.logs.members.entry(log.clone()).or_default();
        let Some(value) = value else {
            if let (Some(cursor), Some(reader)) = (members.remove(name), reader) {
                self.left(&log, reader, cursor);
            }
            return;
        };
        let (_, _, cursor) = read::<Member>(value).expect("a membership can be read");
        let before = members.insert(name.to_owned(), cursor.0);
        match (before, reader) {
            (_, None) => {}
            // Who joins reads from there on, whatever was appended meanwhile.
            (None, Some(reader)) => self.joined(&log, reader, cursor.0),
            (Some(before), Some(reader)) => self.read_up_to(&log, reader, before, cursor.0),
        }
    }

    fn joined(&mut self, log: &Log, reader: Node, cursor: u64) {
        self.logs.leaving.remove(&(log.clone(), reader));
        let before = self.readers[reader].said_before.take();
        if before.is_some_and(|(group, said)| group == *log && cursor < said) {
            let why = format!("{} gets what was said before it joined", NODES[reader]);
            self.fail(Point::Unexpected, why);
        }
        for id in self.logs.log(log).after(cursor).to_vec() {
            if let Some(stored) = &mut self.fate(&id).stored {
                add(&mut stored.readers, reader);
                stored.left.retain(|left| *left != reader);
            }
        }
    }

    /// What a member has not read when it leaves, it does not get.
    fn left(&mut self, log: &Log, reader: Node, cursor: u64) {
        self.logs.leaving.insert((log.clone(), reader));
        for id in self.logs.log(log).after(cursor).to_vec() {
            if let Some(stored) = &mut self.fate(&id).stored {
                add(&mut stored.left, reader);
            }
        }
    }

    /// A cursor passes entries: their reader has made them durable.
    fn read_up_to(&mut self, log: &Log, reader: Node, after: u64, up_to: u64) {
        for id in self.logs.log(log).range(after, up_to).to_vec() {
            let (Some(message), Some(fate)) = (self.message(&id), self.fates.get(&id)) else {
                continue;
            };
            let is_owed = |stored: &Stored| stored.readers.contains(&reader) && !stored.is_trimmed;
            if message.from != reader
                && fate.stored.as_ref().is_some_and(is_owed)
                && !fate.kept_by.contains(&reader)
            {
                let (what, reader) = (self.describe_id(&id), NODES[reader]);
                let why = format!("the cursor of {reader} passes {what}, which it does not have");
                self.fail(Point::Durability, why);
            }
        }
    }

    fn trimmed(&mut self, node: Node, log: &Log, up_to: u64) {
        match log {
            Log::Inbox => self.inbox_trimmed(node, up_to),
            Log::Mailbox(name) => {
                if let Some(reader) = node_of(name) {
                    self.mailbox_trimmed(log, reader, up_to);
                }
            }
            _ => self.dropped(log, up_to),
        }
    }

    /// What a client removes from its inbox has been shown.
    fn inbox_trimmed(&mut self, node: Node, up_to: u64) {
        let unshown: Vec<_> = self.readers[node].unshown(up_to).collect();
        for token in unshown {
            let (what, node) = (self.describe(token), NODES[node]);
            let why = format!("{node} trims {what}, which it has not shown");
            self.fail(Point::Durability, why);
        }
    }

    /// What the server removes from a mailbox is durable at its reader, and its sender will be
    /// told.
    fn mailbox_trimmed(&mut self, log: &Log, reader: Node, up_to: u64) {
        for id in self.logs.log(log).range(0, up_to).to_vec() {
            let Some(message) = self.message(&id) else {
                let is_read = self.readers[reader].position(&id).is_some();
                if self.readers[0].has_jumped && !is_read {
                    self.expired.insert(id);
                }
                continue;
            };
            let sender = Log::Mailbox(NODES[message.from].parse().expect("a legal name"));
            let is_kept = self.fate(&id).kept_by.contains(&reader);
            let notice = |domain: &[u8]| notice(domain, &id, reader);
            let (receipt, expired) = (notice(RECEIPT), notice(EXPIRED));
            let log = self.logs.log(&sender);
            let (is_told, is_expired) = (log.contains(&receipt), log.contains(&expired));
            let is_told = is_told || self.receipts_may_be_dropped;
            let missing = match (is_kept || is_expired, is_told || is_expired) {
                (true, true) => continue,
                (false, _) => "does not have",
                (true, false) => "has, but for which no receipt is durable",
            };
            let (what, reader) = (self.describe_id(&id), NODES[reader]);
            let why = format!("the server trims {what}, which {reader} {missing}");
            self.fail(Point::Durability, why);
        }
    }

    /// The oldest entries of a full log make place: who has not read them is told.
    fn dropped(&mut self, log: &Log, up_to: u64) {
        for id in self.logs.log(log).range(0, up_to).to_vec() {
            if let Some(stored) = &mut self.fate(&id).stored {
                stored.is_trimmed = true;
            }
        }
    }
}

/// The domain of receipts.
pub(super) const RECEIPT: &[u8] = b"receipt";
/// The domain of what says that a message has expired.
pub(super) const EXPIRED: &[u8] = b"expired";

/// The id of what the server tells a sender of its message and a reader.
pub(super) fn notice(domain: &[u8], id: &MessageId, reader: Node) -> MessageId {
    MessageId::derive(domain, &[&id.0, NODES[reader].as_bytes()])
}

/// The node of the user with this folded name.
fn named(name: &str) -> Option<Node> {
    name.parse::<Name>().ok().and_then(|name| node_of(&name))
}
