//! People who talk while everybody is killed, and what has to be true in the end.

use std::{collections::BTreeMap, env, process::Command, thread, time::Duration};

use tempfile::TempDir;
use tests::{
    correspondence::Left,
    process::Process,
    random::{Random, Stream},
    talk::Talk,
};

use crate::left;

pub(crate) const SERVER: &str = "server";
/// Is never killed: what it is told of its messages has to be exact.
const STEADY: &str = "steady";
/// Write to each other and to everyone.
const TALKERS: [&str; 3] = [STEADY, "anna", "bert"];
/// Are in the group, where direct messages wait until they leave it.
const MEMBERS: [&str; 2] = ["gina", "gustav"];

/// Talks and kills so many times, then lets everything settle and compares.
pub(crate) fn survives_kills(kills: usize, chat: Chat<'_>, server_address: &str, port: u16) {
    let mut town = Town::new(chat, server_address, port);
    town.gather();
    while town.kills.values().sum::<usize>() < kills {
        town.talk(30);
        town.kill();
        town.talk(15);
        // Two may be away at once.
        if town.below(2) == 0 {
            town.restart();
        }
    }
    town.restart();
    town.say_last_words();
    town.part();
    town.compare();
}

/// The program on the host of the one who has this name.
pub(crate) type Chat<'a> = &'a dyn Fn(&str) -> Command;

pub(crate) fn number(variable: &str, default: usize) -> usize {
    let value = env::var(variable);
    value.map_or(default, |value| value.parse().expect("a number"))
}

struct Town<'a> {
    chat: Chat<'a>,
    directory: TempDir,
    address: String,
    port: String,
    talk: Talk,
    server: Option<Process>,
    kills: BTreeMap<&'static str, usize>,
    left: BTreeMap<&'static str, Left>,
    random: Random,
    draws: u64,
}

impl<'a> Town<'a> {
    fn new(chat: Chat<'a>, server_address: &str, port: u16) -> Self {
        Self {
            chat,
            directory: tempfile::tempdir().expect("a temporary directory"),
            address: server_address.to_owned(),
            port: port.to_string(),
            talk: Talk::default(),
            server: None,
            kills: BTreeMap::new(),
            left: BTreeMap::new(),
            random: Random::new(number("CHAT_SEED", 1) as u64),
            draws: 0,
        }
    }

    fn below(&mut self, limit: usize) -> usize {
        self.draws += 1;
        let draw = self
            .random
            .below(limit as u64, Stream::Workload, 0, self.draws);
        usize::try_from(draw).expect("it is below")
    }

    fn start_server(&mut self) {
        let mut command = (self.chat)(SERVER);
        command.args(["server", &self.port, "--listen", &self.address]);
        let command = command.arg("--data").arg(self.directory.path());
        let mut server = Process::spawn(command);
        server.wait_for_prefix("[Server started on ");
        self.server = Some(server);
    }

    fn start(&mut self, name: &str, left: Left) {
        let mut command = (self.chat)(name);
        command.args(["client", name, &self.address, &self.port]);
        let command = command.arg("--data").arg(self.directory.path());
        self.talk.starts(name, Process::spawn(command), left);
    }

    fn gather(&mut self) {
        self.start_server();
        for name in everyone() {
            self.start(name, Left::default());
            self.talk.wait_for(name, "[Welcome, You are registered.]");
        }
        self.talk.type_line(MEMBERS[0], "create_group g");
        self.talk.wait_for(MEMBERS[0], "[Group g created");
        for name in MEMBERS {
            self.talk.type_line(name, "join_group g");
            self.talk.wait_for(name, "[Entered group g");
            self.talk.correspondence.enters_group(name);
        }
    }

    /// Whoever is there says something, about so many times.
    fn talk(&mut self, about: usize) {
        for _ in 0..self.below(2 * about) {
            let by = everyone().nth(self.below(5)).expect("there are five");
            if !self.talk.is_there(by) {
                continue;
            }
            if MEMBERS.contains(&by) {
                self.talk.send_group(by, &others(&MEMBERS, by));
            } else if self.below(6) == 0 {
                self.talk.send_all(by, &others_of_all(by));
            } else {
                let others = others_of_all(by);
                let to = others[self.below(others.len())];
                self.talk.send(by, to);
            }
            if self.below(3) == 0 {
                self.talk.fence(by);
            }
            // Bursts, so that a kill finds many things half done.
            let pause = self.below(30).saturating_sub(15);
            thread::sleep(Duration::from_millis(pause as u64));
            self.talk.listen();
        }
    }

    fn kill(&mut self) {
        let victims = [&[SERVER, SERVER], &TALKERS[1..], &MEMBERS].concat();
        let victim = victims[self.below(victims.len())];
        if victim == SERVER {
            if let Some(mut server) = self.server.take() {
                server.kill();
                *self.kills.entry(victim).or_default() += 1;
            }
        } else if self.talk.is_there(victim) {
            self.talk.kill(victim);
            *self.kills.entry(victim).or_default() += 1;
            let left = left::read(&self.directory.path().join("client").join(victim));
            self.left.insert(victim, left);
        }
    }

    fn restart(&mut self) {
        if self.server.is_none() {
            self.start_server();
        }
        for (name, left) in std::mem::take(&mut self.left) {
            self.start(name, left);
        }
    }

    /// In each conversation, so that what is in doubt has come before it or will not come.
    fn say_last_words(&mut self) {
        for by in TALKERS {
            for to in others_of_all(by) {
                self.talk.send(by, to);
            }
            self.talk.send_all(by, &others_of_all(by));
        }
        for by in MEMBERS {
            self.talk.send_group(by, &others(&MEMBERS, by));
        }
        self.talk.wait_for_answers();
        for by in MEMBERS {
            self.talk.type_line(by, "leave_group");
            self.talk.wait_for(by, "[Leave group chat g.]");
        }
        self.talk.settle();
        self.talk.listen_until("the last receipt", |it| {
            let is_told = |to: &&str| it.receipts(STEADY, to) >= it.direct(STEADY, to);
            everyone().all(|to| is_told(&to))
        });
    }

    fn compare(&self) {
        let said = &self.talk.correspondence;
        println!(
            "{} messages ({} in doubt), kills: {:?}, repeated after a kill: {}",
            said.len(),
            said.doubtful(),
            self.kills,
            said.repeated(),
        );
        assert_eq!(said.problems(), Vec::<String>::new());
        for reader in TALKERS.iter().chain(&MEMBERS) {
            let (receipts, sent) = (said.receipts(STEADY, reader), said.direct(STEADY, reader));
            assert_eq!(receipts, sent, "receipts of {reader}");
        }
        assert_eq!(
            said.count(STEADY, "[Message received by Server.]"),
            said.to_everyone(STEADY)
        );
    }

    fn part(&mut self) {
        self.talk.quit();
        let server = self.server.as_mut().expect("it runs");
        server.type_line("quit");
        assert_eq!(server.wait().1.code(), Some(0));
    }
}

pub(crate) fn everyone() -> impl Iterator<Item = &'static str> {
    TALKERS.into_iter().chain(MEMBERS)
}

fn others(among: &[&'static str], by: &str) -> Vec<&'static str> {
    among.iter().copied().filter(|name| *name != by).collect()
}

fn others_of_all(by: &str) -> Vec<&'static str> {
    others(&everyone().collect::<Vec<_>>(), by)
}
