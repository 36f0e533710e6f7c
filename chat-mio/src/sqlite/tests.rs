use std::{fs, sync::Arc};

use chat_core::{
    id::MessageId,
    store::{Limit, Position, Revision},
    time::WallTime,
};

use super::*;

const NOW: Now = Now::new(Instant::ZERO, WallTime::from_micros(1_000));

fn at(seconds: u64, wall: u64) -> Now {
    Now::new(
        Instant::ZERO + Duration::from_secs(seconds),
        WallTime::from_micros(wall),
    )
}

fn append(id: u8, size: usize) -> StoreOperation {
    StoreOperation::Append {
        log: Log::Channel,
        id: MessageId([id; 16]),
        received: WallTime::from_micros(1_000),
        bytes: Arc::from(vec![id; size]),
        limit: Limit::Refuse(1_000),
    }
}

const FETCH: StoreOperation = StoreOperation::Fetch {
    log: Log::Channel,
    after: Position(0),
    count: 1_000,
};

const TRIM: StoreOperation = StoreOperation::Trim {
    log: Log::Channel,
    up_to: Position(1_000),
};

fn run(store: &mut SqliteStore, operations: &[StoreOperation]) -> Vec<StoreEvent> {
    let mut operations = (0..)
        .map(OperationId)
        .zip(operations.iter().cloned())
        .collect();
    store.handle(NOW, &mut operations);
    polled(store)
}

fn polled(store: &mut SqliteStore) -> Vec<StoreEvent> {
    std::iter::from_fn(|| store.poll_event()).collect()
}

fn failed(operation: u64) -> StoreEvent {
    StoreEvent::Failed {
        operation: OperationId(operation),
        error: StoreError::Unavailable,
    }
}

struct Place {
    directory: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
        }
    }

    fn file(&self) -> std::path::PathBuf {
        self.directory.path().join("store.sqlite")
    }

    fn open(&self) -> Result<SqliteStore, DirectoryError> {
        SqliteStore::open(&self.file(), NOW)
    }
}

#[test]
fn commits_are_synced_to_a_write_ahead_log() {
    let place = Place::new();
    let store = place.open().unwrap();
    let pragma = |name: &str| -> String {
        store
            .connection
            .query_row(
                &format!("SELECT CAST({name} AS TEXT) FROM pragma_{name}"),
                [],
                |row| row.get(0),
            )
            .unwrap()
    };
    assert_eq!(pragma("journal_mode"), "wal");
    assert_eq!(pragma("synchronous"), "2");
}

#[test]
fn what_was_reported_is_there_when_the_file_is_opened_as_a_crash_left_it() {
    let place = Place::new();
    let mut store = place.open().unwrap();
    run(&mut store, &[append(1, 10), append(2, 10)]);
    // Copied while the store is open: the write-ahead log has not been moved into the file.
    let other = Place::new();
    for entry in fs::read_dir(place.directory.path()).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), other.directory.path().join(entry.file_name())).unwrap();
    }
    let mut store = other.open().unwrap();
    let [StoreEvent::Fetched { entries, .. }] = &run(&mut store, &[FETCH])[..] else {
        panic!("one answer");
    };
    assert_eq!(entries.len(), 2);
}

#[test]
fn a_full_disk_fails_what_writes_and_serves_what_reads() {
    let place = Place::new();
    let mut store = place.open().unwrap();
    run(&mut store, &[append(1, 10)]);
    limit_pages(&store, 0);
    let events = run(&mut store, &[FETCH, append(2, 100_000), FETCH]);
    let [first, second, third, StoreEvent::Stalled] = &events[..] else {
        panic!("{events:?}");
    };
    assert!(matches!(first, StoreEvent::Fetched { entries, .. } if entries.len() == 1));
    assert_eq!(*second, failed(1));
    assert!(matches!(third, StoreEvent::Fetched { entries, .. } if entries.len() == 1));
    assert_eq!(run(&mut store, &[append(3, 100_000)]), [failed(0)]);

    limit_pages(&store, 10_000);
    store.handle_timeout(at(60, 60_000));
    assert_eq!(polled(&mut store), [StoreEvent::Well]);
    assert_eq!(
        run(&mut store, &[append(4, 10)]),
        [failed(0)],
        "it would overtake what has failed"
    );
    let events = run(&mut store, &[StoreOperation::Resume, append(2, 100_000)]);
    let position = Position(2);
    assert!(
        matches!(events[..], [StoreEvent::Done { .. }, StoreEvent::Appended { position: p, .. }] if p == position),
        "{events:?}"
    );
}

/// Lets the file grow by so many pages.
fn limit_pages(store: &SqliteStore, more: i64) {
    let pages: i64 = store
        .connection
        .query_row("PRAGMA page_count", [], |row| row.get(0))
        .unwrap();
    store
        .connection
        .pragma_update(None, "max_page_count", pages + more)
        .unwrap();
}

