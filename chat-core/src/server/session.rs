//! What the server knows of the peers of its link.

use alloc::{
    collections::{BTreeMap, VecDeque},
    vec::Vec,
};
use core::net::SocketAddr;

use super::reader::Reader;
use crate::{
    id::{InstanceId, MessageId, PublicKey},
    link::PeerId,
    name::Name,
    store::{Log, Position},
    time::{Instant, WallTime},
    unknown_tags::UnknownTags,
    wire::ChatFrame,
};

/// Names a session, for as long as the server runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SessionId(pub(super) u64);

/// A peer of the link that has said something.
pub(super) struct Session {
    pub(super) peer: PeerId,
    pub(super) key: PublicKey,
    pub(super) address: SocketAddr,
    /// Requests that wait for their turn.
    pub(super) waiting: VecDeque<(usize, ChatFrame)>,
    pub(super) waiting_bytes: usize,
    /// Requests that wait for the store.
    pub(super) in_flight: usize,
    /// Present while the peer is registered.
    pub(super) login: Option<Login>,
    /// A registration waits for the store; other requests wait for it.
    pub(super) registering: bool,
    /// When the peer was last told that it is not registered.
    pub(super) turned_away: Option<Instant>,
    pub(super) unknown_tags: UnknownTags,
}

/// A registered user's side of a session.
pub(super) struct Login {
    pub(super) name: Name,
    pub(super) instance: InstanceId,
    pub(super) reader: Reader,
    /// The log of a group that the user is about to join, which is attached already.
    pub(super) joining: Option<Log>,
    /// The client's table lacks the changes after this number.
    pub(super) table_after: u64,
    /// Messages whose senders are told whether this user turned out to be there.
    pub(super) checks: Vec<Check>,
    /// The mailbox is to be trimmed up to here, once the trimming under way is complete.
    pub(super) trim_up_to: Option<Position>,
    pub(super) trimming: bool,
}

/// A message in the mailbox of a user who is being checked.
pub(super) struct Check {
    pub(super) sender: Name,
    pub(super) message: MessageId,
    pub(super) received: WallTime,
    /// It was not submitted before.
    pub(super) is_new: bool,
}

/// All sessions.
pub(super) struct Sessions {
    last: u64,
    sessions: BTreeMap<SessionId, Session>,
    by_peer: BTreeMap<PeerId, SessionId>,
}

impl Sessions {
    pub(super) const fn new() -> Self {
        Self {
            last: 0,
            sessions: BTreeMap::new(),
            by_peer: BTreeMap::new(),
        }
    }

    pub(super) fn insert(&mut self, session: Session) -> SessionId {
        self.last += 1;
        let id = SessionId(self.last);
        self.by_peer.insert(session.peer, id);
        self.sessions.insert(id, session);
        id
    }

    /// The sessions of the peers with a key.
    pub(super) fn of_key(&self, key: &PublicKey) -> Vec<SessionId> {
        let sessions = self.sessions.iter();
        let of_key = sessions.filter(|(_, session)| session.key == *key);
        of_key.map(|(id, _)| *id).collect()
    }

    pub(super) fn len(&self) -> usize {
        self.sessions.len()
    }

    pub(super) fn by_peer(&self, peer: PeerId) -> Option<SessionId> {
        self.by_peer.get(&peer).copied()
    }

    pub(super) fn get(&self, id: SessionId) -> Option<&Session> {
        self.sessions.get(&id)
    }

    pub(super) fn get_mut(&mut self, id: SessionId) -> Option<&mut Session> {
        self.sessions.get_mut(&id)
    }

    pub(super) fn login(&self, id: SessionId) -> Option<&Login> {
        self.sessions.get(&id)?.login.as_ref()
    }

    pub(super) fn login_mut(&mut self, id: SessionId) -> Option<&mut Login> {
        self.sessions.get_mut(&id)?.login.as_mut()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (SessionId, &mut Session)> {
        self.sessions.iter_mut().map(|(id, session)| (*id, session))
    }

    pub(super) fn remove(&mut self, id: SessionId) -> Option<Session> {
        let session = self.sessions.remove(&id)?;
        self.by_peer.remove(&session.peer);
        Some(session)
    }
}
