//! Handshakes: begun and answered.

use alloc::{boxed::Box, vec::Vec};

use super::{
    Endpoint, Event,
    cookie::Admission,
    handshake::{Answered, Begin, EARLY_BYTES, Initiation, Start},
    path::Allowance,
    send_streams::Eligible,
    session::Session,
};
use crate::{
    crypto::{mac::ReceiverKeys, noise::Responder},
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
            && let Some((part, _)) =
                peer.delivery
                    .streams
                    .encode_next(Eligible::All, space, &mut payload)
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
    pub(super) fn new_peer(
        &mut self,
        key: &PublicKey,
        path: Path,
        own_incarnation: u64,
    ) -> Option<u32> {
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
