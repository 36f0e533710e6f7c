//! What a server reads from its store at the start.

use chat_core::fuzzing::{ServerRecord, server_record};

const RECORDS: [ServerRecord; 3] = [
    ServerRecord::Name,
    ServerRecord::Group,
    ServerRecord::Member,
];

/// A record that is read, and written again, is read as the same. The first byte says which kind
/// of record the others are.
pub fn target(bytes: &[u8]) {
    let Some((kind, bytes)) = bytes.split_first() else {
        return;
    };
    let record = RECORDS[usize::from(*kind) % RECORDS.len()];
    if let Some(written) = server_record(record, bytes) {
        assert_eq!(server_record(record, &written), Some(written));
    }
}
