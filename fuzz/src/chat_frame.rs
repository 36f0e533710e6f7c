//! One chat frame.

use chat_core::wire::{ChatFrame, decode};

use crate::{
    content,
    round_trip::{agrees_with_ciborium, comes_back},
};

/// A frame that is taken comes back, and another decoder reads the same in it.
pub fn target(bytes: &[u8]) {
    match decode::<ChatFrame>(bytes) {
        Ok(ChatFrame::Unknown { .. }) | Err(_) => {}
        Ok(frame) => {
            agrees_with_ciborium(&mut &*bytes, &frame);
            comes_back(&frame);
            if let ChatFrame::Deliver { content, .. } = frame {
                content::target(&content);
            }
        }
    }
}
