//! The way to the server: its key, registration, the way back.

use alloc::sync::Arc;

use super::{
    Client,
    entry::encode,
    event::{Ended, Event},
    keeping,
    outbox::State,
};
use crate::{
    conversation::Conversation,
    crypto::Random,
    id::{Fingerprint, InstanceId, Path, PublicKey},
    link::PeerId,
    name::Name,
    store,
    streams::CONTROL,
    time::{Duration, Instant},
    wire::{ChatFrame, List, Refusal},
};

/// Where the client stands with its server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// The server's key is not known.
    Discovering,
    /// The key is known; what was kept for this server is being read.
    Loading,
    /// The user waits for the registration.
    Registering,
    /// The client is online.
    Registered,
    /// The server is gone, or has forgotten the client, which registers again by itself.
    Lost,
    /// By its own wish, or taken over: deaf.
    Offline,
}

/// What the client knows of its server.
pub(super) struct ServerSide {
    pub(super) path: Path,
    pub(super) fingerprint: Option<Fingerprint>,
    /// The trusted key.
    pub(super) key: Option<PublicKey>,
    /// A key that the server showed, and the peer by which it is to prove it.
    candidate: Option<(PublicKey, PeerId)>,
    /// When a key was last shown.
    pub(super) hello_heard: Option<Instant>,
    asking_key: bool,
    pub(super) peer: Option<PeerId>,
    instance: InstanceId,
    /// The server knows this instance.
    confirmed: bool,
    /// The server knows the name.
    pub(super) knows_name: bool,
    /// The registration that is not answered.
    registration: Option<u64>,
    /// The server answered when it was last asked.
    pub(super) responds: bool,
    /// The user has been told that the server does not respond.
    pub(super) announced_gone: bool,
    /// The registration that is on its way is that by which the program was started.
    pub(super) first: bool,
    pub(super) probed_at: Option<Instant>,
    /// When the first table after a registration is no longer waited for.
    table_by: Option<Instant>,
    pub(super) retry_at: Option<Instant>,
}

impl ServerSide {
    pub(super) fn new(path: Path, fingerprint: Option<Fingerprint>, random: &mut Random) -> Self {
        Self {
            path,
            fingerprint,
            key: None,
            candidate: None,
            hello_heard: None,
            asking_key: false,
            peer: None,
            instance: InstanceId(random.bytes()),
            confirmed: false,
            knows_name: false,
            registration: None,
            responds: false,
            announced_gone: false,
            first: true,
            probed_at: None,
            table_by: None,
            retry_at: None,
        }
    }
}

impl Client {
    /// Asks for the server's key.
    pub(super) fn discover(&mut self) {
        self.phase = Phase::Discovering;
        self.ask_key();
    }

    pub(super) fn ask_key(&mut self) {
        if !self.server.asking_key {
            self.server.asking_key = true;
            self.flushed = false;
            self.link.hello(self.now, self.server.path);
        }
    }

    fn stop_asking_key(&mut self) {
        self.server.asking_key = false;
        self.link.stop_hello();
        if let Some((_, peer)) = self.server.candidate.take()
            && self.server.peer != Some(peer)
        {
            self.link.close(self.now, peer);
        }
    }

    pub(super) fn on_hello_answered(&mut self, key: PublicKey) {
        self.server.hello_heard = Some(self.now.instant);
        if !self.server.asking_key {
            return;
        }
        if self.server.key == Some(key) {
            self.stop_asking_key();
            return;
        }
        if let Some((candidate, peer)) = self.server.candidate {
            if candidate == key {
                return;
            }
            self.link.close(self.now, peer);
        }
        let path = self.server.path;
        self.server.candidate = match self.link.connect(self.now, key, path, false) {
            Ok(peer) => {
                // An empty message says nothing, and makes the link shake hands.
                self.flushed = false;
                let _ = self.link.send(self.now, peer, CONTROL, Arc::from([]));
                Some((key, peer))
            }
            Err(_) => None,
        };
    }

    /// If it is the peer by which a candidate was to prove its key, another one proves it, or one
    /// that is made when the key is shown again.
    pub(super) fn on_candidate_gone(&mut self, peer: PeerId, by: Option<PeerId>) {
        if let Some((key, _)) = self.server.candidate.filter(|(_, is)| *is == peer) {
            self.server.candidate = by.map(|by| (key, by));
        }
    }

