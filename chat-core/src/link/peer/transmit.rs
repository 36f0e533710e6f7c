//! Packets to the peer, encoded when they are asked for.

use alloc::vec::Vec;

use super::{Path, Peer, Shared, may_initiate};
use crate::{
    config::MAX_DATAGRAM_BYTES,
    crypto::aead::TAG_BYTES,
    link::{round_trip::MAX_URGENT_TIMEOUT, sent_packets::SentPacket, session::Session},
    time::{Duration, Instant},
    wire::{LinkFrame, encode},
};

/// An acknowledgement takes at most so much, so that a fragment fits beside it.
const ACK_BYTES: usize = 96;
/// A packet with nothing but a path challenge or the answer to one.
const CHALLENGE_BYTES: usize = 13 + 2 + 9 + TAG_BYTES;
/// Where the frames of a packet end.
const FRAMES_END: usize = MAX_DATAGRAM_BYTES - TAG_BYTES;

impl Peer {
    /// Whether a datagram waits to be sent.
    pub(in crate::link) fn wants_to_transmit(&self, shared: &Shared) -> bool {
        let now = shared.now;
        if self.initiation_is_due(now)
            || self.sessions.answered.as_ref().is_some_and(|is| is.is_due)
        {
            return true;
        }
        if self.sessions.current.is_none() {
            return false;
        }
        self.challenged.is_some()
            || self
                .candidate
                .as_ref()
                .is_some_and(|is| is.due(now).is_some())
            || self.sessions.used().any(|is| is.arrived.is_due())
            || self.wants_packet(shared)
    }

    /// Encodes the next datagram: where it goes.
    pub(in crate::link) fn poll_transmit(
        &mut self,
        shared: &mut Shared,
        buffer: &mut Vec<u8>,
    ) -> Option<Path> {
        buffer.clear();
        self.transmit_handshake(shared, buffer)
            .or_else(|| self.transmit_challenge(shared, buffer))
            .or_else(|| self.transmit_response(buffer))
            .or_else(|| self.transmit_late_ack(shared, buffer))
            .or_else(|| self.transmit_packet(shared, buffer))
    }

    fn initiation_is_due(&self, now: Instant) -> bool {
        let initiation = self.initiation.as_ref();
        initiation.is_some_and(|is| is.is_due(now) && self.may_initiate(is))
    }

    fn transmit_handshake(&mut self, shared: &mut Shared, buffer: &mut Vec<u8>) -> Option<Path> {
        let now = shared.now;
        if let Some(answered) = &mut self.sessions.answered
            && core::mem::take(&mut answered.is_due)
        {
            buffer.extend_from_slice(&answered.datagram);
            return Some(answered.path);
        }
        if !self.initiation_is_due(now) {
            return None;
        }
        let initiation = self.initiation.as_mut()?;
        let again = initiation.sent() > 0;
        shared.counters.retransmitted += u64::from(again);
        let longest = if self.delivery.is_urgent(now) {
            MAX_URGENT_TIMEOUT
        } else {
            Duration::MAX
        };
        let may_go_there = may_initiate(self.allowance.as_ref(), initiation);
        let is_turn = initiation.sent() % 2 == 0;
        buffer.extend_from_slice(initiation.datagram(now, longest));
        self.unanswered_since.get_or_insert(now);
        if let Some(elsewhere) = self.alternative.filter(|_| is_turn || !may_go_there) {
            return Some(elsewhere);
        }
        if let Some(allowance) = &mut self.allowance {
            allowance.sent(buffer.len());
        }
        Some(self.path)
    }

    /// Asks for proof that the peer is where its latest packets come from, and acknowledges them.
    fn transmit_challenge(&mut self, shared: &Shared, buffer: &mut Vec<u8>) -> Option<Path> {
        let (session, candidate) = (self.sessions.current.as_mut()?, self.candidate.as_mut()?);
        let token = candidate.due(shared.now)?;
        let Some(space) = candidate.allowance.available().checked_sub(CHALLENGE_BYTES) else {
            candidate.challenged(shared.now, 0);
            return None;
        };
        session.begin(buffer);
        encode_ack(session, shared.now, space, buffer);
        encode(&LinkFrame::PathChallenge { token }, buffer);
        session.seal(buffer);
        candidate.challenged(shared.now, buffer.len());
        Some(candidate.path)
    }

    fn transmit_response(&mut self, buffer: &mut Vec<u8>) -> Option<Path> {
        let session = self.sessions.current.as_mut()?;
        let (path, token) = *self.challenged.take()?;
        if let Some(candidate) = &mut self.candidate
            && candidate.path.remote == path.remote
        {
            if candidate.allowance.available() < CHALLENGE_BYTES {
                return None;
            }
            candidate.allowance.sent(CHALLENGE_BYTES);
        }
        session.begin(buffer);
        encode(&LinkFrame::PathResponse { token }, buffer);
        session.seal(buffer);
        Some(path)
    }

