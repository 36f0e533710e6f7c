//! Everything that can happen at once: the server and clients are killed, started, stopped in their
//! tracks, cut off, and go offline and online, while everybody chats. In the end everything has
//! arrived.

use std::time::Duration;

use tests::{
    ledger::Ledger,
    net::Link,
    random::{Stream, seeds},
    world::{SERVER, World},
};

const NAMES: [&str; 3] = ["x", "y", "z"];
const WELCOMES: [&str; 2] = ["[Welcome, You are registered.]", "[Welcome back!]"];
const OFFLINE: &str = "[You are Offline. Bye.]";
const NO_SERVER: &str = "[Server not responding.]";

/// What may happen beside chatting.
#[derive(Clone, Copy)]
struct Trouble {
    /// The server is killed and started.
    server: bool,
    /// Clients are killed and started.
    kills: bool,
    /// Clients go offline and online.
    leaves: bool,
    /// Clients are stopped in their tracks, and ways are cut.
    silence: bool,
    /// Everybody is in a group, and talks to it.
    group: bool,
}

struct Chaos {
    world: World,
    ledger: Ledger,
    trouble: Trouble,
    /// Which clients have been told to be online.
    online: [bool; 3],
    draws: u64,
}

impl Chaos {
    fn new(mut world: World, trouble: Trouble) -> Self {
        world.start_server();
        for name in NAMES {
            world.start_client(name);
            world.wait_for(name, WELCOMES[0]);
            if trouble.group {
                world.command(name, "create_group g");
                world.command(name, "join_group g");
                world.wait_for(name, "[Entered group g successfully.]");
            }
        }
        world.run_for(Duration::from_secs(1));
        Self {
            world,
            ledger: Ledger::default(),
            trouble,
            online: [true; 3],
            draws: 0,
        }
    }

    fn draw(&mut self, limit: u64) -> usize {
        self.draws += 1;
        let random = self.world.random();
        random.below(limit, Stream::Workload, 0, self.draws) as usize
    }

    fn step(&mut self, number: u64) {
        let who = self.draw(3);
        match self.draw(20) {
            0 if self.trouble.server => self.toggle_server(),
            1 if self.trouble.kills => self.kill(who),
            2 | 3 if self.trouble.leaves => self.toggle_online(who),
            4 if self.trouble.silence => self.toggle_pause(who),
            5 | 6 if self.trouble.silence => self.toggle_cut(who),
            7.. if self.trouble.group => {
                if self.may_talk(who) {
                    let text = format!("{number} to the group");
                    self.ledger
                        .send_group(&mut self.world, NAMES[who], &NAMES, &text);
                }
            }
            7 => {
                if self.may_talk(who) {
                    let text = format!("{number} to all");
                    self.ledger
                        .send_all(&mut self.world, NAMES[who], &NAMES, &text);
                }
            }
            _ if self.trouble.group => {}
            _ => {
                let to = self.draw(3);
                if self.may_talk(who) {
                    let text = format!("{number}");
                    self.ledger
                        .send(&mut self.world, NAMES[who], NAMES[to], &text);
                }
            }
        }
        let pause = self.draw(300) as u64;
        self.world.run_for(Duration::from_millis(pause));
    }

    fn may_talk(&self, who: usize) -> bool {
        let name = NAMES[who];
        self.world.is_running(name) && !self.world.node(name).paused && self.online[who]
    }

    fn toggle_server(&mut self) {
        if self.world.is_running(SERVER) {
            self.world.kill(SERVER);
        } else {
            self.world.start_server();
        }
    }

    /// Ends a client and starts it again, now or later.
    fn kill(&mut self, who: usize) {
        let name = NAMES[who];
        if self.world.is_running(name) {
            // What is older is durable: the disk is faster than that.
            let recent = self.world.now().instant - Duration::from_millis(200);
            self.ledger.doubt(name, recent);
            self.world.kill(name);
            if self.draw(2) == 0 {
                return;
            }
        }
        self.start(who);
    }

    fn start(&mut self, who: usize) {
        let shown = self.world.node(NAMES[who]).lines.len();
        self.world.start_client(NAMES[who]);
        self.online[who] = true;
        self.settle(who, shown, &[WELCOMES[0], WELCOMES[1], NO_SERVER]);
    }

    fn toggle_online(&mut self, who: usize) {
        let name = NAMES[who];
        if !self.world.is_running(name) || self.world.node(name).paused {
            return;
        }
        let shown = self.world.node(name).lines.len();
        if self.online[who] {
            self.world.command(name, "dereg");
            self.settle(who, shown, &[OFFLINE]);
        } else {
            self.world.command(name, "reg");
            self.settle(who, shown, &[WELCOMES[1], NO_SERVER]);
        }
        self.online[who] = !self.online[who];
        if !self.world.is_running(name) {
            self.start(who);
        }
    }

