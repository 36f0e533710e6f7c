//! The parts of the link that a peer's packets reach, opened for the fuzzer.

use alloc::vec::Vec;
use core::ops::RangeInclusive;

use super::{
    ack_ranges::{self, AckRanges},
    receive_streams::{ReceiveStreams, Taken},
    replay_window::ReplayWindow,
};
use crate::{
    time::Instant,
    wire::{AckRange, LinkFrame},
};

/// The counters that an acknowledgement names, from high to low; none if it makes no sense.
pub fn acknowledged(largest: u64, ranges: &[AckRange]) -> Option<Vec<RangeInclusive<u64>>> {
    ack_ranges::acknowledged(largest, ranges)
}

/// Which packets are to be acknowledged.
#[derive(Default)]
pub struct Arrivals(AckRanges);

impl Arrivals {
    /// A packet has arrived.
    pub fn insert(&mut self, now: Instant, counter: u64) {
        self.0.insert(now, counter, true);
    }

    /// The other side knows that the packets up to this one arrived.
    pub fn forget_up_to(&mut self, counter: u64) {
        self.0.forget_up_to(counter);
    }

    /// The acknowledgement, in so many bytes.
    pub fn frame(&mut self, now: Instant, space: usize) -> Option<LinkFrame> {
        self.0.frame(now, space)
    }
}

/// Which packets have arrived already.
#[derive(Default)]
pub struct Window(ReplayWindow);

impl Window {
    /// Takes an authentic packet: whether it had not arrived before.
    pub fn take(&mut self, counter: u64) -> bool {
        let fresh = self.0.is_fresh(counter);
        if fresh {
            self.0.insert(counter);
        }
        fresh
    }
}

/// The streams from a peer.
#[derive(Default)]
pub struct Reassembly(ReceiveStreams);

impl Reassembly {
    /// Takes a `Data` or `Skip` frame while no more than `max` bytes are held: whether it need not
    /// come again. None for other frames and what cannot be.
    pub fn take(&mut self, frame: LinkFrame, max: usize) -> Option<bool> {
        match self.0.take(frame, max)? {
            Taken::Accepted | Taken::Duplicate => Some(true),
            Taken::Full => Some(false),
            Taken::Malformed => None,
        }
    }

    /// The next message in order: its stream and bytes.
    pub fn pop(&mut self) -> Option<(u8, Vec<u8>)> {
        self.0.pop()
    }
}