    /// The handshake is complete: a candidate has proved its key.
    pub(super) fn on_connected(&mut self, peer: PeerId) {
        let Some((key, _)) = self.server.candidate.filter(|(_, by)| *by == peer) else {
            return;
        };
        let found = key.fingerprint();
        let pinned = self.server.key.map(|key| key.fingerprint());
        let expected = pinned.or(self.server.fingerprint);
        if let Some(expected) = expected.filter(|expected| *expected != found) {
            if self.phase != Phase::Registered {
                self.show(Event::ServerKeyChanged { expected, found });
                self.end(Ended::Refused);
            }
            return;
        }
        self.server.peer = Some(peer);
        self.stop_asking_key();
        self.show(Event::ServerTrusted { key });
        self.load(key);
    }

    /// Trusts the server's key and reads what was kept for this server.
    pub(super) fn load(&mut self, key: PublicKey) {
        self.server.key = Some(key);
        self.phase = Phase::Loading;
        self.read_store();
    }

    /// Everything that was kept has been read.
    pub(super) fn on_loaded(&mut self) {
        if self.phase == Phase::Loading {
            self.phase = Phase::Registering;
            self.table.expect_first();
            self.register();
        }
    }

    /// Goes online again at the user's wish, as a new instance.
    pub(super) fn register_again(&mut self) {
        self.link.set_listening(true);
        self.server.instance = InstanceId(self.random.bytes());
        self.server.confirmed = false;
        self.server.first = false;
        self.phase = Phase::Registering;
        self.table.expect_first();
        self.register();
    }

    /// Sends a registration unless one is on its way.
    pub(super) fn register(&mut self) {
        let draw = u16::from_le_bytes(self.random.bytes());
        let retry = spread(self.config.reconnect_interval, draw);
        self.server.retry_at = Some(self.now.instant + retry);
        let Some(key) = self.server.key else { return };
        let path = self.server.path;
        let Ok(peer) = self.link.connect(self.now, key, path, false) else {
            return;
        };
        if self.server.peer != Some(peer) {
            self.server.peer = Some(peer);
            self.server.registration = None;
            self.table.cut_off();
        }
        if self.server.registration.is_some() && self.link.queued(peer) > 0 {
            self.flushed = false;
            self.link.ping(self.now, peer);
            return;
        }
        let request = match self.server.registration {
            Some(request) => request,
            None => {
                // What was kept may arrive before the answer does.
                self.receiving.begin_catch_up();
                self.next_request()
            }
        };
        let frame = ChatFrame::Register {
            request,
            name: self.name.clone(),
            instance: self.server.instance,
            resume: self.server.confirmed,
            ephemeral: self.ephemeral,
            table: self.table.version(),
            positions: List::new(self.receiving.positions.get()),
        };
        if self.send_frame(peer, CONTROL, &frame).is_ok() {
            self.server.registration = Some(request);
        }
    }

    pub(super) fn on_registered(&mut self, request: u64, returning: bool, group: Option<Name>) {
        if self.server.registration != Some(request) {
            return;
        }
        self.server.registration = None;
        self.server.confirmed = true;
        self.server.responds = true;
        self.server.retry_at = None;
        self.server.probed_at = None;
        self.stop_asking_key();
        let explicit = self.phase == Phase::Registering;
        self.phase = Phase::Registered;
        if explicit {
            self.server.table_by = Some(self.now.instant + self.config.attempt_timeout);
            let name = self.name.clone();
            self.show(Event::Registered { name, returning });
        } else if core::mem::take(&mut self.server.announced_gone) {
            self.show(Event::ServerBack);
        }
        self.server.announced_gone = false;
        self.cancel_copies();
        let moved = self.group != group;
        match (group.clone(), self.group.clone()) {
            (Some(group), _) if explicit || moved => self.show(Event::InGroup { group }),
            // The answer to a request tells it too.
            (None, Some(group)) if !explicit && self.request.is_none() => {
                self.show(Event::LeftGroup { group });
            }
            _ => {}
        }
        self.set_group(group);
        self.open_screen();
        self.outbox.submit_again();
        self.send_again_to_server();
        self.advance_all();
    }

    /// Whether the table has come, or has had its time.
    pub(super) fn has_table(&self) -> bool {
        let late = |by: Instant| self.now.instant >= by;
        !self.is_online() || !self.table.is_first_due() || self.server.table_by.is_none_or(late)
    }

    pub(super) fn table_by(&self) -> Option<Instant> {
        self.server.table_by
    }

    /// Remembers that the server knows the name, and the group.
    pub(super) fn set_group(&mut self, group: Option<Name>) {
        if let Some(left) = self
            .group
            .take()
            .filter(|left| group.as_ref() != Some(left))
        {
            self.receiving.positions.forget(&Conversation::Group(left));
        }
        self.server.knows_name = true;
        let value = encode(&keeping::Registration {
            group: group.clone(),
        });
        self.group = group;
        self.set_record(store::Table::Settings, keeping::REGISTRATION, Some(value));
    }

