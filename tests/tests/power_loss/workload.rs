//! What the writer writes: batches of operations such as a server or a client makes, and what a
//! store holds after each of them.

use std::{collections::BTreeMap, iter, sync::Arc};

use chat_core::{
    id::MessageId,
    store::{
        Entry, Limit, Log, MemoryStore, OperationId, Position, Revision, StoreEvent,
        StoreOperation, Table,
    },
    time::{Instant, Now, WallTime},
};
use chat_mio::Store;
use tests::random::{Random, Stream};

pub(crate) const NOW: Now = Now::new(Instant::ZERO, WallTime::from_micros(1));

/// Batches of each workload; each is one transaction.
const BATCHES: usize = 48;
/// After so many batches the store is closed and opened again.
pub(crate) const REOPENED_AFTER: usize = 30;
/// These are made of long messages, so that the write-ahead log is moved into the file on the way.
const LARGE_BATCHES: [usize; 4] = [8, 16, 24, 40];

/// Who writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Mailboxes, groups and the channel; names and members; mail that is read and trimmed.
    Server,
    /// An inbox that the screen reads; an outbox whose records come and go.
    Client,
}

impl Role {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Client => "client",
        }
    }

    pub(crate) fn parse(name: &str) -> Option<Self> {
        [Self::Server, Self::Client]
            .into_iter()
            .find(|role| role.as_str() == name)
    }

    const fn tables(self) -> [Table; 2] {
        match self {
            Self::Server => [Table::Names, Table::Members],
            Self::Client => [Table::Outbox, Table::Settings],
        }
    }

    fn logs(self) -> Vec<Log> {
        let name = |name: &str| name.parse().expect("a name");
        match self {
            Self::Client => vec![Log::Inbox],
            Self::Server => vec![
                Log::Mailbox(name("x")),
                Log::Mailbox(name("y")),
                Log::Group(name("g")),
                Log::Channel,
            ],
        }
    }
}

/// Everything that can be read from a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Contents {
    records: Vec<(Table, String, Revision, Vec<u8>)>,
    logs: Vec<(Log, Position, Vec<Entry>)>,
}

impl Contents {
    /// Reads all that a store of this role holds.
    pub(crate) fn of(store: &mut dyn Store, role: Role) -> Self {
        let records = role.tables().into_iter().flat_map(|table| {
            let events = run(store, &[StoreOperation::AttachTable { table }]);
            events.into_iter().filter_map(|event| match event {
                StoreEvent::Changed {
                    table,
                    key,
                    revision,
                    value,
                } => Some((table, key, revision, value.expect("it exists"))),
                _ => None,
            })
        });
        let records = records.collect();
        let logs = role.logs().into_iter().map(|log| {
            let head = StoreOperation::AttachLog { log: log.clone() };
            let fetch = StoreOperation::Fetch {
                log: log.clone(),
                after: Position(0),
                count: usize::MAX,
            };
            match &run(store, &[head, fetch])[..] {
                [
                    StoreEvent::Attached { head, .. },
                    StoreEvent::Fetched { entries, .. },
                ] => (log, *head, entries.clone()),
                other => panic!("{other:?}"),
            }
        });
        let logs = logs.collect();
        Self { records, logs }
    }

    /// In a few words, for a message.
    pub(crate) fn summary(&self) -> String {
        let logs = self.logs.iter().map(|(log, head, entries)| {
            let (head, count) = (head.0, entries.len());
            format!("{log}: {count} entries up to {head}")
        });
        let records = format!("{} records", self.records.len());
        let parts: Vec<_> = iter::once(records).chain(logs).collect();
        parts.join(", ")
    }
}

/// The batches, and the contents before the first and after each.
pub(crate) struct Workload {
    pub(crate) batches: Vec<Vec<StoreOperation>>,
    pub(crate) contents: Vec<Contents>,
}

impl Workload {
    /// The same each time.
    pub(crate) fn of(role: Role) -> Self {
        let mut maker = Maker {
            role,
            draws: Draws::default(),
            model: MemoryStore::new(),
            revisions: BTreeMap::new(),
            heads: BTreeMap::new(),
            appended: 0,
        };
        let mut contents = vec![maker.contents()];
        let batches = (0..BATCHES).map(|number| {
            let batch = maker.batch(number);
            contents.push(maker.contents());
            batch
        });
        let batches = batches.collect();
        Self { batches, contents }
    }
}