    /// Acknowledges what came under the keys before the current ones.
    fn transmit_late_ack(&mut self, shared: &Shared, buffer: &mut Vec<u8>) -> Option<Path> {
        let session = self.sessions.previous()?;
        if !session.arrived.is_due() {
            return None;
        }
        session.begin(buffer);
        encode_ack(session, shared.now, ACK_BYTES, buffer);
        session.seal(buffer);
        Some(self.path)
    }

    /// Whether the next packet has something to carry beside an acknowledgement.
    fn wants_packet(&self, shared: &Shared) -> bool {
        self.ping
            || self.unsupported.is_some()
            || self.probe.as_ref().is_some_and(|is| is.is_due(shared.now))
            || self.wants_fragments(shared)
    }

    fn wants_fragments(&self, shared: &Shared) -> bool {
        let session = self.sessions.current.as_ref();
        let room = self.delivery.available(&shared.config);
        let space = room.saturating_sub(ACK_BYTES + 13 + TAG_BYTES);
        let of = self.delivery.eligible();
        session.is_some_and(|session| !session.sent.is_full())
            && self.delivery.streams.wants_to_send(of, space)
    }

    fn transmit_packet(&mut self, shared: &mut Shared, buffer: &mut Vec<u8>) -> Option<Path> {
        let ack_is_due = self.sessions.current.as_ref()?.arrived.is_due();
        if !ack_is_due && !self.wants_packet(shared) {
            return None;
        }
        let session = self.sessions.current.as_mut()?;
        session.begin(buffer);
        let acknowledges = if ack_is_due {
            encode_ack(session, shared.now, ACK_BYTES, buffer)
        } else {
            None
        };
        if let Some(tag) = self.unsupported.take() {
            encode(&LinkFrame::Unsupported { tag }, buffer);
        }
        let mut packet = SentPacket {
            counter: 0,
            sent: shared.now,
            bytes: 0,
            acknowledges,
            carried: None,
            more: Vec::new(),
            lost: false,
        };
        let probed = self.encode_ping(shared, buffer);
        self.encode_fragments(shared, buffer, &mut packet);
        let session = self.sessions.current.as_mut()?;
        packet.counter = session.seal(buffer);
        packet.bytes = buffer.len();
        if probed || packet.carried.is_some() {
            self.delivery.congestion.sent(packet.bytes);
            session.sent.insert(packet);
            self.unanswered_since.get_or_insert(shared.now);
        }
        Some(self.path)
    }

    fn encode_fragments(
        &mut self,
        shared: &mut Shared,
        buffer: &mut Vec<u8>,
        packet: &mut SentPacket,
    ) {
        let Some(session) = self.sessions.current.as_ref() else {
            return;
        };
        if session.sent.is_full() {
            return;
        }
        let end = FRAMES_END.min(
            self.delivery
                .available(&shared.config)
                .saturating_sub(TAG_BYTES),
        );
        let of = self.delivery.eligible();
        while let Some(space) = end.checked_sub(buffer.len())
            && let Some((carried, again)) = self.delivery.streams.encode_next(of, space, buffer)
        {
            shared.counters.retransmitted += u64::from(again);
            match packet.carried {
                None => packet.carried = Some(carried),
                Some(_) => packet.more.push(carried),
            }
        }
    }

    /// Asks for an answer if that is wanted: whether it was.
    fn encode_ping(&mut self, shared: &Shared, buffer: &mut Vec<u8>) -> bool {
        let due = self.probe.as_mut().filter(|is| is.is_due(shared.now));
        let probes = due.map(|probe| probe.sent(shared.now)).is_some();
        let wanted = core::mem::take(&mut self.ping) || probes;
        if wanted {
            encode(&LinkFrame::Ping {}, buffer);
        }
        wanted
    }

    /// Encodes the last packet. Whether there is a session for it.
    pub(super) fn encode_goodbye(&mut self, shared: &Shared, buffer: &mut Vec<u8>) -> bool {
        let Some(session) = self.sessions.current.as_mut() else {
            return false;
        };
        session.begin(buffer);
        encode_ack(session, shared.now, ACK_BYTES, buffer);
        encode(&LinkFrame::Close {}, buffer);
        session.seal(buffer);
        true
    }
}

/// Appends the acknowledgement of what has arrived: its highest counter.
fn encode_ack(
    session: &mut Session,
    now: Instant,
    space: usize,
    buffer: &mut Vec<u8>,
) -> Option<u64> {
    let frame = session.arrived.frame(now, space)?;
    encode(&frame, buffer);
    session.arrived.largest()
}
