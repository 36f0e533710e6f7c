//! What was said, as far as this user saw it: kept for reading and searching.
//!
//! It is apart from the store, and promises less: the last messages before a loss of power may be
//! missing. What is shown again after a crash is kept once.

use std::path::{Path, PathBuf};

use chat_core::{
    conversation::Conversation,
    id::{MessageId, PublicKey},
    name::Name,
    time::WallTime,
};
use rusqlite::{Connection, Row, params};

use crate::{
    directory::{ClientStores, DirectoryError},
    sqlite::{create, from_sqlite},
};

const LAYOUT: &str = "
    CREATE TABLE IF NOT EXISTS messages (
        number INTEGER PRIMARY KEY,
        id BLOB NOT NULL UNIQUE,
        kind INTEGER NOT NULL,      -- 0: direct, 1: a group, 2: everyone
        folded TEXT NOT NULL,       -- the name of the other user or the group
        name TEXT NOT NULL,
        sender TEXT NOT NULL,
        at INTEGER NOT NULL,        -- microseconds since 1970 (UTC)
        stage INTEGER NOT NULL,
        text TEXT NOT NULL
    );
    CREATE INDEX IF NOT EXISTS of_conversation ON messages (folded, number);
    CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5 (
        text, content = 'messages', content_rowid = 'number'
    );
    CREATE TRIGGER IF NOT EXISTS found AFTER INSERT ON messages BEGIN
        INSERT INTO words (rowid, text) VALUES (new.number, new.text);
    END;
";

const COLUMNS: &str = "id, kind, name, sender, at, stage, messages.text";

/// A message that was sent or received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spoken {
    /// The message.
    pub id: MessageId,
    /// With whom: the other user, the group, everyone.
    pub with: Conversation,
    /// Who sent it.
    pub sender: Name,
    /// When it was sent, or received by the server if that kept it.
    pub at: WallTime,
    /// What has become of it.
    pub fate: Fate,
    /// The text: untrusted.
    pub text: String,
}

/// What has become of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fate {
    /// This user has received it.
    Received,
    /// Nobody else has it.
    Owed,
    /// The server has it.
    Saved,
    /// Its recipient has it; of a group, one more for whom it was kept.
    Delivered,
    /// It was given up.
    Failed,
}

impl Fate {
    const ALL: [Self; 5] = [
        Self::Received,
        Self::Owed,
        Self::Saved,
        Self::Delivered,
        Self::Failed,
    ];
}

/// Where the history of a client is, at each of its servers.
#[derive(Debug)]
pub struct HistoryFiles(pub(crate) ClientStores);

impl HistoryFiles {
    /// The history at the server with this key, made when it is first asked for.
    ///
    /// # Errors
    /// If the file cannot be used.
    pub fn open(&self, key: PublicKey) -> Result<History, DirectoryError> {
        History::open(&self.0.history_of(key)?)
    }
}

/// The history of one user at one server.
#[derive(Debug)]
pub struct History {
    connection: Connection,
    path: PathBuf,
}

impl History {
    fn open(path: &Path) -> Result<Self, DirectoryError> {
        create(path).map_err(|error| DirectoryError::from_io(path, error))?;
        let made = Connection::open(path).and_then(|connection| {
            connection.pragma_update(None, "journal_mode", "WAL")?;
            connection.pragma_update(None, "synchronous", "NORMAL")?;
            connection.execute_batch(LAYOUT)?;
            Ok(connection)
        });
        let connection = made.map_err(|error| from_sqlite(path, &error))?;
        let path = path.to_owned();
        Ok(Self { connection, path })
    }

    /// Keeps a message, once.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn add(&mut self, message: &Spoken) -> Result<(), DirectoryError> {
        let (kind, name) = match &message.with {
            Conversation::User(name) => (0, Some(name)),
            Conversation::Group(group) => (1, Some(group)),
            Conversation::Channel => (2, None),
        };
        let add = "INSERT OR IGNORE INTO messages (id, kind, folded, name, sender, at, stage, text)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
        let added = self.connection.prepare_cached(add).and_then(|mut add| {
            add.execute(params![
                message.id.0,
                kind,
                name.map_or("", Name::folded),
                name.map_or("", Name::as_str),
                message.sender.as_str(),
                message.at.as_micros().cast_signed(),
                message.fate as i64,
                message.text,
            ])
        });
        added.map(drop).map_err(|error| self.failed(&error))
    }

    /// Notes what has become of a message.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn set_fate(&mut self, id: &MessageId, fate: Fate) -> Result<(), DirectoryError> {
        let set = "UPDATE messages SET stage = ?2 WHERE id = ?1";
        let set = self.connection.prepare_cached(set);
        let set = set.and_then(|mut set| set.execute(params![id.0, fate as i64]));
        set.map(drop).map_err(|error| self.failed(&error))
    }

    /// The last `count` messages, oldest first: with this user or in this group, or all of them.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn last(&self, with: Option<&Name>, count: usize) -> Result<Vec<Spoken>, DirectoryError> {
        let select = format!(
            "SELECT {COLUMNS} FROM messages WHERE ?1 IS NULL OR folded = ?1
             ORDER BY number DESC LIMIT ?2"
        );
        self.select(&select, with.map(Name::folded), count)
    }

    /// The last `count` messages that have all these words, oldest first. The last word may be the
    /// beginning of one.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn search(&self, text: &str, count: usize) -> Result<Vec<Spoken>, DirectoryError> {
        let quoted = |word: &str| format!("\"{}\"", word.replace('"', "\"\""));
        let words: Vec<String> = text.split_whitespace().map(quoted).collect();
        if words.is_empty() {
            return Ok(Vec::new());
        }
        let select = format!(
            "SELECT {COLUMNS} FROM words JOIN messages ON messages.number = words.rowid
             WHERE words MATCH ?1 ORDER BY number DESC LIMIT ?2"
        );
        self.select(&select, Some(&format!("{}*", words.join(" "))), count)
    }

    /// Hands every message to `each`, oldest first. Gives how many there are.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn for_each(&self, mut each: impl FnMut(Spoken)) -> Result<usize, DirectoryError> {
        let select = format!("SELECT {COLUMNS} FROM messages ORDER BY number");
        let mut read = || {
            let mut select = self.connection.prepare(&select)?;
            let mut rows = select.query([])?;
            let mut count = 0;
            while let Some(row) = rows.next()? {
                if let Some(message) = spoken(row)? {
                    each(message);
                    count += 1;
                }
            }
            Ok(count)
        };
        read().map_err(|error| self.failed(&error))
    }

    fn select(
        &self,
        select: &str,
        of: Option<&str>,
        count: usize,
    ) -> Result<Vec<Spoken>, DirectoryError> {
        let read = || {
            let mut select = self.connection.prepare_cached(select)?;
            let rows = select.query_map(params![of, count.cast_signed()], spoken)?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        };
        let newest_first = read().map_err(|error| self.failed(&error))?;
        Ok(newest_first.into_iter().flatten().rev().collect())
    }

    fn failed(&self, error: &rusqlite::Error) -> DirectoryError {
        from_sqlite(&self.path, error)
    }
}

