//! A bounded search through everything that can happen to two nodes in one phase of the protocol.
//!
//! A run without faults tells what could have happened: each datagram could have been lost,
//! duplicated or overtaken, at each operation of a disk the power could have failed, before or
//! after. Each of those is made to happen in a run of its own, which tells what could have happened
//! then, and so on. What has happened is only added to later on, so that no two runs are the same.

use std::{
    collections::BTreeSet,
    sync::{Condvar, Mutex},
    time::Duration,
};

use super::{
    oracle::Failure,
    plan::Plan,
    run::{Outcome, run_from},
};
use crate::{faults::Fault, random::Stream};

/// A phase of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// A client meets the server, finds out its key, and makes a session.
    Handshake,
    /// A client that has left registers again.
    Registration,
    /// Two clients write to each other while there is no server.
    Delivery,
    /// A client gets what was kept for it.
    Mail,
    /// A client says something to its group and leaves it.
    Group,
}

impl Phase {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Handshake,
        Self::Registration,
        Self::Delivery,
        Self::Mail,
        Self::Group,
    ];

    /// What it is called.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Handshake => "handshake",
            Self::Registration => "registration",
            Self::Delivery => "delivery",
            Self::Mail => "mail",
            Self::Group => "group",
        }
    }

    /// What leads to the phase, the phase, and the time for it.
    pub fn plan(self) -> Plan {
        let steps = match self {
            Self::Handshake => "step 3000 start alice",
            Self::Registration => {
                "step 0 start alice\n\
                 step 1000 type alice dereg\n\
                 step 3000 type alice reg"
            }
            Self::Delivery => {
                "step 0 start alice\n\
                 step 0 start bob\n\
                 step 1000 type alice send bob #1#\n\
                 step 2000 kill server\n\
                 step 3000 type alice send bob #2#\n\
                 step 3000 type bob send alice #3#\n\
                 step 3000 type alice send bob #4#"
            }
            Self::Mail => {
                "step 0 start alice\n\
                 step 0 start bob\n\
                 step 1000 type bob quit\n\
                 step 1500 type alice send bob #1#\n\
                 step 1500 type alice send bob #2#\n\
                 step 2500 kill alice\n\
                 step 3000 start bob"
            }
            Self::Group => {
                "step 0 start alice\n\
                 step 0 start bob\n\
                 step 1000 type alice create_group g\n\
                 step 1100 type alice join_group g\n\
                 step 1200 type bob join_group g\n\
                 step 2500 kill bob\n\
                 step 3000 type alice send_group #1#\n\
                 step 3000 type alice leave_group"
            }
        };
        let setup = "setup loss=1 duplication=1 reordering=1 power_cuts=1";
        let text =
            format!("{setup}\nstep 0 start server\n{steps}\nstep 6000 resume server\nonly nothing");
        text.parse().expect("it is a plan")
    }
}

/// When the phase begins.
const BEGIN: Duration = Duration::from_secs(3);

/// How far a search goes.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Something happens to the first so many datagrams and operations.
    pub depth: usize,
    /// So many faults happen in one run at most.
    pub faults: usize,
}

/// What came of a search.
#[derive(Debug, Default)]
pub struct Found {
    /// How many runs were made.
    pub runs: u64,
    /// How much happened in them.
    pub events: u64,
    /// The plans that failed, at most some.
    pub failures: Vec<(Plan, Failure)>,
}

/// As many failures are kept.
const MAX_FAILURES: usize = 20;

/// A run to be made: its faults, and the first event to which more can happen.
type Task = (BTreeSet<Fault>, usize);

/// The runs to be made, shared by those who make them.
struct Work {
    tasks: Mutex<(Vec<Task>, usize)>,
    changed: Condvar,
}

/// Searches a phase, with so many runs at a time.
pub fn search(phase: Phase, bounds: Bounds, jobs: usize) -> Found {
    let work = Work {
        tasks: Mutex::new((vec![(BTreeSet::new(), 0)], 0)),
        changed: Condvar::new(),
    };
    let plan = phase.plan();
    let mut found = Found::default();
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..jobs)
            .map(|_| scope.spawn(|| work.make_runs(&plan, bounds)))
            .collect();
        for worker in workers {
            let part = worker.join().expect("a worker reports");
            found.runs += part.runs;
            found.events += part.events;
            found.failures.extend(part.failures);
        }
    });
    found
}

impl Work {
    fn make_runs(&self, plan: &Plan, bounds: Bounds) -> Found {
        let mut found = Found::default();
        while let Some((faults, first)) = self.take() {
            let plan = Plan {
                only: Some(faults.clone()),
                ..plan.clone()
            };
            let (outcome, chances) = run_from(&plan, BEGIN);
            let Outcome {
                failure, events, ..
            } = outcome;
            found.runs += 1;
            found.events += events;
            if let Some(failure) = failure
                && found.failures.len() < MAX_FAILURES
            {
                found.failures.push((plan, failure));
            }
            let more = if faults.len() < bounds.faults {
                children(&faults, first, &chances, bounds.depth)
            } else {
                Vec::new()
            };
            self.put(more);
        }
        found
    }

    /// The next run; `None` when all are made.
    fn take(&self) -> Option<Task> {
        let mut tasks = self.tasks.lock().expect("nobody panics with it");
        loop {
            if let Some(task) = tasks.0.pop() {
                tasks.1 += 1;
                return Some(task);
            }
            if tasks.1 == 0 {
                return None;
            }
            tasks = self.changed.wait(tasks).expect("nobody panics with it");
        }
    }

    /// A run is made, and leads to these.
    fn put(&self, more: Vec<Task>) {
        let mut tasks = self.tasks.lock().expect("nobody panics with it");
        tasks.0.extend(more);
        tasks.1 -= 1;
        self.changed.notify_all();
    }
}

/// The runs with one more fault.
fn children(faults: &BTreeSet<Fault>, first: usize, chances: &[Fault], depth: usize) -> Vec<Task> {
    let mut children = Vec::new();
    let mut event = None;
    for chance in chances {
        // One datagram, one operation of a disk: the first chance for it counts it.
        let begins = matches!(chance.kind, Stream::Loss | Stream::PowerCutBefore);
        let number = match event {
            None => 0,
            Some(number) => number + usize::from(begins),
        };
        event = Some(number);
        if number >= depth {
            break;
        }
        if number >= first && !faults.contains(chance) {
            let mut more = faults.clone();
            more.insert(*chance);
            children.push((more, number + 1));
        }
    }
    children
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_run_is_made_twice_and_deeper_searches_make_more() {
        let runs = |depth, faults| search(Phase::Handshake, Bounds { depth, faults }, 1).runs;
        assert_eq!(runs(4, 0), 1);
        // Nothing, or one of three things to each of four datagrams.
        assert_eq!(runs(4, 1), 1 + 4 * 3);
        assert!(runs(4, 2) > runs(4, 1) + 50);
    }

    #[test]
    fn every_phase_goes_well_without_faults() {
        for phase in Phase::ALL {
            let bounds = Bounds {
                depth: 14,
                faults: 0,
            };
            let found = search(phase, bounds, 1);
            assert_eq!(found.failures, [], "{}", phase.name());
        }
    }
}
