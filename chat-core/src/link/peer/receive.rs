//! Packets from the peer.

use alloc::boxed::Box;

use super::{Candidate, Event, Path, Peer, Shared};
use crate::{
    link::{
        ack_ranges::acknowledged,
        receive_streams::Taken,
        session::{Dropped, Opened},
    },
    time::Duration,
    wire::{AckRange, Decoder, LinkFrame, header},
};

/// What a frame means for the packet that it came in.
enum Effect {
    /// It asks for an acknowledgement.
    Eliciting,
    /// It does not.
    Quiet,
    /// It could not be taken: the packet must come again.
    Refused,
    /// The rest of the packet means nothing.
    End,
}

/// A packet and where it came from.
pub(in crate::link) struct Arrived<'a> {
    /// The path.
    pub(in crate::link) path: Path,
    /// The index of its session.
    pub(in crate::link) local: u32,
    /// Its counter.
    pub(in crate::link) counter: u64,
    /// Its frames.
    pub(in crate::link) frames: &'a [u8],
    /// The size of the datagram.
    pub(in crate::link) bytes: usize,
    /// It was sent after all that had arrived before.
    pub(in crate::link) is_latest: bool,
}

impl Peer {
    /// Decrypts a packet in place. None if it is to be dropped.
    pub(in crate::link) fn open(
        &mut self,
        shared: &mut Shared,
        path: Path,
        head: &header::Data,
        datagram: &mut [u8],
    ) -> Option<Opened> {
        if !self.sessions.may_come_along(head.receiver, path) {
            shared.counters.unauthenticated += 1;
            return None;
        }
        let opened = self
            .sessions
            .find(head.receiver)?
            .open(head.counter, datagram);
        match opened {
            Ok(opened) => Some(opened),
            Err(Dropped::Replayed) => {
                shared.counters.replayed += 1;
                None
            }
            Err(Dropped::Unauthenticated) => {
                shared.counters.unauthenticated += 1;
                None
            }
        }
    }

    /// Takes an authentic packet.
    pub(in crate::link) fn handle_packet(&mut self, shared: &mut Shared, arrived: &Arrived<'_>) {
        self.heard(shared);
        self.handle_path(arrived);
        let (mut eliciting, mut taken, mut probes) = (false, true, true);
        for frame in Decoder::<LinkFrame>::new(arrived.frames) {
            probes &= frame.as_ref().is_ok_and(is_probing);
            let effect = match frame {
                Ok(frame) => self.handle_frame(shared, arrived, frame),
                Err(_) => {
                    shared.counters.malformed += 1;
                    Effect::End
                }
            };
            match effect {
                Effect::Eliciting => eliciting = true,
                Effect::Quiet => {}
                Effect::Refused => taken = false,
                Effect::End => {
                    taken = false;
                    break;
                }
            }
        }
        if !probes {
            self.consider_path(shared, arrived);
        }
        if taken && let Some(session) = self.sessions.find(arrived.local) {
            session
                .arrived
                .insert(shared.now, arrived.counter, eliciting);
        }
        self.deliver(shared);
    }

    /// Takes what rode in an initiation. Whether all of it was taken.
    pub(in crate::link) fn handle_early(
        &mut self,
        shared: &mut Shared,
        frames: Decoder<'_, LinkFrame>,
    ) -> bool {
        let mut taken = true;
        for frame in frames {
            let effect = frame.map(|frame| self.handle_part(shared, frame));
            taken &= matches!(effect, Ok(Effect::Eliciting));
        }
        self.deliver(shared);
        taken
    }

    fn handle_frame(
        &mut self,
        shared: &mut Shared,
        arrived: &Arrived<'_>,
        frame: LinkFrame,
    ) -> Effect {
        match frame {
            LinkFrame::Ack {
                largest,
                delay,
                ranges,
            } => self.handle_ack(shared, arrived.local, largest, delay, &ranges),
            LinkFrame::Ping {} => Effect::Eliciting,
            part @ (LinkFrame::Data { .. } | LinkFrame::Skip { .. }) => {
                self.handle_part(shared, part)
            }
            LinkFrame::PathChallenge { token } => {
                self.challenged = Some(Box::new((arrived.path, token)));
                Effect::Quiet
            }
            LinkFrame::PathResponse { token } => {
                self.handle_path_response(shared, token);
                Effect::Quiet
            }
            LinkFrame::Close {} => {
                self.is_closed = true;
                Effect::End
            }
            LinkFrame::Unsupported { .. } => Effect::Quiet,
            // It opens handshake messages and means nothing here.
            LinkFrame::Start { .. } => {
                shared.counters.malformed += 1;
                Effect::End
            }
            LinkFrame::Unknown { tag } => {
                shared.counters.unknown_frames += 1;
                self.unsupported = Some(tag);
                Effect::Eliciting
            }
        }
    }

