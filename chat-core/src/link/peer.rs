//! One peer: its sessions, its streams, its path, and what is due when.

mod receive;
mod transmit;

pub(super) use self::receive::Arrived;

use alloc::{boxed::Box, sync::Arc, vec::Vec};

use super::{
    Event, PeerId, SendError, SendId,
    delivery::Delivery,
    handshake::Initiation,
    path::{Allowance, Candidate},
    probe::Probe,
    receive_streams::ReceiveStreams,
    round_trip::MAX_URGENT_TIMEOUT,
    session::Session,
    sessions::Sessions,
    shared::Shared,
};
use crate::{
    crypto::mac::Cookie,
    id::{Path, PublicKey},
    time::{Duration, Instant},
};

/// A peer that is silent for so long although something was sent to it, and for two round trips,
/// may have lost the session.
const SILENCE: Duration = Duration::from_secs(1);
/// The end of an idle session is rounded up to a multiple of this, so that not every packet moves
/// a timer.
const IDLE_GRANULE: u64 = 5_000_000;
/// Handshakes with one peer are begun at most so often.
const HANDSHAKE_INTERVAL: Duration = Duration::from_secs(1);

/// The owner of another key, with the streams that lead to it and from it.
pub(super) struct Peer {
    pub(super) id: PeerId,
    /// No other peer has ever had it.
    generation: u64,
    pub(super) key: PublicKey,
    /// Names the own state of the streams toward the peer.
    pub(super) own_incarnation: u64,
    /// Names the peer's state of the streams, once known.
    pub(super) incarnation: Option<u64>,
    /// Where datagrams go.
    pub(super) path: Path,
    /// What may be sent there; none: as much as one likes, the peer has proved that it is there,
    /// or the program has said so.
    pub(super) allowance: Option<Allowance>,
    /// Where the program has said that the peer may be, too.
    pub(super) alternative: Option<Path>,
    /// Messages may ride in the handshake.
    pub(super) early: bool,
    /// The program has asked for this peer.
    pub(super) is_chosen: bool,
    /// The program knows this peer and is told when it is gone.
    pub(super) is_known: bool,
    /// Another peer with this key has turned up since.
    pub(super) is_replaced: bool,
    /// Packets have gone both ways.
    pub(super) is_connected: bool,
    /// The peer has said goodbye.
    pub(super) is_closed: bool,
    pub(super) sessions: Sessions,
    pub(super) initiation: Option<Box<Initiation>>,
    pub(super) cookie: Option<Cookie>,
    pub(super) last_heard: Option<Instant>,
    pub(super) delivery: Delivery,
    incoming: ReceiveStreams,
    /// No handshake is begun before this.
    not_before: Instant,
    /// The session may mean nothing to the peer: another handshake is wanted.
    renew: bool,
    /// Since when something that was sent has had no answer of any kind.
    unanswered_since: Option<Instant>,
    candidate: Option<Box<Candidate>>,
    /// A challenge to be answered where it came from.
    challenged: Option<Box<(Path, u64)>>,
    probe: Option<Box<Probe>>,
    ping: bool,
    /// The tag of a frame that was skipped, to be reported.
    unsupported: Option<u16>,
}

impl Peer {
    /// A peer that nothing is known of but its key and where it may be.
    pub(super) fn new(
        id: PeerId,
        generation: u64,
        key: PublicKey,
        path: Path,
        own_incarnation: u64,
    ) -> Self {
        Self {
            id,
            generation,
            key,
            own_incarnation,
            incarnation: None,
            path,
            allowance: None,
            alternative: None,
            early: false,
            is_chosen: false,
            is_known: false,
            is_replaced: false,
            is_connected: false,
            is_closed: false,
            sessions: Sessions::default(),
            initiation: None,
            cookie: None,
            last_heard: None,
            delivery: Delivery::default(),
            incoming: ReceiveStreams::default(),
            not_before: Instant::ZERO,
            renew: false,
            unanswered_since: None,
            candidate: None,
            challenged: None,
            probe: None,
            ping: false,
            unsupported: None,
        }
    }

    /// Queues a message.
    pub(super) fn send(
        &mut self,
        shared: &Shared,
        stream: u8,
        message: Arc<[u8]>,
    ) -> Result<SendId, SendError> {
        let length = message.len();
        let sequence = self
            .delivery
            .streams
            .push(stream, message, &shared.config)?;
        self.delivery.queued(shared.now, length);
        if let Some(initiation) = &mut self.initiation
            && self.delivery.is_urgent(shared.now)
        {
            initiation.hurry(shared.now + MAX_URGENT_TIMEOUT);
        }
        Ok(SendId {
            stream,
            sequence,
            generation: self.generation,
        })
    }

    /// Gives a message up.
    pub(super) fn cancel(&mut self, message: SendId) {
        if message.generation == self.generation {
            self.delivery
                .streams
                .cancel(message.stream, message.sequence);
        }
    }

