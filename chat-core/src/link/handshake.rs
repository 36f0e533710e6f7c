//! Handshakes under way (Noise IK): as initiator, the message that is repeated until an answer
//! comes; as responder, the answer that is repeated until the session carries something.

use alloc::vec::Vec;

use super::{send_streams::Carried, session::Session};
use crate::{
    config::MAX_DATAGRAM_BYTES,
    crypto::{
        Identity, Random,
        mac::{Cookie, MAC_BYTES, MACS_BYTES, ReceiverKeys},
        noise::{self, HandshakeError, SessionKeys},
    },
    id::{Path, PublicKey},
    time::{Duration, Instant, WallTime},
    wire::{
        Decoder, LinkFrame, encode,
        header::{self, PROLOGUE},
    },
};

/// An initiation is repeated for so long; then another one is made.
const ATTEMPT: Duration = Duration::from_secs(5);
/// An initiation that is so young holds against one of the peer, if the own key is the lower one.
const SIMULTANEOUS: Duration = Duration::from_millis(300);
/// A session that the initiator has not used for so long is forgotten.
const CONFIRMATION: Duration = Duration::from_secs(10);
const MAX_INTERVAL: Duration = Duration::from_secs(1);
/// What may ride in an initiation.
pub(super) const EARLY_BYTES: usize = MAX_DATAGRAM_BYTES - header::Initiation::OVERHEAD;

/// An answer is remembered to have gone to so many addresses before the latest one.
const MAX_EARLIER_PATHS: usize = 3;

/// The time between two copies of a message that is not answered, after so many of them.
pub(super) fn interval(sent: u32) -> Duration {
    Duration::from_millis(100 << sent.min(4)).min(MAX_INTERVAL)
}

/// What the first frame of a handshake message says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Start {
    /// The sender's incarnation.
    pub(super) incarnation: u64,
    /// The initiator's counter.
    pub(super) counter: u64,
    /// The responder has taken what rode in the initiation.
    pub(super) early_taken: bool,
}

impl Start {
    /// Appends the frame.
    pub(super) fn encode(self, payload: &mut Vec<u8>) {
        encode(
            &LinkFrame::Start {
                incarnation: self.incarnation,
                counter: self.counter,
                early_taken: self.early_taken,
            },
            payload,
        );
    }

    /// The first of the frames, if it is one.
    pub(super) fn decode(frames: &mut Decoder<'_, LinkFrame>) -> Option<Self> {
        match frames.next() {
            Some(Ok(LinkFrame::Start {
                incarnation,
                counter,
                early_taken,
            })) => Some(Self {
                incarnation,
                counter,
                early_taken,
            }),
            _ => None,
        }
    }
}

/// A handshake that was begun here and has no answer.
pub(super) struct Initiation {
    /// The index that the session will have here.
    pub(super) local: u32,
    /// What rides in it.
    pub(super) carried: Vec<Carried>,
    noise: noise::Initiator,
    receiver: ReceiverKeys,
    datagram: Vec<u8>,
    begun: Instant,
    next: Instant,
    sent: u32,
}

/// What an initiation is made from.
pub(super) struct Begin<'a> {
    /// Who makes it.
    pub(super) identity: &'a Identity,
    /// Whom it is for.
    pub(super) peer: &'a PublicKey,
    /// The index that the session will have here.
    pub(super) local: u32,
    /// The frames that it carries, with [`Start`] in front.
    pub(super) payload: &'a [u8],
    /// Which parts of streams they are.
    pub(super) carried: Vec<Carried>,
    /// The cookie of the responder, if it has handed one out.
    pub(super) cookie: Option<&'a Cookie>,
}

impl Initiation {
    /// Begins a handshake.
    ///
    /// # Errors
    /// If the peer's key is of low order: what was to ride in it.
    pub(super) fn new(
        now: Instant,
        wall: WallTime,
        random: &mut Random,
        begin: Begin<'_>,
    ) -> Result<Self, Vec<Carried>> {
        let Begin { identity, peer, .. } = begin;
        let started =
            noise::Initiator::start(identity, peer, &PROLOGUE, begin.payload, random, wall);
        let Ok((noise, message)) = started else {
            return Err(begin.carried);
        };
        let mut datagram = Vec::with_capacity(message.len() + header::Initiation::OVERHEAD);
        let initiation = header::Initiation {
            sender: begin.local,
            noise: &message,
        };
        initiation.emit(&mut datagram);
        let receiver = ReceiverKeys::of(peer);
        receiver.append(&mut datagram, begin.cookie);
        Ok(Self {
            local: begin.local,
            carried: begin.carried,
            noise,
            receiver,
            datagram,
            begun: now,
            next: now,
            sent: 0,
        })
    }

