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
    plan::{Action, NODES, Node, Plan},
    sometimes::Sometimes,
};
use crate::{
    faults::{Fault, Faults},
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

fn play(plan: &Plan, observer: impl FnMut(&Record), has_datagrams: bool) -> Outcome {
    let mut simulation = Simulation::new(plan, observer, has_datagrams);
    let played = catch_unwind(AssertUnwindSafe(|| simulation.play()));
    let failure = match played {
        Ok(played) => played.err(),
        Err(panic) => Some(Failure {
            point: Point::Panic,
            why: text_of(panic.as_ref()),
            at: simulation.world.now().instant,
        }),
    };
    let counts = simulation.oracle.counts();
    simulation.seen.extend(Sometimes::of_counts(counts));
    Outcome {
        failure,
        events: simulation.world.happened(),
        counts,
        seen: simulation.seen,
        faults: simulation.faults,
        convergence: simulation.convergence,
        digest: simulation.world.digest(),
    }
}

fn text_of(panic: &(dyn Any + Send)) -> String {
    let owned = panic.downcast_ref::<String>().map(String::as_str);
    let text = owned.or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("a panic without a text").to_owned()
}

/// A mailbox for fewer entries may be full when a receipt is to be kept there.
const SMALL_MAILBOX: u64 = 1_000;

/// A run in progress.
struct Simulation<'a, F> {
    plan: &'a Plan,
    observer: F,
    world: World,
    oracle: Oracle,
    adversary: Adversary,
    faults: BTreeSet<Fault>,
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
        let mut world = World::with_faults(plan.seed, faults);
        if has_datagrams {
            world.keep_datagrams();
        }
        let setup = &plan.setup;
        world.network.default = setup.link();
        world.disk = setup.disk();
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
            oracle: Oracle::new(setup.mailbox < SMALL_MAILBOX),
            adversary: Adversary::new(random),
            faults: BTreeSet::new(),
            seen: BTreeSet::new(),
            convergence: Duration::ZERO,
        }
    }

    /// Chaos, then convergence.
    fn play(&mut self) -> Result<(), Failure> {
        for step in &self.plan.steps {
            self.go_on_until(Instant::ZERO + step.time())?;
            self.act(&step.action);
            self.check()?;
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
