use super::*;
use crate::{link::fragment::FRAGMENT_BYTES, wire::Decoder};

const ROOM: usize = 1_171;

#[test]
fn streams_take_turns_and_within_one_the_order_is_kept() {
    let mut streams = SendStreams::default();
    push(&mut streams, 0, 2 * FRAGMENT_BYTES);
    push(&mut streams, 0, 1);
    push(&mut streams, 1, 5);
    let order: Vec<_> = core::iter::from_fn(|| next(&mut streams)).collect();
    assert_eq!(
        order,
        [
            (fragment(0, 0, 0), false),
            (fragment(1, 0, 0), false),
            (fragment(0, 0, 1), false),
            (fragment(0, 1, 0), false),
        ]
    );
}

#[test]
fn what_is_lost_goes_first_the_oldest_message_before_others() {
    let mut streams = SendStreams::default();
    for stream in [3, 1, 2] {
        push(&mut streams, stream, 10);
        next(&mut streams);
    }
    push(&mut streams, 0, 10);
    for stream in [1, 2, 3] {
        streams.lost(fragment(stream, 0, 0));
    }
    let order: Vec<_> = core::iter::from_fn(|| next(&mut streams)).collect();
    assert_eq!(
        order,
        [
            (fragment(3, 0, 0), true),
            (fragment(1, 0, 0), true),
            (fragment(2, 0, 0), true),
            (fragment(0, 0, 0), false),
        ]
    );
}

#[test]
fn a_message_is_done_when_all_its_fragments_are_acknowledged() {
    let mut streams = SendStreams::default();
    push(&mut streams, 0, FRAGMENT_BYTES + 1);
    next(&mut streams);
    next(&mut streams);
    streams.acknowledged(fragment(0, 0, 1));
    streams.acknowledged(fragment(0, 0, 1));
    assert_eq!(streams.queued(), 1);
    streams.acknowledged(fragment(0, 0, 0));
    assert_eq!(streams.queued(), 0);
    assert_eq!((streams.held, streams.bytes), (0, 0));
}

#[test]
fn a_fragment_that_arrived_after_all_is_not_sent_again() {
    let mut streams = SendStreams::default();
    push(&mut streams, 0, 1);
    next(&mut streams);
    streams.lost(fragment(0, 0, 0));
    assert!(streams.wants_to_send(Eligible::All, ROOM));
    streams.acknowledged(fragment(0, 0, 0));
    assert!(!streams.wants_to_send(Eligible::All, ROOM));
    streams.lost(fragment(0, 0, 0));
    assert!(
        !streams.wants_to_send(Eligible::All, ROOM),
        "it is known to have arrived"
    );
}

#[test]
fn a_message_that_was_given_up_leaves_a_notice_that_is_repeated_until_it_arrives() {
    let mut streams = SendStreams::default();
    push(&mut streams, 0, 3 * FRAGMENT_BYTES);
    push(&mut streams, 0, 1);
    next(&mut streams);
    streams.lost(fragment(0, 0, 0));
    assert!(streams.cancel(0, 0));
    assert!(!streams.cancel(0, 0));
    assert_eq!(streams.queued(), 1);
    let skip = Carried::Skip {
        stream: 0,
        sequence: 0,
        count: 1,
    };
    assert_eq!(next(&mut streams), Some((skip, true)));
    assert_eq!(next(&mut streams), Some((fragment(0, 1, 0), false)));
    assert_eq!(next(&mut streams), None, "no fragment of it is sent");
    streams.acknowledged(fragment(0, 0, 0));
    streams.lost(skip);
    assert_eq!(next(&mut streams), Some((skip, true)));
    streams.acknowledged(skip);
    streams.acknowledged(fragment(0, 1, 0));
    assert_eq!((streams.held, streams.bytes, streams.queued()), (0, 0, 0));
}

#[test]
fn one_notice_gives_up_what_has_arrived_behind_a_missing_message_too() {
    let mut streams = SendStreams::default();
    for _ in 0..4 {
        push(&mut streams, 0, 1);
        next(&mut streams);
    }
    streams.acknowledged(fragment(0, 0, 0));
    streams.acknowledged(fragment(0, 2, 0));
    for sequence in [3, 2, 1, 0] {
        assert_eq!(streams.cancel(0, sequence), sequence > 0);
    }
    let skip = Carried::Skip {
        stream: 0,
        sequence: 1,
        count: 3,
    };
    assert_eq!(next(&mut streams), Some((skip, true)));
    assert_eq!(next(&mut streams), None);
    streams.lost(skip);
    assert_eq!(next(&mut streams), Some((skip, true)));
    streams.acknowledged(skip);
    assert_eq!((streams.held, streams.bytes, streams.queued()), (0, 0, 0));
}

