//! Handshakes that are complete: which peer their sessions belong to, and what that means.
//!
//! A peer is known by the pair of incarnations that its streams were made under. A session belongs
//! to the peer with the pair that its handshake has named; if there is none, to another one.

use super::{Endpoint, Event, handshake::Start, session::Session};
use crate::{crypto::noise::SessionKeys, id::Path, wire::header};

/// The answer to a handshake.
struct Answer {
    path: Path,
    /// The responder's index.
    remote: u32,
    keys: SessionKeys,
    start: Start,
    /// Its size.
    bytes: usize,
}

impl Endpoint {
    /// Takes the second message of a handshake.
    pub(super) fn handle_response(
        &mut self,
        path: Path,
        response: header::Response<'_>,
        datagram: &[u8],
    ) {
        let slot = self.sessions.peer(response.receiver);
        let finished = slot
            .filter(|_| self.receiver.verify_mac1(datagram))
            .and_then(|slot| {
                let initiation = self.peers.at_mut(slot)?.initiation.as_mut()?;
                (initiation.local == response.receiver).then_some(())?;
                let (keys, start) = initiation.finish(response.noise).ok()?;
                Some((slot, keys, start))
            });
        match finished {
            Some((slot, keys, start)) => {
                let answer = Answer {
                    path,
                    remote: response.sender,
                    keys,
                    start,
                    bytes: datagram.len(),
                };
                self.complete(slot, answer);
            }
            None => self.shared.counters.unauthenticated += 1,
        }
    }

    /// A handshake that was begun here has its answer.
    fn complete(&mut self, slot: u32, answer: Answer) {
        let Answer {
            path: from,
            remote,
            keys,
            start,
            bytes,
        } = answer;
        let shared = &mut self.shared;
        let Some(peer) = self.peers.at_mut(slot) else {
            return;
        };
        let Some(initiation) = peer.initiation.take() else {
            return;
        };
        let (local, origin) = (initiation.local, initiation.origin());
        let session = Session::new(shared.now, keys, local, remote, origin);
        let is_expected = [Some(peer.path), peer.alternative]
            .into_iter()
            .flatten()
            .any(|expected| expected.remote == from.remote);
        let path = if is_expected { from } else { peer.path };
        if let Some(sample) = initiation.round_trip(shared.now) {
            peer.delivery.round_trip.measured(sample);
        }
        let target = self.owner(slot, start.incarnation);
        let arrived = start.early_taken && target == Some(slot);
        if let Some(peer) = self.peers.at_mut(slot) {
            peer.delivery.rode(&initiation.carried, arrived);
            peer.handshake_is_over();
        }
        match target {
            Some(target) => {
                self.sessions.give_to(local, target);
                self.sessions.set_remote(local, remote);
                // Somebody may have forwarded the answer; but behind some NATs a peer has another
                // address towards everybody, and is nowhere else.
                if !is_expected && let Some(peer) = self.peers.at_mut(target) {
                    peer.challenge(&mut self.shared, from, bytes);
                }
                self.install(target, path, session);
                // It may have been asked for by a peer that was never current.
                if target != slot && self.peers.at(slot).is_some_and(|peer| !peer.is_replaced) {
                    self.replace(slot, target);
                }
            }
            None => {
                self.sessions.remove(local);
                self.shared.counters.over_limit += 1;
            }
        }
        self.settle(slot);
    }

    /// A packet has arrived under the keys of a session that was not used yet, if it was one: the
    /// session goes into use. Whose it is.
    pub(super) fn confirm(&mut self, slot: u32, local: u32, path: Path) -> Option<u32> {
        let answered = &mut self.peers.at_mut(slot)?.sessions.answered;
        let answered = answered.take_if(|answered| answered.session.local == local)?;
        let Some(target) = self.owner(slot, answered.start.incarnation) else {
            self.sessions.remove(local);
            self.shared.counters.over_limit += 1;
            return None;
        };
        self.sessions.give_to(local, target);
        let path = answered.proved(path)?;
        self.install(target, path, answered.session);
        if target != slot {
            self.settle(slot);
        }
        Some(target)
    }

    /// The peer that a session belongs to whose handshake was made with the peer in `slot` and
    /// has named this incarnation.
    fn owner(&mut self, slot: u32, incarnation: u64) -> Option<u32> {
        let peer = self.peers.at_mut(slot)?;
        let known = *peer.incarnation.get_or_insert(incarnation);
        if known == incarnation || planted!(RestartUnnoticed) {
            return Some(slot);
        }
        let (key, path, own) = (peer.key, peer.path, peer.own_incarnation);
        let rode = peer.delivery.streams.rode().clone();
        let mut of_key = self.peers.of_key(&key);
        let known = of_key
            .find(|(_, peer)| peer.own_incarnation == own && peer.incarnation == Some(incarnation));
        if let Some((slot, _)) = known {
            return Some(slot);
        }
        drop(of_key);
        let new = self.new_peer(&key, path, own)?;
        let successor = self.peers.at_mut(new)?;
        successor.incarnation = Some(incarnation);
        let streams = &mut successor.delivery.streams;
        streams.begin_after(rode, &self.shared.config);
        Some(new)
    }

    /// Puts a session in use and tells the program what that means.
    fn install(&mut self, slot: u32, path: Path, session: Session) {
        let Some(peer) = self.peers.at_mut(slot) else {
            return;
        };
        peer.abandon(&mut self.shared);
        let has_moved = peer.is_connected && peer.path.remote != path.remote;
        peer.path = path;
        peer.allowance = None;
        let is_first = peer.install(&mut self.shared, session);
        peer.heard(&mut self.shared);
        let (key, id) = (peer.key, peer.id);
        if let Some(before) = self.peers.make_current(&key, slot) {
            self.replace(before, slot);
        }
        if is_first {
            self.shared.events.push_back(Event::Connected { peer: id });
        } else if has_moved {
            self.shared
                .events
                .push_back(Event::Moved { peer: id, path });
        }
        self.settle(slot);
    }

    /// A peer has turned out to be another one: what is owed to it cannot reach it any more.
    fn replace(&mut self, before: u32, by: u32) {
        let Some(by) = self.peers.at(by).map(|peer| peer.id) else {
            return;
        };
        if let Some(before) = self.peers.at_mut(before) {
            before.is_replaced = true;
            if before.is_known {
                let peer = before.id;
                self.shared.events.push_back(Event::Replaced { peer, by });
            }
        }
    }
}