    /// Begins to ask for a sign of life.
    pub(super) fn probe(&mut self, shared: &mut Shared) {
        if self.sessions.current.is_none() {
            shared
                .events
                .push_back(Event::ProbeFailed { peer: self.id });
        } else if self.probe.is_none() {
            let config = &shared.config;
            let round_trip = &self.delivery.round_trip;
            let smoothed = round_trip.smoothed().unwrap_or_default();
            self.probe = Some(Box::new(Probe::new(
                shared.now,
                config.probes,
                config.probe_interval.max(smoothed),
                round_trip.base_timeout(config),
            )));
        }
    }

    /// Sends a packet that asks for an answer, if there is a session. If one before it had no
    /// answer either, the session may be lost.
    pub(super) fn ping(&mut self, shared: &Shared) {
        if self.sessions.current.is_some() {
            self.ping = true;
            self.renew |= self.is_silent(shared);
        }
    }

    /// The program names a path. If it is another one than that of the session, the peer may have
    /// begun anew there: a handshake tells before the silence does, once for each such path.
    pub(super) fn may_be_at(&mut self, path: Path) {
        if self.sessions.current.is_none() {
            self.path = path;
            self.allowance = None;
            return;
        }
        let elsewhere = (path.remote != self.path.remote).then_some(path);
        let is_news = self.alternative.map(|known| known.remote) != elsewhere.map(|is| is.remote);
        self.renew |= is_news && elsewhere.is_some();
        self.alternative = elsewhere;
    }

    /// Somebody answered a packet with the hint that its session is not known.
    pub(super) fn hinted(&mut self, remote: u32, counter: u64) {
        let session = self.sessions.current.as_ref();
        self.renew |= !self.is_replaced
            && session.is_some_and(|session| {
                session.remote == remote && session.has_sent_recently(counter)
            });
    }

    /// Whether a handshake should be begun.
    pub(super) fn wants_handshake(&self, shared: &Shared) -> bool {
        self.not_before <= shared.now && self.needs_handshake(shared)
    }

    fn needs_handshake(&self, shared: &Shared) -> bool {
        if self.initiation.is_some() || self.is_replaced {
            return false;
        }
        let rekey_after = shared.config.rekey_after;
        let is_owed = self.delivery.streams.queued() > 0;
        let current = self.sessions.current.as_ref();
        self.renew
            || is_owed
                && current.is_none_or(|session| {
                    self.is_silent(shared)
                        || session.is_worn()
                        || session.since + rekey_after <= shared.now
                })
    }

    /// No handshake is begun for so long.
    pub(super) fn wait_with_handshake(&mut self, shared: &Shared, time: Duration) {
        self.not_before = self.not_before.max(shared.now + time);
    }

    /// A handshake has begun.
    pub(super) fn begun(&mut self, shared: &Shared, initiation: Initiation) {
        self.not_before = shared.now + HANDSHAKE_INTERVAL;
        self.initiation = Some(Box::new(initiation));
    }

    /// The handshake under way has its answer, whomever it has led to.
    pub(super) fn handshake_is_over(&mut self) {
        self.renew = false;
        self.unanswered_since = None;
    }

    /// The handshake under way is given up.
    pub(super) fn abandon(&mut self, shared: &mut Shared) {
        if let Some(initiation) = self.initiation.take() {
            self.delivery.rode(&initiation.carried, false);
            shared.released.push(initiation.local);
        }
    }

    /// Puts a session in use whose handshake is complete. Whether it is the first one.
    pub(super) fn install(&mut self, shared: &mut Shared, session: Session) -> bool {
        let until = shared.now + shared.config.old_keys_for;
        // Whoever has answered a handshake waits for a packet under the new keys.
        self.ping |= !session.heard;
        if let Some(gone) = self.sessions.install(session, until) {
            self.drop_session(shared, gone);
        }
        self.renew = false;
        self.is_replaced = false;
        self.is_known = true;
        shared.counters.handshakes += 1;
        !core::mem::replace(&mut self.is_connected, true)
    }

    /// An authentic packet has arrived.
    pub(super) fn heard(&mut self, shared: &mut Shared) {
        self.last_heard = Some(shared.now);
        self.unanswered_since = None;
        if self.probe.take().is_some() {
            let peer = self.id;
            shared.events.push_back(Event::ProbeAnswered { peer });
        }
    }

    /// Drops all sessions and handshakes, and what needs one.
    pub(super) fn drop_sessions(&mut self, shared: &mut Shared) {
        self.abandon(shared);
        self.candidate = None;
        self.challenged = None;
        self.fail_probe(shared);
        while let Some(gone) = self.sessions.pop() {
            self.drop_session(shared, gone);
        }
    }

    fn fail_probe(&mut self, shared: &mut Shared) {
        if self.probe.take().is_some() {
            let peer = self.id;
            shared.events.push_back(Event::ProbeFailed { peer });
        }
    }

    fn drop_session(&mut self, shared: &mut Shared, mut gone: Session) {
        shared.released.push(gone.local);
        gone.sent
            .clear(|packet| self.delivery.lost(packet, shared.now));
    }

    fn is_silent(&self, shared: &Shared) -> bool {
        self.silent_at(shared).is_some_and(|at| at <= shared.now)
    }

