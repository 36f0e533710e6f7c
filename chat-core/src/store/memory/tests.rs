use alloc::{string::ToString, vec};

use super::*;

const ROOMY: Limit = Limit::Refuse(1_000);

fn run(store: &mut MemoryStore, operation: StoreOperation) -> Vec<StoreEvent> {
    store.handle(OperationId(7), operation);
    core::iter::from_fn(|| store.poll_event()).collect()
}

fn set(key: &str, expected: Option<u64>, value: Option<&[u8]>) -> StoreOperation {
    StoreOperation::CompareAndSet {
        table: Table::Names,
        key: key.to_string(),
        expected: expected.map(Revision),
        value: value.map(Vec::from),
    }
}

fn append(id: u8, received: u64, limit: Limit) -> StoreOperation {
    StoreOperation::Append {
        log: Log::Channel,
        id: MessageId([id; 16]),
        received: WallTime::from_micros(received),
        bytes: Arc::from([id]),
        limit,
    }
}

fn fetch(after: u64, count: usize) -> StoreOperation {
    StoreOperation::Fetch {
        log: Log::Channel,
        after: Position(after),
        count,
    }
}

fn trim(up_to: u64) -> StoreOperation {
    StoreOperation::Trim {
        log: Log::Channel,
        up_to: Position(up_to),
    }
}

const ATTACH_LOG: StoreOperation = StoreOperation::AttachLog { log: Log::Channel };
const DETACH_LOG: StoreOperation = StoreOperation::DetachLog { log: Log::Channel };
const ATTACH_TABLE: StoreOperation = StoreOperation::AttachTable {
    table: Table::Names,
};

fn done(revision: Option<u64>) -> StoreEvent {
    StoreEvent::Done {
        operation: OperationId(7),
        revision: revision.map(Revision),
    }
}

fn changed(key: &str, revision: u64, value: Option<&[u8]>) -> StoreEvent {
    StoreEvent::Changed {
        table: Table::Names,
        key: key.to_string(),
        revision: Revision(revision),
        value: value.map(Vec::from),
    }
}

fn conflict(current: Option<(u64, &[u8])>) -> StoreEvent {
    StoreEvent::Conflict {
        operation: OperationId(7),
        current: current.map(|(revision, value)| (Revision(revision), value.to_vec())),
    }
}

fn appended(position: u64, received: u64) -> StoreEvent {
    StoreEvent::Appended {
        operation: OperationId(7),
        position: Position(position),
        received: WallTime::from_micros(received),
    }
}

fn entry(position: u64, id: u8, received: u64) -> Entry {
    Entry {
        position: Position(position),
        id: MessageId([id; 16]),
        received: WallTime::from_micros(received),
        bytes: Arc::from([id]),
    }
}

fn arrived(entry: Entry) -> StoreEvent {
    StoreEvent::Arrived {
        log: Log::Channel,
        entry,
    }
}

fn fetched(entries: Vec<Entry>) -> StoreEvent {
    StoreEvent::Fetched {
        operation: OperationId(7),
        entries,
    }
}

fn attached(head: u64) -> StoreEvent {
    StoreEvent::Attached {
        operation: OperationId(7),
        head: Position(head),
    }
}

fn failed(error: StoreError) -> StoreEvent {
    StoreEvent::Failed {
        operation: OperationId(7),
        error,
    }
}

#[test]
fn a_record_is_written_only_over_the_expected_revision() {
    let mut store = MemoryStore::new();
    assert_eq!(run(&mut store, set("a", None, Some(b"1"))), [done(Some(1))]);
    assert_eq!(
        run(&mut store, set("a", None, Some(b"2"))),
        [conflict(Some((1, b"1")))]
    );
    assert_eq!(
        run(&mut store, set("a", Some(1), Some(b"2"))),
        [done(Some(2))]
    );
    assert_eq!(
        run(&mut store, set("b", Some(2), Some(b"2"))),
        [conflict(None)]
    );
}

#[test]
fn a_revision_is_not_used_again_after_a_removal() {
    let mut store = MemoryStore::new();
    run(&mut store, set("a", None, Some(b"1")));
    assert_eq!(run(&mut store, set("a", Some(1), None)), [done(Some(2))]);
    assert_eq!(run(&mut store, set("a", None, None)), [done(None)]);
    assert_eq!(
        run(&mut store.image(), set("a", None, Some(b"1"))),
        [done(Some(3))]
    );
}

#[test]
fn an_attached_table_reports_what_it_holds_and_then_what_changes() {
    let mut store = MemoryStore::new();
    run(&mut store, set("b", None, Some(b"1")));
    run(&mut store, set("a", None, Some(b"2")));
    assert_eq!(
        run(&mut store, ATTACH_TABLE),
        [
            changed("a", 2, Some(b"2")),
            changed("b", 1, Some(b"1")),
            done(None)
        ]
    );
    assert_eq!(
        run(&mut store, set("a", Some(2), None)),
        [done(Some(3)), changed("a", 3, None)]
    );
}

#[test]
fn an_entry_is_appended_once_and_keeps_its_first_stamp() {
    let mut store = MemoryStore::new();
    assert_eq!(run(&mut store, append(1, 10, ROOMY)), [appended(1, 10)]);
    assert_eq!(run(&mut store, append(2, 11, ROOMY)), [appended(2, 11)]);
    assert_eq!(run(&mut store, append(1, 12, ROOMY)), [appended(1, 10)]);
    assert_eq!(
        run(&mut store, fetch(0, 9)),
        [fetched(vec![entry(1, 1, 10), entry(2, 2, 11)])]
    );
}

