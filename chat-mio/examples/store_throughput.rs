//! How many entries a second the SQLite store makes durable: 300 bytes each, to 100,000 mailboxes.
//!
//! ```text
//! cargo run --release -p chat-mio --example store_throughput [entries]
//! ```
//! The baseline, measured in the same run: one `write` + `fdatasync` of 4 KiB for each commit.

use std::{error::Error, io::Write, sync::Arc};

use chat_core::{
    id::MessageId,
    store::{Limit, Log, OperationId, StoreEvent, StoreOperation},
    time::WallTime,
};
use chat_mio::{Clock, MAX_BATCH, SqliteStore, Store};

const MAILBOXES: u64 = 100_000;

fn main() -> Result<(), Box<dyn Error>> {
    let entries = match std::env::args().nth(1) {
        Some(count) => count.parse()?,
        None => 20_000,
    };
    let directory = tempfile::tempdir_in(".")?;
    let clock = Clock::new();
    let mut store = SqliteStore::open(&directory.path().join("store.sqlite"), clock.now())?;
    let mut appended = 0;
    for (per_commit, commits) in [
        (1, entries / 64),
        (16, entries / 64),
        (MAX_BATCH, entries / MAX_BATCH),
    ] {
        let started = clock.now().instant;
        for _ in 0..commits {
            append(&mut store, &clock, &mut appended, per_commit)?;
        }
        let seconds = seconds_since(&clock, started);
        let rate = (commits * per_commit) as f64 / seconds;
        println!("{per_commit:>4} a commit: {rate:>7.0} entries/s");
    }
    let mut file = std::fs::File::create(directory.path().join("sync"))?;
    let started = clock.now().instant;
    let commits = entries / MAX_BATCH;
    for _ in 0..commits {
        file.write_all(&[0; 4_096])?;
        file.sync_data()?;
    }
    let rate = commits as f64 / seconds_since(&clock, started);
    println!("write + fdatasync: {rate:>5.0} /s");
    Ok(())
}

fn seconds_since(clock: &Clock, started: chat_core::time::Instant) -> f64 {
    let elapsed = clock.now().instant.saturating_since(started);
    elapsed.as_secs_f64().max(1e-6)
}

fn append(
    store: &mut SqliteStore,
    clock: &Clock,
    appended: &mut u64,
    count: usize,
) -> Result<(), Box<dyn Error>> {
    let mut operations = Vec::with_capacity(count);
    for _ in 0..count {
        *appended += 1;
        let id = MessageId::derive(b"benchmark", &[&appended.to_le_bytes()]);
        // Scattered over the mailboxes, as mail is.
        let mailbox = u64::from_le_bytes(id.0[..8].try_into()?) % MAILBOXES;
        let operation = StoreOperation::Append {
            log: Log::Mailbox(format!("user{mailbox}").parse()?),
            id,
            received: WallTime::from_micros(*appended),
            bytes: Arc::from([0x2a; 300]),
            limit: Limit::Refuse(u64::MAX),
        };
        operations.push((OperationId(*appended), operation));
    }
    store.handle(clock.now(), &mut operations);
    while let Some(event) = store.poll_event() {
        if !matches!(event, StoreEvent::Appended { .. }) {
            return Err(format!("{event:?}").into());
        }
    }
    Ok(())
}
