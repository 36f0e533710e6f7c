//! A sequence of link frames.

use chat_core::wire::{Decoder, LinkFrame};

use crate::round_trip::{agrees_with_ciborium, comes_back};

/// Every frame that is taken comes back; another decoder reads the same sequence, up to what is
/// not taken.
pub fn target(bytes: &[u8]) {
    let mut rest = bytes;
    for frame in Decoder::<LinkFrame>::new(bytes).map_while(Result::ok) {
        agrees_with_ciborium(&mut rest, &frame);
        if !matches!(frame, LinkFrame::Unknown { .. }) {
            comes_back(&frame);
        }
    }
}
