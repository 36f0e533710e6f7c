//! Shows failures to people.

use tests::{
    record::Record,
    simulator::{diagram, oracle::Failure, plan::Plan, run, shrink, trace},
};

/// As many runs are made to make a failure small.
pub(crate) const RUNS: u32 = 600;

/// So much of what happened is shown.
const SHOWN: usize = 200;

/// Shows a failure: how to make it again, and how little it takes.
pub(crate) fn explain(plan: &Plan, failure: &Failure) {
    println!("\n{failure}");
    println!("again: simulator replay {}", plan.seed);
    let small = shrink::shrink(plan, failure.point, RUNS);
    draw(small.as_ref().unwrap_or(plan));
}

/// Shows a small plan that fails: what happens last in its run, and a diagram of it.
pub(crate) fn draw(small: &Plan) {
    let mut records: Vec<Record> = Vec::new();
    let outcome = run::watch(small, |record| records.push(record.clone()));
    println!(
        "\nthe smallest plan that fails alike ({} events):",
        shrink::size(small)
    );
    print!("{small}");
    if let Some(failure) = outcome.failure {
        println!("\n{failure}");
    }
    println!("\nthe last {SHOWN} records:");
    for record in &records[records.len().saturating_sub(SHOWN)..] {
        for line in trace::lines(record) {
            println!("{line}");
        }
    }
    println!("\n{}", diagram::draw(&records, SHOWN));
}