    /// Whether a copy is to be sent.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.next <= now
    }

    /// When the next copy is to be sent.
    pub(super) fn next(&self) -> Instant {
        self.next
    }

    /// Somebody waits for the answer: the next copy is sent by then.
    pub(super) fn hurry(&mut self, by: Instant) {
        self.next = self.next.min(by);
    }

    /// How many copies were sent.
    pub(super) fn sent(&self) -> u32 {
        self.sent
    }

    /// Whether it has been repeated for long enough.
    pub(super) fn is_over(&self, now: Instant) -> bool {
        self.begun + ATTEMPT <= now && self.is_due(now)
    }

    /// When it will have been repeated for long enough.
    pub(super) fn until(&self) -> Instant {
        self.next.max(self.begun + ATTEMPT)
    }

    /// How long it has been waiting for its answer, if only one copy was sent.
    pub(super) fn round_trip(&self, now: Instant) -> Option<Duration> {
        (self.sent == 1).then(|| now.saturating_since(self.begun))
    }

    /// Whether one of the peer that arrives now has crossed it.
    pub(super) fn is_simultaneous(&self, now: Instant) -> bool {
        now < self.begun + SIMULTANEOUS
    }

    /// The next copy, after which the following one waits for at most `longest`.
    pub(super) fn datagram(&mut self, now: Instant, longest: Duration) -> &[u8] {
        self.next = now + interval(self.sent).min(longest);
        if planted!(HandshakeNotRepeated) {
            self.next = now + Duration::MAX;
        }
        self.sent = self.sent.saturating_add(1);
        &self.datagram
    }

    /// The size of the datagram.
    pub(super) fn size(&self) -> usize {
        self.datagram.len()
    }

    /// The responder asks for a cookie: the next copy has it, and is sent at once if it is
    /// another one than before.
    pub(super) fn handle_cookie(
        &mut self,
        now: Instant,
        reply: &header::CookieReply,
    ) -> Option<Cookie> {
        let mac1 = header::mac1(&self.datagram)?;
        let cookie = self
            .receiver
            .open_cookie(&reply.nonce, &mac1, &reply.cookie)
            .ok()?;
        if !ReceiverKeys::verify_mac2(&self.datagram, &cookie) {
            self.datagram.truncate(self.datagram.len() - MACS_BYTES);
            self.receiver.append(&mut self.datagram, Some(&cookie));
            self.next = now;
        }
        Some(cookie)
    }

    /// Reads the answer.
    ///
    /// # Errors
    /// If it is none; the genuine one can still be read.
    pub(super) fn finish(&mut self, noise: &[u8]) -> Result<(SessionKeys, Start), HandshakeError> {
        let (keys, payload) = self.noise.finish(noise)?;
        let start = Start::decode(&mut Decoder::new(&payload)).ok_or(HandshakeError)?;
        Ok((keys, start))
    }

    /// What tells copies of this initiation from others.
    pub(super) fn origin(&self) -> [u8; MAC_BYTES] {
        header::mac1(&self.datagram).unwrap_or_default()
    }
}

/// A handshake that was answered here; its session is not used before the initiator has used it.
pub(super) struct Answered {
    /// The session.
    pub(super) session: Session,
    /// What the initiation said.
    pub(super) start: Start,
    /// Where the latest copy of the initiation came from: there the answer goes.
    pub(super) path: Path,
    /// Where earlier copies came from, and were answered.
    pub(super) earlier: Vec<Path>,
    /// The answer.
    pub(super) datagram: Vec<u8>,
    /// Whether the answer is to be sent.
    pub(super) is_due: bool,
}

impl Answered {
    /// A copy of the initiation has come: it is answered where it came from. A copy may be sent by
    /// somebody who has only heard it, and must neither draw the answer away from the initiator nor
    /// get more than one for each copy.
    pub(super) fn comes_again(&mut self, path: Path) {
        self.earlier.push(core::mem::replace(&mut self.path, path));
        self.earlier.retain(|known| known.remote != path.remote);
        let surplus = self.earlier.len().saturating_sub(MAX_EARLIER_PATHS);
        self.earlier.drain(..surplus);
        self.is_due = true;
    }

    /// Where the initiator is whose first packet came along `path`: there, if the answer has
    /// arrived there. Another address has yet to prove itself; none, if it is not known which of
    /// several answers has arrived.
    pub(super) fn proved(&self, path: Path) -> Option<Path> {
        let is_answered = |sent: &Path| sent.remote == path.remote;
        let mut sent = self.earlier.iter().chain([&self.path]);
        if sent.any(is_answered) {
            return Some(path);
        }
        self.earlier.is_empty().then_some(self.path)
    }

    /// When it is given up.
    pub(super) fn until(&self) -> Instant {
        self.session.since + CONFIRMATION
    }
}
