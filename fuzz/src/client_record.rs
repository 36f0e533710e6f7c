//! What a client reads from its store at the start.

use chat_core::fuzzing::{ClientRecord, client_record};

const RECORDS: [ClientRecord; 5] = [
    ClientRecord::Registration,
    ClientRecord::Screen,
    ClientRecord::Known,
    ClientRecord::Owed,
    ClientRecord::Entry,
];

/// A record that is read, and written again, is read as the same. The first byte says which kind
/// of record the others are.
pub fn target(bytes: &[u8]) {
    let Some((kind, bytes)) = bytes.split_first() else {
        return;
    };
    let record = RECORDS[usize::from(*kind) % RECORDS.len()];
    if let Some(written) = client_record(record, bytes) {
        assert_eq!(client_record(record, &written), Some(written));
    }
}
