//! The logs of the server as the oracle sees them, and who reads them.

use std::collections::{BTreeMap, BTreeSet};

use chat_core::{id::MessageId, store::Log};

use crate::simulator::plan::Node;

/// One log: what was appended, in order.
#[derive(Debug, Default)]
pub(super) struct Entries {
    ids: Vec<MessageId>,
    known: BTreeSet<MessageId>,
    told: u64,
}

impl Entries {
    /// An entry is durable. Gives whether it is new.
    pub(super) fn append(&mut self, id: MessageId) -> bool {
        let is_new = self.known.insert(id);
        if is_new {
            self.ids.push(id);
        }
        is_new
    }

    /// How many entries were ever appended.
    pub(super) fn len(&self) -> u64 {
        self.ids.len() as u64
    }

    /// The server has told of one more entry: it knows that it is durable.
    pub(super) fn tell(&mut self) {
        self.told = self.len().min(self.told + 1);
    }

    /// How many entries the server knows to be durable.
    pub(super) fn told(&self) -> u64 {
        self.told
    }

    /// Whether this was ever appended.
    pub(super) fn contains(&self, id: &MessageId) -> bool {
        self.known.contains(id)
    }

    /// The entries at these positions, counted from 1.
    pub(super) fn range(&self, after: u64, up_to: u64) -> &[MessageId] {
        let end = self.ids.len().min(up_to as usize);
        self.ids.get(after as usize..end).unwrap_or_default()
    }

    /// The entries after this position.
    pub(super) fn after(&self, position: u64) -> &[MessageId] {
        self.range(position, u64::MAX)
    }
}

/// All logs of the server, and their readers with their cursors.
#[derive(Debug, Default)]
pub(super) struct Logs {
    logs: BTreeMap<Log, Entries>,
    /// By log and folded name.
    pub(super) members: BTreeMap<Log, BTreeMap<String, u64>>,
    /// Who has left, and may not know it yet.
    pub(super) leaving: BTreeSet<(Log, Node)>,
}

impl Logs {
    /// A log, empty if it is not used.
    pub(super) fn log(&mut self, log: &Log) -> &mut Entries {
        self.logs.entry(log.clone()).or_default()
    }

    /// The server will read what is durable.
    pub(super) fn tell_all(&mut self) {
        for log in self.logs.values_mut() {
            log.told = log.len();
        }
    }
}
