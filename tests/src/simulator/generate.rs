//! Plans by chance. Each seed switches each fault and each feature on with one half, then draws
//! how much of it there is.

use super::{
    plan::{Action, NODES, Node, Plan, Step},
    setup::Setup,
};
use crate::{
    node::PowerCut,
    random::{Random, Stream},
};

/// The groups that users create and join.
const GROUPS: [&str; 2] = ["g", "h"];

/// The plan of a seed.
pub fn plan(seed: u64) -> Plan {
    let mut draws = Draws {
        random: Random::new(seed),
        stream: Stream::Setup,
        count: 0,
    };
    let clients = 2 + draws.below(3) as usize;
    let setup = setup(&mut draws);
    let swarm = Swarm::draw(&mut draws);
    draws.stream = Stream::Workload;
    let mut users = Users {
        draws,
        clients,
        swarm,
        messages: 0,
        at: 0,
        steps: Vec::new(),
    };
    users.begin();
    for _ in 0..8 + users.draws.below(160) {
        users.act();
    }
    Plan {
        seed,
        setup,
        steps: users.steps,
        only: None,
    }
}

/// Draws one after the other from one stream.
struct Draws {
    random: Random,
    stream: Stream,
    count: u64,
}

impl Draws {
    fn below(&mut self, limit: u64) -> u64 {
        self.count += 1;
        self.random.below(limit, self.stream, 0, self.count)
    }

    /// One of some.
    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u64) as usize]
    }

    fn coin(&mut self) -> bool {
        self.below(2) == 0
    }

    /// `usual`, or with one half one of some others.
    fn maybe(&mut self, usual: u64, others: &[u64]) -> u64 {
        let other = self.one(others);
        if self.coin() { other } else { usual }
    }

    /// `usual`, or with one eighth one of some others.
    fn seldom(&mut self, usual: u64, others: &[u64]) -> u64 {
        let other = self.one(others);
        if self.below(8) == 0 { other } else { usual }
    }
}

fn setup(draws: &mut Draws) -> Setup {
    let usual = Setup::default();
    let mut nat = || {
        let code = 1 + draws.below(18);
        if draws.below(4) == 0 { code } else { 0 }
    };
    let [nat_1, nat_2, nat_3, nat_4] = [nat(), nat(), nat(), nat()];
    Setup {
        loss: draws.maybe(0, &[20, 50, 100, 200, 300]),
        burst: draws.maybe(0, &[10, 50, 150]),
        duplication: draws.maybe(0, &[20, 100, 300]),
        reordering: draws.maybe(0, &[50, 200, 400]),
        corruption: draws.maybe(0, &[10, 50, 100]),
        delay: draws.maybe(usual.delay, &[50, 5_000, 20_000, 60_000]),
        jitter: draws.maybe(0, &[1_000, 10_000, 50_000]),
        bandwidth: draws.seldom(0, &[20_000, 100_000]),
        largest: draws.seldom(usual.largest, &[1_200]),
        lasting_loss: draws.seldom(0, &[50, 100]),
        nat_1,
        nat_2,
        nat_3,
        nat_4,
        nat_expiry: draws.maybe(usual.nat_expiry, &[10, 15, 30]),
        disk_delay: draws.maybe(usual.disk_delay, &[0, 5_000, 30_000]),
        disk_jitter: draws.maybe(0, &[1_000, 20_000]),
        late: draws.maybe(0, &[50, 300]),
        repeated: draws.maybe(0, &[50, 300]),
        lost: draws.maybe(0, &[10, 50]),
        failed: draws.maybe(0, &[10, 50]),
        power_cuts: draws.seldom(0, &[2, 10]),
        lazy: draws.maybe(0, &[100, 400]),
        drift: draws.maybe(0, &[50, 500]),
        rekey: draws.seldom(usual.rekey, &[2, 5, 20]),
        outbox: draws.seldom(usual.outbox, &[1, 3]),
        mailbox: draws.seldom(usual.mailbox, &[2, 4]),
        group_log: draws.seldom(usual.group_log, &[3, 8]),
        unaccepted: draws.maybe(usual.unaccepted, &[1, 2, 8]),
        whole_table: draws.seldom(usual.whole_table, &[0, 2]),
        cookies: draws.seldom(usual.cookies, &[0, 2]),
    }
}

