//! Messages of peers: decoding, each client's share of the server, and who handles what.

use alloc::{boxed::Box, vec::Vec};

use super::{
    attachments::Attachments,
    record::log_of,
    session::SessionId,
    state::{Sender, State, Stopping, Task, Timer},
};
use crate::{
    conversation::Conversation,
    name::Name,
    streams,
    time::{Duration, Now},
    wire::{ChatFrame, Decoder, Refusal},
};

/// A peer that is not registered is told so at most once in this time.
const TURN_AWAY_INTERVAL: Duration = Duration::from_secs(1);

impl State {
    /// Takes a message of a peer. Until the records are loaded nothing is taken.
    pub(super) fn handle_message(&mut self, now: Now, from: &Sender, message: &[u8]) {
        if !self.is_ready() || self.stopping != Stopping::No {
            return;
        }
        let id = self.session_of(from);
        self.heard(id);
        for frame in Decoder::<ChatFrame>::new(message) {
            match frame {
                Ok(ChatFrame::Accepted { ids }) => self.accepted(now, id, &ids),
                Ok(ChatFrame::Unknown { tag }) => self.skip_unknown(id, tag),
                Ok(frame) => self.enqueue(now, id, frame, message.len()),
                Err(_) => self.counters.malformed_messages += 1,
            }
        }
        self.run_requests(now, id);
    }

    fn skip_unknown(&mut self, id: SessionId, tag: u16) {
        self.counters.unknown_frames += 1;
        if let Some(session) = self.sessions.get_mut(id)
            && session.unknown_tags.take(tag)
        {
            self.answer(id, &ChatFrame::Unsupported { tag });
        }
    }

    fn enqueue(&mut self, now: Now, id: SessionId, frame: ChatFrame, size: usize) {
        let Some(session) = self.sessions.get_mut(id) else {
            return;
        };
        session.waiting.push_back((size, frame));
        session.waiting_bytes += size;
        if session.waiting.len() > self.config.max_waiting_requests
            || session.waiting_bytes > self.config.max_waiting_bytes
        {
            self.counters.cut_off += 1;
            self.drop_peer(now, id);
        }
    }

    /// Handles the requests of a session whose turn has come.
    pub(super) fn run_requests(&mut self, now: Now, id: SessionId) {
        while let Some(session) = self.sessions.get_mut(id) {
            let in_flight_limit = match session.waiting.front() {
                None => return,
                // Who the peer is changes when nothing is under way for who it was. Of two joins at
                // once, each would take from the other what it waits for.
                Some((
                    _,
                    ChatFrame::Register { .. }
                    | ChatFrame::Deregister { .. }
                    | ChatFrame::JoinGroup { .. },
                )) => 1,
                Some(_) => self.config.max_requests_in_flight,
            };
            if session.registering || session.in_flight >= in_flight_limit {
                return;
            }
            let cost = session.waiting.front().map_or(1, |(_, frame)| {
                cost(&self.attachments, self.config.members_per_request, frame)
            });
            let allowance = self.allowances.of(now.instant, session.key);
            if !allowance.take(now.instant, cost) {
                let ready = allowance.ready_at(cost);
                self.timers.set(Timer::Requests(id), ready);
                return;
            }
            if let Some((size, frame)) = session.waiting.pop_front() {
                session.waiting_bytes -= size;
                self.request(now, id, frame);
            }
        }
    }

    /// Handles a request: for the first time, or again when what it wrote is durable.
    pub(super) fn request(&mut self, now: Now, id: SessionId, frame: ChatFrame) {
        match frame {
            // What follows what was dropped must not come before that is sent again.
            ChatFrame::Register { .. } if self.has_turned_away(id) => self.drop_peer(now, id),
            ChatFrame::Register { .. } => self.register(now, id, frame),
            ChatFrame::Deregister { request } => self.deregister(now, id, request),
            ChatFrame::Submit { .. }
            | ChatFrame::CreateGroup { .. }
            | ChatFrame::ListGroups { .. }
            | ChatFrame::JoinGroup { .. }
            | ChatFrame::LeaveGroup { .. }
            | ChatFrame::ListMembers { .. }
            | ChatFrame::LookUp { .. } => {
                let login = self.sessions.login(id);
                let Some(name) = login.map(|login| login.name.clone()) else {
                    return self.turn_away(now, id);
                };
                self.request_of_user(now, id, &name, frame);
            }
            _ => self.counters.unexpected_frames += 1,
        }
    }