#[test]
fn a_fetch_reads_in_order_after_a_position() {
    let mut store = MemoryStore::new();
    for id in 1..=3 {
        run(&mut store, append(id, 10, ROOMY));
    }
    assert_eq!(
        run(&mut store, fetch(1, 1)),
        [fetched(vec![entry(2, 2, 10)])]
    );
    assert_eq!(run(&mut store, fetch(3, 9)), [fetched(vec![])]);
    assert_eq!(run(&mut store, fetch(u64::MAX, 9)), [fetched(vec![])]);
    assert_eq!(run(&mut store, fetch(0, 0)), [fetched(vec![])]);
}

#[test]
fn a_trimmed_log_remembers_its_ids_and_its_head() {
    let mut store = MemoryStore::new();
    run(&mut store, append(1, 10, ROOMY));
    run(&mut store, append(2, 11, ROOMY));
    assert_eq!(run(&mut store, trim(9)), [done(None)]);
    let mut store = store.image();
    assert_eq!(run(&mut store, fetch(0, 9)), [fetched(vec![])]);
    assert_eq!(run(&mut store, append(1, 12, ROOMY)), [appended(1, 10)]);
    assert_eq!(run(&mut store, ATTACH_LOG), [attached(2)]);
    assert_eq!(
        run(&mut store, append(3, 13, ROOMY)),
        [appended(3, 13), arrived(entry(3, 3, 13))]
    );
}

#[test]
fn the_oldest_ids_of_trimmed_entries_are_forgotten_first_after_a_crash_as_well() {
    let mut store = MemoryStore::new();
    run(&mut store, append(1, 10, ROOMY));
    run(&mut store, trim(1));
    let mut store = store.image();
    let others = (0..MAX_REMEMBERED_IDS).map(|_| (Log::Channel, MessageId([9; 16])));
    store.trimmed.extend(others);
    run(&mut store, append(2, 11, ROOMY));
    run(&mut store, trim(2));
    let again = run(&mut store, append(1, 12, ROOMY));
    assert_eq!(again[0], appended(3, 12), "its id is not known any more");
}

#[test]
fn a_full_log_takes_nothing_but_what_it_has_and_what_fits_after_a_trim() {
    let mut store = MemoryStore::new();
    let two = Limit::Refuse(2);
    run(&mut store, append(1, 10, two));
    run(&mut store, append(2, 10, two));
    assert_eq!(
        run(&mut store, append(3, 10, two)),
        [failed(StoreError::Full)]
    );
    assert_eq!(run(&mut store, append(1, 10, two)), [appended(1, 10)]);
    run(&mut store, trim(1));
    assert_eq!(run(&mut store, append(3, 10, two)), [appended(3, 10)]);
}

#[test]
fn a_full_log_that_may_drop_its_oldest_entries_takes_everything() {
    let mut store = MemoryStore::new();
    let two = Limit::DropOldest(2);
    for id in 1..=3 {
        run(&mut store, append(id, 10, two));
    }
    let rest = vec![entry(2, 2, 10), entry(3, 3, 10)];
    assert_eq!(run(&mut store, fetch(0, 9)), [fetched(rest)]);
    assert_eq!(run(&mut store, append(1, 11, two)), [appended(1, 10)]);
    run(&mut store, append(4, 10, Limit::DropOldest(0)));
    assert_eq!(
        run(&mut store, fetch(0, 9)),
        [fetched(vec![entry(4, 4, 10)])]
    );
}

#[test]
fn an_attached_log_reports_new_entries_until_it_is_detached() {
    let mut store = MemoryStore::new();
    assert_eq!(run(&mut store, ATTACH_LOG), [attached(0)]);
    assert_eq!(run(&mut store, ATTACH_LOG), [attached(0)]);
    assert_eq!(
        run(&mut store, append(1, 10, ROOMY)),
        [appended(1, 10), arrived(entry(1, 1, 10))]
    );
    assert_eq!(run(&mut store, append(1, 10, ROOMY)), [appended(1, 10)]);
    assert_eq!(run(&mut store, DETACH_LOG), [done(None)]);
    assert_eq!(run(&mut store, append(2, 10, ROOMY)), [appended(2, 10)]);
}

#[test]
fn what_is_too_big_is_refused() {
    let mut store = MemoryStore::new();
    let big = vec![0; MAX_STORED_BYTES + 1];
    assert_eq!(
        run(&mut store, set("a", None, Some(&big))),
        [failed(StoreError::TooBig)]
    );
    let operation = StoreOperation::Append {
        log: Log::Channel,
        id: MessageId([1; 16]),
        received: WallTime::from_micros(1),
        bytes: Arc::from(big),
        limit: ROOMY,
    };
    assert_eq!(run(&mut store, operation), [failed(StoreError::TooBig)]);
}

#[test]
fn an_image_has_no_attachments_and_no_undelivered_events() {
    let mut store = MemoryStore::new();
    run(&mut store, ATTACH_LOG);
    run(&mut store, ATTACH_TABLE);
    store.handle(OperationId(1), append(1, 10, ROOMY));
    let mut image = store.image();
    assert_eq!(image.poll_event(), None);
    assert_eq!(run(&mut image, append(2, 11, ROOMY)), [appended(2, 11)]);
    assert_eq!(run(&mut image, set("a", None, Some(b"1"))), [done(Some(1))]);
}