/// Which features and faults a plan has beside the messages.
struct Swarm {
    groups: bool,
    channel: bool,
    leaves: bool,
    long: bool,
    bursts: bool,
    sleeps: bool,
    client_crashes: bool,
    server_crashes: bool,
    exits: bool,
    pauses: bool,
    cuts: bool,
    disks: bool,
    clocks: bool,
    nats: bool,
    adversary: bool,
    nonsense: bool,
    operator: bool,
}

impl Swarm {
    fn draw(draws: &mut Draws) -> Self {
        Self {
            groups: draws.coin(),
            channel: draws.coin(),
            leaves: draws.coin(),
            long: draws.below(4) == 0,
            bursts: draws.coin(),
            sleeps: draws.below(4) == 0,
            client_crashes: draws.coin(),
            server_crashes: draws.coin(),
            exits: draws.coin(),
            pauses: draws.coin(),
            cuts: draws.coin(),
            disks: draws.coin(),
            clocks: draws.coin(),
            nats: draws.coin(),
            adversary: draws.coin(),
            nonsense: draws.coin(),
            operator: draws.below(4) == 0,
        }
    }
}

/// What the users and the world do, one step after the other.
struct Users {
    draws: Draws,
    clients: usize,
    swarm: Swarm,
    messages: u64,
    at: u64,
    steps: Vec<Step>,
}

impl Users {
    fn add(&mut self, action: Action) {
        self.steps.push(Step {
            at: self.at,
            action,
        });
    }

    /// Everybody starts; the server first, as a rule.
    fn begin(&mut self) {
        for node in 0..=self.clients {
            self.add(Action::Start(node));
            self.at += self.draws.one(&[0, 5, 300]);
        }
        if self.draws.below(4) > 0 {
            self.at += 2_000;
        }
        if self.swarm.groups {
            self.add(Action::Type(1, "create_group g".to_owned()));
            self.at += 200;
            for node in 1..=self.clients {
                if self.draws.below(4) > 0 {
                    self.add(Action::Type(node, "join_group g".to_owned()));
                }
            }
            self.at += self.draws.one(&[0, 500]);
        }
    }

    fn client(&mut self) -> Node {
        1 + self.draws.below(self.clients as u64) as Node
    }

    /// A client, or the server.
    fn node(&mut self) -> Node {
        self.draws.below(1 + self.clients as u64) as Node
    }

    fn act(&mut self) {
        self.pause();
        let troubles = [
            self.swarm.leaves,
            self.swarm.client_crashes,
            self.swarm.server_crashes,
            self.swarm.exits,
            self.swarm.pauses,
            self.swarm.cuts,
            self.swarm.disks,
            self.swarm.clocks,
            self.swarm.nats,
            self.swarm.adversary,
            self.swarm.nonsense,
            self.swarm.operator,
            self.swarm.groups,
        ];
        let draw = self.draws.below(8 * troubles.len() as u64) as usize;
        if troubles.get(draw) != Some(&true) {
            return self.talk();
        }
        match draw {
            0 => self.leave(),
            1 => self.crash_client(),
            2 => self.crash(0),
            3 => self.exit(),
            4 => self.sleep(),
            5 => self.cut(),
            6 => self.break_disk(),
            7 => {
                let (node, seconds) = (self.node(), [-100_000_000, -3_600, -1, 2, 60, 50_000_000]);
                let seconds = self.draws.one(&seconds);
                self.add(Action::JumpClock(node, seconds));
            }
            8 => {
                let client = self.client();
                self.add(Action::RebootNat(client));
            }
            9 => self.harm(),
            10 => self.nonsense(),
            11 => self.operate(),
            _ => self.change_group(),
        }
    }

    fn pause(&mut self) {
        self.at += match self.draws.below(12) {
            0..4 if self.swarm.bursts => 0,
            0 if self.swarm.sleeps => self.draws.one(&[9_000, 25_000, 70_000]),
            1 => self.draws.below(3_000),
            _ => self.draws.below(300),
        };
    }

    fn talk(&mut self) {
        let client = self.client();
        self.messages += 1;
        let mut text = format!("#{}#", self.messages);
        if self.swarm.long && self.draws.below(3) == 0 {
            let words = self.draws.one(&[200, 700, 3_000]);
            text.extend(std::iter::repeat_n(" word", words));
        }
        let line = match self.draws.below(6) {
            0 | 1 if self.swarm.groups => format!("send_group {text}"),
            2 if self.swarm.channel || self.swarm.groups => format!("send_all {text}"),
            _ => {
                let to = NODES[self.client()];
                format!("send {to} {text}")
            }
        };
        self.add(Action::Type(client, line));
    }

