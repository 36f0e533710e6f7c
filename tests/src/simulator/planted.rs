//! Bugs that are planted in the core, to show that the simulator finds them.

use std::{
    ops::Range,
    sync::atomic::{AtomicU64, Ordering},
};

use chat_core::simulation::{Bug, plant};

use super::{generate, oracle::Failure, plan::Plan, run::run, shrink};

/// A plan of so many events can be followed by a person.
pub const SMALL: usize = 25;
/// As many failures are made small until one of them is.
const TRIES: usize = 16;

/// A planted bug that was found.
#[derive(Debug)]
pub struct Caught {
    /// The seed that shows it.
    pub seed: u64,
    /// How it shows.
    pub failure: Failure,
}

/// Plants a bug and looks for it in the runs of the first seeds, so many at a time.
pub fn catch(bug: Bug, seeds: u64, jobs: usize) -> Option<Caught> {
    with(bug, || first_failure(0..seeds, jobs))
}

/// The smallest plan that was found for a planted bug, from the first failures in the runs of
/// these seeds; so many runs are made for each.
pub fn smallest(bug: Bug, seeds: Range<u64>, jobs: usize, runs: u32) -> Option<Plan> {
    with(bug, || {
        let mut seeds = seeds;
        let mut smallest: Option<Plan> = None;
        for _ in 0..TRIES {
            let Some(Caught { seed, failure }) = first_failure(seeds.clone(), jobs) else {
                break;
            };
            seeds.start = seed + 1;
            let small = shrink::shrink(&generate::plan(seed), failure.point, runs);
            smallest = smallest.into_iter().chain(small).min_by_key(shrink::size);
            if smallest
                .as_ref()
                .is_some_and(|it| shrink::size(it) <= SMALL)
            {
                break;
            }
        }
        smallest
    })
}

/// Does something while a bug is planted.
pub fn with<T>(bug: Bug, act: impl FnOnce() -> T) -> T {
    plant(Some(bug));
    let result = act();
    plant(None);
    result
}

/// The first seed that fails.
fn first_failure(seeds: Range<u64>, jobs: usize) -> Option<Caught> {
    let (next, end) = (AtomicU64::new(seeds.start), AtomicU64::new(seeds.end));
    let work = || {
        let mut caught = None;
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= end.load(Ordering::Relaxed) {
                return caught;
            }
            if let Some(failure) = run(&generate::plan(seed)).failure {
                end.fetch_min(seed, Ordering::Relaxed);
                caught = Some(Caught { seed, failure });
            }
        }
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..jobs).map(|_| scope.spawn(work)).collect();
        let caught = workers
            .into_iter()
            .filter_map(|worker| worker.join().expect("a worker reports"));
        caught.min_by_key(|caught| caught.seed)
    })
}
