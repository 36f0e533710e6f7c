//! The content of a log's entry.

use chat_core::wire::{Content, decode};

use crate::round_trip::{agrees_with_ciborium, comes_back};

/// A content that is taken comes back, and another decoder reads the same in it.
pub fn target(bytes: &[u8]) {
    match decode::<Content>(bytes) {
        Ok(Content::Unknown { .. }) | Err(_) => {}
        Ok(content) => {
            agrees_with_ciborium(&mut &*bytes, &content);
            comes_back(&content);
        }
    }
}
