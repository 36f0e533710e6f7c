//! The server's silence: attempts, what is done after the last of them, keepalives.

use super::{
    Client,
    attempts::Due,
    connection::Phase,
    event::{Ended, Event},
};
use crate::time::Instant;

impl Client {
    /// The keepalive was not answered.
    pub(super) fn on_server_silent(&mut self) {
        if self.phase == Phase::Registered {
            // The attempts of whatever waits tell it in their turn.
            if !self.waits_for_server() {
                self.announce_gone();
            }
            self.phase = Phase::Lost;
            if !planted!(LostForGood) {
                self.register();
            }
            // Perhaps another server is there.
            self.ask_key();
        }
    }

    fn announce_gone(&mut self) {
        self.server.responds = false;
        if !core::mem::replace(&mut self.server.announced_gone, true) {
            self.show(Event::NotResponding);
        }
    }

    /// Tells the attempts whether anything waits for the server.
    pub(super) fn watch_server(&mut self) {
        let now = self.now.instant;
        let peer = self.server.peer.and_then(|peer| self.link.last_heard(peer));
        let heard = peer.max(self.server.hello_heard.filter(|_| peer.is_none()));
        let waits = self.waits_for_server();
        self.attempts.update(now, waits, heard);
        let quiet = !waits && self.phase == Phase::Lost && !self.server.announced_gone;
        self.quiet_attempts.update(now, quiet, heard);
    }

    fn waits_for_server(&self) -> bool {
        if self.ending.is_some() {
            return false;
        }
        match self.phase {
            Phase::Loading | Phase::Offline => return false,
            Phase::Discovering | Phase::Registering => return true,
            Phase::Registered | Phase::Lost => {}
        }
        self.request.is_some()
            || self.leave_waits()
            || self
                .outbox
                .open()
                .any(|(_, message)| self.needs_server(message))
    }

    /// Shows the attempts that are due.
    pub(super) fn make_attempts(&mut self) {
        let now = self.now.instant;
        while let Some(due) = self.attempts.poll(now) {
            match due {
                Due::Ask => self.ask_for_life(),
                Due::Attempt(attempt) => self.show_attempt(attempt),
                Due::Last(attempt) => {
                    self.show_attempt(attempt);
                    self.give_up();
                }
            }
        }
        while let Some(due) = self.quiet_attempts.poll(now) {
            match due {
                Due::Ask => self.ask_for_life(),
                Due::Attempt(_) => self.ask_key(),
                Due::Last(_) => self.announce_gone(),
            }
        }
    }

    fn ask_for_life(&mut self) {
        self.flushed = false;
        if let Some(peer) = self.server.peer {
            self.link.ping(self.now, peer);
        }
        self.link.hurry_hello(self.now);
    }

    fn show_attempt(&mut self, attempt: u32) {
        let of = self.config.attempts;
        self.show(Event::Attempt { attempt, of });
        // Perhaps the server is there and has another key.
        self.ask_key();
    }

    /// The last attempt stayed without an answer.
    fn give_up(&mut self) {
        self.server.responds = false;
        self.server.announced_gone = true;
        self.show(Event::NotResponding);
        self.cancel_request();
        if !self.server.knows_name || self.phase == Phase::Discovering {
            self.show(Event::Exiting);
            self.end(Ended::NotResponding);
            return;
        }
        let settled = self.phase == Phase::Registering;
        self.phase = Phase::Lost;
        if settled {
            self.settle_without_server();
        }
        self.keep_messages();
        self.advance_all();
        self.give_up_leaving();
        if self.phase == Phase::Lost {
            self.register();
        }
    }

    /// Goes on with what is remembered.
    fn settle_without_server(&mut self) {
        if let Some(group) = self.group.clone() {
            self.show(Event::InGroup { group });
        }
        self.open_screen();
        self.screen.release_notices();
        self.advance_all();
    }

    /// Keepalives, and attempts in the background to come back.
    pub(super) fn keep_connection(&mut self) {
        let now = self.now.instant;
        if self.keepalive_at().is_some_and(|at| now >= at)
            && let Some(peer) = self.server.peer
        {
            self.server.probed_at = Some(now);
            self.flushed = false;
            self.link.probe(self.now, peer);
        }
        if self.retry_at().is_some_and(|at| now >= at) {
            self.register();
        }
    }

    pub(super) fn connection_timeout(&self) -> Option<Instant> {
        match (self.keepalive_at(), self.retry_at()) {
            (Some(keepalive), Some(retry)) => Some(keepalive.min(retry)),
            (keepalive, retry) => keepalive.or(retry),
        }
    }

    fn keepalive_at(&self) -> Option<Instant> {
        let peer = self
            .server
            .peer
            .filter(|_| self.phase == Phase::Registered && !planted!(KeepaliveNotSent))?;
        let last = self.link.last_heard(peer).max(self.server.probed_at)?;
        Some(last + self.config.keepalive)
    }

    fn retry_at(&self) -> Option<Instant> {
        let registers = matches!(self.phase, Phase::Registering | Phase::Lost);
        self.server
            .retry_at
            .filter(|_| registers && self.ending.is_none())
    }
}
