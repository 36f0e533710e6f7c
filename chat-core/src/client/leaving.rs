//! Leaving: by `dereg`, by `quit`, at the end of input, by a signal; and the end.

use super::{
    Client,
    connection::Phase,
    event::{Ended, Event},
};
use crate::{streams::CONTROL, time::Instant, wire::ChatFrame};

/// How the client leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Deregister,
    Quit,
    Finish,
    Signal,
}

/// A leave that is under way.
pub(super) struct Leave {
    kind: Kind,
    request: u64,
    /// The server knows, or is not waited for.
    answered: bool,
    deadline: Option<Instant>,
    /// Until then, what has been accepted of others may reach them.
    accept_by: Option<Instant>,
}

/// The end, which is shown when everything else is done.
pub(super) struct Ending {
    ended: Ended,
    /// The store and the goodbyes have had their time.
    deadline: Instant,
    silent: bool,
    shown: bool,
}

impl Client {
    pub(super) fn begin_leave(&mut self, kind: Kind) {
        if self.phase == Phase::Offline || (self.silent_exit && kind != Kind::Deregister) {
            return self.end(self.ended(kind));
        }
        self.screen.release_held();
        let waits = match self.phase {
            Phase::Registered => true,
            Phase::Lost => kind == Kind::Deregister,
            _ => false,
        };
        self.leaving = Some(Leave {
            kind,
            request: self.next_request(),
            answered: !waits,
            deadline: (kind == Kind::Signal).then(|| self.now.instant + self.config.leave_timeout),
            accept_by: None,
        });
        // What follows a deregistration means nothing to the server.
        self.send_accepted();
        self.send_deregister();
    }

    pub(super) fn leave_by_signal(&mut self) {
        if let Some(ending) = &mut self.ending {
            ending.deadline = self.now.instant;
            return;
        }
        let again = matches!(&self.leaving, Some(leave) if leave.kind == Kind::Signal);
        if again {
            self.leaving = None;
            self.end(Ended::Normally);
            if let Some(ending) = &mut self.ending {
                ending.deadline = self.now.instant;
            }
        } else {
            self.cancel_request();
            self.begin_leave(Kind::Signal);
        }
    }

    /// Tells the server, once it can be told.
    pub(super) fn send_deregister(&mut self) {
        if let (Some(peer), Some(leave)) = (self.server.peer, &self.leaving)
            && self.is_online()
            && !leave.answered
        {
            let request = leave.request;
            let frame = ChatFrame::Deregister { request };
            // If the queue is full the attempts come to an end.
            let _ = self.send_frame(peer, CONTROL, &frame);
        }
    }

    /// Whether the server's answer is waited for, with attempts.
    pub(super) fn leave_waits(&self) -> bool {
        self.leaving
            .as_ref()
            .is_some_and(|leave| !leave.answered && leave.kind != Kind::Signal)
    }

    /// Gives whether the answer was that to a leave.
    pub(super) fn on_deregistered(&mut self, number: u64) -> bool {
        match &mut self.leaving {
            Some(leave) if leave.request == number => {
                leave.answered = true;
                true
            }
            _ => false,
        }
    }

    /// The server has let go of this client by itself, and answers no more.
    pub(super) fn need_not_ask_to_leave(&mut self) {
        if let Some(leave) = &mut self.leaving {
            leave.answered = true;
        }
    }

    /// The server does not answer.
    pub(super) fn give_up_leaving(&mut self) {
        match &mut self.leaving {
            Some(Leave {
                kind: Kind::Deregister,
                ..
            }) => {
                self.leaving = None;
                self.show(Event::Exiting);
                self.end(Ended::NotResponding);
            }
            Some(leave) => leave.answered = true,
            None => {}
        }
    }

    /// Whether only what has arrived before is waited for.
    pub(super) fn has_left(&self) -> bool {
        self.leaving.as_ref().is_some_and(|leave| leave.answered)
    }

    /// Goes offline when the server has answered, everything held back, and everything that has
    /// arrived, has been shown, and whoever sent it knows that it was accepted. Gives whether it
    /// did.
    pub(super) fn finish_leaving(&mut self) -> bool {
        let now = self.now.instant;
        let busy = self.screen.is_busy() || self.receiving.is_busy(&self.screen);
        let accepting = self.is_accepting();
        let accept_by = now + self.config.leave_timeout;
        let late = |deadline: Instant| now >= deadline;
        let done = |leave: &mut Leave| {
            if !leave.answered || busy {
                return leave.deadline.is_some_and(late);
            }
            let accept_by = *leave.accept_by.get_or_insert(accept_by);
            !accepting || late(accept_by) || leave.deadline.is_some_and(late)
        };
        let Some(leave) = self.leaving.take_if(done) else {
            return false;
        };
        if matches!(self.phase, Phase::Registered | Phase::Lost) {
            self.show(Event::Offline);
        }
        let ended = self.ended(leave.kind);
        self.go_offline();
        if leave.kind != Kind::Deregister {
            self.end(ended);
        }
        true
    }

    fn ended(&self, kind: Kind) -> Ended {
        match (kind, self.owed()) {
            (Kind::Finish, owed) if owed > 0 => Ended::Owing(owed),
            _ => Ended::Normally,
        }
    }

    /// Ends: nothing is begun any more, and what is under way gets a moment.
    pub(super) fn end(&mut self, ended: Ended) {
        if self.ending.is_some() {
            return;
        }
        let silent = self.silent_exit && self.phase != Phase::Offline;
        self.leaving = None;
        if silent {
            self.phase = Phase::Offline;
        } else if self.phase != Phase::Offline {
            self.go_offline();
        }
        self.ending = Some(Ending {
            ended,
            deadline: self.now.instant + self.config.leave_timeout,
            silent,
            shown: false,
        });
    }

    /// Takes back the end that was to make room for another user.
    pub(super) fn undo_switch(&mut self) {
        let is_switch = |ending: &Ending| ending.ended == Ended::SwitchUser;
        if self.ending.as_ref().is_some_and(is_switch) {
            self.ending = None;
            let asked = self.wanted_user().is_some();
            self.commands.pop_if(asked);
        }
    }

    /// Whether the client leaves without a word to anybody.
    pub(super) fn is_silent(&self) -> bool {
        self.ending.as_ref().is_some_and(|ending| ending.silent)
    }

    /// Whether the end has been shown.
    pub(super) fn has_ended(&self) -> bool {
        self.ending.as_ref().is_some_and(|ending| ending.shown)
    }

    /// Whether everything is done and the end can be shown.
    pub(super) fn can_end(&self, now: Instant) -> bool {
        self.ending.as_ref().is_some_and(|ending| {
            let flushed = self.flushed || ending.silent;
            let done = self.pending.is_empty() && flushed;
            !ending.shown && self.events.is_empty() && (done || now >= ending.deadline)
        })
    }

    pub(super) fn poll_end(&mut self) -> Option<Ended> {
        if !self.can_end(self.now.instant) {
            return None;
        }
        let ending = self.ending.as_mut()?;
        ending.shown = true;
        Some(ending.ended)
    }

    pub(super) fn leaving_timeout(&self) -> Option<Instant> {
        match (&self.ending, &self.leaving) {
            (Some(ending), _) => (!ending.shown).then_some(ending.deadline),
            (None, Some(leave)) => {
                // What has passed while something else is waited for wakes nobody.
                let accept_by = leave.accept_by.filter(|at| *at > self.now.instant);
                leave.deadline.into_iter().chain(accept_by).min()
            }
            (None, None) => None,
        }
    }
}
