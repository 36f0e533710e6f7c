//! Who is there: what the link says of a peer, checks, and their consequences.

use super::{
    Event, Status,
    session::{Check, Login, SessionId},
    state::{LinkCommand, State, Timer},
};
use crate::{
    conversation::Conversation,
    link::PeerId,
    name::Name,
    time::Now,
    wire::{Address, ChatFrame, Presence},
};
use core::net::SocketAddr;

/// Messages whose senders wait for the outcome of one check. Past it they are told at once that
/// the message is saved.
const MAX_CHECKS: usize = 1_024;

impl State {
    /// Something of the peer was heard: it is there.
    pub(super) fn heard(&mut self, id: SessionId) {
        let Some(login) = self.sessions.login_mut(id) else {
            return;
        };
        if login.checks.is_empty() {
            return;
        }
        let checks = core::mem::take(&mut login.checks);
        let about = Conversation::User(login.name.clone());
        for check in checks {
            let exists = ChatFrame::Exists { id: check.message };
            self.tell(&check.sender, &about, &exists);
        }
    }

    /// The peer answered a probe.
    pub(super) fn handle_probe_answered(&mut self, peer: PeerId) {
        if let Some(id) = self.sessions.by_peer(peer) {
            self.heard(id);
        }
    }

    /// The peer does not answer: it is forgotten. If it is alive, it notices and comes back.
    pub(super) fn handle_probe_failed(&mut self, now: Now, peer: PeerId) {
        match self.sessions.by_peer(peer) {
            Some(id) => self.drop_peer(now, id),
            None => self.command(LinkCommand::Close(peer)),
        }
    }

    /// More waits for the peer than its link takes: it is cut off, and reads on from the store
    /// when it has come back.
    pub(super) fn handle_queue_full(&mut self, now: Now, peer: PeerId) {
        if let Some(id) = self.sessions.by_peer(peer) {
            self.counters.cut_off += 1;
            self.drop_peer(now, id);
        }
    }

    /// The link has forgotten the peer.
    pub(super) fn handle_closed(&mut self, now: Now, peer: PeerId) {
        if let Some(id) = self.sessions.by_peer(peer) {
            self.forget_peer(now, id);
        }
    }

    /// The peer is at another address.
    pub(super) fn handle_moved(&mut self, now: Now, peer: PeerId, address: SocketAddr) {
        let Some(session) = self
            .sessions
            .by_peer(peer)
            .and_then(|id| self.sessions.get_mut(id))
        else {
            return;
        };
        session.address = address;
        let Some(name) = session.login.as_ref().map(|login| login.name.clone()) else {
            return;
        };
        if let Some(user) = self.names.get_mut(&name)
            && user.address() != Some(address)
        {
            user.record.address = Some(Address(address));
            if !planted!(MoveNotAnnounced) {
                self.table_changed(now, &name);
            }
        }
    }

    /// A sender waits to be told whether the user of this session is there.
    pub(super) fn check_for(&mut self, now: Now, id: SessionId, check: Check) {
        let Some(session) = self.sessions.get_mut(id) else {
            return;
        };
        let peer = session.peer;
        let Some(login) = session.login.as_mut() else {
            return;
        };
        if login.checks.len() >= MAX_CHECKS {
            let name = login.name.clone();
            return self.saved(&name, check);
        }
        login.checks.push(check);
        self.command(LinkCommand::Probe(peer));
        self.read_on(now, id);
    }

    /// Tells the sender of a message in a mailbox that its owner is offline.
    pub(super) fn saved(&mut self, name: &Name, check: Check) {
        let about = Conversation::User(name.clone());
        let saved = ChatFrame::Saved {
            id: check.message,
            received: check.received,
        };
        self.tell(&check.sender, &about, &saved);
        if check.is_new {
            self.show(Event::Saved { name: name.clone() });
        }
    }

    /// Looks whether a client is silent, or has not accepted what was delivered; if so, it is
    /// asked for a sign of life.
    pub(super) fn check(&mut self, now: Now, id: SessionId, status: Status<'_>) {
        let Some(session) = self.sessions.get(id) else {
            return;
        };
        let (peer, Some(login)) = (session.peer, session.login.as_ref()) else {
            return;
        };
        let silent_at = status(peer).last_heard.unwrap_or_default() + self.config.liveness_interval;
        let overdue_at = login.reader.overdue_at(self.config.accept_timeout);
        let due = overdue_at.map_or(silent_at, |at| at.min(silent_at));
        if due > now.instant {
            return self.timers.set(Timer::Check(id), due);
        }
        self.command(LinkCommand::Probe(peer));
        // A client that is there, but slow to accept, is left more time.
        let again = now.instant + self.config.accept_timeout * 4;
        self.timers.set(Timer::Check(id), again);
    }

    /// Ends the registration of a session, whatever the reason. Its user's presence is not touched,
    /// and whoever waits for the outcome of a check is not told.
    pub(super) fn log_out(&mut self, now: Now, id: SessionId) -> Option<Login> {
        let login = self.sessions.get_mut(id)?.login.take()?;
        let logs = login.reader.logs().chain(&login.joining).cloned();
        for log in logs.collect::<alloc::vec::Vec<_>>() {
            self.detach(now, id, log);
        }
        self.interests.remove(id);
        self.timers.clear(&Timer::Check(id));
        if let Some(user) = self.names.get_mut(&login.name)
            && user.session == Some(id)
        {
            user.session = None;
        }
        self.write_cursors_of(now, &login.name);
        Some(login)
    }

    /// The user of a session is offline.
    pub(super) fn go_offline(&mut self, now: Now, id: SessionId) {
        let Some(login) = self.log_out(now, id) else {
            return;
        };
        let name = login.name;
        let Some(user) = self.names.get_mut(&name) else {
            return;
        };
        user.presence = Presence::Offline;
        let is_ephemeral = user.record.ephemeral;
        self.table_changed(now, &name);
        self.show(Event::Offline { name: name.clone() });
        for check in login.checks {
            self.saved(&name, check);
        }
        if is_ephemeral {
            self.free_later(now, name);
        }
    }

    fn write_cursors_of(&mut self, now: Now, name: &Name) {
        for log in self.members.logs_of(name) {
            self.write_cursor(now, super::record::member_key(&log, name));
        }
    }

    /// Whoever has not come back by now is offline.
    pub(super) fn end_presence_grace(&mut self, now: Now) {
        for name in self.names.unknown() {
            let Some(user) = self.names.get_mut(&name) else {
                continue;
            };
            user.presence = Presence::Offline;
            let is_ephemeral = user.record.ephemeral;
            self.table_changed(now, &name);
            if is_ephemeral {
                self.free_later(now, name);
            }
        }
    }
}
