//! The SQLite store behaves as the store in memory does, across restarts.

use std::sync::Arc;

use chat_core::{
    id::MessageId,
    store::{
        Limit, Log, MemoryStore, OperationId, Position, Revision, StoreEvent, StoreOperation, Table,
    },
    time::{Instant, Now, WallTime},
};
use chat_mio::{SqliteStore, Store};
use proptest::prelude::*;

const NOW: Now = Now::new(Instant::ZERO, WallTime::from_micros(1));

#[derive(Debug, Clone)]
enum Step {
    Batch(Vec<StoreOperation>),
    Restart,
}

fn log() -> impl Strategy<Value = Log> {
    prop_oneof![
        Just(Log::Channel),
        Just(Log::Inbox),
        Just(Log::Mailbox("Zoë".parse().expect("a name"))),
        Just(Log::Group("zoë".parse().expect("a name"))),
    ]
}

fn table() -> impl Strategy<Value = Table> {
    prop_oneof![Just(Table::Names), Just(Table::Members)]
}

fn position() -> impl Strategy<Value = Position> {
    prop_oneof![0..12_u64, Just(u64::MAX), Just(1 << 63)].prop_map(Position)
}

fn compare_and_set() -> impl Strategy<Value = StoreOperation> {
    let expected = prop::option::of((0..20_u64).prop_map(Revision));
    let value = prop::option::of(prop::collection::vec(any::<u8>(), 0..4));
    (table(), "[ab\n]{0,2}", expected, value).prop_map(|(table, key, expected, value)| {
        StoreOperation::CompareAndSet {
            table,
            key,
            expected,
            value,
        }
    })
}

fn append() -> impl Strategy<Value = StoreOperation> {
    let received = prop_oneof![0..100_u64, Just(u64::MAX)].prop_map(WallTime::from_micros);
    let bytes = prop::collection::vec(any::<u8>(), 0..4);
    let limit = prop_oneof![
        (0..6_u64).prop_map(Limit::Refuse),
        (0..6_u64).prop_map(Limit::DropOldest)
    ];
    (log(), 0..8_u8, received, bytes, limit).prop_map(|(log, id, received, bytes, limit)| {
        StoreOperation::Append {
            log,
            id: MessageId([id; 16]),
            received,
            bytes: Arc::from(bytes),
            limit,
        }
    })
}

fn operation() -> impl Strategy<Value = StoreOperation> {
    prop_oneof![
        4 => compare_and_set(),
        4 => append(),
        2 => (log(), position(), 0..6_usize)
            .prop_map(|(log, after, count)| StoreOperation::Fetch { log, after, count }),
        1 => (log(), position()).prop_map(|(log, up_to)| StoreOperation::Trim { log, up_to }),
        1 => log().prop_map(|log| StoreOperation::AttachLog { log }),
        1 => log().prop_map(|log| StoreOperation::DetachLog { log }),
        1 => table().prop_map(|table| StoreOperation::AttachTable { table }),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        9 => prop::collection::vec(operation(), 1..12).prop_map(Step::Batch),
        1 => Just(Step::Restart),
    ];
    prop::collection::vec(step, 1..16)
}

/// Everything that comes of `operations`.
fn run(store: &mut dyn Store, operations: &[StoreOperation]) -> Vec<StoreEvent> {
    let ids = (0..).map(OperationId);
    let mut operations: Vec<_> = ids.zip(operations.iter().cloned()).collect();
    let mut events = Vec::new();
    while !operations.is_empty() {
        store.handle(NOW, &mut operations);
        events.extend(std::iter::from_fn(|| store.poll_event()));
    }
    events
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn both_stores_answer_alike(steps in steps()) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("store.sqlite");
        let mut memory = MemoryStore::new();
        let mut sqlite = SqliteStore::open(&path, NOW).unwrap();
        for step in steps {
            match step {
                Step::Batch(operations) => {
                    let expected = run(&mut memory, &operations);
                    prop_assert_eq!(run(&mut sqlite, &operations), expected);
                }
                Step::Restart => {
                    memory = memory.image();
                    drop(sqlite);
                    sqlite = SqliteStore::open(&path, NOW).unwrap();
                }
            }
        }
    }
}

#[test]
fn a_table_of_many_pages_is_reported_whole_and_in_order() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.sqlite");
    let mut store = SqliteStore::open(&path, NOW).unwrap();
    for count in [256, 257, 1_000] {
        let records: Vec<_> = (0..count)
            .map(|number| StoreOperation::CompareAndSet {
                table: Table::Names,
                key: format!("{count} {number:04}"),
                expected: None,
                value: Some(vec![1]),
            })
            .collect();
        records.chunks(256).for_each(|records| {
            run(&mut store, records);
        });
    }
    let events = run(
        &mut store,
        &[StoreOperation::AttachTable {
            table: Table::Names,
        }],
    );
    let keys: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            StoreEvent::Changed { key, .. } => Some(key.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(keys.len(), 256 + 257 + 1_000);
    assert!(keys.is_sorted());
    assert!(matches!(events.last(), Some(StoreEvent::Done { .. })));
}
