//! The real programs under load, killed at any moment, again and again.
//!
//! `CHAT_KILLS` is the number of kills, `CHAT_SEED` decides who is killed and who says what.
#![cfg(unix)]

mod left;

use std::{collections::BTreeMap, env, thread, time::Duration};

use tempfile::TempDir;
use tests::{
    correspondence::Left,
    process::{Process, free_port},
    random::{Random, Stream},
    talk::Talk,
};

const KILLS: usize = 12;

const SERVER: &str = "server";
/// Is never killed: what it is told of its messages has to be exact.
const STEADY: &str = "steady";
/// Write to each other and to everyone.
const TALKERS: [&str; 3] = [STEADY, "anna", "bert"];
/// Are in the group, where direct messages wait until they leave it.
const MEMBERS: [&str; 2] = ["gina", "gustav"];

#[test]
fn nothing_is_lost_or_repeated_however_often_everybody_is_killed() {
    let mut town = Town::new();
    town.gather();
    while town.kills.values().sum::<usize>() < number("CHAT_KILLS", KILLS) {
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
    let said = &town.talk.correspondence;
    println!(
        "{} messages ({} in doubt), kills: {:?}, repeated after a kill: {}",
        said.len(),
        said.doubtful(),
        town.kills,
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

fn number(variable: &str, default: usize) -> usize {
    let value = env::var(variable);
    value.map_or(default, |value| value.parse().expect("a number"))
}

struct Town {
    directory: TempDir,
    port: String,
    talk: Talk,
    server: Option<Process>,
    kills: BTreeMap<&'static str, usize>,
    left: BTreeMap<&'static str, Left>,
    random: Random,
    draws: u64,
}

impl Town {
    fn new() -> Self {
        Self {
            directory: tempfile::tempdir().expect("a temporary directory"),
            port: free_port().to_string(),
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
        let data = self.directory.path().to_str().expect("UTF-8");
        let local = ["--listen", "127.0.0.1", "--data", data];
        let mut server = Process::start([&["server", &self.port], &local[..]].concat());
        server.wait_for_prefix("[Server started on ");
        self.server = Some(server);
    }

    fn start(&mut self, name: &str, left: Left) {
        let data = self.directory.path().to_str().expect("UTF-8");
        let client = Process::start(["client", name, "127.0.0.1", &self.port, "--data", data]);
        self.talk.starts(name, client, left);
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

    fn part(&mut self) {
        self.talk.quit();
        let server = self.server.as_mut().expect("it runs");
        server.type_line("quit");
        assert_eq!(server.wait().1.code(), Some(0));
    }
}

fn everyone() -> impl Iterator<Item = &'static str> {
    TALKERS.into_iter().chain(MEMBERS)
}

fn others(among: &[&'static str], by: &str) -> Vec<&'static str> {
    among.iter().copied().filter(|name| *name != by).collect()
}

fn others_of_all(by: &str) -> Vec<&'static str> {
    others(&everyone().collect::<Vec<_>>(), by)
}
