//! What the client reads from its store, opened for the fuzzer.

use alloc::vec::Vec;

use serde::{Serialize, de::DeserializeOwned};

use super::{
    entry::{Entry, decode, encode},
    keeping::Registration,
    outbox, screen, table,
};

/// What the client keeps between runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientRecord {
    /// That the server knows the name.
    Registration,
    /// How far the screen has shown the inbox.
    Screen,
    /// What is known of a name.
    Known,
    /// A message that is owed.
    Owed,
    /// An entry of the inbox.
    Entry,
}

/// The record in `bytes`, written again; none if there is none.
pub fn client_record(record: ClientRecord, bytes: &[u8]) -> Option<Vec<u8>> {
    fn again<T: Serialize + DeserializeOwned>(bytes: &[u8]) -> Option<Vec<u8>> {
        decode::<T>(bytes).map(|record| encode(&record))
    }
    match record {
        ClientRecord::Registration => again::<Registration>(bytes),
        ClientRecord::Screen => again::<screen::Record>(bytes),
        ClientRecord::Known => again::<table::Known>(bytes),
        ClientRecord::Owed => again::<outbox::Record>(bytes),
        ClientRecord::Entry => again::<Entry>(bytes),
    }
}
