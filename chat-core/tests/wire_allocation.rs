//! Decoding allocates in proportion to the bytes that are there, not to what they declare.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

use chat_core::wire::{ChatFrame, Content, Decoder, LinkFrame};
use proptest::{collection::vec, prelude::*};
use serde::de::DeserializeOwned;

/// The system's allocator, which adds up what each thread asks it for.
struct Counting;

thread_local! {
    static REQUESTED: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: every call goes to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        REQUESTED.set(REQUESTED.get() + layout.size());
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Bytes requested for a byte of input at most. A vector that grows asks for up to three times what
/// it holds in the end, and the largest element of a list for its size in memory is a table entry
/// of 5 bytes (a name of one letter, nothing else).
const PER_BYTE: usize = 120;

fn requested<F: DeserializeOwned>(bytes: &[u8]) -> usize {
    let before = REQUESTED.get();
    for frame in Decoder::<F>::new(bytes) {
        drop(frame);
    }
    REQUESTED.get() - before
}

fn check(bytes: &[u8]) {
    for requested in [
        requested::<LinkFrame>(bytes),
        requested::<ChatFrame>(bytes),
        requested::<Content>(bytes),
    ] {
        let limit = PER_BYTE * bytes.len();
        assert!(
            requested <= limit,
            "{requested} for {} bytes: {bytes:02x?}",
            bytes.len()
        );
    }
}

#[test]
fn declared_lengths_are_not_allocated() {
    check(b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff\x01");
    check(b"\x84\x0f\x00\x9a\xff\xff\xff\xff");
    check(b"\x84\x09\x50\x00\x5b\x00\x00\x00\xff\xff\xff\xff\xff");
    check(b"\x83\x02\x61a\x7a\xff\xff\xff\xff");
    check(&[0x81; 10_000]);
}

#[test]
fn a_list_of_the_smallest_elements_stays_in_proportion() {
    let entry = b"\x84\x61a\xf6\xf6\x00";
    let mut bytes = b"\x85\x11\x00\x82\x00\x00\xf5\x99\x01\x00".to_vec();
    bytes.extend(entry.repeat(256));
    assert!(matches!(
        Decoder::new(&bytes).next(),
        Some(Ok(ChatFrame::TableChanges { .. }))
    ));
    check(&bytes);

    let mut bytes = b"\x84\x0f\x00\x99\x03\xe8".to_vec();
    bytes.extend(b"\x61a".repeat(1_000));
    bytes.push(0xf4);
    assert!(matches!(
        Decoder::new(&bytes).next(),
        Some(Ok(ChatFrame::Names { .. }))
    ));
    check(&bytes);
}

proptest! {
    #[test]
    fn no_bytes_make_a_decoder_allocate_out_of_proportion(bytes in vec(any::<u8>(), 0..400)) {
        check(&bytes);
    }

    #[test]
    fn no_array_makes_a_decoder_allocate_out_of_proportion(
        tag in 1u8..24,
        bytes in vec(prop_oneof![Just(0x61), Just(0x9a), Just(0x84), Just(0x5a), any::<u8>()], 0..400),
    ) {
        check(&[&[0x88, tag], &bytes[..]].concat());
    }
}
