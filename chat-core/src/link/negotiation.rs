//! Handshakes: begun, answered, completed, and which peer their sessions belong to.
//!
//! A peer is known by the pair of incarnations that its streams were made under. A session belongs
//! to the peer with the pair that its handshake has named; if there is none, to another one.

use alloc::{boxed::Box, vec::Vec};

use super::{
    Endpoint, Event,
    cookie::Admission,
    handshake::{Answered, Begin, EARLY_BYTES, Initiation, Start},
    path::Allowance,
    session::Session,
};
use crate::{
    crypto::{
        mac::ReceiverKeys,
        noise::{Responder, SessionKeys},
    },
    id::{Path, PublicKey},
    time::Duration,
    wire::{
        Decoder, LinkFrame,
        header::{self, PROLOGUE},
    },
};

/// A handshake that failed for a reason of its own is tried again after this time.
const AFTER_FAILURE: Duration = Duration::from_secs(1);
/// Whoever has answered a handshake leaves the initiator so much time to use the session; which
/// side waits longer is decided by the keys, so that two do not cross each other again and again.
const AFTER_ANSWER: Duration = Duration::from_millis(250);

impl Endpoint {
    /// Begins a handshake with a peer.
    pub(super) fn begin_handshake(&mut self, slot: u32) {
        let shared = &mut self.shared;
        let Some(peer) = self.peers.at_mut(slot) else {
            return;
        };
        let Some(local) = self.sessions.insert(slot, shared.random.u32()) else {
            shared.counters.over_limit += 1;
            peer.wait_with_handshake(shared, AFTER_FAILURE);
            return;
        };
        self.counter = shared.wall.as_micros().max(self.counter.saturating_add(1));
        let start = Start {
            incarnation: peer.own_incarnation,
            counter: self.counter,
            early_taken: false,
        };
        let (mut payload, mut carried) = (Vec::new(), Vec::new());
        start.encode(&mut payload);
        // Somebody who remembers other streams would take these for parts of them.
        while peer.early
            && peer.incarnation.is_none()
            && let Some(space) = EARLY_BYTES.checked_sub(payload.len())
            && let Some((part, _)) = peer.delivery.streams.encode_next(space, &mut payload)
        {
            carried.push(part);
        }
        peer.delivery.streams.ride(&carried);
        let begin = Begin {
            identity: &shared.identity,
            peer: &peer.key,
            local,
            payload: &payload,
            carried,
            cookie: peer.cookie.as_ref(),
        };
        match Initiation::new(shared.now, shared.wall, &mut shared.random, begin) {
            Ok(initiation) => peer.begun(shared, initiation),
            Err(carried) => {
                peer.delivery.rode(&carried, false);
                peer.wait_with_handshake(shared, AFTER_FAILURE);
                self.sessions.remove(local);
            }
        }
    }

    /// Takes the first message of a handshake.
    pub(super) fn handle_initiation(
        &mut self,
        path: Path,
        initiation: header::Initiation<'_>,
        datagram: &[u8],
    ) {
        let shared = &mut self.shared;
        let mac1 = header::mac1(datagram).filter(|_| self.receiver.verify_mac1(datagram));
        let Some(mac1) = mac1 else {
            shared.counters.unauthenticated += 1;
            return;
        };
        let max = shared.config.handshakes_before_cookies;
        match self.cookies.admit(shared.now, &path, datagram, max) {
            Admission::Granted => {}
            Admission::NeedsCookie => {
                self.ask_for_cookie(path, initiation.sender, &mac1);
                return;
            }
            Admission::Refused => {
                shared.counters.over_limit += 1;
                return;
            }
        }
        let Ok((responder, payload)) =
            Responder::read(&shared.identity, &PROLOGUE, initiation.noise)
        else {
            shared.counters.unauthenticated += 1;
            return;
        };
        let mut frames = Decoder::new(&payload);
        let start = Start::decode(&mut frames).filter(|_| responder.peer() != self.public_key());
        let Some(start) = start else {
            self.shared.counters.malformed += 1;
            return;
        };
        let wish = Wish {
            path,
            remote: initiation.sender,
            start,
            origin: mac1,
            bytes: datagram.len(),
        };
        self.grant(wish, responder, frames);
    }

    fn ask_for_cookie(&mut self, path: Path, receiver: u32, mac1: &[u8; 16]) {
        let shared = &mut self.shared;
        let cookie = self.cookies.cookie(shared.now, &path, &mut shared.random);
        let nonce = shared.random.bytes();
        let reply = header::CookieReply {
            receiver,
            nonce,
            cookie: self.receiver.seal_cookie(&nonce, mac1, &cookie),
        };
        self.reply(path, |buffer| reply.emit(buffer));
    }

