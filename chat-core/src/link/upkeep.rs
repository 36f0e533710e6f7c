//! What follows from whatever has happened to a peer, and what is sent next.

use alloc::{collections::VecDeque, vec::Vec};

use super::{Counters, Endpoint, Event, PeerId, peer::Peer, shared::Shared};
use crate::{id::Path, time::Now};

/// Answers that belong to no session, and goodbyes, that wait to be sent; at the limit they are
/// dropped, counted.
const MAX_REPLIES: usize = 1_024;

impl Endpoint {
    /// Takes note of the time.
    pub(super) fn advance(&mut self, now: Now) {
        self.shared.advance(now);
        self.early.started(now.wall);
    }

    /// Does something with a peer, and what follows from it.
    pub(super) fn with_peer<T>(
        &mut self,
        peer: PeerId,
        act: impl FnOnce(&mut Peer, &mut Shared) -> T,
    ) -> Option<T> {
        let slot = self.peers.slot(peer)?;
        let result = act(self.peers.at_mut(slot)?, &mut self.shared);
        self.settle(slot);
        Some(result)
    }

    /// After anything has happened to a peer: begins the handshake it wants, forgets it if it is
    /// over, and notes what is due or waits to be sent.
    pub(super) fn settle(&mut self, slot: u32) {
        if self
            .peers
            .at(slot)
            .is_some_and(|peer| peer.wants_handshake(&self.shared))
        {
            self.begin_handshake(slot);
        }
        self.release_indexes();
        let Some(peer) = self.peers.at(slot) else {
            return;
        };
        if peer.is_over() {
            let (peer, is_known) = (peer.id, peer.is_known);
            self.forget(slot);
            if is_known {
                self.shared.events.push_back(Event::Closed { peer });
            }
            return;
        }
        if peer.wants_to_transmit(&self.shared) {
            self.peers.set_ready(slot);
        }
        self.schedule(slot);
    }

    fn schedule(&mut self, slot: u32) {
        if let Some(peer) = self.peers.at(slot) {
            let at = peer.next_timeout(&self.shared);
            self.peers.schedule(slot, at);
        }
    }

    /// Forgets a peer; the program is not told.
    pub(super) fn forget(&mut self, slot: u32) {
        if let Some(mut peer) = self.peers.remove(slot) {
            peer.drop_sessions(&mut self.shared);
        }
        self.release_indexes();
    }

    fn release_indexes(&mut self) {
        while let Some(index) = self.shared.released.pop() {
            self.sessions.remove(index);
        }
    }

    /// Encodes the next datagram: where it goes.
    pub(super) fn next_datagram(&mut self, buffer: &mut Vec<u8>) -> Option<Path> {
        buffer.clear();
        let replies = (&mut self.replies, self.is_listening);
        for (waiting, _) in [(&mut self.goodbyes, true), replies]
            .into_iter()
            .filter(|(_, may_send)| *may_send)
        {
            if let Some((path, datagram)) = waiting.pop_front() {
                buffer.extend_from_slice(&datagram);
                return Some(path);
            }
        }
        if !self.is_listening {
            return None;
        }
        let greeting = self.greeting.as_mut();
        if let Some((path, hello)) = greeting.and_then(|is| is.poll(self.shared.now)) {
            hello.emit(buffer);
            return Some(path);
        }
        while let Some(slot) = self.peers.ready() {
            let peer = self.peers.at_mut(slot);
            if let Some(path) = peer.and_then(|is| is.poll_transmit(&mut self.shared, buffer)) {
                self.settle(slot);
                return Some(path);
            }
            self.peers.pop_ready();
            self.schedule(slot);
        }
        None
    }
}

/// Queues a datagram, as far as the limit allows.
pub(super) fn push_within_limit(
    queue: &mut VecDeque<(Path, Vec<u8>)>,
    datagram: (Path, Vec<u8>),
    counters: &mut Counters,
) {
    if queue.len() < MAX_REPLIES {
        queue.push_back(datagram);
    } else {
        counters.over_limit += 1;
    }
}
