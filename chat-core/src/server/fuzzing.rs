//! What the server reads from its store, opened for the fuzzer.

use alloc::vec::Vec;

use serde::{Serialize, de::DeserializeOwned};

use super::record::{GroupRecord, MemberRecord, NameRecord, decode, encode};

/// What the server keeps between runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerRecord {
    /// A name and who has it.
    Name,
    /// A group.
    Group,
    /// A reader of a log.
    Member,
}

/// The record in `bytes`, written again; none if there is none.
pub fn server_record(record: ServerRecord, bytes: &[u8]) -> Option<Vec<u8>> {
    fn again<T: Serialize + DeserializeOwned>(bytes: &[u8]) -> Option<Vec<u8>> {
        decode::<T>(bytes).map(|record| encode(&record))
    }
    match record {
        ServerRecord::Name => again::<NameRecord>(bytes),
        ServerRecord::Group => again::<GroupRecord>(bytes),
        ServerRecord::Member => again::<MemberRecord>(bytes),
    }
}