    /// Answers a handshake, unless there is a reason not to.
    fn grant(&mut self, wish: Wish, responder: Responder, early: Decoder<'_, LinkFrame>) {
        let key = responder.peer();
        if self.is_known_or_crossed(&key, &wish) {
            return;
        }
        let is_fresh = self.early.is_fresh(&key, wish.start.counter);
        let Some(slot) = self.peer_for(&key, &wish, is_fresh) else {
            self.shared.counters.over_limit += 1;
            return;
        };
        let early_taken = is_fresh && self.take_early(&key, slot, &wish.start, early);
        if !self.answer(slot, wish, responder, early_taken) {
            self.shared.counters.over_limit += 1;
        }
        self.settle(slot);
    }

    /// Whether an initiation needs no new answer: it is a copy of one that was answered, older
    /// than one that was, or has crossed one from here that is to be preferred.
    fn is_known_or_crossed(&mut self, key: &PublicKey, wish: &Wish) -> bool {
        let shared = &self.shared;
        let is_lower = shared.identity.public_key() < *key;
        let mut again = None;
        for (slot, peer) in self.peers.of_key(key) {
            if peer.sessions.is_made_from(&wish.origin) {
                return true;
            }
            if let Some(answered) = &peer.sessions.answered {
                if answered.session.origin == wish.origin {
                    again = Some(slot);
                } else if answered.start.counter > wish.start.counter {
                    return true;
                }
            }
            let initiation = peer.initiation.as_ref();
            if is_lower && initiation.is_some_and(|is| is.is_simultaneous(shared.now)) {
                return true;
            }
        }
        let Some(slot) = again else {
            return false;
        };
        if let Some(peer) = self.peers.at_mut(slot)
            && let Some(answered) = &mut peer.sessions.answered
        {
            answered.comes_again(wish.path);
            if let Some(allowance) = &mut peer.allowance
                && peer.path.remote == wish.path.remote
            {
                allowance.received(wish.bytes);
                allowance.sent(answered.datagram.len());
            }
            self.settle(slot);
        }
        true
    }

    /// The peer that an initiation is to lead to.
    fn peer_for(&mut self, key: &PublicKey, wish: &Wish, is_fresh: bool) -> Option<u32> {
        let incarnation = wish.start.incarnation;
        let of_key = || self.peers.of_key(key);
        let known = of_key().find(|(_, peer)| peer.incarnation == Some(incarnation));
        let unbound = || of_key().find(|(_, peer)| peer.incarnation.is_none());
        if let Some((slot, _)) = known.or_else(unbound) {
            let peer = self.peers.at_mut(slot)?;
            if is_fresh {
                peer.incarnation = Some(incarnation);
            }
            if let Some(allowance) = &mut peer.allowance
                && peer.path.remote == wish.path.remote
            {
                allowance.received(wish.bytes);
            }
            return Some(slot);
        }
        let own_incarnation = self.shared.random.u64();
        let slot = self.new_peer(key, wish.path, own_incarnation)?;
        let peer = self.peers.at_mut(slot)?;
        let mut allowance = Allowance::default();
        allowance.received(wish.bytes);
        peer.allowance = Some(allowance);
        peer.incarnation = is_fresh.then_some(incarnation);
        Some(slot)
    }

    /// The current peer with this key, unless it was replaced and its successor is gone.
    pub(super) fn present_peer(&self, key: &PublicKey) -> Option<u32> {
        let slot = self.peers.current(key)?;
        self.peers.at(slot).filter(|peer| !peer.is_replaced)?;
        Some(slot)
    }

    /// A current peer with this key, with streams of which nobody remembers anything.
    pub(super) fn begin_peer(&mut self, key: &PublicKey, path: Path) -> Option<u32> {
        let own_incarnation = self.shared.random.u64();
        let slot = self.new_peer(key, path, own_incarnation)?;
        self.peers.make_current(key, slot);
        Some(slot)
    }

    /// Another peer with a key, as far as the limits allow.
    fn new_peer(&mut self, key: &PublicKey, path: Path, own_incarnation: u64) -> Option<u32> {
        if let Some(surplus) = self.peers.surplus(key) {
            let peer = self.peers.at(surplus).filter(|peer| peer.is_known);
            let closed = peer.map(|peer| Event::Closed { peer: peer.id });
            self.forget(surplus);
            self.shared.events.extend(closed);
        }
        let has_room = self.peers.has_room(self.shared.config.max_peers);
        has_room.then(|| self.peers.insert(*key, path, own_incarnation))
    }

