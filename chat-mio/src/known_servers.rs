//! Which key a server had when it was first met, by the address as it was typed.
//!
//! A text file for people: one server a line, its address and its key in hexadecimal.

use std::{collections::BTreeMap, path::PathBuf};

use chat_core::id::PublicKey;

use crate::{directory::DirectoryError, files, percent};

const HEADER: &str = "# The servers that are trusted: address and key. Remove a line to trust \
                      that server's next key.\n";

/// The servers that a client knows.
#[derive(Debug)]
pub(crate) struct KnownServers {
    path: PathBuf,
    keys: BTreeMap<String, PublicKey>,
}

impl KnownServers {
    /// Reads the file at `path`; none is as good as an empty one.
    pub(crate) fn load(path: PathBuf) -> Result<Self, DirectoryError> {
        let bytes = files::read(&path)?.unwrap_or_default();
        let corrupt = |what| DirectoryError::Corrupt {
            path: path.clone(),
            what,
        };
        let text = String::from_utf8(bytes).map_err(|_| corrupt("it is no text".into()))?;
        let mut keys = BTreeMap::new();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (address, key) = line
                .split_once(char::is_whitespace)
                .and_then(|(address, key)| Some((address, parse_key(key.trim())?)))
                .ok_or_else(|| corrupt(format!("line {} is no address and key", number + 1)))?;
            keys.insert(address.to_owned(), key);
        }
        Ok(Self { path, keys })
    }

    /// The key of the server at `address`.
    pub(crate) fn get(&self, address: &str) -> Option<PublicKey> {
        self.keys.get(&percent::encode(address, b".:[]_-")).copied()
    }

    /// Remembers the key of the server at `address`, durably.
    pub(crate) fn insert(&mut self, address: &str, key: PublicKey) -> Result<(), DirectoryError> {
        self.keys.insert(percent::encode(address, b".:[]_-"), key);
        let mut text = String::from(HEADER);
        for (address, key) in &self.keys {
            text += address;
            text.push(' ');
            text += &hex::encode(key.0);
            text.push('\n');
        }
        files::write(&self.path, text.as_bytes())
    }
}

fn parse_key(text: &str) -> Option<PublicKey> {
    let mut key = [0; 32];
    hex::decode_to_slice(text, &mut key).ok()?;
    Some(PublicKey(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_found_under_the_address_as_it_was_typed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("known_servers");
        let mut servers = KnownServers::load(path.clone()).unwrap();
        assert_eq!(servers.get("localhost:5000"), None);
        servers
            .insert("localhost:5000", PublicKey([0xa5; 32]))
            .unwrap();
        servers.insert("[::1]:5000", PublicKey([2; 32])).unwrap();
        servers.insert("a b:5000", PublicKey([3; 32])).unwrap();
        let servers = KnownServers::load(path).unwrap();
        assert_eq!(servers.get("localhost:5000"), Some(PublicKey([0xa5; 32])));
        assert_eq!(servers.get("[::1]:5000"), Some(PublicKey([2; 32])));
        assert_eq!(servers.get("a b:5000"), Some(PublicKey([3; 32])));
        assert_eq!(servers.get("localhost:5001"), None);
    }

    #[test]
    fn a_line_that_means_nothing_is_an_error_that_names_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("known_servers");
        for line in ["localhost", "localhost 12", "localhost xyz"] {
            std::fs::write(&path, format!("# comment\n\n{line}\n")).unwrap();
            let error = KnownServers::load(path.clone()).unwrap_err();
            assert!(error.to_string().contains("line 3"), "{error}");
        }
        std::fs::write(&path, [0xff, 0xfe]).unwrap();
        assert!(KnownServers::load(path).is_err());
    }
}
