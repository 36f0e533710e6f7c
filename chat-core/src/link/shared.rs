//! What all peers of an endpoint have in common.

use alloc::{collections::VecDeque, vec::Vec};

use super::{Counters, Event};
use crate::{
    config::LinkConfig,
    crypto::{Identity, Random},
    time::{Instant, Now, WallTime},
};

/// What a peer is handed to work with.
pub(super) struct Shared {
    pub(super) identity: Identity,
    pub(super) config: LinkConfig,
    pub(super) random: Random,
    /// The latest instant that was shown: time does not go back.
    pub(super) now: Instant,
    pub(super) wall: WallTime,
    pub(super) counters: Counters,
    pub(super) events: VecDeque<Event>,
    /// The indexes of sessions that peers have dropped.
    pub(super) released: Vec<u32>,
}

impl Shared {
    /// Takes note of the time.
    pub(super) fn advance(&mut self, now: Now) {
        self.now = self.now.max(now.instant);
        self.wall = now.wall;
    }
}
