//! Fragments of a peer put together to messages, delivered in order within their stream.

use alloc::{
    collections::{BTreeMap, VecDeque},
    vec::Vec,
};

use super::{STREAMS, fragment};
use crate::wire::LinkFrame;

/// What an incomplete or early message, and each fragment of it, costs besides its bytes.
const OVERHEAD: usize = 64;

/// What became of a fragment or a notice to skip a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    /// It was taken.
    Accepted,
    /// It had arrived before.
    Duplicate,
    /// There is no room for it: it must come again.
    Full,
    /// No such fragment can be.
    Malformed,
}

/// A fragment as it arrives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fragment {
    /// The stream.
    pub(super) stream: u8,
    /// The message's number in its stream.
    pub(super) sequence: u64,
    /// The length of the whole message.
    pub(super) length: u32,
    /// Where the fragment begins.
    pub(super) offset: u32,
    /// Its bytes.
    pub(super) bytes: Vec<u8>,
}

/// All streams from a peer.
#[derive(Debug, Default)]
pub(super) struct ReceiveStreams {
    streams: Vec<ReceiveStream>,
    /// Bytes held, with the overhead.
    held: usize,
    deliverable: VecDeque<(u8, Vec<u8>)>,
}

#[derive(Debug)]
struct ReceiveStream {
    number: u8,
    /// The sequence number of the message to be delivered next.
    next: u64,
    messages: BTreeMap<u64, Message>,
}

#[derive(Debug)]
enum Message {
    /// Some of its fragments, in rising order.
    Partial {
        length: u32,
        arrived: u64,
        fragments: Vec<(u8, Vec<u8>)>,
    },
    Complete(Vec<u8>),
    Skipped,
}

impl ReceiveStreams {
    /// Takes a part of a stream while no more than `max` bytes are held; `None` for other frames.
    pub(super) fn take(&mut self, frame: LinkFrame, max: usize) -> Option<Taken> {
        Some(match frame {
            LinkFrame::Data {
                stream,
                sequence,
                length,
                offset,
                bytes,
            } => {
                let fragment = Fragment {
                    stream,
                    sequence,
                    length,
                    offset,
                    bytes: bytes.into_vec(),
                };
                self.fragment(fragment, max)
            }
            LinkFrame::Skip {
                stream,
                sequence,
                count,
            } => self.skip(stream, sequence, count, max),
            _ => return None,
        })
    }

    /// Takes a fragment while no more than `max` bytes are held; one of the message that its
    /// stream waits for always has room, so that the others can go.
    pub(super) fn fragment(&mut self, fragment: Fragment, max: usize) -> Taken {
        let (length, offset) = (fragment.length as usize, fragment.offset as usize);
        let index = fragment::index(length, offset, fragment.bytes.len());
        let Some(index) = index.filter(|_| fragment.stream < STREAMS) else {
            return Taken::Malformed;
        };
        let held = self.held;
        let stream = self.stream_or_new(fragment.stream);
        if fragment.sequence < stream.next && !planted!(LateFragmentKept) {
            return Taken::Duplicate;
        }
        let needed = OVERHEAD + fragment.bytes.len();
        if fragment.sequence != stream.next && held + needed > max {
            return Taken::Full;
        }
        let message =
            stream
                .messages
                .entry(fragment.sequence)
                .or_insert_with(|| Message::Partial {
                    length: fragment.length,
                    arrived: 0,
                    fragments: Vec::new(),
                });
        let taken = message.insert(fragment.length, index, fragment.bytes);
        if taken == Taken::Accepted {
            self.held += needed;
            self.deliver(fragment.stream);
        }
        taken
    }

