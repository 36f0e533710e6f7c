//! Frames of the link: what a datagram is filled with.

use super::{
    array::frames,
    types::{AckRange, Bytes, List},
};

frames! {
    /// A frame of the link.
    pub enum LinkFrame {
        /// Packets that have arrived under the current keys, newest first (compare RFC 9000 §19.3).
        1 => Ack {
            /// The highest packet counter that has arrived.
            largest: u64,
            /// Microseconds between its arrival and this frame.
            delay: u64,
            /// Downwards from `largest`: so many arrived, so many missing before the next range.
            ranges: List<AckRange, 32>,
        }
        /// Asks for a packet back, to see whether the peer is alive.
        2 => Ping {}
        /// A fragment of a message. Fragments begin at multiples of 1,040 bytes, and all but the
        /// last of a message are so long; a message up to that length, an empty one too, is one.
        3 => Data {
            /// The stream, within which messages are delivered in order.
            stream: u8,
            /// The message's number in its stream, from 0.
            sequence: u64,
            /// The length of the whole message in bytes, at most 66,560.
            length: u32,
            /// Where this fragment begins.
            offset: u32,
            /// The fragment.
            bytes: Bytes,
        }
        /// These messages will not come: what follows in their stream need not wait for them, and
        /// those of them that are there and wait for others are dropped, all at once.
        4 => Skip {
            /// The stream.
            stream: u8,
            /// The number of the first of them in their stream.
            sequence: u64,
            /// How many they are, at least one.
            count: u32,
        }
        /// Asks whether the peer receives at this address (RFC 9000 §8.2).
        5 => PathChallenge {
            /// To be echoed.
            token: u64,
        }
        /// The answer to a challenge.
        6 => PathResponse {
            /// The challenge's token.
            token: u64,
        }
        /// The peer forgets this session at once.
        7 => Close {}
        /// A frame with this tag was skipped and will be skipped if it is sent again.
        8 => Unsupported {
            /// The tag.
            tag: u16,
        }
        /// The first frame of each handshake message.
        9 => Start {
            /// Drawn when the sender's state for this peer was made: another one than before means
            /// that it remembers no streams.
            incarnation: u64,
            /// Initiator: increases with every handshake, so that a replayed one is recognised.
            /// Responder: zero.
            counter: u64,
            /// Responder: the frames that rode in the first handshake message were taken.
            /// Initiator: false.
            early_taken: bool,
        }
    }
}
