//! The simulator's command line.

mod explain;
#[cfg(feature = "simulation")]
mod planted_bugs;

use std::{
    fs,
    num::NonZero,
    path::PathBuf,
    process::ExitCode,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

#[cfg(feature = "simulation")]
use chat_core::simulation::Bug;
use chat_core::time::Instant;
use clap::{Parser, Subcommand};
use explain::explain;
use tests::simulator::{
    checker,
    exhaustive::{self, Bounds, Phase},
    generate,
    oracle::{Failure, Point},
    plan::Plan,
    report::Report,
    run::{self, Outcome},
    trace,
};

/// Runs the protocol's state machines in a virtual world full of faults, and watches them.
#[derive(Parser)]
struct Arguments {
    /// Encrypt nothing: checksums take the place of cryptography.
    #[cfg(feature = "simulation")]
    #[arg(long, global = true)]
    null_crypto: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Makes the runs of seeds: of one, of so many, or as many as there is time for.
    Run {
        /// The one seed; shows what happened if it fails.
        #[arg(long, conflicts_with_all = ["from", "count", "budget"])]
        seed: Option<u64>,
        /// The first of many seeds.
        #[arg(long, default_value_t = 0)]
        from: u64,
        /// How many seeds at most.
        #[arg(long)]
        count: Option<u64>,
        /// For how long: 120 (seconds), 5m, 2h.
        #[arg(long, value_parser = duration)]
        budget: Option<Duration>,
        /// How many runs at a time.
        #[arg(short, default_value = "1")]
        jobs: NonZero<usize>,
    },
    /// Makes runs for hours, and goes on after failures.
    Soak {
        /// For how many hours.
        #[arg(long)]
        hours: f64,
        /// How many runs at a time.
        #[arg(short, default_value = "2")]
        jobs: NonZero<usize>,
        /// The first seed.
        #[arg(long, default_value_t = 0)]
        from: u64,
    },
    /// Makes the run of a plan again, from a file or a seed, and writes down what happens.
    Replay {
        /// The file of the plan, or a seed.
        plan: String,
        /// Where the trace goes, one line each; otherwise it is printed.
        #[arg(long)]
        trace: Option<PathBuf>,
    },
    /// Makes the plan of a failure smaller, from a file or a seed, and draws what happens.
    Shrink {
        /// The file of the plan, or a seed.
        plan: String,
    },
    /// Searches everything that can happen to two nodes in a phase of the protocol, within bounds.
    Exhaustive {
        /// Something may happen to the first so many datagrams and operations of disks.
        #[arg(long, default_value_t = 14)]
        depth: usize,
        /// So many faults happen in one run at most.
        #[arg(long, default_value_t = 3)]
        faults: usize,
        /// The one phase: handshake, registration, delivery, mail or group.
        #[arg(long, value_parser = phase)]
        phase: Option<Phase>,
        /// How many runs at a time.
        #[arg(short, default_value = "2")]
        jobs: NonZero<usize>,
    },
    /// Plants one bug after the other in the core, and shows that each is found.
    #[cfg(feature = "simulation")]
    PlantedBugs {
        /// Look for it in the runs of so many seeds.
        #[arg(long, default_value_t = 3_000)]
        seeds: u64,
        /// Also make what shows it small, and tell how many events are left.
        #[arg(long)]
        shrink: bool,
        /// Only the bug of this name; shows what happens.
        #[arg(long, value_parser = planted_bugs::named)]
        bug: Option<Bug>,
        /// How many runs at a time.
        #[arg(short, default_value = "2")]
        jobs: NonZero<usize>,
    },
    /// Reads traces, and judges them without knowing the oracle.
    Check {
        /// The files.
        traces: Vec<PathBuf>,
    },
}

fn phase(text: &str) -> Result<Phase, String> {
    let mut phases = Phase::ALL.into_iter();
    let phase = phases.find(|phase| phase.name() == text);
    phase.ok_or_else(|| "not a phase".to_owned())
}

fn duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = match text.strip_suffix(['s', 'm', 'h']) {
        Some(number) => (number, &text[number.len()..]),
        None => (text, "s"),
    };
    let seconds = match unit {
        "h" => 3_600,
        "m" => 60,
        _ => 1,
    };
    let number: u64 = number.parse().map_err(|_| "not a time: try 120 or 5m")?;
    Ok(Duration::from_secs(number * seconds))
}

