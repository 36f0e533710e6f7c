//! What holds for every frame and for any bytes.

use chat_core::wire::{ChatFrame, DecodeError, Decoder, LinkFrame, decode, encode};
use proptest::{collection::vec, prelude::*};
use serde::{Serialize, de::DeserializeOwned};

use crate::strategies;

fn encoded(frame: &impl Serialize) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode(frame, &mut bytes);
    bytes
}

/// A frame comes back from its bytes; a part of them is no frame, more is not one frame; and
/// another CBOR decoder reads the same.
fn check<F>(frame: &F) -> Result<(), TestCaseError>
where
    F: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug,
{
    let bytes = encoded(frame);
    let decoded = decode::<F>(&bytes);
    prop_assert_eq!(decoded.as_ref(), Ok(frame));
    for length in 0..bytes.len() {
        prop_assert_eq!(decode::<F>(&bytes[..length]), Err(DecodeError));
    }
    let longer = [&bytes[..], &[0]].concat();
    prop_assert_eq!(decode::<F>(&longer), Err(DecodeError));
    let other: F = ciborium::from_reader(&bytes[..]).expect("ciborium reads what it wrote");
    prop_assert_eq!(&other, frame);
    Ok(())
}

proptest! {
    #[test]
    fn a_link_frame_comes_back_from_its_bytes(frame in strategies::link_frame()) {
        check(&frame)?;
    }

    #[test]
    fn a_chat_frame_comes_back_from_its_bytes(frame in strategies::chat_frame()) {
        check(&frame)?;
    }

    #[test]
    fn a_content_comes_back_from_its_bytes(content in strategies::content()) {
        check(&content)?;
    }

    #[test]
    fn a_sequence_of_frames_comes_back_in_order(
        frames in vec(strategies::link_frame(), 0..10),
    ) {
        let bytes: Vec<u8> = frames.iter().flat_map(encoded).collect();
        let decoded: Result<Vec<_>, _> = Decoder::<LinkFrame>::new(&bytes).collect();
        prop_assert_eq!(decoded, Ok(frames));
    }

    #[test]
    fn fields_of_a_later_version_are_skipped(frame in strategies::chat_frame()) {
        let mut bytes = encoded(&frame);
        prop_assert!(bytes[0] & 0x1f < 20, "a head of one byte, with room for three more");
        bytes[0] += 3;
        bytes.extend_from_slice(&[0x82, 0x00, 0x41, 0xff, 0xf6, 0x61, b'x']);
        prop_assert_eq!(decode(&bytes), Ok(frame));
    }

    #[test]
    fn an_unknown_frame_is_skipped_whatever_it_holds(tag in 100u16.., next in strategies::link_frame()) {
        let mut bytes = encoded(&(tag, 7, "text", (true, [0u8; 3])));
        encode(&next, &mut bytes);
        let frames: Vec<_> = Decoder::new(&bytes).collect();
        prop_assert_eq!(frames, [Ok(LinkFrame::Unknown { tag }), Ok(next)]);
    }

    #[test]
    fn no_bytes_make_a_decoder_fail_badly(bytes in vec(any::<u8>(), 0..200)) {
        for frame in Decoder::<LinkFrame>::new(&bytes).map_while(Result::ok) {
            if !matches!(frame, LinkFrame::Unknown { .. }) {
                check(&frame)?;
            }
        }
        check_chat_frame(&bytes)?;
    }

    #[test]
    fn no_changed_frame_makes_a_decoder_fail_badly(
        frame in strategies::chat_frame(),
        at: proptest::sample::Index,
        byte: u8,
    ) {
        let mut bytes = encoded(&frame);
        *at.get_mut(&mut bytes) = byte;
        check_chat_frame(&bytes)?;
    }
}

fn check_chat_frame(bytes: &[u8]) -> Result<(), TestCaseError> {
    match decode::<ChatFrame>(bytes) {
        Ok(ChatFrame::Unknown { .. }) | Err(_) => Ok(()),
        Ok(frame) => check(&frame),
    }
}

#[test]
fn a_list_that_is_too_long_is_no_frame() {
    let names = |count: usize| {
        let names = vec!["x"; count];
        decode::<ChatFrame>(&encoded(&(15, 0, names, false))).is_ok()
    };
    assert!(names(1_000));
    assert!(!names(1_001));
}

#[test]
fn a_field_of_another_kind_is_no_frame() {
    for wrong in [
        encoded(&("5", 0)),
        encoded(&(5, "0")),
        encoded(&(5, 0.5)),
        encoded(&(5, -1)),
        encoded(&5),
        encoded(&[0x45u8; 0]),
    ] {
        assert_eq!(
            decode::<LinkFrame>(&wrong),
            Err(DecodeError),
            "{wrong:02x?}"
        );
    }
}
