//! `planted-bugs`: each is planted, found, and made small.

use std::process::ExitCode;

use chat_core::simulation::Bug;
use tests::simulator::{
    plan::Plan,
    planted::{self, Caught},
    shrink,
};

use crate::{
    Stopwatch,
    explain::{RUNS, draw},
};

/// The planted bug of this name.
pub(crate) fn named(name: &str) -> Result<Bug, &'static str> {
    Bug::named(name).ok_or("no planted bug has this name; without --bug, all are named")
}

/// Plants each bug, or only one, and tells how it was found; one alone is shown.
pub(crate) fn plant(seeds: u64, shrink: bool, only: Option<Bug>, jobs: usize) -> ExitCode {
    let whole = Stopwatch::start();
    let (mut caught, mut large, mut all) = (0, 0, 0);
    let is_meant = |bug: &&Bug| only.is_none_or(|only| **bug == only);
    for bug in Bug::ALL.iter().filter(is_meant) {
        all += 1;
        let watch = Stopwatch::start();
        let found = planted::catch(*bug, seeds, jobs);
        let time = watch.elapsed().as_secs_f64();
        let Some(found) = found else {
            println!("{:<28} NOT FOUND in {seeds} seeds, {time:.2} s", bug.name());
            continue;
        };
        caught += 1;
        let Caught { seed, failure } = found;
        let small = (shrink || only.is_some())
            .then(|| planted::smallest(*bug, seed..seeds, jobs, RUNS))
            .flatten();
        let is_large = |small: &Plan| shrink::size(small) > planted::SMALL;
        large += u32::from(small.as_ref().is_some_and(is_large));
        let size = small.as_ref().map_or_else(String::new, |small| {
            format!(", {} events", shrink::size(small))
        });
        println!(
            "{:<28} seed {seed:>5}, {time:>5.2} s, {:?}{size}: {}",
            bug.name(),
            failure.point,
            bug.description()
        );
        if let Some(small) = small.filter(|_| only.is_some()) {
            planted::with(*bug, || draw(&small));
        }
    }
    let time = whole.elapsed().as_secs_f64();
    println!("{caught} of {all} planted bugs found in {time:.1} s");
    if large > 0 {
        println!("{large} of them in more than {} events", planted::SMALL);
    }
    if caught == all && large == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
