//! A plan becomes a run: chaos, then the faults stop, and everything must converge.

mod converge;
mod steps;

use std::{
    any::Any,
    collections::BTreeSet,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use chat_core::{client::Client, time::Instant};

use super::{
    adversary::Adversary,
    oracle::{Counts, Failure, Oracle, Point},
    plan::{Action, NODES, Node, Plan, Step},
    sometimes::Sometimes,
};
use crate::{
    faults::{Chances, Fault, Faults},
    node::Machine,
    random::Random,
    record::{Record, What},
    wiretap::Wiretap,
    world::World,
};

/// What came of a run.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// What did not hold, if anything.
    pub failure: Option<Failure>,
    /// How much happened.
    pub events: u64,
    /// How many messages came to what.
    pub counts: Counts,
    /// The faults by chance that happened.
    pub faults: BTreeSet<Fault>,
    /// How long it took from when the faults stopped until everything had come to rest.
    pub convergence: Duration,
    /// The same for the same plan.
    pub digest: u64,
    /// What has happened of what must happen sometimes.
    pub seen: BTreeSet<Sometimes>,
}

/// Makes the run of a plan.
pub fn run(plan: &Plan) -> Outcome {
    play(plan, |_| {}, false)
}

/// Makes the run of a plan, and shows `observer` everything that happens, datagrams too.
pub fn watch(plan: &Plan, observer: impl FnMut(&Record)) -> Outcome {
    play(plan, observer, true)
}

/// Makes the run of a plan that says which faults happen, and tells which others could have
/// happened from a time on, in order.
pub fn run_from(plan: &Plan, begin: Duration) -> (Outcome, Vec<Fault>) {
    let mut simulation = Simulation::new(plan, |_| {}, false);
    simulation.begin = Some(Instant::ZERO + begin);
    let outcome = simulation.finish();
    (outcome, simulation.possible)
}

/// Makes the run of a plan in which each byte decides one chance for a fault.
pub fn run_with_choices(plan: &Plan, choices: &[u8]) -> Outcome {
    let faults = Faults::by_bytes(Random::new(plan.seed), Arc::from(choices));
    Simulation::with_faults(plan, faults, |_| {}, false).finish()
}

fn play(plan: &Plan, observer: impl FnMut(&Record), has_datagrams: bool) -> Outcome {
    Simulation::new(plan, observer, has_datagrams).finish()
}

fn text_of(panic: &(dyn Any + Send)) -> String {
    let owned = panic.downcast_ref::<String>().map(String::as_str);
    let text = owned.or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("a panic without a text").to_owned()
}

/// A run in progress.
struct Simulation<'a, F> {
    plan: &'a Plan,
    observer: F,
    world: World,
    oracle: Oracle,
    adversary: Adversary,
    faults: BTreeSet<Fault>,
    chances: Chances,
    /// The first step from this time on begins what is searched.
    begin: Option<Instant>,
    /// What could have happened since then, until the faults stopped.
    possible: Vec<Fault>,
    seen: BTreeSet<Sometimes>,
    convergence: Duration,
}

impl<'a, F: FnMut(&Record)> Simulation<'a, F> {
    fn new(plan: &'a Plan, observer: F, has_datagrams: bool) -> Self {
        let random = Random::new(plan.seed);
        let faults = match &plan.only {
            Some(only) => Faults::only(random, Arc::new(only.clone())),
            None => Faults::by_chance(random),
        };
        Self::with_faults(plan, faults, observer, has_datagrams)
    }

    fn with_faults(plan: &'a Plan, faults: Faults, observer: F, has_datagrams: bool) -> Self {
        let chances = faults.chances();
        let mut world = World::with_faults(plan.seed, faults);
        if has_datagrams {
            world.keep_datagrams();
        }
        let setup = &plan.setup;
        world.network.default = setup.link();
        world.disk = setup.disk();
        world.power_cuts = setup.power_cuts as u32;
        world.lazy_drains = setup.lazy as u32;
        world.server_config = setup.server();
        world.client_config = setup.client();
        world.is_transcribing = false;
        world.keep_records();
        world.wiretap = Some(Wiretap::default());
        let is_harmful =
            |action: &Action| matches!(action, Action::Replay(..) | Action::Garbage(..));
        let mut actions = plan.steps.iter().map(|step| &step.action);
        world.network.is_recording = actions.any(is_harmful);
        for (number, name) in NODES.into_iter().enumerate() {
            world.add_host(name, setup.rate(number));
            if let Some(kind) = setup.nat(number).filter(|_| number > 0) {
                world.put_behind_nat(name, kind);
            }
        }
        Self {
            plan,
            observer,
            world,
            oracle: Oracle::new(setup.mailbox),
            adversary: Adversary::new(Random::new(plan.seed)),
            faults: BTreeSet::new(),
            chances,
            begin: None,
            possible: Vec::new(),
            seen: BTreeSet::new(),
            convergence: Duration::ZERO,
        }
    }

