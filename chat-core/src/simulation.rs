//! What the simulator switches, for the whole process.

use core::sync::atomic::{AtomicBool, Ordering::Relaxed};

static NULL_CRYPTO: AtomicBool = AtomicBool::new(false);

/// Replaces cryptography by checksums, or puts it back. Nothing that was made before, be it an
/// identity or a client, is of any use afterwards.
///
/// What was sealed is then readable, but still refused if it was changed or is under another key.
pub fn use_null_crypto(wanted: bool) {
    NULL_CRYPTO.store(wanted, Relaxed);
}

pub(crate) fn uses_null_crypto() -> bool {
    NULL_CRYPTO.load(Relaxed)
}