    /// When the peer counts as silent unless it is heard before.
    fn silent_at(&self, shared: &Shared) -> Option<Instant> {
        let timeout = self.delivery.round_trip.base_timeout(&shared.config);
        Some(self.unanswered_since? + SILENCE.max(timeout * 2))
    }

    fn idle_at(&self, shared: &Shared) -> Option<Instant> {
        let session = self.sessions.current.as_ref()?;
        let heard = self.last_heard.unwrap_or_default().max(session.since);
        let share = 1 + 63 * u32::from(planted!(IdleSessionClosedEarly));
        let granules = (heard + shared.config.idle_timeout / share)
            .as_micros()
            .div_ceil(IDLE_GRANULE);
        Some(Instant::from_micros(granules.saturating_mul(IDLE_GRANULE)))
    }

    /// When a peer that does not answer is given up, whether there was a session or not.
    fn given_up_at(&self, shared: &Shared) -> Option<Instant> {
        let is_asked = self.delivery.streams.queued() > 0;
        let since = self.unanswered_since.filter(|_| is_asked)?;
        Some(since + shared.config.idle_timeout)
    }

    /// Does what is due.
    pub(super) fn handle_timeout(&mut self, shared: &mut Shared) {
        let now = shared.now;
        while let Some(gone) = self.sessions.pop_expired(now) {
            self.drop_session(shared, gone);
        }
        for session in self.sessions.used_mut() {
            let heard = session.heard;
            let lost = self
                .delivery
                .handle_timeout(now, &mut session.sent, &shared.config);
            self.ping |= lost && !heard;
        }
        if self.initiation.as_ref().is_some_and(|is| is.is_over(now)) {
            self.abandon(shared);
            self.renew = false;
        }
        if self.initiation.is_some() && !self.renew && self.delivery.streams.queued() == 0 {
            self.abandon(shared);
        }
        if self.candidate.as_ref().is_some_and(|is| is.has_failed(now)) {
            self.candidate = None;
        }
        if self.probe.as_ref().is_some_and(|is| is.has_failed(now)) {
            self.fail_probe(shared);
        }
        // Whoever was not heard for so long gets nothing of what is queued.
        let over = [self.idle_at(shared), self.given_up_at(shared)];
        self.is_closed |= over.into_iter().flatten().any(|at| at <= now);
    }

    /// Whether nothing is left of the peer: it has said goodbye, was idle for too long, never used
    /// the session that it asked for, or has become another one before it had a session.
    pub(super) fn is_over(&self) -> bool {
        let is_owed = self.delivery.streams.queued() > 0;
        let is_waited_for = !self.is_replaced && (self.is_chosen || is_owed);
        let has_session = self.sessions.current.is_some() || self.sessions.answered.is_some();
        self.is_closed || !is_waited_for && !has_session && self.initiation.is_none()
    }

    /// When [`Self::handle_timeout`] is due.
    pub(super) fn next_timeout(&self, shared: &Shared) -> Option<Instant> {
        let config = &shared.config;
        let packets = self
            .sessions
            .used()
            .filter_map(|session| self.delivery.timeout(&session.sent, config));
        let handshake = self.next_handshake(shared);
        [
            self.sessions.next_timeout(),
            handshake,
            self.next_initiation(),
            self.candidate.as_ref().map(|is| is.next()),
            self.probe.as_ref().map(|is| is.next()),
            self.idle_at(shared),
            self.given_up_at(shared),
        ]
        .into_iter()
        .flatten()
        .chain(packets)
        .min()
    }

    /// When the initiation is to be sent again, or given up.
    fn next_initiation(&self) -> Option<Instant> {
        let initiation = self.initiation.as_ref()?;
        Some(if self.may_initiate(initiation) {
            initiation.next()
        } else {
            initiation.until()
        })
    }

    /// What the program has named is not limited.
    fn may_initiate(&self, initiation: &Initiation) -> bool {
        self.alternative.is_some() || may_initiate(self.allowance.as_ref(), initiation)
    }

    /// When a handshake is to be begun.
    fn next_handshake(&self, shared: &Shared) -> Option<Instant> {
        if self.needs_handshake(shared) {
            return Some(self.not_before);
        }
        let is_owed = self.delivery.streams.queued() > 0;
        if !is_owed || self.is_replaced || self.initiation.is_some() {
            return None;
        }
        let aged = self.sessions.current.as_ref()?.since + shared.config.rekey_after;
        let at = self.silent_at(shared).map_or(aged, |at| at.min(aged));
        Some(at.max(self.not_before))
    }

    /// The last packet to the peer, and where it goes.
    pub(super) fn goodbye(&mut self, shared: &Shared) -> Option<(Path, Vec<u8>)> {
        let mut packet = Vec::new();
        self.encode_goodbye(shared, &mut packet)
            .then_some((self.path, packet))
    }
}

/// Whether the initiation may go to a path with this allowance.
fn may_initiate(allowance: Option<&Allowance>, initiation: &Initiation) -> bool {
    allowance.is_none_or(|may| may.available() >= initiation.size())
}