fn main() -> ExitCode {
    // A panic is a failure like others, and is reported like them.
    std::panic::set_hook(Box::new(|_| {}));
    let arguments = Arguments::parse();
    #[cfg(feature = "simulation")]
    chat_core::simulation::use_null_crypto(arguments.null_crypto);
    match arguments.command {
        Command::Run {
            seed: Some(seed), ..
        } => run_one(seed),
        Command::Run {
            from,
            count,
            budget,
            jobs,
            ..
        } => {
            let count = count.unwrap_or(if budget.is_some() { u64::MAX } else { 1_000 });
            let campaign = Campaign::new(from, count, budget);
            campaign.finish(jobs)
        }
        Command::Soak { hours, jobs, from } => {
            let budget = Duration::from_secs_f64(hours * 3_600.0);
            Campaign::new(from, u64::MAX, Some(budget)).finish(jobs)
        }
        Command::Replay { plan, trace } => with_plan(&plan, |plan| replay(plan, trace)),
        Command::Shrink { plan } => with_plan(&plan, |plan| {
            let outcome = run::run(plan);
            match outcome.failure {
                Some(failure) => explain(plan, &failure),
                None => println!("the plan does not fail"),
            }
            ExitCode::SUCCESS
        }),
        Command::Exhaustive {
            depth,
            faults,
            phase,
            jobs,
        } => search(Bounds { depth, faults }, phase, jobs.get()),
        #[cfg(feature = "simulation")]
        Command::PlantedBugs {
            seeds,
            shrink,
            bug,
            jobs,
        } => planted_bugs::plant(seeds, shrink, bug, jobs.get()),
        Command::Check { traces } => check(&traces),
    }
}

/// In so many runs, everything that is to happen sometimes must happen.
const MANY: u64 = 2_000;

/// Measures how long people wait: no run knows of it.
struct Stopwatch(std::time::Instant);

impl Stopwatch {
    #[expect(
        clippy::disallowed_methods,
        reason = "what is measured is this program"
    )]
    fn start() -> Self {
        Self(std::time::Instant::now())
    }

    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

/// Runs of many seeds.
struct Campaign {
    next: AtomicU64,
    end: u64,
    started: Stopwatch,
    budget: Option<Duration>,
    done: AtomicU64,
    failed: AtomicU64,
}

impl Campaign {
    fn new(from: u64, count: u64, budget: Option<Duration>) -> Self {
        Self {
            next: AtomicU64::new(from),
            end: from.saturating_add(count),
            started: Stopwatch::start(),
            budget,
            done: AtomicU64::new(0),
            failed: AtomicU64::new(0),
        }
    }

    /// Makes the runs, says what came of them, and explains the first failure.
    fn finish(&self, jobs: NonZero<usize>) -> ExitCode {
        let mut report = Report::default();
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..jobs.get())
                .map(|_| scope.spawn(|| self.work()))
                .collect();
            for worker in workers {
                report.merge(worker.join().expect("a worker reports"));
            }
        });
        report.failures.sort_by_key(|(seed, _)| *seed);
        for (seed, failure) in report.failures.iter().take(20) {
            println!("seed {seed}: {failure}");
        }
        println!("{report}");
        let seconds = self.started.elapsed().as_secs_f64();
        println!("time         {seconds:.1} s");
        let never: Vec<_> = report.never().collect();
        if report.runs >= MANY && !never.is_empty() {
            println!("never        {never:?}: the runs prove nothing of it");
            return ExitCode::FAILURE;
        }
        match report.failures.first() {
            Some((seed, failure)) => {
                explain(&generate::plan(*seed), failure);
                ExitCode::FAILURE
            }
            None => ExitCode::SUCCESS,
        }
    }

    fn work(&self) -> Report {
        let mut report = Report::default();
        while self
            .budget
            .is_none_or(|budget| self.started.elapsed() < budget)
        {
            let seed = self.next.fetch_add(1, Ordering::Relaxed);
            if seed >= self.end {
                break;
            }
            let outcome = judged(seed);
            if let Some(failure) = &outcome.failure {
                self.failed.fetch_add(1, Ordering::Relaxed);
                eprintln!("seed {seed}: {failure}");
            }
            report.add(seed, outcome);
            let done = 1 + self.done.fetch_add(1, Ordering::Relaxed);
            if done.is_multiple_of(5_000) {
                let seconds = self.started.elapsed().as_secs_f64();
                let failed = self.failed.load(Ordering::Relaxed);
                eprintln!("{seconds:.0} s: {done} seeds, {failed} failures");
            }
        }
        report
    }
}

