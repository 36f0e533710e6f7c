use proptest::prelude::*;

use super::*;
use crate::link::fragment::FRAGMENT_BYTES;

const MAX: usize = 1 << 20;

#[test]
fn fragments_in_any_order_make_the_message() {
    let message = message(2 * FRAGMENT_BYTES + 7);
    let mut streams = ReceiveStreams::default();
    for index in [2, 0, 1] {
        assert_eq!(streams.pop(), None);
        assert_eq!(take(&mut streams, 4, 0, &message, index), Taken::Accepted);
    }
    assert_eq!(streams.pop(), Some((4, message)));
    assert_eq!((streams.pop(), streams.held), (None, 0));
}

#[test]
fn messages_wait_for_those_before_them_in_their_stream_only() {
    let mut streams = ReceiveStreams::default();
    take(&mut streams, 0, 1, b"second", 0);
    take(&mut streams, 1, 0, b"other", 0);
    assert_eq!(streams.pop(), Some((1, b"other".to_vec())));
    assert_eq!(streams.pop(), None);
    take(&mut streams, 0, 0, b"first", 0);
    assert_eq!(streams.pop(), Some((0, b"first".to_vec())));
    assert_eq!(streams.pop(), Some((0, b"second".to_vec())));
}

#[test]
fn a_message_is_delivered_once() {
    let mut streams = ReceiveStreams::default();
    assert_eq!(take(&mut streams, 0, 1, b"later", 0), Taken::Accepted);
    assert_eq!(take(&mut streams, 0, 1, b"later", 0), Taken::Duplicate);
    assert_eq!(take(&mut streams, 0, 0, b"", 0), Taken::Accepted);
    assert_eq!(take(&mut streams, 0, 0, b"", 0), Taken::Duplicate);
    assert_eq!(take(&mut streams, 0, 1, b"later", 0), Taken::Duplicate);
    assert_eq!(streams.skip(0, 1, 1, MAX), Taken::Duplicate);
    assert_eq!(core::iter::from_fn(|| streams.pop()).count(), 2);
}

#[test]
fn a_skipped_message_is_not_waited_for_even_if_a_part_of_it_is_there() {
    let mut streams = ReceiveStreams::default();
    take(&mut streams, 0, 0, &message(2 * FRAGMENT_BYTES), 1);
    take(&mut streams, 0, 2, b"third", 0);
    assert_eq!(streams.skip(0, 1, 1, MAX), Taken::Accepted);
    assert_eq!(streams.skip(0, 0, 1, MAX), Taken::Accepted);
    assert_eq!(streams.pop(), Some((0, b"third".to_vec())));
    assert_eq!(streams.held, 0);
}

#[test]
fn messages_that_are_skipped_together_are_dropped_together_if_one_before_them_is_missing() {
    let mut streams = ReceiveStreams::default();
    take(&mut streams, 0, 0, b"first", 0);
    take(&mut streams, 0, 2, b"third", 0);
    take(&mut streams, 0, 4, b"fifth", 0);
    assert_eq!(streams.skip(0, 1, 2, MAX), Taken::Accepted);
    assert_eq!(streams.skip(0, 1, 2, MAX), Taken::Duplicate);
    assert_eq!(streams.skip(0, 5, u32::MAX, 500), Taken::Full);
    take(&mut streams, 0, 3, b"fourth", 0);
    let delivered: Vec<_> = core::iter::from_fn(|| streams.pop()).collect();
    let expected = [&b"first"[..], b"fourth", b"fifth"];
    assert_eq!(delivered, expected.map(|bytes| (0, bytes.to_vec())));
}