#[test]
fn the_queue_is_bounded_in_messages_and_bytes() {
    let config = LinkConfig {
        max_queued_messages: 3,
        max_queued_bytes: 100,
        ..LinkConfig::default()
    };
    let mut streams = SendStreams::default();
    let mut push = |length| streams.push(0, Arc::from(alloc::vec![0; length]), &config);
    assert_eq!(push(MAX_MESSAGE_BYTES + 1), Err(SendError::TooLong));
    assert_eq!(push(101), Err(SendError::QueueFull));
    assert_eq!([push(50), push(50), push(0)], [Ok(0), Ok(1), Ok(2)]);
    assert_eq!(push(0), Err(SendError::QueueFull));
}

#[test]
fn a_small_fragment_goes_where_a_large_one_finds_no_room() {
    let mut streams = SendStreams::default();
    push(&mut streams, 0, FRAGMENT_BYTES);
    push(&mut streams, 1, 10);
    assert!(streams.wants_to_send(Eligible::All, 100) && !streams.wants_to_send(Eligible::All, 20));
    let mut buffer = Vec::new();
    let sent = streams.encode_next(Eligible::All, 100, &mut buffer);
    assert_eq!(sent, Some((fragment(1, 0, 0), false)));
    assert_eq!(streams.encode_next(Eligible::All, 100, &mut buffer), None);
}

#[test]
fn a_small_fragment_that_was_lost_does_not_wait_for_a_large_one() {
    let mut streams = SendStreams::default();
    push(&mut streams, 1, FRAGMENT_BYTES);
    push(&mut streams, 0, 3);
    let sent = [next(&mut streams), next(&mut streams)];
    for (carried, _) in sent.into_iter().flatten() {
        streams.lost(carried);
    }
    let mut buffer = Vec::new();
    assert!(streams.wants_to_send(Eligible::All, 100));
    let sent = streams.encode_next(Eligible::All, 100, &mut buffer);
    assert_eq!(sent, Some((fragment(0, 0, 0), true)));
    assert!(!streams.wants_to_send(Eligible::All, 100));
    assert_eq!(next(&mut streams), Some((fragment(1, 0, 0), true)));
}

#[test]
fn if_need_be_only_what_streams_wait_for_is_sent() {
    let mut streams = SendStreams::default();
    push(&mut streams, 0, 10);
    push(&mut streams, 0, 20);
    push(&mut streams, 1, 30);
    push(&mut streams, 1, 40);
    let lost = [next(&mut streams), next(&mut streams), next(&mut streams)];
    for (carried, _) in lost.into_iter().flatten() {
        streams.lost(carried);
    }
    let mut awaited = || {
        let wanted = streams.wants_to_send(Eligible::Awaited, ROOM);
        let sent = streams.encode_next(Eligible::Awaited, ROOM, &mut Vec::new());
        assert_eq!(wanted, sent.is_some());
        sent.map(|(carried, _)| carried)
    };
    assert_eq!(awaited(), Some(fragment(0, 0, 0)));
    assert_eq!(awaited(), Some(fragment(1, 0, 0)));
    assert_eq!(awaited(), None);
    streams.acknowledged(fragment(0, 0, 0));
    let sent = streams.encode_next(Eligible::Awaited, ROOM, &mut Vec::new());
    assert_eq!(sent, Some((fragment(0, 1, 0), true)));
}

fn push(streams: &mut SendStreams, stream: u8, length: usize) {
    let message = Arc::from(alloc::vec![7; length]);
    streams
        .push(stream, message, &LinkConfig::default())
        .unwrap();
}

/// The next part, which is one frame and keeps within its room.
fn next(streams: &mut SendStreams) -> Option<(Carried, bool)> {
    let mut buffer = Vec::new();
    let part = streams.encode_next(Eligible::All, ROOM, &mut buffer)?;
    assert!(buffer.len() <= ROOM);
    let frames: Vec<_> = Decoder::<LinkFrame>::new(&buffer).collect();
    assert!(matches!(frames[..], [Ok(_)]));
    Some(part)
}

fn fragment(stream: u8, sequence: u64, index: u8) -> Carried {
    Carried::Fragment {
        stream,
        sequence,
        index,
    }
}