/// The run of a seed; one in sixteen is judged by its trace too.
fn judged(seed: u64) -> Outcome {
    let plan = generate::plan(seed);
    if !seed.is_multiple_of(16) {
        return run::run(&plan);
    }
    let (mut outcome, trace) = trace::of(&plan);
    let verdict = checker::check(&trace);
    if !verdict.is_good() {
        outcome.failure.get_or_insert(Failure {
            point: Point::Trace,
            why: verdict.to_string(),
            at: Instant::ZERO,
        });
    }
    outcome
}

/// The plan of a seed, or the one in a file.
fn with_plan(plan: &str, then: impl FnOnce(&Plan) -> ExitCode) -> ExitCode {
    let plan = match plan.parse() {
        Ok(seed) => Ok(generate::plan(seed)),
        Err(_) => fs::read_to_string(plan)
            .map_err(|error| format!("{plan}: {error}"))
            .and_then(|text| text.parse::<Plan>().map_err(|error| error.to_string())),
    };
    match plan {
        Ok(plan) => then(&plan),
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn run_one(seed: u64) -> ExitCode {
    let plan = generate::plan(seed);
    let outcome = run::run(&plan);
    let again = run::run(&plan);
    let (failure, digest) = (outcome.failure.clone(), outcome.digest);
    let mut report = Report::default();
    report.add(seed, outcome);
    println!("{report}");
    println!("hash         {digest:016x}");
    if again.digest != digest {
        println!("the same seed again: {:016x}", again.digest);
        return ExitCode::FAILURE;
    }
    match failure {
        Some(failure) => {
            println!("seed {seed}: {failure}");
            explain(&plan, &failure);
            ExitCode::FAILURE
        }
        None => ExitCode::SUCCESS,
    }
}

fn replay(plan: &Plan, to: Option<PathBuf>) -> ExitCode {
    let (outcome, text) = trace::of(plan);
    match to {
        Some(file) => {
            if let Err(error) = fs::write(&file, &text) {
                eprintln!("{}: {error}", file.display());
                return ExitCode::FAILURE;
            }
        }
        None => print!("{text}"),
    }
    print!("{}", checker::check(&text));
    match outcome.failure {
        Some(failure) => {
            println!("{failure}");
            ExitCode::FAILURE
        }
        None => ExitCode::SUCCESS,
    }
}

fn search(bounds: Bounds, phase: Option<Phase>, jobs: usize) -> ExitCode {
    let mut first = None;
    for phase in phase.map_or(Phase::ALL.to_vec(), |phase| vec![phase]) {
        let watch = Stopwatch::start();
        let found = exhaustive::search(phase, bounds, jobs);
        println!(
            "{:<13} {:>9} runs, {:>11} events, {} failures, {:.1} s",
            phase.name(),
            found.runs,
            found.events,
            found.failures.len(),
            watch.elapsed().as_secs_f64()
        );
        first = first.or_else(|| found.failures.into_iter().next());
    }
    match first {
        Some((plan, failure)) => {
            explain(&plan, &failure);
            ExitCode::FAILURE
        }
        None => ExitCode::SUCCESS,
    }
}

fn check(traces: &[PathBuf]) -> ExitCode {
    let mut all_good = true;
    for file in traces {
        match fs::read_to_string(file) {
            Ok(trace) => {
                let verdict = checker::check(&trace);
                print!("{}: {verdict}", file.display());
                all_good &= verdict.is_good();
            }
            Err(error) => {
                eprintln!("{}: {error}", file.display());
                all_good = false;
            }
        }
    }
    if all_good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