    /// Takes the notice that `count` messages from `sequence` on will not come. Those of them that
    /// are there and were not delivered are dropped.
    pub(super) fn skip(&mut self, stream: u8, sequence: u64, count: u32, max: usize) -> Taken {
        let end = sequence.checked_add(u64::from(count));
        let Some(end) = end.filter(|end| *end > sequence && stream < STREAMS) else {
            return Taken::Malformed;
        };
        let mut held = self.held;
        let of = self.stream_or_new(stream);
        if end <= of.next {
            return Taken::Duplicate;
        }
        // What comes next is over at once, and needs no room.
        if sequence <= of.next {
            while let Some(entry) = of.messages.first_entry()
                && *entry.key() < end
            {
                held -= entry.remove().cost();
            }
            of.next = end;
            self.held = held;
            self.deliver(stream);
            return Taken::Accepted;
        }
        let (mut taken, mut changed) = (Taken::Accepted, false);
        // The first one comes last: if there is no room for all, nothing is let go by a part.
        for sequence in (sequence..end).rev() {
            let before = of.messages.get(&sequence);
            let freed = before.map_or(0, Message::cost);
            if matches!(before, Some(Message::Skipped)) {
                continue;
            }
            if held + OVERHEAD > max + freed {
                taken = Taken::Full;
                break;
            }
            held = held + OVERHEAD - freed;
            of.messages.insert(sequence, Message::Skipped);
            changed = true;
        }
        self.held = held;
        if taken == Taken::Accepted && !changed {
            return Taken::Duplicate;
        }
        self.deliver(stream);
        taken
    }

    /// The next message in order: its stream and bytes.
    pub(super) fn pop(&mut self) -> Option<(u8, Vec<u8>)> {
        let message = if planted!(StreamOrderReversed) {
            self.deliverable.pop_back()
        } else {
            self.deliverable.pop_front()
        };
        if self.deliverable.is_empty() {
            self.deliverable = VecDeque::new();
        }
        message
    }

    fn deliver(&mut self, number: u8) {
        let Some(stream) = self.streams.iter_mut().find(|is| is.number == number) else {
            return;
        };
        while let Some(entry) = stream.messages.first_entry() {
            if planted!(StreamGapSkipped) {
                stream.next = *entry.key();
            }
            if *entry.key() != stream.next || matches!(entry.get(), Message::Partial { .. }) {
                return;
            }
            let message = entry.remove();
            self.held -= message.cost();
            stream.next += 1;
            if let Message::Complete(bytes) = message {
                self.deliverable.push_back((number, bytes));
            }
        }
    }

    fn stream_or_new(&mut self, number: u8) -> &mut ReceiveStream {
        let at = match self.streams.iter().position(|is| is.number == number) {
            Some(at) => at,
            None => {
                self.streams.push(ReceiveStream {
                    number,
                    next: 0,
                    messages: BTreeMap::new(),
                });
                self.streams.len() - 1
            }
        };
        &mut self.streams[at]
    }
}

impl Message {
    fn insert(&mut self, of_length: u32, index: u8, bytes: Vec<u8>) -> Taken {
        let Self::Partial {
            length,
            arrived,
            fragments,
        } = self
        else {
            return Taken::Duplicate;
        };
        if *length != of_length {
            return Taken::Malformed;
        }
        if *arrived & 1 << index != 0 && !planted!(FragmentTakenTwice) {
            return Taken::Duplicate;
        }
        *arrived |= 1 << index;
        let at = fragments
            .partition_point(|(before, _)| *before < index || planted!(FragmentsAsTheyCome));
        fragments.insert(at, (index, bytes));
        if *arrived == fragment::all(fragment::count(*length as usize)) {
            *self = Self::Complete(joined(*length, core::mem::take(fragments)));
        }
        Taken::Accepted
    }

    /// What it adds to the bytes held.
    fn cost(&self) -> usize {
        match self {
            Self::Partial { fragments, .. } => fragments
                .iter()
                .map(|(_, bytes)| OVERHEAD + bytes.len())
                .sum(),
            Self::Complete(bytes) => {
                usize::from(fragment::count(bytes.len())) * OVERHEAD + bytes.len()
            }
            Self::Skipped => OVERHEAD,
        }
    }
}

fn joined(length: u32, mut fragments: Vec<(u8, Vec<u8>)>) -> Vec<u8> {
    if let [(_, only)] = &mut fragments[..] {
        return core::mem::take(only);
    }
    let mut message = Vec::with_capacity(length as usize);
    for (_, bytes) in fragments {
        message.extend_from_slice(&bytes);
    }
    message
}

#[cfg(test)]
mod tests;