    /// Makes the run, and says what came of it.
    fn finish(&mut self) -> Outcome {
        let played = catch_unwind(AssertUnwindSafe(|| self.play()));
        let failure = match played {
            Ok(played) => played.err(),
            Err(panic) => Some(self.fail(Point::Panic, text_of(panic.as_ref()))),
        };
        let counts = self.oracle.counts();
        self.seen.extend(Sometimes::of_counts(counts));
        Outcome {
            failure,
            events: self.world.happened(),
            counts,
            seen: std::mem::take(&mut self.seen),
            faults: std::mem::take(&mut self.faults),
            convergence: self.convergence,
            digest: self.world.digest(),
        }
    }

    /// Chaos, then convergence.
    fn play(&mut self) -> Result<(), Failure> {
        for step in &self.plan.steps {
            self.go_on_until(Instant::ZERO + step.time())?;
            if self
                .begin
                .take_if(|begin| *begin <= self.world.now().instant)
                .is_some()
            {
                self.chances.take();
            }
            self.act(&step.action);
            self.check()?;
            self.outboxes_are_small()?;
        }
        self.converge()
    }

    /// Lets the world go on until this time, and watches it.
    fn go_on_until(&mut self, at: Instant) -> Result<(), Failure> {
        while self.world.step(at) {
            self.check()?;
        }
        Ok(())
    }

    fn go_on_for(&mut self, time: Duration) -> Result<(), Failure> {
        self.go_on_until(self.world.now().instant + time)
    }

    /// Shows the oracle what has happened since it was asked last.
    fn check(&mut self) -> Result<(), Failure> {
        if !self.world.has_records() {
            return Ok(());
        }
        for record in self.world.take_records() {
            self.take(&record);
        }
        self.verdict()
    }

    /// What the oracle has found by now.
    fn verdict(&self) -> Result<(), Failure> {
        self.oracle.failure().cloned().map_or(Ok(()), Err)
    }

    fn take(&mut self, record: &Record) {
        self.oracle.observe(record);
        (self.observer)(record);
        self.seen.extend(Sometimes::of(&record.what));
        if let What::Fault(fault) = record.what {
            self.faults.insert(fault);
        }
    }

    /// Nobody owes more than its outbox holds.
    fn outboxes_are_small(&mut self) -> Result<(), Failure> {
        let most = self.plan.setup.outbox as usize;
        // What was done with may be owed again after a restart.
        let is_first = |node: Node| self.world.node(NODES[node]).starts == 1;
        let owes =
            |node: &Node| is_first(*node) && self.client(*node).is_some_and(|it| it.owed() > most);
        match self.clients().into_iter().find(owes) {
            Some(node) => {
                let why = format!("{} owes more than {most} messages", NODES[node]);
                Err(self.fail(Point::Limit, why))
            }
            None => Ok(()),
        }
    }

    fn fail(&mut self, point: Point, why: String) -> Failure {
        let at = self.world.now().instant;
        Failure { point, why, at }
    }

    /// The client on a node, if it runs.
    fn client(&self, node: Node) -> Option<&Client> {
        match &self.world.node(NODES[node]).machine {
            Some(Machine::Client(client)) => Some(client),
            _ => None,
        }
    }

    /// Whether the plan has the operator shut this client out.
    fn is_ever_banned(&self, node: Node) -> bool {
        let ban = format!("ban {}", NODES[node]);
        let is_ban = |step: &Step| matches!(&step.action, Action::Type(0, line) if *line == ban);
        self.plan.steps.iter().any(is_ban)
    }

    /// The clients that the plan starts.
    fn clients(&self) -> Vec<Node> {
        let steps = self.plan.steps.iter();
        let started = steps.filter_map(|step| match step.action {
            Action::Start(node) if node > 0 => Some(node),
            _ => None,
        });
        started.collect::<BTreeSet<_>>().into_iter().collect()
    }
}
