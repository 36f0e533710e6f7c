//! The simulator itself: its runs follow from their seeds, and both judges agree on them.

use std::fs;

use tests::{
    random::seeds,
    simulator::{checker, generate, plan::Plan, run, trace},
};

#[test]
fn the_same_seed_gives_the_same_run() {
    for seed in seeds(20) {
        let plan = generate::plan(seed);
        let (first, second) = (run::run(&plan), run::run(&plan));
        assert_eq!(first.digest, second.digest, "seed {seed}");
        assert_eq!(first.events, second.events, "seed {seed}");
    }
}

#[test]
fn a_run_with_the_faults_that_happened_by_chance_is_the_same_run() {
    for seed in seeds(20) {
        let plan = generate::plan(seed);
        let first = run::run(&plan);
        let mut named = plan.clone();
        named.only = Some(first.faults.clone());
        assert_eq!(first.digest, run::run(&named).digest, "seed {seed}");
    }
}

#[test]
fn the_checker_of_traces_finds_nothing_where_the_oracle_does_not() {
    for seed in seeds(20) {
        let (outcome, text) = trace::of(&generate::plan(seed));
        let verdict = checker::check(&text);
        if outcome.failure.is_none() {
            assert!(verdict.is_good(), "seed {seed}: {verdict}");
            let counts = outcome.counts;
            assert_eq!(verdict.attempted as u64, counts.attempted, "seed {seed}");
            assert_eq!(verdict.delivered as u64, counts.delivered, "seed {seed}");
        }
    }
}

#[test]
fn what_has_failed_once_goes_well() {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/regressions");
    let mut plans = 0;
    for file in fs::read_dir(directory).unwrap() {
        let path = file.unwrap().path();
        let plan: Plan = fs::read_to_string(&path).unwrap().parse().unwrap();
        let failure = run::run(&plan).failure;
        assert_eq!(failure, None, "{}", path.display());
        plans += 1;
    }
    assert!(plans > 5, "{plans} plans");
}

#[test]
fn the_runs_of_the_first_seeds_go_well() {
    for seed in seeds(150) {
        let failure = run::run(&generate::plan(seed)).failure;
        assert_eq!(failure, None, "seed {seed}");
    }
}