#[test]
fn a_stalled_store_finds_out_by_itself_that_it_works_again() {
    let place = Place::new();
    let mut store = place.open().unwrap();
    store
        .connection
        .busy_timeout(std::time::Duration::ZERO)
        .unwrap();
    let other = Connection::open(place.file()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert_eq!(
        run(&mut store, &[append(1, 10)]),
        [failed(0), StoreEvent::Stalled]
    );
    assert_eq!(store.poll_timeout(), Some(at(1, 0).instant));
    store.handle_timeout(at(1, 0));
    assert_eq!(polled(&mut store), []);
    assert_eq!(store.poll_timeout(), Some(at(3, 0).instant));

    other.execute_batch("ROLLBACK").unwrap();
    store.handle_timeout(at(3, 0));
    assert_eq!(polled(&mut store), [StoreEvent::Well]);
}

#[test]
fn nothing_is_reported_as_kept_in_a_file_that_was_removed() {
    let place = Place::new();
    let mut store = place.open().unwrap();
    run(&mut store, &[append(1, 10)]);
    let elsewhere = place.file().with_extension("moved");
    fs::rename(place.file(), &elsewhere).unwrap();
    assert_eq!(
        run(&mut store, &[append(2, 10)]),
        [failed(0), StoreEvent::Stalled]
    );
    store.handle_timeout(at(2, 2_000));
    assert_eq!(polled(&mut store), []);
    fs::rename(&elsewhere, place.file()).unwrap();
    store.handle_timeout(at(60, 60_000));
    assert_eq!(polled(&mut store), [StoreEvent::Well]);
    let events = run(&mut store, &[StoreOperation::Resume, append(2, 10)]);
    assert!(!events.contains(&failed(1)), "{events:?}");
}

#[test]
fn ids_are_forgotten_sixty_days_after_their_entry_was_received_and_trimmed() {
    const DAY: u64 = 24 * 3_600 * 1_000_000;
    let place = Place::new();
    let mut store = place.open().unwrap();
    run(&mut store, &[append(1, 1), TRIM, append(2, 1)]);
    let ids = |store: &SqliteStore| -> i64 {
        store
            .connection
            .query_row("SELECT count(*) FROM ids", [], |row| row.get(0))
            .unwrap()
    };
    store.handle_timeout(at(1, 59 * DAY));
    assert_eq!(ids(&store), 2);
    let due = store.poll_timeout().unwrap();
    store.handle_timeout(Now::new(due, WallTime::from_micros(61 * DAY)));
    assert_eq!(ids(&store), 1);
    let events = run(&mut store, &[append(2, 1), append(1, 1)]);
    let positions: Vec<_> = events
        .iter()
        .map(|event| match event {
            StoreEvent::Appended { position, .. } => position.0,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(positions, [2, 3]);
}

#[test]
fn many_ids_are_looked_at_in_steps() {
    let place = Place::new();
    let mut store = place.open().unwrap();
    store
        .connection
        .execute_batch(
            "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers LIMIT 2500)
             INSERT INTO ids SELECT n % 3, randomblob(16), n, 0 FROM numbers",
        )
        .unwrap();
    let mut steps = 0;
    let mut now = at(0, u64::MAX >> 1);
    while store.poll_timeout().unwrap() < at(100, 0).instant {
        now.instant = store.poll_timeout().unwrap();
        store.handle_timeout(now);
        steps += 1;
    }
    assert_eq!(steps, 3);
    let ids: i64 = store
        .connection
        .query_row("SELECT count(*) FROM ids", [], |row| row.get(0))
        .unwrap();
    assert_eq!(ids, 0);
}

#[test]
fn a_damaged_file_is_named_and_left_as_it_is() {
    let place = Place::new();
    fs::write(place.file(), vec![b'x'; 8_192]).unwrap();
    let error = place.open().unwrap_err();
    assert!(matches!(error, DirectoryError::Corrupt { .. }), "{error:?}");
    assert!(error.to_string().contains("store.sqlite"), "{error}");
    assert_eq!(fs::read(place.file()).unwrap(), vec![b'x'; 8_192]);
}

#[test]
fn a_file_with_damaged_pages_is_not_opened() {
    let place = Place::new();
    let mut store = place.open().unwrap();
    let operations: Vec<_> = (1..100).map(|id| append(id, 1_000)).collect();
    run(&mut store, &operations);
    drop(store);
    let mut bytes = fs::read(place.file()).unwrap();
    bytes[8_192..]
        .chunks_mut(4_096)
        .for_each(|page| page[0] ^= 0xff);
    fs::write(place.file(), bytes).unwrap();
    let error = place.open().unwrap_err();
    assert!(matches!(error, DirectoryError::Corrupt { .. }), "{error:?}");
}

#[test]
fn a_file_of_a_later_version_or_of_another_program_is_refused() {
    let place = Place::new();
    let store = place.open().unwrap();
    store
        .connection
        .pragma_update(None, "user_version", 99)
        .unwrap();
    drop(store);
    let error = place.open().unwrap_err();
    assert!(
        matches!(error, DirectoryError::TooNew { found: 99, .. }),
        "{error:?}"
    );

    let place = Place::new();
    Connection::open(place.file())
        .unwrap()
        .execute_batch("CREATE TABLE theirs (x)")
        .unwrap();
    let error = place.open().unwrap_err();
    assert!(matches!(error, DirectoryError::Corrupt { .. }), "{error:?}");
}

#[test]
fn the_file_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    let mut store = place.open().unwrap();
    run(&mut store, &[append(1, 10)]);
    for entry in fs::read_dir(place.directory.path()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{:?}", entry.path());
    }
}

#[test]
fn an_administrator_sees_what_is_there() {
    let place = Place::new();
    let mut store = place.open().unwrap();
    let record = StoreOperation::CompareAndSet {
        table: Table::Names,
        key: "alice".into(),
        expected: None,
        value: Some(vec![1]),
    };
    let events = run(&mut store, &[append(1, 10), record]);
    assert!(matches!(
        events[1],
        StoreEvent::Done {
            revision: Some(Revision(1)),
            ..
        }
    ));
    let row: (String, i64, String, String, i64) = Connection::open(place.file())
        .unwrap()
        .query_row("SELECT * FROM contents", [], |row| {
            Ok((
                row.get(0)?,
                row.get(1)?,
                row.get(2)?,
                row.get(3)?,
                row.get(4)?,
            ))
        })
        .unwrap();
    let id = "01".repeat(16);
    let received = "1970-01-01 00:00:00";
    assert_eq!(row, ("channel".into(), 1, id, received.into(), 10));
}