    /// Takes what rides in an initiation that is no replay. Handshakes from here have been
    /// crossed by it and are given up.
    fn take_early(
        &mut self,
        key: &PublicKey,
        slot: u32,
        start: &Start,
        frames: Decoder<'_, LinkFrame>,
    ) -> bool {
        let crossed: Vec<u32> = self
            .peers
            .of_key(key)
            .filter(|(_, peer)| peer.initiation.is_some())
            .map(|(slot, _)| slot)
            .collect();
        for slot in crossed {
            if let Some(peer) = self.peers.at_mut(slot) {
                peer.abandon(&mut self.shared);
                self.settle(slot);
            }
        }
        let peer = self.peers.at_mut(slot);
        let peer = peer.filter(|peer| peer.incarnation == Some(start.incarnation));
        peer.is_some_and(|peer| peer.handle_early(&mut self.shared, frames))
    }

    /// Makes the answer. Whether there is room for another session.
    fn answer(&mut self, slot: u32, wish: Wish, responder: Responder, early_taken: bool) -> bool {
        let is_lower = self.public_key() < responder.peer();
        let shared = &mut self.shared;
        let Some(peer) = self.peers.at_mut(slot) else {
            return false;
        };
        let Some(local) = self.sessions.insert(slot, shared.random.u32()) else {
            return false;
        };
        let mut payload = Vec::new();
        let start = Start {
            incarnation: peer.own_incarnation,
            counter: 0,
            early_taken,
        };
        start.encode(&mut payload);
        let reply = responder.reply(&shared.identity, &payload, &mut shared.random, shared.wall);
        let Ok((message, keys)) = reply else {
            self.sessions.remove(local);
            return false;
        };
        self.sessions.set_remote(local, wish.remote);
        let datagram = encode_response(local, wish.remote, &message, &peer.key);
        if let Some(allowance) = &mut peer.allowance
            && peer.path.remote == wish.path.remote
        {
            allowance.sent(datagram.len());
        }
        let answered = Answered {
            session: Session::new(shared.now, keys, local, wish.remote, wish.origin),
            start: wish.start,
            path: wish.path,
            earlier: Vec::new(),
            datagram,
            is_due: true,
        };
        if let Some(gone) = peer.sessions.answered.replace(Box::new(answered)) {
            shared.released.push(gone.session.local);
        }
        let wait = AFTER_ANSWER * if is_lower { 1 } else { 2 };
        peer.wait_with_handshake(shared, wait);
        true
    }

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
            Some((slot, keys, start)) => self.complete(slot, path, response.sender, keys, start),
            None => self.shared.counters.unauthenticated += 1,
        }
    }

    /// A handshake that was begun here has its answer.
    fn complete(&mut self, slot: u32, path: Path, remote: u32, keys: SessionKeys, start: Start) {
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
            .any(|expected| expected.remote == path.remote);
        let path = if is_expected { path } else { peer.path };
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
                self.install(target, path, session);
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
        if let Some(before) = self.peers.make_current(&key, slot)
            && let Some(before) = self.peers.at_mut(before)
        {
            before.is_replaced = true;
            if before.is_known {
                let peer = before.id;
                self.shared
                    .events
                    .push_back(Event::Replaced { peer, by: id });
            }
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

    /// Takes the cookie that a handshake has to be made with.
    pub(super) fn handle_cookie_reply(&mut self, reply: &header::CookieReply) {
        let Some(slot) = self.sessions.peer(reply.receiver) else {
            return;
        };
        if let Some(peer) = self.peers.at_mut(slot)
            && let Some(initiation) = &mut peer.initiation
            && let Some(cookie) = initiation.handle_cookie(self.shared.now, reply)
        {
            peer.cookie = Some(cookie);
            self.settle(slot);
        }
    }
}

/// A handshake that somebody asks for.
struct Wish {
    path: Path,
    /// The initiator's index.
    remote: u32,
    start: Start,
    /// The first code of the initiation.
    origin: [u8; 16],
    /// Its size.
    bytes: usize,
}

fn encode_response(local: u32, remote: u32, noise: &[u8], peer: &PublicKey) -> Vec<u8> {
    let mut datagram = Vec::with_capacity(header::Response::OVERHEAD + noise.len());
    let response = header::Response {
        sender: local,
        receiver: remote,
        noise,
    };
    response.emit(&mut datagram);
    ReceiverKeys::of(peer).append(&mut datagram, None);
    datagram
}
