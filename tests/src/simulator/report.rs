//! What many runs came to.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    time::Duration,
};

use super::{
    oracle::{Counts, Failure},
    run::Outcome,
    sometimes::Sometimes,
};
use crate::random::Stream;

/// What many runs came to.
#[derive(Debug, Default)]
pub struct Report {
    /// How many runs.
    pub runs: u64,
    events: u64,
    counts: Counts,
    faults: BTreeMap<Stream, u64>,
    convergence: Vec<Duration>,
    seen: BTreeSet<Sometimes>,
    /// The seeds that failed, and how.
    pub failures: Vec<(u64, Failure)>,
}

impl Report {
    /// Adds a run.
    pub fn add(&mut self, seed: u64, outcome: Outcome) {
        self.runs += 1;
        self.events += outcome.events;
        self.counts += outcome.counts;
        for fault in &outcome.faults {
            *self.faults.entry(fault.kind).or_default() += 1;
        }
        self.seen.extend(outcome.seen);
        match outcome.failure {
            Some(failure) => self.failures.push((seed, failure)),
            None => self.convergence.push(outcome.convergence),
        }
    }

    /// Adds what other runs came to.
    pub fn merge(&mut self, other: Self) {
        self.runs += other.runs;
        self.events += other.events;
        self.counts += other.counts;
        for (kind, count) in other.faults {
            *self.faults.entry(kind).or_default() += count;
        }
        self.convergence.extend(other.convergence);
        self.seen.extend(other.seen);
        self.failures.extend(other.failures);
    }

    /// What should have happened sometimes and never did.
    pub fn never(&self) -> impl Iterator<Item = Sometimes> + '_ {
        let all = Sometimes::ALL.iter().copied();
        all.filter(|point| !self.seen.contains(point))
    }

    fn convergence(&self, per_mille: usize) -> Duration {
        let mut sorted = self.convergence.clone();
        sorted.sort_unstable();
        let last = sorted.len().saturating_sub(1);
        sorted
            .get(last * per_mille / 1_000)
            .copied()
            .unwrap_or_default()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = self.counts;
        let of = |per_mille| self.convergence(per_mille).as_secs_f64();
        writeln!(f, "seeds        {}", self.runs)?;
        writeln!(f, "events       {}", self.events)?;
        writeln!(
            f,
            "messages     {} attempted, {} accepted, {} delivered, {} refused, {} shown again after a crash",
            counts.attempted, counts.accepted, counts.delivered, counts.refused, counts.repeated
        )?;
        write!(f, "faults      ")?;
        for (kind, count) in &self.faults {
            write!(f, " {} {count}", kind.name())?;
        }
        writeln!(f)?;
        writeln!(
            f,
            "convergence  median {:.1} s, p99 {:.1} s",
            of(500),
            of(990)
        )?;
        write!(f, "failures     {}", self.failures.len())
    }
}
