//! The faults have stopped: everything must come to rest, and then be as it should.

use std::{collections::BTreeMap, time::Duration};

use chat_core::{
    client::{Client, Event, Peer},
    server,
    time::Instant,
};

use super::Simulation;
use crate::{
    record::{Record, What},
    simulator::{
        oracle::{Failure, Point},
        plan::NODES,
    },
    world::SERVER,
};

/// Everything must have come to rest after this time.
const PATIENCE: Duration = Duration::from_secs(240);
/// What was typed last shows within this time.
const SETTLING: Duration = Duration::from_secs(3);
/// Who is gone is not looked for any more after this time.
const GIVING_UP: Duration = Duration::from_secs(240);
/// Silence is listened to for so long.
const SILENCE: Duration = Duration::from_secs(40);
/// Datagrams that two who are silent may exchange in that time: keepalives with their answers.
const KEEPALIVES: u64 = 2 * (40 / 8 + 3);
/// What happens for each datagram at most, timers included.
const EVENTS_PER_DATAGRAM: u64 = 8;

impl<F: FnMut(&Record)> Simulation<'_, F> {
    pub(super) fn converge(&mut self) -> Result<(), Failure> {
        self.possible = self.chances.take();
        self.heal();
        self.check()?;
        let stopped = self.world.now().instant;
        self.wait_until(stopped, "everybody is online and nothing is owed", |run| {
            run.all_online()
                && run.nothing_owed()
                && run.oracle.missing_in_public().is_none()
                && run.oracle.missing_receipt().is_none()
        })
        .or_else(|failure| self.explain(failure))?;
        self.wait_until(
            stopped,
            "everybody is in the same group as on the server",
            |run| run.memberships_disagree().is_none(),
        )?;
        self.come_to_rest(stopped)?;
        self.tables_agree(stopped)?;
        self.silence_is_quiet()?;
        self.oracle.finish();
        self.verdict()?;
        // Whoever restarts is excused from much: only what is shown is looked at from here on.
        self.restart_shows_nothing()?;
        self.check_datagrams()
    }

    /// Waits until everything is shown and told, and stays so.
    fn come_to_rest(&mut self, stopped: Instant) -> Result<(), Failure> {
        self.world.remark("everybody leaves its group");
        loop {
            self.wait_until(stopped, "everything is shown, and told", Self::is_at_rest)
                .or_else(|failure| self.explain(failure))?;
            self.convergence = self.world.now().instant.saturating_since(stopped);
            self.go_on_for(SETTLING)?;
            if self.is_at_rest() {
                return Ok(());
            }
        }
    }

    fn is_at_rest(&mut self) -> bool {
        self.leave_groups()
            && self.all_online()
            && self.nothing_owed()
            && self.oracle.undecided().is_none()
            && self.oracle.missing().is_none()
            && self.oracle.missing_receipt().is_none()
            && self.oracle.unanswered().is_none()
    }

    fn wait_until(
        &mut self,
        stopped: Instant,
        what: &str,
        mut holds: impl FnMut(&mut Self) -> bool,
    ) -> Result<(), Failure> {
        loop {
            self.revive();
            self.register_again();
            if holds(self) {
                return self.check();
            }
            self.check()?;
            if self.world.now().instant > stopped + PATIENCE {
                let why = format!("never: {what}; {}", self.state());
                return Err(self.fail(Point::Convergence, why));
            }
            self.go_on_for(Self::MOMENT)?;
        }
    }

    /// If a message is missing in the end, that is the failure.
    fn explain(&mut self, failure: Failure) -> Result<(), Failure> {
        self.oracle.finish();
        Err(self.oracle.failure().cloned().unwrap_or(failure))
    }

    fn all_online(&self) -> bool {
        let clients = self.clients();
        let online = |node: &usize| self.client(*node).is_some() && self.oracle.is_online(*node);
        self.world.is_running(SERVER) && clients.iter().all(online)
    }

    fn nothing_owed(&self) -> bool {
        let mut clients = self.clients().into_iter();
        clients.all(|node| self.client(node).is_some_and(|client| client.owed() == 0))
    }

    /// Whoever is in a group is told to leave it. Gives whether nobody is.
    fn leave_groups(&mut self) -> bool {
        let is_in_group = |client: &Client| client.group().is_some();
        let clients = self.clients().into_iter();
        let members: Vec<_> = clients
            .filter(|node| self.client(*node).is_some_and(is_in_group))
            .collect();
        for member in &members {
            self.world.command(NODES[*member], "leave_group");
        }
        members.is_empty()
    }

    /// What each client is like, for a report.
    fn state(&self) -> String {
        let clients = self.clients().into_iter().map(|node| {
            let (name, online) = (NODES[node], self.oracle.is_online(node));
            match self.client(node) {
                Some(client) => format!("{name} online {online} owes {}", client.owed()),
                None => format!("{name} does not run"),
            }
        });
        clients.collect::<Vec<_>>().join(", ")
    }

    /// A client and the server that do not mean the same group.
    fn memberships_disagree(&self) -> Option<String> {
        self.clients().into_iter().find_map(|node| {
            let kept = self.oracle.group_of(node);
            let meant = self.client(node).and_then(|client| client.group());
            let meant = meant.map(|group| group.folded().to_owned());
            let name = NODES[node];
            (kept != meant).then(|| format!("{name} is in {meant:?}, on the server in {kept:?}"))
        })
    }

    /// Everybody's table says in the end what the server's says: everyone is online, and where.
    fn tables_agree(&mut self, stopped: Instant) -> Result<(), Failure> {
        if self.plan.setup.whole_table < 10 {
            return Ok(());
        }
        loop {
            self.revive();
            self.register_again();
            match self.compare_tables() {
                Ok(()) => return self.check(),
                Err(why) if self.world.now().instant > stopped + PATIENCE => {
                    return Err(self.fail(Point::Convergence, why));
                }
                Err(_) => self.go_on_for(SETTLING)?,
            }
        }
    }

    /// Everybody shows its table. An error tells which one is wrong.
    fn compare_tables(&mut self) -> Result<(), String> {
        self.world.command(SERVER, "peers");
        self.type_to_all("peers");
        let deadline = self.world.now().instant + Self::MOMENT;
        let mut tables = BTreeMap::new();
        while self.world.step(deadline) || self.world.has_records() {
            for record in self.world.take_records() {
                self.take(&record);
                if let What::Told(server::Event::Peers { peers })
                | What::Shown(Event::Peers { peers, .. }) = record.what
                {
                    tables.insert(record.node, peers);
                }
            }
        }
        let truth = tables.remove(&0).ok_or("the server shows no table")?;
        for node in self.clients() {
            let table = tables.remove(&node).unwrap_or_default();
            let name = NODES[node];
            let is_right =
                |peer: &Peer| peer.online && (peer.name.folded() == name || table.contains(peer));
            if !truth.iter().all(is_right) {
                return Err(format!(
                    "the table of {name} is {table:?} instead of {truth:?}"
                ));
            }
        }
        Ok(())
    }

    /// Who has nothing to say sends keepalives only, and sleeps.
    fn silence_is_quiet(&mut self) -> Result<(), Failure> {
        self.go_on_for(GIVING_UP)?;
        let before = (self.world.network.counters().sent, self.world.happened());
        self.go_on_for(SILENCE)?;
        let sent = self.world.network.counters().sent - before.0;
        let happened = self.world.happened() - before.1;
        let pairs = self.clients().len() as u64 * (self.clients().len() as u64 + 1) / 2;
        let most = 16 + pairs * KEEPALIVES * if self.plan.setup.rekey < 60 { 8 } else { 1 };
        if sent > most || happened > most * EVENTS_PER_DATAGRAM {
            let why = format!("{sent} datagrams and {happened} events in silence, at most {most}");
            return Err(self.fail(Point::Noise, why));
        }
        Ok(())
    }

    /// Everybody is killed and starts again, and nothing is shown that was shown.
    fn restart_shows_nothing(&mut self) -> Result<(), Failure> {
        let settled = self.world.now().instant;
        self.wait_until(settled, "what was shown is kept as shown", |run| {
            run.oracle.screens_are_saved()
        })?;
        for name in NODES {
            if self.world.is_running(name) {
                self.world.kill(name);
            }
        }
        self.check()?;
        let repeated = self.oracle.counts().repeated;
        let stopped = self.world.now().instant;
        self.wait_until(stopped, "everybody is online again", |run| run.all_online())?;
        self.go_on_for(SETTLING)?;
        if self.oracle.counts().repeated > repeated {
            let why = "what was shown long ago is shown again after a restart".to_owned();
            return Err(self.fail(Point::Duplicated, why));
        }
        Ok(())
    }

    fn check_datagrams(&mut self) -> Result<(), Failure> {
        let Some(wiretap) = &self.world.wiretap else {
            return Ok(());
        };
        let amplified = wiretap.amplified().map(|why| (Point::Amplification, why));
        let repeated = wiretap.repeated().map(|why| (Point::Nonce, why));
        match amplified.or(repeated) {
            Some((point, why)) => {
                let why = why.to_owned();
                Err(self.fail(point, why))
            }
            None => Ok(()),
        }
    }
}
