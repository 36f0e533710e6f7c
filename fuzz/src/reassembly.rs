//! Fragments put together to messages, in order within their stream.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use chat_core::{
    fuzzing::Reassembly,
    wire::{Bytes, Decoder, LinkFrame},
};

use crate::input::Input;

const FRAGMENT_BYTES: usize = 1_040;
/// The lengths of an honest peer's messages, by their number: they have one to four fragments.
const LENGTHS: [usize; 12] = [3, 1_040, 1_041, 4_000, 0, 5, 2, 1_039, 2_080, 6, 1, 3_000];
/// It has so many messages on each stream.
const MESSAGES: u64 = LENGTHS.len() as u64;
/// The streams that it uses.
const STREAMS: u8 = 3;
const MAX_HELD: usize = 6_000;

/// An honest peer's fragments and notices, in any order and as often as the fuzzer likes: what is
/// delivered is what was sent, in order, once, and complete in the end. On other streams a peer
/// sends anything.
pub fn target(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let mut receiver = Receiver::default();
    while !input.is_empty() {
        let choice = input.byte();
        let stream = choice % STREAMS;
        receiver.used.insert(stream);
        match choice >> 5 {
            0..=4 => {
                let (number, index) = (input.byte(), input.byte());
                let frame = fragment(stream, u64::from(number) % MESSAGES, index.into());
                receiver.take(frame, MAX_HELD);
            }
            5 => {
                let (number, count) = (u64::from(input.byte()) % MESSAGES, input.byte() % 4);
                receiver.skip(stream, number, count.into());
            }
            _ => {
                let frames = input.piece();
                for frame in Decoder::<LinkFrame>::new(frames).map_while(Result::ok) {
                    receiver.take_anything(frame);
                }
            }
        }
    }
    receiver.complete();
}

#[derive(Default)]
struct Receiver {
    reassembly: Reassembly,
    /// By stream: the numbers of the messages that were delivered.
    delivered: BTreeMap<u8, Vec<u64>>,
    /// Messages that were taken back.
    skipped: BTreeSet<(u8, u64)>,
    /// The streams that the honest peer has used.
    used: BTreeSet<u8>,
}

impl Receiver {
    fn take(&mut self, frame: LinkFrame, max: usize) {
        let taken = self.reassembly.take(frame, max);
        assert!(taken.is_some(), "an honest frame is not malformed");
        self.deliver();
    }

    fn skip(&mut self, stream: u8, sequence: u64, count: u32) {
        for number in sequence..sequence + u64::from(count) {
            self.skipped.insert((stream, number));
        }
        let frame = LinkFrame::Skip {
            stream,
            sequence,
            count,
        };
        let taken = self.reassembly.take(frame, MAX_HELD);
        assert_eq!(taken.is_none(), count == 0);
        self.deliver();
    }

    /// A frame that nobody honest sends; not on the streams of the honest peer.
    fn take_anything(&mut self, mut frame: LinkFrame) {
        if let LinkFrame::Data { stream, .. } | LinkFrame::Skip { stream, .. } = &mut frame {
            *stream = stream.saturating_add(STREAMS);
        }
        self.reassembly.take(frame, MAX_HELD);
        self.deliver();
    }

    fn deliver(&mut self) {
        while let Some((stream, bytes)) = self.reassembly.pop() {
            assert!(bytes.len() <= 66_560);
            if stream >= STREAMS {
                continue;
            }
            let delivered = self.delivered.entry(stream).or_default();
            let next = delivered.last().map_or(0, |last| last + 1);
            let number = (next..MESSAGES).find(|number| {
                let skipped = (next..*number).all(|before| self.skipped.contains(&(stream, before)));
                skipped && bytes == message(stream, *number)
            });
            delivered.push(number.expect("the next message that was not taken back"));
        }
    }

    /// Everything is sent again, in order.
    fn complete(&mut self) {
        for stream in core::mem::take(&mut self.used) {
            for number in 0..MESSAGES {
                if self.skipped.contains(&(stream, number)) {
                    self.skip(stream, number, 1);
                }
                for index in 0..fragments(number) {
                    self.take(fragment(stream, number, index), MAX_HELD);
                }
            }
            let delivered = self.delivered.remove(&stream).unwrap_or_default();
            for number in 0..MESSAGES {
                let is_there = delivered.contains(&number);
                assert!(is_there || self.skipped.contains(&(stream, number)));
            }
        }
    }
}

/// The bytes of each message of each stream, which tell it from every other one.
static SENT: LazyLock<Vec<Vec<Vec<u8>>>> = LazyLock::new(|| {
    let byte = |stream: u8, number: usize, at: usize| (number * 31 + usize::from(stream) * 7 + at / 13) as u8;
    let message = |stream, number: usize| {
        let bytes = (0..LENGTHS[number]).map(|at| byte(stream, number, at));
        bytes.collect()
    };
    let stream = |stream| (0..LENGTHS.len()).map(|number| message(stream, number)).collect();
    (0..STREAMS).map(stream).collect()
});

fn message(stream: u8, number: u64) -> &'static [u8] {
    &SENT[usize::from(stream)][number as usize]
}

fn fragments(number: u64) -> usize {
    LENGTHS[number as usize].div_ceil(FRAGMENT_BYTES).max(1)
}

fn fragment(stream: u8, sequence: u64, index: usize) -> LinkFrame {
    let message = message(stream, sequence);
    let start = index % fragments(sequence) * FRAGMENT_BYTES;
    let end = (start + FRAGMENT_BYTES).min(message.len());
    LinkFrame::Data {
        stream,
        sequence,
        length: message.len() as u32,
        offset: start as u32,
        bytes: Bytes::from(&message[start..end]),
    }
}
