//! What a client that was killed has left in its store.

use std::{fs, iter, path::Path};

use chat_core::{
    store::{Entry, Log, OperationId, Position, StoreEvent, StoreOperation, Table},
    time::{Instant, Now, WallTime},
};
use chat_mio::{SqliteStore, Store};
use serde::Deserialize;
use tests::correspondence::Left;

const NOW: Now = Now::new(Instant::ZERO, WallTime::from_micros(1));

/// What the client keeps of its screen.
#[derive(Default, Deserialize)]
struct Screen {
    cursor: u64,
    held: Vec<u64>,
    notices: Vec<u64>,
}

/// Reads the store below `directory`, that of one client, as it is. A client that was killed before
/// it had one has left nothing.
pub(crate) fn read(directory: &Path) -> Left {
    let Some(data) = fs::read_dir(directory)
        .expect("a client's directory")
        .map(|entry| entry.expect("an entry").path())
        .find(|path| path.join("store.sqlite").exists())
    else {
        return Left::default();
    };
    // A copy: opening it changes it.
    let copy = tempfile::tempdir().expect("a temporary directory");
    for name in ["store.sqlite", "store.sqlite-wal"] {
        if data.join(name).exists() {
            fs::copy(data.join(name), copy.path().join(name)).expect("a copy");
        }
    }
    let path = copy.path().join("store.sqlite");
    let mut store = SqliteStore::open(&path, NOW).expect("a store that a kill has left");
    let owed = records(&mut store, Table::Outbox).len();
    let settings = records(&mut store, Table::Settings);
    let screen = settings.into_iter().find(|(key, _)| key == "screen");
    let screen: Screen = screen.map_or_else(Screen::default, |(_, value)| {
        ciborium::from_reader(&value[..]).expect("how far the screen has shown the inbox")
    });
    let is_behind = |entry: &Entry| {
        let position = entry.position.0;
        position > screen.cursor
            || screen.held.contains(&position)
            || screen.notices.contains(&position)
    };
    let mut left = Left {
        receipts: owed,
        ..Left::default()
    };
    for entry in inbox(&mut store).into_iter().filter(is_behind) {
        match text(&entry.bytes) {
            Some(text) => _ = left.behind_the_screen.insert(text),
            None => left.receipts += 1,
        }
    }
    left
}

fn events(store: &mut SqliteStore, operation: StoreOperation) -> Vec<StoreEvent> {
    store.handle(NOW, &mut vec![(OperationId(1), operation)]);
    iter::from_fn(|| store.poll_event()).collect()
}

fn records(store: &mut SqliteStore, table: Table) -> Vec<(String, Vec<u8>)> {
    let events = events(store, StoreOperation::AttachTable { table }).into_iter();
    let records = events.filter_map(|event| match event {
        StoreEvent::Changed { key, value, .. } => Some((key, value?)),
        _ => None,
    });
    records.collect()
}

fn inbox(store: &mut SqliteStore) -> Vec<Entry> {
    let fetch = StoreOperation::Fetch {
        log: Log::Inbox,
        after: Position(0),
        count: usize::MAX,
    };
    match events(store, fetch).pop() {
        Some(StoreEvent::Fetched { entries, .. }) => entries,
        other => panic!("{other:?}"),
    }
}

/// The text of a message as [`tests::correspondence::Correspondence::say`] makes them.
fn text(bytes: &[u8]) -> Option<String> {
    let length = "text 000000.".len();
    let at = bytes.windows(5).position(|window| window == b"text ")?;
    // The name of the field comes before it.
    let text = bytes.get(at..at + length)?;
    String::from_utf8(text.to_vec()).ok()
}