/// Everything that comes of `operations`, which take place in one transaction.
pub(crate) fn run(store: &mut dyn Store, operations: &[StoreOperation]) -> Vec<StoreEvent> {
    let ids = (0..).map(OperationId);
    let mut operations: Vec<_> = ids.zip(operations.iter().cloned()).collect();
    store.handle(NOW, &mut operations);
    assert!(operations.is_empty(), "one transaction takes all of them");
    iter::from_fn(|| store.poll_event()).collect()
}

#[derive(Default)]
struct Draws {
    counter: u64,
}

impl Draws {
    fn below(&mut self, limit: usize) -> usize {
        self.counter += 1;
        let draw = Random::new(1).below(limit as u64, Stream::Workload, 0, self.counter);
        usize::try_from(draw).expect("it is below")
    }
}

struct Maker {
    role: Role,
    draws: Draws,
    model: MemoryStore,
    revisions: BTreeMap<(Table, String), Revision>,
    heads: BTreeMap<Log, u64>,
    appended: u64,
}

impl Maker {
    fn contents(&self) -> Contents {
        Contents::of(&mut self.model.image(), self.role)
    }

    fn batch(&mut self, number: usize) -> Vec<StoreOperation> {
        if LARGE_BATCHES.contains(&number) {
            return (0..18).map(|_| self.append(60_000)).collect();
        }
        let count = 1 + self.draws.below(12);
        (0..count).map(|_| self.operation()).collect()
    }

    fn operation(&mut self) -> StoreOperation {
        match self.draws.below(10) {
            0 => self.trim(),
            1..=4 => self.compare_and_set(),
            5 => self.append(5_000),
            _ => self.append(300),
        }
    }

    fn log(&mut self) -> Log {
        let logs = self.role.logs();
        logs[self.draws.below(logs.len())].clone()
    }

    fn append(&mut self, size: usize) -> StoreOperation {
        let log = self.log();
        // Now and then one that was appended before.
        if self.appended == 0 || self.draws.below(8) > 0 {
            self.appended += 1;
        }
        let number = self.appended;
        let filler = Random::new(number).seed(Stream::Workload, 0, 0);
        let bytes: Vec<u8> = filler.into_iter().cycle().take(size).collect();
        self.done(StoreOperation::Append {
            log,
            id: MessageId::derive(b"power loss", &[&number.to_le_bytes()]),
            received: WallTime::from_micros(number),
            bytes: Arc::from(bytes),
            limit: Limit::Refuse(u64::MAX),
        })
    }

    fn trim(&mut self) -> StoreOperation {
        let log = self.log();
        let head = self.heads.get(&log).copied().unwrap_or(0);
        let kept = self.draws.below(4) as u64;
        let up_to = Position(head.saturating_sub(kept));
        self.done(StoreOperation::Trim { log, up_to })
    }

    fn compare_and_set(&mut self) -> StoreOperation {
        let table = self.role.tables()[self.draws.below(2)];
        let key = format!("key {}", self.draws.below(12));
        let known = self.revisions.get(&(table, key.clone())).copied();
        // Now and then one that meets another revision.
        let expected = (self.draws.below(8) > 0).then_some(known).flatten();
        let removed = known.is_some() && self.draws.below(3) == 0;
        let value = (!removed).then(|| {
            let byte = self.draws.below(256).to_le_bytes()[0];
            vec![byte; 20 + self.draws.below(400)]
        });
        self.done(StoreOperation::CompareAndSet {
            table,
            key,
            expected,
            value,
        })
    }

    /// Does it in the model, and remembers what later operations have to know.
    fn done(&mut self, operation: StoreOperation) -> StoreOperation {
        for event in run(&mut self.model, core::slice::from_ref(&operation)) {
            match (&operation, event) {
                (
                    StoreOperation::CompareAndSet {
                        table, key, value, ..
                    },
                    StoreEvent::Done { revision, .. },
                ) => {
                    let key = (*table, key.clone());
                    match revision.filter(|_| value.is_some()) {
                        Some(revision) => self.revisions.insert(key, revision),
                        None => self.revisions.remove(&key),
                    };
                }
                (StoreOperation::Append { log, .. }, StoreEvent::Appended { position, .. }) => {
                    let head = self.heads.entry(log.clone()).or_default();
                    *head = position.0.max(*head);
                }
                _ => {}
            }
        }
        operation
    }
}
