//! Datagrams: which of them are for whom.

use super::{Endpoint, Event, peer::Arrived, upkeep::push_within_limit};
use crate::{
    id::Path,
    wire::header::{self, Datagram, Hello, HelloAck, Unknown, VERSION},
};

/// Hints that a session is not known, a second.
const MAX_HINTS: u32 = 1_000;

impl Endpoint {
    /// Takes a datagram.
    pub(super) fn dispatch(&mut self, path: Path, datagram: &mut [u8]) {
        match Datagram::parse(datagram) {
            Some(Datagram::Data(head)) => self.handle_data(path, head, datagram),
            Some(Datagram::Initiation(initiation)) => {
                self.handle_initiation(path, initiation, datagram);
            }
            Some(Datagram::Response(response)) => self.handle_response(path, response, datagram),
            Some(Datagram::CookieReply(reply)) => self.handle_cookie_reply(&reply),
            Some(Datagram::Hello(hello)) => self.handle_hello(path, hello),
            Some(Datagram::HelloAck(answer)) => self.handle_hello_ack(path, &answer),
            Some(Datagram::Unknown(hint)) => self.handle_unknown(path, hint),
            None => self.shared.counters.malformed += 1,
        }
    }

    fn handle_data(&mut self, path: Path, head: header::Data, datagram: &mut [u8]) {
        let Some(mut slot) = self.sessions.peer(head.receiver) else {
            self.hint(path, head);
            return;
        };
        let peer = self.peers.at_mut(slot);
        let opened = peer.and_then(|peer| peer.open(&mut self.shared, path, &head, datagram));
        let Some(opened) = opened else {
            return;
        };
        if let Some(confirmed) = self.confirm(slot, head.receiver, path) {
            slot = confirmed;
        }
        let arrived = Arrived {
            path,
            local: head.receiver,
            counter: head.counter,
            bytes: datagram.len(),
            is_latest: opened.is_latest,
            frames: &datagram[opened.frames],
        };
        if let Some(peer) = self.peers.at_mut(slot) {
            peer.handle_packet(&mut self.shared, &arrived);
        }
        self.settle(slot);
    }

    /// Tells whoever sent a packet that its session is not known.
    fn hint(&mut self, path: Path, head: header::Data) {
        self.shared.counters.unknown_session += 1;
        if !self.hints.allows(self.shared.now, MAX_HINTS) {
            return;
        }
        let hint = Unknown {
            receiver: head.receiver,
            counter: head.counter,
        };
        self.reply(path, |buffer| hint.emit(buffer));
    }

    fn handle_unknown(&mut self, path: Path, hint: Unknown) {
        let Some(slot) = self.sessions.peer_by_remote(hint.receiver) else {
            return;
        };
        if let Some(peer) = self.peers.at_mut(slot)
            && peer.path.remote == path.remote
        {
            peer.hinted(hint.receiver, hint.counter);
            self.settle(slot);
        }
    }

    fn handle_hello(&mut self, path: Path, hello: Hello) {
        let shared = &mut self.shared;
        let cookie = self.cookies.cookie(shared.now, &path, &mut shared.random);
        let answer = HelloAck {
            version: VERSION,
            nonce: hello.nonce,
            key: self.public_key(),
            cookie,
            seen: path.remote,
        };
        self.reply(path, |buffer| answer.emit(buffer));
    }

    fn handle_hello_ack(&mut self, path: Path, answer: &HelloAck) {
        let greeting = self.greeting.as_mut();
        if let Some(key) = greeting.and_then(|greeting| greeting.answered(answer)) {
            let event = Event::HelloAnswered { path, key };
            self.shared.events.push_back(event);
        }
    }

    /// Queues a datagram that belongs to no session.
    pub(super) fn reply(&mut self, path: Path, emit: impl FnOnce(&mut alloc::vec::Vec<u8>)) {
        let mut datagram = alloc::vec::Vec::new();
        emit(&mut datagram);
        push_within_limit(
            &mut self.replies,
            (path, datagram),
            &mut self.shared.counters,
        );
    }
}
