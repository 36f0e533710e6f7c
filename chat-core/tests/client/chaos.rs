//! Everything at once: what was accepted arrives, once, in order, whatever happened on the way.

use std::collections::BTreeMap;

use chat_core::{
    client::{Command, Event, Refused},
    id::MessageId,
};

use crate::{
    weather::Chance,
    world::{SERVER, World, dereg, reg, send},
};

const USERS: [&str; 3] = ["x", "y", "z"];

/// What one user has typed, and what is known of it.
#[derive(Default)]
struct Typed {
    /// Recipient and number, in the order typed; whether it surely was taken.
    messages: Vec<(usize, usize, bool)>,
    /// The last one was refused, and its note has not come.
    refused: bool,
}

struct Chaos {
    world: World,
    chance: Chance,
    typed: [Typed; 3],
    /// By recipient: sender and number, in the order shown.
    shown: [Vec<(usize, usize)>; 3],
    final_states: BTreeMap<MessageId, usize>,
    numbers: usize,
    is_rough: bool,
    /// Whose screen may show the tail again: it was killed while its disk was slow.
    repeats: [bool; 3],
    log: Vec<String>,
}

impl Chaos {
    fn new(seed: u64) -> Self {
        let mut chaos = Self {
            world: World::with_clients(&USERS),
            chance: Chance(seed),
            typed: Default::default(),
            shown: Default::default(),
            final_states: BTreeMap::new(),
            numbers: 0,
            is_rough: false,
            repeats: [false; 3],
            log: Vec::new(),
        };
        let (loss, duplication) = (chaos.chance.below(30), chaos.chance.below(20));
        let jitter = chaos.chance.below(40_000);
        chaos.world.storm(seed, loss, duplication, jitter);
        chaos.is_rough = chaos.chance.below(2) == 0;
        for who in USERS.iter().filter(|_| chaos.is_rough) {
            chaos.world.roughen(who, seed);
        }
        chaos
    }

    fn step(&mut self) {
        let user = self.chance.below(3) as usize;
        let who = USERS[user];
        let running = self.world.is_running(who);
        match self.chance.below(24) {
            0 if running => {
                self.log.push(format!("kill {who}"));
                self.world.kill(who);
                self.repeats[user] |= self.is_rough;
                self.typed[user].refused = false;
            }
            0..=2 if !running => {
                self.log.push(format!("start {who}"));
                self.world.start(who);
            }
            3 if running => self.type_in(user, dereg()),
            4 if running => self.type_in(user, reg()),
            5 => {
                let other = USERS[self.chance.below(3) as usize];
                let other = if other == who { SERVER } else { other };
                self.log.push(format!("separate {who} {other}"));
                self.world.separate(who, other);
            }
            6 | 7 => {
                self.log.push("join".into());
                self.world.join();
            }
            8 if self.world.is_running(SERVER) => {
                self.log.push("kill the server".into());
                self.world.kill(SERVER);
            }
            8..=10 if !self.world.is_running(SERVER) => {
                self.log.push("start the server".into());
                self.world.start(SERVER);
            }
            11..=20 if running => {
                let to = (user + 1 + self.chance.below(2) as usize) % 3;
                self.numbers += 1;
                let number = self.numbers;
                self.typed[user].messages.push((to, number, false));
                self.type_in(user, send(USERS[to], &number.to_string()));
                self.type_in(user, Command::Note(format!("after {number}")));
            }
            _ => {}
        }
        let pause = [1, 10, 100, 1_000, 4_000][self.chance.below(5) as usize];
        self.run(pause);
    }

    fn type_in(&mut self, user: usize, command: Command) {
        self.log.push(format!("{} types {command:?}", USERS[user]));
        self.world.command_if_running(USERS[user], command);
    }

    fn run(&mut self, millis: u64) {
        self.world.run(millis);
        for (user, who) in USERS.iter().enumerate() {
            for event in self.world.events(who) {
                self.log.push(format!("{who} shows {event:?}"));
                self.take(user, event);
            }
        }
    }

    fn take(&mut self, user: usize, event: Event) {
        let typed = &mut self.typed[user];
        match event {
            Event::Message { sender, text, .. } => {
                let sender = USERS.iter().position(|name| *name == sender.as_str());
                let number = text.as_str().parse().expect("a number");
                self.shown[user].push((sender.expect("a user"), number));
            }
            Event::Refused(Refused::Offline(_)) | Event::StoreFailed { .. } => typed.refused = true,
            Event::Note(note) => {
                let number: usize = note["after ".len()..].parse().expect("a number");
                let refused = core::mem::take(&mut typed.refused);
                for (_, typed, taken) in &mut typed.messages {
                    *taken |= *typed == number && !refused;
                }
            }
            Event::Received { id, .. } | Event::SavedReceived { id, .. } => {
                *self.final_states.entry(id).or_default() += 1;
            }
            _ => {}
        }
    }

    fn settle(&mut self) {
        self.log.push("the storm is over".into());
        self.world.calm();
        self.world.join();
        // A `dereg` that met no server may still end a client.
        for _ in 0..2 {
            for who in [SERVER].iter().chain(&USERS) {
                if !self.world.is_running(who) {
                    self.world.start(who);
                }
            }
            self.run(10_000);
        }
        for user in 0..3 {
            self.type_in(user, reg());
        }
        self.run(60_000);
    }

    fn check(&self) -> Result<(), String> {
        for (user, name) in USERS.iter().enumerate() {
            if !self.world.is_running(name) {
                return Err(format!("{name} has ended"));
            }
            let owed = self.world.client(name).owed();
            if owed > 0 {
                return Err(format!("{name} owes {owed}"));
            }
            for (to, number, taken) in &self.typed[user].messages {
                let shown = self.shown[*to]
                    .iter()
                    .filter(|shown| **shown == (user, *number));
                let count = shown.count();
                if count > 1 && !self.repeats[*to] || *taken && count == 0 {
                    return Err(format!("{number} of {name} was shown {count} times"));
                }
            }
            for (sender, from) in USERS.iter().enumerate() {
                let shown = &self.shown[user];
                let first = |at: usize| !shown[..at].contains(&shown[at]);
                let numbers = shown.iter().enumerate().filter(|(at, _)| first(*at));
                let numbers = numbers.map(|(_, shown)| shown);
                let numbers = numbers.filter(|(by, _)| *by == sender);
                if !numbers.is_sorted_by_key(|(_, number)| number) {
                    return Err(format!("{name} saw {from} out of order"));
                }
            }
        }
        let once = self.repeats == [false; 3];
        let mut states = self.final_states.iter().filter(|_| once);
        match states.find(|(_, count)| **count > 1) {
            Some((id, count)) => Err(format!("{id} was received {count} times")),
            None => Ok(()),
        }
    }
}

/// The seeds to go through: `default` many, `CHAT_SEEDS` many, or the one that is `CHAT_SEED`.
fn seeds(default: u64) -> std::ops::Range<u64> {
    let number = |name| Some(std::env::var(name).ok()?.parse::<u64>().expect("a number"));
    match number("CHAT_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("CHAT_SEEDS").unwrap_or(default),
    }
}

#[test]
fn whatever_happens_what_was_taken_arrives_once_and_in_order() {
    for seed in seeds(20) {
        let mut chaos = Chaos::new(seed);
        for _ in 0..60 {
            chaos.step();
        }
        chaos.settle();
        if let Err(error) = chaos.check() {
            panic!("{}\nseed {seed}: {error}", chaos.log.join("\n"));
        }
    }
}
