//! The messages queued to a peer, and what has become of each fragment of them.

use alloc::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
    vec::Vec,
};

use super::{SendError, fragment};
use crate::{
    config::{LinkConfig, MAX_MESSAGE_BYTES},
    wire::{self, LinkFrame},
};

/// What a [`LinkFrame::Skip`] takes at most.
const SKIP_BYTES: usize = 18;

/// So many lost fragments are looked at for one that is small enough.
const MAX_OVERTAKEN: usize = 32;

/// A lost fragment: the age of the message, its stream, its sequence number, the fragment's index.
type Lost = (u64, u8, u64, u8);

/// A part of a stream that a packet carries, and that comes back acknowledged or lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Carried {
    /// A fragment of a message.
    Fragment {
        stream: u8,
        sequence: u64,
        index: u8,
    },
    /// The notice that some messages in a row will not come.
    Skip {
        stream: u8,
        sequence: u64,
        count: u32,
    },
}

/// The messages that a packet may carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Eligible {
    /// All of them. The other side may have no room for some, and does not acknowledge a packet
    /// with one of them, whatever else there is in it.
    All,
    /// Those that their streams wait for, for which there is always room.
    Awaited,
}

/// All streams to a peer.
///
/// A fragment is unsent, carried by exactly one packet, lost, or acknowledged. What was lost goes
/// first, the oldest message's before others that are as small; then the streams take turns.
#[derive(Debug, Default)]
pub(super) struct SendStreams {
    streams: Vec<SendStream>,
    lost: BTreeSet<Lost>,
    next_age: u64,
    rode: BTreeMap<u8, u64>,
    /// The stream whose turn it is, as an index into `streams`.
    turn: usize,
    /// Messages neither acknowledged nor given up.
    queued: usize,
    /// Messages in the queues, with those that only wait for one before them.
    held: usize,
    bytes: usize,
}

#[derive(Debug)]
struct SendStream {
    number: u8,
    /// The sequence number of the first message in the queue.
    first: u64,
    messages: VecDeque<Message>,
    /// The sequence number of the first message with unsent fragments.
    unsent: u64,
}

#[derive(Debug)]
struct Message {
    body: Body,
    age: u64,
    /// How many fragments have been sent, at least once.
    sent: u8,
    acknowledged: u64,
}

#[derive(Debug)]
enum Body {
    Bytes(Arc<[u8]>),
    GivenUp,
    Done,
}

impl SendStreams {
    /// Queues a message: its sequence number in the stream.
    pub(super) fn push(
        &mut self,
        stream: u8,
        message: Arc<[u8]>,
        config: &LinkConfig,
    ) -> Result<u64, SendError> {
        if message.len() > MAX_MESSAGE_BYTES {
            return Err(SendError::TooLong);
        }
        if self.held >= config.max_queued_messages
            || self.bytes + message.len() > config.max_queued_bytes
        {
            return Err(SendError::QueueFull);
        }
        self.held += 1;
        self.queued += 1;
        self.bytes += message.len();
        let age = self.next_age;
        self.next_age += 1;
        let stream = self.stream_or_new(stream);
        stream.messages.push_back(Message {
            body: Body::Bytes(message),
            age,
            sent: 0,
            acknowledged: 0,
        });
        Ok(stream.first + stream.messages.len() as u64 - 1)
    }

    /// Messages neither acknowledged nor given up.
    pub(super) fn queued(&self) -> usize {
        self.queued
    }

    /// Gives a message up: a notice to skip it goes in its place, also if it has arrived and may
    /// still wait there for one before it. Whether there was anything to be given up.
    pub(super) fn cancel(&mut self, stream: u8, sequence: u64) -> bool {
        let Some(message) = find(&mut self.streams, stream, sequence) else {
            return false;
        };
        match &message.body {
            Body::Bytes(bytes) => {
                self.bytes -= bytes.len();
                self.queued -= 1;
            }
            Body::Done => {}
            Body::GivenUp => return false,
        }
        let age = message.age;
        message.body = Body::GivenUp;
        for index in 0..message.sent {
            self.lost.remove(&(age, stream, sequence, index));
        }
        self.lost.insert((age, stream, sequence, 0));
        true
    }

    /// These parts ride in a handshake, and whoever answers it may have taken them.
    pub(super) fn ride(&mut self, parts: &[Carried]) {
        for part in parts {
            let (stream, last) = match *part {
                Carried::Fragment {
                    stream, sequence, ..
                } => (stream, sequence),
                Carried::Skip {
                    stream,
                    sequence,
                    count,
                } => (stream, sequence.saturating_add(u64::from(count))),
            };
            let rode = self.rode.entry(stream).or_default();
            *rode = last.max(*rode);
        }
    }