/// The message of a row; none if it is not one that was written here.
fn spoken(row: &Row<'_>) -> rusqlite::Result<Option<Spoken>> {
    let (kind, name, sender): (i64, String, String) = (row.get(1)?, row.get(2)?, row.get(3)?);
    let with = match (kind, name.parse()) {
        (0, Ok(name)) => Conversation::User(name),
        (1, Ok(group)) => Conversation::Group(group),
        (2, _) => Conversation::Channel,
        _ => return Ok(None),
    };
    let fate = usize::try_from(row.get::<_, i64>(5)?).ok();
    let fate = fate.and_then(|fate| Fate::ALL.get(fate).copied());
    let (Ok(sender), Some(fate)) = (sender.parse(), fate) else {
        return Ok(None);
    };
    Ok(Some(Spoken {
        id: MessageId(row.get(0)?),
        with,
        sender,
        at: WallTime::from_micros(row.get::<_, i64>(4)?.cast_unsigned()),
        fate,
        text: row.get(6)?,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        text.parse().unwrap()
    }

    fn message(id: u8, with: Conversation, text: &str) -> Spoken {
        Spoken {
            id: MessageId([id; 16]),
            with,
            sender: name("Alice"),
            at: WallTime::from_micros(u64::from(id)),
            fate: Fate::Received,
            text: text.into(),
        }
    }

    /// A history in which three things were said.
    fn history(directory: &Path) -> History {
        let mut history = History::open(&directory.join("history.sqlite")).unwrap();
        for message in [
            message(
                1,
                Conversation::User(name("Bob")),
                "Lunch at the \"Harbour\"?",
            ),
            message(2, Conversation::Group(name("crew")), "harbour is closed"),
            message(3, Conversation::Channel, "to everyone"),
        ] {
            history.add(&message).unwrap();
        }
        history
    }

    fn ids(messages: &[Spoken]) -> Vec<u8> {
        messages.iter().map(|message| message.id.0[0]).collect()
    }

    #[test]
    fn the_last_messages_of_a_conversation_are_read_in_order() {
        let directory = tempfile::tempdir().unwrap();
        let history = history(directory.path());
        assert_eq!(ids(&history.last(None, 2).unwrap()), [2, 3]);
        assert_eq!(ids(&history.last(Some(&name("bob")), 9).unwrap()), [1]);
        assert_eq!(ids(&history.last(Some(&name("CREW")), 9).unwrap()), [2]);
        assert!(history.last(Some(&name("carol")), 9).unwrap().is_empty());
        let expected = message(
            1,
            Conversation::User(name("Bob")),
            "Lunch at the \"Harbour\"?",
        );
        assert_eq!(history.last(Some(&name("bob")), 9).unwrap(), [expected]);
    }

    #[test]
    fn words_are_found_wherever_they_stand() {
        let directory = tempfile::tempdir().unwrap();
        let history = history(directory.path());
        let found = |text| ids(&history.search(text, 9).unwrap());
        assert_eq!(found("harbour"), [1, 2]);
        assert_eq!(found("at Lunch"), [1]);
        assert_eq!(found("every"), [3], "the beginning of a word");
        assert!(found("lunch closed").is_empty());
        for text in ["", " ", "\"", "a AND", "*", "NEAR(", "text:x", "-"] {
            history.search(text, 9).unwrap();
        }
    }

    #[test]
    fn what_is_kept_again_is_kept_once_and_what_becomes_of_it_is_noted() {
        let directory = tempfile::tempdir().unwrap();
        drop(history(directory.path()));
        let mut history = history(directory.path());
        history
            .set_fate(&MessageId([1; 16]), Fate::Delivered)
            .unwrap();
        history
            .set_fate(&MessageId([9; 16]), Fate::Delivered)
            .unwrap();
        let mut all = Vec::new();
        assert_eq!(history.for_each(|message| all.push(message)).unwrap(), 3);
        let fates: Vec<_> = all.iter().map(|message| message.fate).collect();
        assert_eq!(fates, [Fate::Delivered, Fate::Received, Fate::Received]);
    }
}