    fn handle_ack(
        &mut self,
        shared: &mut Shared,
        local: u32,
        largest: u64,
        delay: u64,
        ranges: &[AckRange],
    ) -> Effect {
        let Self {
            sessions, delivery, ..
        } = self;
        let ranges = acknowledged(largest, ranges);
        let session = sessions.find(local);
        let (Some(ranges), Some(session)) =
            (ranges, session.filter(|session| session.has_sent(largest)))
        else {
            shared.counters.malformed += 1;
            return Effect::End;
        };
        let arrived = &mut session.arrived;
        session.sent.acknowledge(&ranges, |packet| {
            if packet.counter == largest {
                let elapsed = shared.now.saturating_since(packet.sent);
                let sample = elapsed.saturating_sub(Duration::from_micros(delay));
                delivery.round_trip.measured(sample);
            }
            if let Some(known) = packet.acknowledges {
                arrived.forget_up_to(known);
            }
            delivery.acknowledged(&packet, &shared.config);
        });
        session
            .sent
            .lost_before(largest, |packet| delivery.lost(packet, shared.now));
        Effect::Quiet
    }

    /// Takes a part of a stream; no other frame.
    fn handle_part(&mut self, shared: &mut Shared, frame: LinkFrame) -> Effect {
        let max = shared.config.max_reassembly_bytes;
        let Some(taken) = self.incoming.take(frame, max) else {
            return Effect::Refused;
        };
        effect_of(shared, taken)
    }

    fn deliver(&mut self, shared: &mut Shared) {
        while let Some((stream, bytes)) = self.incoming.pop() {
            self.is_known = true;
            shared.events.push_back(Event::Message {
                peer: self.id,
                stream,
                bytes,
            });
        }
    }

    /// Notes that a packet came from where the peer is, or may be.
    fn handle_path(&mut self, arrived: &Arrived<'_>) {
        if arrived.path.remote == self.path.remote
            || planted!(PathMovedUnvalidated) && arrived.is_latest
        {
            self.path = arrived.path;
            if arrived.is_latest {
                self.candidate = None;
            }
            return;
        }
        if let Some(candidate) = &mut self.candidate
            && candidate.path.remote == arrived.path.remote
        {
            candidate.allowance.received(arrived.bytes);
        }
    }

    /// A packet that does not only probe paths came from where the peer may be from then on
    /// (RFC 9000 §9.1). What only probes must not be answered with another probe: behind some NATs
    /// each comes from another address.
    fn consider_path(&mut self, shared: &mut Shared, arrived: &Arrived<'_>) {
        let remote = arrived.path.remote;
        let is_considered = |is: &Candidate| is.path.remote == remote;
        if !arrived.is_latest
            || self.path.remote == remote
            || self.candidate.as_deref().is_some_and(is_considered)
        {
            return;
        }
        self.challenge(shared, arrived.path, arrived.bytes);
    }

    /// Lets the peer prove that it is where so many bytes of it have come from.
    pub(in crate::link) fn challenge(&mut self, shared: &mut Shared, path: Path, bytes: usize) {
        let token = shared.random.u64();
        let candidate = Candidate::new(shared.now, path, bytes, token);
        self.candidate = Some(Box::new(candidate));
    }

    fn handle_path_response(&mut self, shared: &mut Shared, token: u64) {
        let proved = self.candidate.take_if(|is| is.is_answer(token));
        if let Some(candidate) = proved {
            self.path = candidate.path;
            self.delivery.congestion.moved();
            shared.events.push_back(Event::Moved {
                peer: self.id,
                path: self.path,
            });
        }
    }
}

/// Whether a frame says nothing of where the peer sends from.
const fn is_probing(frame: &LinkFrame) -> bool {
    matches!(
        frame,
        LinkFrame::Ack { .. } | LinkFrame::PathChallenge { .. } | LinkFrame::PathResponse { .. }
    )
}

fn effect_of(shared: &mut Shared, taken: Taken) -> Effect {
    match taken {
        Taken::Accepted | Taken::Duplicate => Effect::Eliciting,
        Taken::Full => {
            shared.counters.over_limit += 1;
            Effect::Refused
        }
        Taken::Malformed => {
            shared.counters.malformed += 1;
            Effect::End
        }
    }
}