    /// The other side may hold what has ridden in an earlier handshake for parts of these
    /// streams: no message has the numbers of those.
    pub(super) fn begin_after(&mut self, rode: BTreeMap<u8, u64>, config: &LinkConfig) {
        for (&stream, &last) in &rode {
            while let Ok(sequence) = self.push(stream, Arc::default(), config) {
                self.cancel(stream, sequence);
                if sequence >= last {
                    break;
                }
            }
        }
        self.rode = rode;
    }

    /// The last number that has ridden in a handshake, by stream.
    pub(super) fn rode(&self) -> &BTreeMap<u8, u64> {
        &self.rode
    }

    /// Whether there is something to send that fits into `space` bytes, of these messages.
    pub(super) fn wants_to_send(&self, of: Eligible, space: usize) -> bool {
        let mut unsent = self.streams.iter().filter_map(|stream| stream.next(of));
        self.next_lost(of, space).is_some() || unsent.any(|(_, _, size)| size <= space)
    }

    /// The oldest of what was lost that fits into `space` bytes: what is small does not wait for
    /// what is large.
    fn next_lost(&self, of: Eligible, space: usize) -> Option<Lost> {
        let mut oldest = self.lost.iter().copied().take(MAX_OVERTAKEN);
        oldest.find(|(_, stream, sequence, index)| {
            let stream = self.streams.iter().find(|is| is.number == *stream);
            stream.is_some_and(|stream| {
                *sequence < stream.end(of) && stream.lost_size(*sequence, *index) <= space
            })
        })
    }

    /// Appends the next frame, of these messages, if it fits into `space` bytes. With `again`:
    /// whether it was lost.
    pub(super) fn encode_next(
        &mut self,
        of: Eligible,
        space: usize,
        buffer: &mut Vec<u8>,
    ) -> Option<(Carried, bool)> {
        if let Some(lost @ (_, stream, sequence, index)) = self.next_lost(of, space) {
            self.lost.remove(&lost);
            let message = find(&mut self.streams, stream, sequence)?;
            if let Body::Bytes(bytes) = &message.body {
                fragment::encode(stream, sequence, bytes, index, buffer);
                let carried = Carried::Fragment {
                    stream,
                    sequence,
                    index,
                };
                return Some((carried, true));
            }
            return Some((self.encode_skip(stream, sequence, buffer), true));
        }
        for step in 0..self.streams.len() {
            let at = self.in_turn(step);
            let stream = &mut self.streams[at];
            if let Some((sequence, index, size)) = stream.next(of)
                && size <= space
            {
                stream.encode(sequence, index, buffer);
                self.turn = at + 1;
                let stream = stream.number;
                let carried = Carried::Fragment {
                    stream,
                    sequence,
                    index,
                };
                return Some((carried, false));
            }
        }
        None
    }

    /// Appends one notice for a message and all those directly behind it that were given up too:
    /// in pieces, it would let the peer deliver one of them that is there, before what has now to
    /// come in another way.
    fn encode_skip(&mut self, stream: u8, sequence: u64, buffer: &mut Vec<u8>) -> Carried {
        let mut count = 1;
        while let Some(message) = find(&mut self.streams, stream, sequence + u64::from(count))
            && matches!(message.body, Body::GivenUp)
        {
            self.lost
                .remove(&(message.age, stream, sequence + u64::from(count), 0));
            count += 1;
        }
        let skip = LinkFrame::Skip {
            stream,
            sequence,
            count,
        };
        wire::encode(&skip, buffer);
        Carried::Skip {
            stream,
            sequence,
            count,
        }
    }

    /// What a packet carried has arrived.
    pub(super) fn acknowledged(&mut self, carried: Carried) {
        let number = match carried {
            Carried::Fragment {
                stream,
                sequence,
                index,
            } => {
                let Some(message) = find(&mut self.streams, stream, sequence) else {
                    return;
                };
                let Body::Bytes(bytes) = &message.body else {
                    return;
                };
                message.acknowledged |= 1 << index;
                self.lost.remove(&(message.age, stream, sequence, index));
                if message.acknowledged != fragment::all(fragment::count(bytes.len())) {
                    return;
                }
                self.bytes -= bytes.len();
                self.queued -= 1;
                message.body = Body::Done;
                stream
            }
            Carried::Skip {
                stream,
                sequence,
                count,
            } => {
                for sequence in sequence..sequence + u64::from(count) {
                    if let Some(message) = find(&mut self.streams, stream, sequence) {
                        self.lost.remove(&(message.age, stream, sequence, 0));
                        message.body = Body::Done;
                    }
                }
                stream
            }
        };
        self.release(number);
    }