    fn leave(&mut self) {
        let client = self.client();
        self.add(Action::Type(client, "dereg".to_owned()));
        if self.draws.below(3) > 0 {
            self.at += self.draws.one(&[0, 100, 1_500]);
            self.add(Action::Type(client, "reg".to_owned()));
        }
    }

    fn crash_client(&mut self) {
        let client = self.client();
        self.crash(client);
    }

    fn crash(&mut self, node: Node) {
        if self.draws.coin() {
            self.add(Action::Kill(node));
        } else {
            let when = self.draws.one(&[PowerCut::Before, PowerCut::After]);
            let operations = 1 + self.draws.below(6);
            self.add(Action::CutPower(node, operations, when));
        }
        if self.draws.below(3) > 0 {
            self.at += self.draws.one(&[0, 20, 700, 3_500]);
            self.add(Action::Start(node));
        }
    }

    fn exit(&mut self) {
        let client = self.client();
        let action = match self.draws.below(3) {
            0 => Action::Type(client, "quit".to_owned()),
            1 => Action::EndInput(client),
            _ => Action::Interrupt(client),
        };
        self.add(action);
        if self.draws.coin() {
            self.at += self.draws.one(&[0, 300, 3_000]);
            self.add(Action::Start(client));
        }
    }

    fn sleep(&mut self) {
        let node = self.node();
        self.add(Action::Pause(node));
        if self.draws.below(4) > 0 {
            self.at += self.draws.one(&[100, 800, 5_000]);
            self.add(Action::Resume(node));
        }
    }

    fn cut(&mut self) {
        let (from, to) = (self.node(), self.node());
        let both = self.draws.coin();
        self.add(Action::Cut(from, to));
        if both {
            self.add(Action::Cut(to, from));
        }
        if self.draws.below(4) > 0 {
            self.at += self.draws.one(&[100, 800, 5_000]);
            self.add(Action::Mend(from, to));
            self.add(Action::Mend(to, from));
        }
    }

    fn break_disk(&mut self) {
        let node = self.node();
        self.add(Action::BreakDisk(node));
        if self.draws.below(4) > 0 {
            self.at += self.draws.one(&[5, 200, 3_000]);
            self.add(Action::MendDisk(node));
        }
    }

    fn harm(&mut self) {
        let action = if self.draws.coin() {
            // What was sent last may overtake itself.
            let back = self.draws.below(200);
            let back = self.draws.one(&[0, 0, 1, 2, 5, back]);
            Action::Replay(back, self.draws.coin())
        } else {
            Action::Garbage(self.node(), self.draws.one(&[1, 5, 40]))
        };
        self.add(action);
    }

    /// The operator of the server logs somebody out, or shuts somebody out for a while.
    fn operate(&mut self) {
        let name = NODES[self.client()];
        if self.draws.coin() {
            return self.add(Action::Type(0, format!("kick {name}")));
        }
        self.add(Action::Type(0, format!("ban {name}")));
        if self.draws.coin() {
            self.at += self.draws.one(&[0, 400, 5_000]);
            self.add(Action::Type(0, format!("unban {name}")));
        }
    }

    /// What is wrong, or wrong at that time.
    fn nonsense(&mut self) {
        let client = self.client();
        self.messages += 1;
        let line = self.draws.one(&[
            "reg",
            "dereg mallory",
            "send nobody #",
            "send_group #",
            "list_members",
            "list_groups",
            "join_group nowhere",
            "create_group g",
            "peers",
            "pending",
            "leave_group",
            "send alice",
            "frobnicate",
        ]);
        let line = line.replace('#', &format!("#{}#", self.messages));
        self.add(Action::Type(client, line));
    }

    fn change_group(&mut self) {
        let (client, group) = (self.client(), self.draws.one(&GROUPS));
        let line = match self.draws.below(5) {
            0 => format!("create_group {group}"),
            1 | 2 => format!("join_group {group}"),
            _ => "leave_group".to_owned(),
        };
        self.add(Action::Type(client, line));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_plan_and_another_seed_another() {
        assert_eq!(plan(3), plan(3));
        assert_ne!(plan(3), plan(4));
    }

    #[test]
    fn every_plan_is_text_that_can_be_read() {
        for seed in 0..200 {
            let plan = plan(seed);
            assert_eq!(plan.to_string().parse(), Ok(plan));
        }
    }

    #[test]
    fn steps_are_in_order_of_time() {
        for seed in 0..200 {
            let plan = plan(seed);
            assert!(plan.steps.is_sorted_by_key(|step| step.at), "{seed}");
        }
    }
}
