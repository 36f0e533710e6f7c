//! A store that is late, repeats itself, fails, and reports what nobody wrote.

use std::collections::{BTreeSet, VecDeque};

use chat_core::{
    id::MessageId,
    name::Name,
    store::{
        Entry, Log, MemoryStore, OperationId, Position, Revision, StoreError, StoreEvent,
        StoreOperation, Table,
    },
    time::WallTime,
};

use crate::{frames, input::Input};

/// So many operations are under way at most: an input is too short for more.
const MAX_WAITING: usize = 2_000;
const TABLES: [Table; 6] = [
    Table::Names,
    Table::Groups,
    Table::Members,
    Table::Peers,
    Table::Outbox,
    Table::Settings,
];

pub(crate) struct Store {
    memory: MemoryStore,
    waiting: VecDeque<(OperationId, StoreOperation)>,
    events: VecDeque<StoreEvent>,
    /// The last event, which may come again.
    last: Option<StoreEvent>,
    /// Whether operations take place as soon as they are asked for.
    pub(crate) is_prompt: bool,
    /// Whether it has reported what nobody wrote.
    pub(crate) is_foreign: bool,
    /// The ids of all entries that are durable.
    pub(crate) appended: BTreeSet<MessageId>,
}

impl Store {
    pub(crate) fn new() -> Self {
        Self {
            memory: MemoryStore::new(),
            waiting: VecDeque::new(),
            events: VecDeque::new(),
            last: None,
            is_prompt: true,
            is_foreign: false,
            appended: BTreeSet::new(),
        }
    }

    /// Takes an operation. One that comes again and again is done twice at most.
    pub(crate) fn take(&mut self, id: OperationId, operation: StoreOperation) {
        assert!(self.waiting.len() < MAX_WAITING, "too much is under way");
        let same = self.waiting.iter().filter(|(known, _)| *known == id);
        if same.count() < 2 {
            self.waiting.push_back((id, operation));
        }
    }

    /// What it reports next.
    pub(crate) fn poll(&mut self) -> Option<StoreEvent> {
        while self.is_prompt && self.events.is_empty() && !self.waiting.is_empty() {
            self.perform(0);
        }
        let event = self.events.pop_front()?;
        self.last = Some(event.clone());
        Some(event)
    }

    fn perform(&mut self, at: usize) {
        let Some((id, operation)) = self.waiting.remove(at) else {
            return;
        };
        let entry = match &operation {
            StoreOperation::Append { id, .. } => Some(*id),
            _ => None,
        };
        self.memory.handle(id, operation);
        while let Some(event) = self.memory.poll_event() {
            if matches!(event, StoreEvent::Appended { .. }) {
                self.appended.extend(entry);
            }
            self.events.push_back(event);
        }
    }

    /// Something of the fuzzer's choice.
    pub(crate) fn step(&mut self, input: &mut Input<'_>) {
        let (choice, at) = (input.byte(), usize::from(input.byte()));
        let any = at % self.waiting.len().max(1);
        match choice % 12 {
            0 => self.is_prompt ^= true,
            1 => self.perform(0),
            2 => self.perform(any),
            // It takes place, and nobody is told.
            3 => {
                let events = self.events.len();
                self.perform(any);
                self.events.truncate(events);
            }
            4 => drop(self.waiting.remove(any)),
            5 => {
                let errors = [
                    StoreError::Unavailable,
                    StoreError::Unavailable,
                    StoreError::Full,
                    StoreError::TooBig,
                ];
                if let Some((operation, _)) = self.waiting.remove(any) {
                    let error = errors[usize::from(choice / 12) % errors.len()];
                    self.events
                        .push_back(StoreEvent::Failed { operation, error });
                }
            }
            // It is reported again, or for another operation.
            6 => self.events.extend(self.last.clone()),
            7 => {
                if let Some((operation, _)) = self.waiting.get(any) {
                    let event = completion(*operation, input);
                    self.is_foreign = true;
                    self.events.push_back(event);
                }
            }
            8 => self.events.extend([StoreEvent::Stalled]),
            9 => self.events.extend([StoreEvent::Well]),
            10 => self.events.extend([StoreEvent::Resynchronise]),
            _ => {
                self.is_foreign = true;
                let event = foreign(input);
                self.events.push_back(event);
            }
        }
    }
}

/// A completion, whatever the operation was.
fn completion(operation: OperationId, input: &mut Input<'_>) -> StoreEvent {
    let revision = Revision(input.number());
    match input.byte() % 5 {
        0 => StoreEvent::Done {
            operation,
            revision: Some(revision),
        },
        1 => StoreEvent::Conflict {
            operation,
            current: Some((revision, input.piece().to_vec())),
        },
        2 => StoreEvent::Conflict {
            operation,
            current: None,
        },
        3 => StoreEvent::Attached {
            operation,
            head: Position(input.number()),
        },
        _ => StoreEvent::Fetched {
            operation,
            entries: (0..input.byte() % 3).map(|_| entry(input)).collect(),
        },
    }
}

/// Somebody else has written something.
fn foreign(input: &mut Input<'_>) -> StoreEvent {
    if input.byte().is_multiple_of(2) {
        let name = |input: &mut Input<'_>| -> Name { frames::name(input) };
        let log = match input.byte() % 4 {
            0 => Log::Mailbox(name(input)),
            1 => Log::Group(name(input)),
            2 => Log::Channel,
            _ => Log::Inbox,
        };
        let entry = entry(input);
        return StoreEvent::Arrived { log, entry };
    }
    let keys = [
        "registration",
        "screen",
        "alice",
        "bob",
        "g",
        "group/g\nbob",
        "channel\nbob",
    ];
    StoreEvent::Changed {
        table: TABLES[input.below(TABLES.len())],
        key: keys[input.below(keys.len())].into(),
        revision: Revision(input.number()),
        value: (!input.byte().is_multiple_of(4)).then(|| input.piece().to_vec()),
    }
}

fn entry(input: &mut Input<'_>) -> Entry {
    Entry {
        position: Position(input.number()),
        id: frames::message_id(input),
        received: WallTime::from_micros(input.number()),
        bytes: frames::content(input).into(),
    }
}
