//! The layout of the file, and opening it.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt,
    path::Path,
    time::Duration,
};

use rusqlite::{Connection, Error, ErrorCode, OpenFlags, TransactionBehavior, params};

use crate::directory::DirectoryError;

/// Tells files of this program from other databases: "chat".
const APPLICATION_ID: i64 = 0x6368_6174;

/// What leads from each version of the layout (`user_version`) to the next.
const MIGRATIONS: [&str; 1] = ["
    CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
    INSERT INTO counters VALUES ('revision', 0), ('attempts', 0);

    CREATE TABLE records (
        table_name TEXT NOT NULL,
        key TEXT NOT NULL,
        revision INTEGER NOT NULL,
        value BLOB NOT NULL,
        PRIMARY KEY (table_name, key)
    ) WITHOUT ROWID;

    -- head: the position of the last entry, trimmed or not; entries: how many are not trimmed.
    CREATE TABLE logs (
        log INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        head INTEGER NOT NULL,
        entries INTEGER NOT NULL
    );

    -- received: microseconds since 1970 (UTC).
    CREATE TABLE entries (
        log INTEGER NOT NULL,
        position INTEGER NOT NULL,
        id BLOB NOT NULL,
        received INTEGER NOT NULL,
        bytes BLOB NOT NULL,
        UNIQUE (log, position)
    );

    -- The id of every entry, also for a while after it was trimmed: it is appended once.
    CREATE TABLE ids (
        log INTEGER NOT NULL,
        id BLOB NOT NULL,
        position INTEGER NOT NULL,
        received INTEGER NOT NULL,
        PRIMARY KEY (log, id)
    ) WITHOUT ROWID;

    -- For people.
    CREATE VIEW contents AS
        SELECT logs.name AS log, position, lower(hex(id)) AS id,
               datetime(received / 1000000, 'unixepoch') AS received, length(bytes) AS bytes
        FROM entries JOIN logs USING (log) ORDER BY logs.name, position;
"];

/// Files up to this size are checked for damage when they are opened; larger ones take too long.
const CHECKED_BYTES: u64 = 64 << 20;

/// Opens or creates the file; with it comes the last revision that was used.
pub(super) fn open(path: &Path) -> Result<(Connection, i64), DirectoryError> {
    let size = create(path).map_err(|error| DirectoryError::from_io(path, error))?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let failed = |error| from_sqlite(path, &error);
    let mut connection = Connection::open_with_flags(path, flags).map_err(failed)?;
    configure(&connection).map_err(failed)?;
    migrate(&mut connection, path)?;
    if (1..=CHECKED_BYTES).contains(&size) {
        check(&connection, path)?;
    }
    let last_revision = connection
        .query_row(
            "SELECT value FROM counters WHERE name = 'revision'",
            [],
            |row| row.get(0),
        )
        .map_err(failed)?;
    // Writing now tells what is wrong before anything depends on it.
    try_write(&mut connection).map_err(failed)?;
    Ok((connection, last_revision))
}

/// Makes an empty file for this user only, durably, unless there is one. Returns its size.
pub(crate) fn create(path: &Path) -> io::Result<u64> {
    let made = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    match made {
        Ok(file) => {
            file.sync_all()?;
            if let Some(directory) = path.parent() {
                File::open(directory)?.sync_all()?;
            }
            Ok(0)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            OpenOptions::new().read(true).write(true).open(path)?;
            Ok(fs::metadata(path)?.len())
        }
        Err(error) => Err(error),
    }
}

fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_prepared_statement_cache_capacity(32);
    // An administrator who looks at the file holds it up for a moment at most.
    connection.busy_timeout(Duration::from_millis(200))?;
    connection.execute_batch(
        "PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL;
         PRAGMA temp_store = MEMORY;
         PRAGMA cache_size = -16384;
         PRAGMA journal_size_limit = 67108864;
         PRAGMA trusted_schema = OFF;
         PRAGMA cell_size_check = ON;",
    )
}

fn migrate(connection: &mut Connection, path: &Path) -> Result<(), DirectoryError> {
    let failed = |error| from_sqlite(path, &error);
    let number = |connection: &Connection, sql: &str| {
        connection
            .query_row(sql, [], |row| row.get::<_, i64>(0))
            .map_err(failed)
    };
    let found = number(connection, "PRAGMA user_version")?;
    let application = number(connection, "PRAGMA application_id")?;
    let tables = number(connection, "SELECT count(*) FROM sqlite_schema")?;
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    if application != APPLICATION_ID && (tables > 0 || found != 0 || application != 0) {
        return Err(DirectoryError::Corrupt {
            path: path.to_owned(),
            what: "it is the database of another program".into(),
        });
    }
    if found > known {
        return Err(DirectoryError::TooNew {
            path: path.to_owned(),
            found,
            known,
        });
    }
    let done = usize::try_from(found).unwrap_or(0);
    for (version, migration) in (1_i64..).zip(MIGRATIONS).skip(done) {
        let step = || {
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            transaction.execute_batch(migration)?;
            transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
            transaction.pragma_update(None, "user_version", version)?;
            transaction.commit()
        };
        let mut step = step;
        step().map_err(failed)?;
    }
    Ok(())
}

fn check(connection: &Connection, path: &Path) -> Result<(), DirectoryError> {
    let result: String = connection
        .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        .map_err(|error| from_sqlite(path, &error))?;
    if result == "ok" {
        return Ok(());
    }
    Err(DirectoryError::Corrupt {
        path: path.to_owned(),
        what: result.replace('\n', " "),
    })
}

/// Keeps the last revision, so that it is not used again when its record is gone.
pub(super) fn write_last_revision(connection: &Connection, revision: i64) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE counters SET value = ?1 WHERE name = 'revision'")?
        .execute(params![revision])?;
    Ok(())
}

/// Writes something that means nothing, to see whether writing works.
pub(super) fn try_write(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute(
        "UPDATE counters SET value = value + 1 WHERE name = 'attempts'",
        [],
    )?;
    transaction.commit()
}

pub(crate) fn from_sqlite(path: &Path, error: &Error) -> DirectoryError {
    let path = path.to_owned();
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => DirectoryError::Corrupt {
            path,
            what: "it is no database".into(),
        },
        Some(ErrorCode::DatabaseCorrupt) => DirectoryError::Corrupt {
            path,
            what: error.to_string(),
        },
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => DirectoryError::InUse { path },
        Some(ErrorCode::DiskFull) => DirectoryError::Full { path },
        Some(ErrorCode::ReadOnly) => DirectoryError::ReadOnly { path },
        Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            DirectoryError::NotPermitted { path }
        }
        _ => DirectoryError::Io {
            path,
            source: io::Error::other(error.to_string()),
        },
    }
}