    /// What a packet carried has not arrived, as far as one can tell.
    pub(super) fn lost(&mut self, carried: Carried) {
        match carried {
            Carried::Fragment {
                stream,
                sequence,
                index,
            } => {
                if let Some(message) = find(&mut self.streams, stream, sequence)
                    && matches!(message.body, Body::Bytes(_))
                    && message.acknowledged & 1 << index == 0
                {
                    self.lost.insert((message.age, stream, sequence, index));
                }
            }
            Carried::Skip {
                stream,
                sequence,
                count,
            } => {
                for sequence in sequence..sequence + u64::from(count) {
                    if let Some(message) = find(&mut self.streams, stream, sequence)
                        && matches!(message.body, Body::GivenUp)
                    {
                        self.lost.insert((message.age, stream, sequence, 0));
                    }
                }
            }
        }
    }

    /// Forgets the messages at the head of a stream that are done.
    fn release(&mut self, number: u8) {
        let Some(stream) = self.streams.iter_mut().find(|is| is.number == number) else {
            return;
        };
        while let Some(Body::Done) = stream.messages.front().map(|message| &message.body) {
            stream.messages.pop_front();
            stream.first += 1;
            self.held -= 1;
        }
        stream.unsent = stream.unsent.max(stream.first);
        if stream.messages.is_empty() {
            stream.messages = VecDeque::new();
        }
    }

    fn in_turn(&self, step: usize) -> usize {
        (self.turn + step) % self.streams.len()
    }

    fn stream_or_new(&mut self, number: u8) -> &mut SendStream {
        let at = match self.streams.iter().position(|is| is.number == number) {
            Some(at) => at,
            None => {
                self.streams.push(SendStream {
                    number,
                    first: 0,
                    messages: VecDeque::new(),
                    unsent: 0,
                });
                self.streams.len() - 1
            }
        };
        &mut self.streams[at]
    }
}

impl SendStream {
    fn message(&self, sequence: u64) -> Option<&Message> {
        let at = sequence.checked_sub(self.first)?;
        self.messages.get(usize::try_from(at).ok()?)
    }

    /// The sequence number behind the last of these messages.
    fn end(&self, of: Eligible) -> u64 {
        let count = match of {
            Eligible::All => self.messages.len(),
            Eligible::Awaited => self.messages.len().min(1),
        };
        self.first + count as u64
    }

    /// The size of what was lost, in a frame.
    fn lost_size(&self, sequence: u64, index: u8) -> usize {
        match self.message(sequence).map(|message| &message.body) {
            Some(Body::Bytes(bytes)) => {
                fragment::range(bytes.len(), index).len() + fragment::FRAME_OVERHEAD
            }
            _ => SKIP_BYTES,
        }
    }

    /// The first unsent fragment: the message's sequence number, its index, its size in a frame.
    fn next(&self, of: Eligible) -> Option<(u64, u8, usize)> {
        (self.unsent..self.end(of)).find_map(|sequence| {
            let message = self.message(sequence)?;
            let Body::Bytes(bytes) = &message.body else {
                return None;
            };
            let index = message.sent;
            let size = fragment::range(bytes.len(), index).len() + fragment::FRAME_OVERHEAD;
            Some((sequence, index, size))
        })
    }

    /// Appends an unsent fragment, which is so no longer.
    fn encode(&mut self, sequence: u64, index: u8, buffer: &mut Vec<u8>) {
        let number = self.number;
        self.unsent = sequence;
        let at = (sequence - self.first) as usize;
        if let Some(message) = self.messages.get_mut(at)
            && let Body::Bytes(bytes) = &message.body
        {
            fragment::encode(number, sequence, bytes, index, buffer);
            message.sent = index + 1;
            if message.sent == fragment::count(bytes.len()) {
                self.unsent = sequence + 1;
            }
        }
    }
}

fn find(streams: &mut [SendStream], number: u8, sequence: u64) -> Option<&mut Message> {
    let stream = streams.iter_mut().find(|is| is.number == number)?;
    let at = sequence.checked_sub(stream.first)?;
    stream.messages.get_mut(usize::try_from(at).ok()?)
}

#[cfg(test)]
mod tests;
