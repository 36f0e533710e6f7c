//! How messages are cut into fragments: at multiples of one length, so that fragments never overlap.

use alloc::vec::Vec;

use serde::Serialize;
use serde_bytes::Bytes;

use crate::{config::MAX_MESSAGE_BYTES, wire};

/// The length of every fragment but the last. The longest message has 64 of them, and each leaves
/// room in a datagram for an acknowledgement beside it.
pub(super) const FRAGMENT_BYTES: usize = MAX_MESSAGE_BYTES.div_ceil(64);

/// How many fragments a message of this length has; an empty one has one.
pub(super) const fn count(length: usize) -> u8 {
    if length == 0 {
        1
    } else {
        length.div_ceil(FRAGMENT_BYTES) as u8
    }
}

/// A set with the first `count` fragments, a bit for each.
pub(super) const fn all(count: u8) -> u64 {
    u64::MAX >> (64 - count as u32)
}

/// Where a fragment begins and ends in a message of this length.
pub(super) fn range(length: usize, index: u8) -> core::ops::Range<usize> {
    let start = usize::from(index) * FRAGMENT_BYTES;
    start..(start + FRAGMENT_BYTES).min(length)
}

/// The index of the fragment that begins at `offset` and has `bytes` bytes; none if a message of
/// this length has no such fragment.
pub(super) fn index(length: usize, offset: usize, bytes: usize) -> Option<u8> {
    if length > MAX_MESSAGE_BYTES || !offset.is_multiple_of(FRAGMENT_BYTES) {
        return None;
    }
    let index = u8::try_from(offset / FRAGMENT_BYTES).ok()?;
    (index < count(length) && range(length, index).len() == bytes).then_some(index)
}

/// [`wire::LinkFrame::Data`] with borrowed bytes, and its tag in front.
#[derive(Serialize)]
struct Data<'a>(u16, u8, u64, u32, u32, &'a Bytes);

/// Appends a fragment as [`wire::LinkFrame::Data`] without a copy of its bytes in between.
pub(super) fn encode(stream: u8, sequence: u64, message: &[u8], index: u8, buffer: &mut Vec<u8>) {
    let range = range(message.len(), index);
    let offset = range.start as u32;
    let bytes = Bytes::new(&message[range]);
    wire::encode(
        &Data(3, stream, sequence, message.len() as u32, offset, bytes),
        buffer,
    );
}

/// What a fragment's frame needs besides its bytes, at most.
pub(super) const FRAME_OVERHEAD: usize = 2 + 2 + 9 + 5 + 5 + 3;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Decoder, LinkFrame};

    #[test]
    fn the_longest_message_has_64_fragments_and_an_empty_one_has_one() {
        assert_eq!(count(MAX_MESSAGE_BYTES), 64);
        assert_eq!(count(0), 1);
        assert_eq!(count(FRAGMENT_BYTES), 1);
        assert_eq!(count(FRAGMENT_BYTES + 1), 2);
        assert_eq!((all(64), all(1)), (u64::MAX, 1));
    }

    #[test]
    fn a_fragment_that_is_not_cut_as_agreed_has_no_index() {
        let length = FRAGMENT_BYTES * 2 + 5;
        assert_eq!(index(length, 0, FRAGMENT_BYTES), Some(0));
        assert_eq!(index(length, FRAGMENT_BYTES * 2, 5), Some(2));
        assert_eq!(index(length, FRAGMENT_BYTES * 2, 6), None);
        assert_eq!(index(length, FRAGMENT_BYTES * 3, 0), None);
        assert_eq!(index(length, 1, FRAGMENT_BYTES), None);
        assert_eq!(index(0, 0, 0), Some(0));
        assert_eq!(index(MAX_MESSAGE_BYTES + 1, 0, FRAGMENT_BYTES), None);
        assert_eq!(index(usize::MAX, usize::MAX, usize::MAX), None);
    }

    #[test]
    fn a_fragment_is_encoded_as_a_data_frame_and_keeps_within_its_overhead() {
        let message = alloc::vec![7; MAX_MESSAGE_BYTES];
        let mut buffer = Vec::new();
        encode(63, u64::MAX, &message, 63, &mut buffer);
        let overhead = buffer.len() - range(message.len(), 63).len();
        assert!(
            (FRAME_OVERHEAD - 2..=FRAME_OVERHEAD).contains(&overhead),
            "{overhead}"
        );
        let frames: Vec<_> = Decoder::<LinkFrame>::new(&buffer).collect();
        assert_eq!(
            frames,
            [Ok(LinkFrame::Data {
                stream: 63,
                sequence: u64::MAX,
                length: MAX_MESSAGE_BYTES as u32,
                offset: 63 * FRAGMENT_BYTES as u32,
                bytes: message[63 * FRAGMENT_BYTES..].to_vec().into(),
            })]
        );
    }
}