    /// Gives whether the refusal was that of a registration.
    pub(super) fn on_registration_refused(&mut self, request: u64, reason: Refusal) -> bool {
        if self.server.registration != Some(request) {
            return false;
        }
        self.server.registration = None;
        self.server.responds = true;
        let name = self.name.clone();
        let (event, ended) = match reason {
            Refusal::Unavailable => return true,
            Refusal::Superseded => (Event::Superseded, None),
            Refusal::NameTaken => (Event::NameTaken { name }, Some(Ended::NameTaken)),
            Refusal::Banned => (Event::Banned, Some(Ended::Refused)),
            _ => (Event::ServerFull, Some(Ended::Refused)),
        };
        match ended.filter(|_| self.phase == Phase::Registering && self.server.first) {
            Some(ended) => {
                self.show(event);
                self.end(ended);
            }
            None => self.on_logged_out(event),
        }
        true
    }

    /// The server has logged the user out, for a reason that `event` tells.
    pub(super) fn on_logged_out(&mut self, event: Event) {
        self.show(event);
        self.go_offline();
        self.need_not_ask_to_leave();
    }

    /// The server does not know this client, and has dropped what it was sent. What is still on its
    /// way must not come before that is sent again: the link begins anew.
    pub(super) fn on_not_registered(&mut self) {
        if self.leaving.is_some() {
            return self.need_not_ask_to_leave();
        }
        if self.phase == Phase::Registered {
            if let Some(peer) = self.server.peer {
                self.link.close(self.now, peer);
            }
            self.on_server_closed();
        }
    }

    pub(super) fn on_server_replaced(&mut self, old: PeerId, by: PeerId) {
        self.link.close(self.now, old);
        self.receiving.forget(old);
        self.server.peer = Some(by);
        self.server.registration = None;
        self.table.cut_off();
        if !planted!(ServerRestartIgnored) {
            self.reconnect();
        }
    }

    pub(super) fn on_server_closed(&mut self) {
        if let Some(old) = self.server.peer.take() {
            self.receiving.forget(old);
        }
        self.server.registration = None;
        self.reconnect();
    }

    /// Registers again, without a word to the user unless it takes long.
    fn reconnect(&mut self) {
        match self.phase {
            Phase::Registered => self.phase = Phase::Lost,
            Phase::Registering | Phase::Lost => {}
            Phase::Discovering | Phase::Loading | Phase::Offline => return,
        }
        self.register();
    }

    /// Shows what has arrived, and in no group also what a group held back.
    pub(super) fn open_screen(&mut self) {
        if self.group.is_none() {
            self.screen.release_held();
        }
        self.screen.open();
    }

    /// Forgets the peers and everything that was on its way to them.
    pub(super) fn go_offline(&mut self) {
        self.send_accepted();
        self.stop_asking_key();
        self.flushed = false;
        if let Some(peer) = self.server.peer.take() {
            self.link.close(self.now, peer);
        }
        for order in self.outbox.orders() {
            let message = self.outbox.get(order);
            if let Some(State::Direct { peer, .. }) = message.map(|message| message.state) {
                self.link.close(self.now, peer);
                self.outbox.set_state(order, State::Waiting);
            }
            self.outbox.put_aside(order);
        }
        for peer in core::mem::take(&mut self.receiving.peers) {
            self.link.close(self.now, peer);
        }
        self.copies.clear();
        self.link.set_listening(false);
        self.receiving.go_offline();
        self.screen.close();
        self.look_ups.clear();
        self.cancel_request();
        self.server.registration = None;
        self.server.announced_gone = false;
        self.table.cut_off();
        self.table.drop_notice();
        self.phase = Phase::Offline;
    }
}

/// Half of `interval` to one and a half, as `draw` falls: clients of one server do not come back all
/// at once.
fn spread(interval: Duration, draw: u16) -> Duration {
    let micros = u64::try_from(interval.as_micros()).unwrap_or(u64::MAX / 2);
    Duration::from_micros(micros / 2 + (micros / 1_024).saturating_mul(u64::from(draw / 64)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_come_back_within_half_to_one_and_a_half_of_the_interval() {
        let interval = Duration::from_millis(1_024);
        let spread = |draw| spread(interval, draw).as_millis();
        assert_eq!((spread(0), spread(u16::MAX)), (512, 1_535));
        assert_eq!((spread(64 * 100), spread(64 * 600)), (612, 1_112));
        assert!(super::spread(Duration::MAX, u16::MAX) > interval);
    }
}