    fn request_of_user(&mut self, now: Now, id: SessionId, user: &Name, frame: ChatFrame) {
        match frame {
            ChatFrame::Submit {
                id: message,
                to,
                body,
            } => self.submit(now, id, user, message, to, body.into_vec()),
            ChatFrame::CreateGroup { request, group } => {
                self.create_group(now, id, user, request, group);
            }
            ChatFrame::ListGroups { request, after } => {
                self.list_groups(id, request, after.as_ref());
            }
            ChatFrame::JoinGroup { request, group } => {
                self.join_group(now, id, user, request, group);
            }
            ChatFrame::LeaveGroup { request, group } => {
                self.leave_group(now, id, user, request, group);
            }
            ChatFrame::ListMembers {
                request,
                group,
                after,
            } => self.list_members(id, user, request, &group, after.as_ref()),
            ChatFrame::LookUp { request, name } => self.look_up(id, request, &name),
            _ => self.counters.unexpected_frames += 1,
        }
    }

    fn turn_away(&mut self, now: Now, id: SessionId) {
        let Some(session) = self.sessions.get_mut(id) else {
            return;
        };
        let again = session.turned_away.map(|at| at + TURN_AWAY_INTERVAL);
        if again.is_none_or(|at| at <= now.instant) {
            session.turned_away = Some(now.instant);
            self.answer(id, &ChatFrame::NotRegistered {});
        }
    }

    /// Whether a request of the session was dropped.
    fn has_turned_away(&self, id: SessionId) -> bool {
        let session = self.sessions.get(id);
        session.is_some_and(|session| session.turned_away.is_some())
    }

    fn look_up(&mut self, id: SessionId, request: u64, name: &Name) {
        let entry = self.names.get(name).map(super::names::User::entry);
        self.watch(id, name);
        // An earlier word on a name must not overtake a later one.
        self.send(id, streams::TABLE, &ChatFrame::Found { request, entry });
    }

    /// The client deals with this name: it is told of its changes, as far as the limit allows.
    pub(super) fn watch(&mut self, id: SessionId, name: &Name) {
        if !self.interests.add(id, name, self.config.max_interests) {
            self.counters.interests_over_limit += 1;
        }
    }

    pub(super) fn refuse(&mut self, id: SessionId, request: u64, reason: Refusal) {
        self.answer(id, &ChatFrame::Refused { request, reason });
    }

    pub(super) fn completed(&mut self, id: SessionId, request: u64) {
        self.answer(id, &ChatFrame::Completed { request });
    }

    /// The request is handled again when what is being written for it is durable.
    pub(super) fn again(id: SessionId, frame: ChatFrame) -> Task {
        Task::Request(id, Box::new(frame))
    }

    /// Does what is due.
    pub(super) fn handle_timeout(&mut self, now: Now, status: super::Status<'_>) {
        self.pending.handle_timeout(now.instant);
        if self.stopping != Stopping::No {
            return;
        }
        let mut due = Vec::new();
        while let Some(timer) = self.timers.pop(now.instant) {
            due.push(timer);
        }
        for timer in due {
            match timer {
                Timer::Check(id) => self.check(now, id, status),
                Timer::Requests(id) => self.run_requests(now, id),
                Timer::Close(id) => self.close(now, id, status),
                Timer::Table => self.send_table(),
                Timer::Cursors => self.write_cursors(now),
                Timer::PresenceGrace => self.end_presence_grace(now),
                Timer::Free(name) => self.free(now, &name),
                Timer::Expiry => self.expire_next(now),
            }
        }
    }
}

/// As how many requests a frame counts.
fn cost(attachments: &Attachments, members_per_request: usize, frame: &ChatFrame) -> u32 {
    match frame {
        ChatFrame::Submit {
            to: to @ (Conversation::Group(_) | Conversation::Channel),
            ..
        } => {
            let more = attachments.readers(&log_of(to)) / members_per_request.max(1);
            u32::try_from(more).unwrap_or(u32::MAX).saturating_add(1)
        }
        _ => 1,
    }
}
