//! The sessions with a peer: the one in use, the one before it, and one that is not used yet.

use alloc::boxed::Box;

use super::{handshake::Answered, session::Session};
use crate::{id::Path, time::Instant};

/// The sessions with a peer.
#[derive(Default)]
pub(super) struct Sessions {
    /// What is sent goes under its keys; packets have gone both ways.
    pub(super) current: Option<Session>,
    /// Replaced, and until when packets under its keys are taken.
    previous: Option<Box<(Session, Instant)>>,
    /// Made at the peer's wish, and not used by the peer yet.
    pub(super) answered: Option<Box<Answered>>,
}

impl Sessions {
    /// The session with this index.
    pub(super) fn find(&mut self, local: u32) -> Option<&mut Session> {
        let previous = self.previous.as_mut().map(|previous| &mut previous.0);
        let answered = self.answered.as_mut().map(|answered| &mut answered.session);
        self.current
            .iter_mut()
            .chain(previous)
            .chain(answered)
            .find(|session| session.local == local)
    }

    /// Whether it is known where the peer is whose packet comes along `path`: not if it is the
    /// first of its session, and copies of the initiation came from several other addresses.
    pub(super) fn may_come_along(&self, local: u32, path: Path) -> bool {
        let answered = self.answered.as_ref();
        answered.is_none_or(|is| is.session.local != local || is.proved(path).is_some())
    }

    /// The session before the current one.
    pub(super) fn previous(&mut self) -> Option<&mut Session> {
        self.previous.as_mut().map(|previous| &mut previous.0)
    }

    /// Those that have carried packets.
    pub(super) fn used(&self) -> impl Iterator<Item = &Session> {
        let previous = self.previous.as_ref().map(|previous| &previous.0);
        self.current.iter().chain(previous)
    }

    /// Those that have carried packets.
    pub(super) fn used_mut(&mut self) -> impl Iterator<Item = &mut Session> {
        let previous = self.previous.as_mut().map(|previous| &mut previous.0);
        self.current.iter_mut().chain(previous)
    }

    /// Puts a session in use; the one before it is kept until then. The one that has to go.
    #[must_use]
    pub(super) fn install(&mut self, session: Session, until: Instant) -> Option<Session> {
        let before = self.current.replace(session)?;
        let gone = self.previous.replace(Box::new((before, until)))?;
        Some(gone.0)
    }

    /// Whether the peer has made this session or the one before from this initiation.
    pub(super) fn is_made_from(&self, origin: &[u8]) -> bool {
        self.used().any(|session| session.origin == origin)
    }

    /// A session whose time has passed.
    #[must_use]
    pub(super) fn pop_expired(&mut self, now: Instant) -> Option<Session> {
        if let Some(gone) = self.previous.take_if(|previous| previous.1 <= now) {
            return Some(gone.0);
        }
        let gone = self.answered.take_if(|answered| answered.until() <= now)?;
        Some(gone.session)
    }

    /// Any session, which is then gone.
    #[must_use]
    pub(super) fn pop(&mut self) -> Option<Session> {
        let previous = self.previous.take().map(|previous| previous.0);
        let answered = || self.answered.take().map(|answered| answered.session);
        previous.or_else(|| self.current.take()).or_else(answered)
    }

    /// When [`Self::pop_expired`] is due.
    pub(super) fn next_timeout(&self) -> Option<Instant> {
        let previous = self.previous.as_ref().map(|previous| previous.1);
        let answered = self.answered.as_ref().map(|answered| answered.until());
        previous.into_iter().chain(answered).min()
    }
}