#[test]
fn when_all_is_full_the_message_that_is_waited_for_still_has_room() {
    let (max, mut streams) = (2_000, ReceiveStreams::default());
    let message = message(FRAGMENT_BYTES);
    let refused = (1..10).filter(|sequence| {
        let fragment = whole(0, *sequence, &message);
        streams.fragment(fragment, max) == Taken::Full
    });
    assert_eq!(refused.count(), 8);
    assert_eq!(streams.skip(1, 5, 1, FRAGMENT_BYTES), Taken::Full);
    assert_eq!(
        streams.fragment(whole(0, 0, &message), max),
        Taken::Accepted
    );
    assert_eq!(core::iter::from_fn(|| streams.pop()).count(), 2);
    assert_eq!(streams.held, 0);
}

#[test]
fn when_all_is_full_what_comes_next_can_be_skipped() {
    let mut streams = ReceiveStreams::default();
    take(&mut streams, 0, 1, b"second", 0);
    take(&mut streams, 0, 5, b"sixth", 0);
    assert_eq!(streams.skip(0, 1, 4, 0), Taken::Full);
    assert_eq!(streams.skip(0, 0, 5, 0), Taken::Accepted);
    assert_eq!(streams.skip(0, 0, 5, 0), Taken::Duplicate);
    let delivered: Vec<_> = core::iter::from_fn(|| streams.pop()).collect();
    assert_eq!(delivered, [(0, b"sixth".to_vec())]);
    assert_eq!(streams.held, 0);
}

#[test]
fn what_contradicts_itself_is_malformed() {
    let mut streams = ReceiveStreams::default();
    take(&mut streams, 0, 0, &message(2 * FRAGMENT_BYTES), 0);
    let longer = message(3 * FRAGMENT_BYTES);
    assert_eq!(take(&mut streams, 0, 0, &longer, 1), Taken::Malformed);
    let no_stream = whole(STREAMS, 0, b"x");
    assert_eq!(streams.fragment(no_stream, MAX), Taken::Malformed);
    assert_eq!(streams.skip(STREAMS, 0, 1, MAX), Taken::Malformed);
    let mut short = whole(1, 0, b"four");
    short.bytes.pop();
    assert_eq!(streams.fragment(short, MAX), Taken::Malformed);
}

proptest! {
    #[test]
    fn nothing_that_arrives_breaks_the_books(
        parts in prop::collection::vec((0u8..3, 0u64..6, 0usize..4, 0u8..5, any::<bool>()), 0..200),
    ) {
        let max = 8 * FRAGMENT_BYTES;
        let mut streams = ReceiveStreams::default();
        for (stream, sequence, fragments, index, skip) in parts {
            let message = message(fragments * FRAGMENT_BYTES + 3);
            if skip {
                streams.skip(stream, sequence, 1 + u32::from(index), max);
            } else if index < fragment::count(message.len()) {
                take_within(&mut streams, stream, sequence, &message, index, max);
            }
            let costs = streams.streams.iter().flat_map(|is| is.messages.values());
            prop_assert_eq!(streams.held, costs.map(Message::cost).sum::<usize>());
            prop_assert!(streams.held <= max + 3 * 5 * (FRAGMENT_BYTES + OVERHEAD));
        }
    }
}

fn message(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at % 251) as u8).collect()
}

fn whole(stream: u8, sequence: u64, message: &[u8]) -> Fragment {
    Fragment {
        stream,
        sequence,
        length: message.len() as u32,
        offset: 0,
        bytes: message.to_vec(),
    }
}

fn take(streams: &mut ReceiveStreams, stream: u8, sequence: u64, of: &[u8], index: u8) -> Taken {
    take_within(streams, stream, sequence, of, index, MAX)
}

fn take_within(
    streams: &mut ReceiveStreams,
    stream: u8,
    sequence: u64,
    of: &[u8],
    index: u8,
    max: usize,
) -> Taken {
    let range = fragment::range(of.len(), index);
    let fragment = Fragment {
        stream,
        sequence,
        length: of.len() as u32,
        offset: range.start as u32,
        bytes: of[range].to_vec(),
    };
    streams.fragment(fragment, max)
}
