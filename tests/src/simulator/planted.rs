//! Bugs that are planted in the core, to show that the simulator finds them.

use std::sync::atomic::{AtomicU64, Ordering};

use chat_core::simulation::{Bug, plant};

use super::{generate, oracle::Failure, run::run};

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
    with(bug, || first_failure(seeds, jobs))
}

/// Does something while a bug is planted.
pub fn with<T>(bug: Bug, act: impl FnOnce() -> T) -> T {
    plant(Some(bug));
    let result = act();
    plant(None);
    result
}

/// The first seed that fails.
fn first_failure(seeds: u64, jobs: usize) -> Option<Caught> {
    let (next, end) = (AtomicU64::new(0), AtomicU64::new(seeds));
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