    /// Waits until the client has shown one of these lines, or has ended.
    fn settle(&mut self, who: usize, shown: usize, lines: &[&str]) {
        self.world.run_until(Duration::from_secs(20), |world| {
            let node = world.node(NAMES[who]);
            let mut new = node.texts().skip(shown);
            !world.is_running(NAMES[who]) || new.any(|text| lines.contains(&text))
        });
    }

    fn toggle_pause(&mut self, who: usize) {
        let name = NAMES[who];
        match self.world.is_running(name) {
            true if self.world.node(name).paused => self.world.resume(name),
            true => self.world.pause(name),
            false => {}
        }
    }

    fn toggle_cut(&mut self, who: usize) {
        let other = [SERVER, NAMES[(who + 1) % 3]][self.draw(2)];
        match self.draw(2) {
            0 => self.world.cut(NAMES[who], other),
            _ => self.world.mend(NAMES[who], other),
        }
    }

    /// All trouble ends, and everything arrives.
    fn end(mut self, seed: u64) {
        for (who, name) in NAMES.into_iter().enumerate() {
            self.world.mend(name, SERVER);
            self.world.mend(name, NAMES[(who + 1) % 3]);
            if self.world.node(name).paused {
                self.world.resume(name);
            }
        }
        if !self.world.is_running(SERVER) {
            self.world.start_server();
        }
        for (who, name) in NAMES.into_iter().enumerate() {
            if !self.world.is_running(name) {
                self.start(who);
            } else if !self.online[who] {
                self.toggle_online(who);
            }
        }
        self.world.run_for(Duration::from_secs(120));
        let checked = match self.trouble.kills {
            true => self.ledger.check_after_crashes(&self.world, &NAMES),
            false => self.ledger.check(&self.world, &NAMES),
        };
        if let Err(why) = checked {
            let last = self.world.transcript().render_last(400);
            panic!("{last}\nCHAT_SEED={seed}: {why}");
        }
    }
}

/// A world whose network, disks and drivers are good or bad, as the seed wants it.
fn world(seed: u64) -> World {
    let mut world = World::new(seed);
    let random = world.random();
    let one_of =
        |choices: [u32; 3], what| choices[random.below(3, Stream::Workload, what, seed) as usize];
    world.network.default = Link {
        loss: one_of([0, 50, 200], 1),
        duplication: one_of([0, 0, 100], 2),
        reordering: one_of([0, 100, 300], 3),
        corruption: one_of([0, 0, 50], 4),
        jitter: Duration::from_millis(one_of([0, 5, 20], 5).into()),
        ..Link::default()
    };
    world.disk_faults.late = one_of([0, 100, 300], 6);
    world.disk_faults.repeated = one_of([0, 100, 300], 7);
    world.lazy_drains = one_of([0, 0, 300], 8);
    world
}

fn survives(trouble: Trouble, count: u64) {
    for seed in seeds(count) {
        let mut chaos = Chaos::new(world(seed), trouble);
        for number in 0..80 {
            chaos.step(number);
        }
        chaos.end(seed);
    }
}

const CALM: Trouble = Trouble {
    server: false,
    kills: false,
    leaves: false,
    silence: false,
    group: false,
};

#[test]
fn nothing_is_lost_while_users_go_offline_and_online() {
    survives(
        Trouble {
            leaves: true,
            ..CALM
        },
        10,
    );
}

#[test]
fn nothing_is_lost_while_the_server_is_killed_and_started() {
    survives(
        Trouble {
            server: true,
            ..CALM
        },
        10,
    );
}

#[test]
fn nothing_is_lost_while_clients_are_killed_and_started() {
    survives(
        Trouble {
            kills: true,
            ..CALM
        },
        10,
    );
}

#[test]
fn nothing_is_lost_while_clients_sleep_and_ways_are_cut() {
    survives(
        Trouble {
            silence: true,
            ..CALM
        },
        10,
    );
}

#[test]
fn nothing_is_lost_in_all_that_trouble_at_once() {
    let all = Trouble {
        server: true,
        kills: true,
        leaves: true,
        silence: true,
        group: false,
    };
    survives(all, 20);
}

#[test]
fn nothing_said_in_a_group_is_lost_in_all_that_trouble() {
    let all = Trouble {
        server: true,
        kills: true,
        leaves: true,
        silence: true,
        group: true,
    };
    survives(all, 20);
}
