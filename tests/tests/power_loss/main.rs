//! The store after a loss of power: what the real store writes is recorded with strace, each disk
//! that a loss of power could leave is rebuilt, and the store is opened on it.
//!
//! `CHAT_IMAGES` is the number of images that each workload is checked with, about; more find more.
#![cfg(target_os = "linux")]

mod directories;
mod image;
mod trace;
mod workload;

use std::{
    env, fs,
    io::Write,
    path::Path,
    process::Command,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use chat_mio::SqliteStore;
use tempfile::TempDir;
use tests::{
    edges,
    random::{Random, Stream},
};

use crate::{
    image::{Disk, Survival},
    trace::Step,
    workload::{Contents, NOW, REOPENED_AFTER, Role, Workload, run},
};

/// Images of each workload unless `CHAT_IMAGES` says otherwise.
const IMAGES: u64 = 150;
/// On one image of so many, the store also takes everything that is still to be written.
const CONTINUED: u64 = 16;

const ROLE: &str = "CHAT_TEST_WRITER_ROLE";
const DIRECTORY: &str = "CHAT_TEST_WRITER_DIRECTORY";

#[test]
fn no_loss_of_power_takes_what_a_server_was_told_to_be_durable() {
    check(Role::Server);
}

#[test]
fn no_loss_of_power_takes_what_a_client_was_told_to_be_durable() {
    check(Role::Client);
}

#[test]
fn without_syncs_much_would_be_lost() {
    let Some(mut trace) = recorded(Role::Server) else {
        return;
    };
    // The first ones make the file itself.
    let is_sync = |step: &Step| matches!(step, Step::Sync { .. });
    let first = trace.iter().position(is_promise).expect("a promise");
    let mut index = 0;
    trace.retain(|step| {
        index += 1;
        index <= first || !is_sync(step)
    });
    let losses = losses(Role::Server, &trace, IMAGES).len();
    assert!(losses as u64 > IMAGES / 10, "{losses}");
}

fn check(role: Role) {
    if let Some(trace) = recorded(role) {
        let images = env::var("CHAT_IMAGES").map_or(IMAGES, |it| it.parse().expect("a number"));
        assert_eq!(losses(role, &trace, images), Vec::<String>::new());
    }
}

/// What is recorded. It writes only when it is told where.
#[test]
fn the_writer() {
    let (Ok(role), Ok(directory)) = (env::var(ROLE), env::var(DIRECTORY)) else {
        return;
    };
    let role = Role::parse(&role).expect("a role");
    let directory = Path::new(&directory);
    let mut promises = fs::File::create(directory.join("promises")).expect("a file");
    let path = directory.join("data/store.sqlite");
    let open = || SqliteStore::open(&path, NOW).expect("a store");
    let mut store = open();
    let batches = Workload::of(role).batches;
    for (count, batch) in (1..).zip(&batches) {
        run(&mut store, batch);
        let promise = format!("{count}\n");
        promises.write_all(promise.as_bytes()).expect("a promise");
        if count == REOPENED_AFTER {
            drop(store);
            store = open();
        }
    }
}

/// What the writer did, if that can be recorded here.
fn recorded(role: Role) -> Option<Vec<Step>> {
    if !edges::can_trace("power loss") {
        return None;
    }
    let directory = tempfile::tempdir().expect("a temporary directory");
    let data = directory.path().join("data");
    fs::create_dir(&data).expect("a directory");
    let mut writer = Command::new(env::current_exe().expect("a test has a path"));
    writer.args(["--exact", "the_writer", "--test-threads=1"]);
    writer
        .env(ROLE, role.as_str())
        .env(DIRECTORY, directory.path());
    let promises = directory.path().join("promises");
    let output = directory.path().join("strace");
    let trace = trace::record(&mut writer, &data, &promises, &output);
    let promises = trace.iter().filter(|step| is_promise(step)).count();
    assert_eq!(promises, Workload::of(role).batches.len());
    Some(trace)
}

/// Opens the store on about so many images; what is wrong with some of them.
fn losses(role: Role, trace: &[Step], images: u64) -> Vec<String> {
    const WORKERS: u64 = 2;
    let workload = Workload::of(role);
    let choice = Choice::of(trace, images);
    let images = AtomicUsize::new(0);
    let work = |worker: u64| {
        let mut found = Vec::new();
        let mut disk = Disk::default();
        let mut promised = 0;
        let place = place();
        for (number, step) in trace.iter().enumerate() {
            for (survival, seed) in choice.before(number, step) {
                // The ways in which things survive alternate, and so do the workers.
                if seed / Survival::ALL.len() as u64 % WORKERS != worker {
                    continue;
                }
                images.fetch_add(1, Ordering::Relaxed);
                let image = Image {
                    directory: place.path(),
                    role,
                    workload: &workload,
                    promised,
                    goes_on: Random::new(3).below(CONTINUED, Stream::Crash, 0, seed) == 0,
                };
                disk.write(image.directory, survival, seed);
                if let Err(wrong) = image.check() {
                    found.push(format!("before step {number}, {survival:?}: {wrong}"));
                }
                image.clear();
            }
            disk.apply(step);
            if let Step::Promise { count } = step {
                promised = *count;
            }
        }
        found
    };
    let found: Vec<String> = thread::scope(|scope| {
        let work = &work;
        let workers: Vec<_> = (0..WORKERS)
            .map(|worker| scope.spawn(move || work(worker)))
            .collect();
        let found = workers.into_iter().map(|it| it.join().expect("no panic"));
        found.collect::<Vec<_>>().concat()
    });
    let (images, steps) = (images.into_inner(), trace.len());
    println!(
        "{role:?}: {steps} steps, {images} images, {} wrong",
        found.len()
    );
    found
}

/// Which images are made of a trace, out of all that are possible.
struct Choice {
    /// Of so many, before a step that is no write, …
    others: (u64, u64),
    /// … and of so many before a write.
    writes: (u64, u64),
}

impl Choice {
    /// Most is at stake before something becomes durable, and right after a promise.
    fn of(trace: &[Step], wanted: u64) -> Self {
        let possible = |steps: usize| (steps * Survival::ALL.len()) as u64;
        let writes = trace.iter().filter(|step| is_write(step)).count();
        let (others, writes) = (possible(trace.len() - writes), possible(writes));
        Self {
            others: (wanted, others),
            writes: (wanted.saturating_sub(others), writes),
        }
    }

    /// The images of the disk before this step, each with a number of its own.
    fn before(&self, number: usize, step: &Step) -> impl Iterator<Item = (Survival, u64)> {
        let (some, all) = if is_write(step) {
            self.writes
        } else {
            self.others
        };
        let first = (number * Survival::ALL.len()) as u64;
        let images = Survival::ALL.into_iter().zip(first..);
        images.filter(move |(_, seed)| Random::new(2).below(all, Stream::Crash, 0, *seed) < some)
    }
}

const fn is_promise(step: &Step) -> bool {
    matches!(step, Step::Promise { .. })
}

const fn is_write(step: &Step) -> bool {
    matches!(step, Step::Write { .. })
}

/// In memory, if possible: an image need not be durable.
fn place() -> TempDir {
    tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .expect("a temporary directory")
}

struct Image<'a> {
    directory: &'a Path,
    role: Role,
    workload: &'a Workload,
    promised: usize,
    goes_on: bool,
}

impl Image<'_> {
    /// The store opens, and holds what it held after the last promise, or after the batch that was
    /// under way: nothing else, nothing less, nothing by halves.
    fn check(&self) -> Result<(), String> {
        let path = self.directory.join("store.sqlite");
        let mut store = SqliteStore::open(&path, NOW).map_err(|error| error.to_string())?;
        let found = Contents::of(&mut store, self.role);
        let allowed = self.workload.contents.iter().enumerate();
        let allowed = allowed.skip(self.promised).take(2);
        let Some((done, _)) = allowed
            .into_iter()
            .find(|(_, contents)| **contents == found)
        else {
            let (promised, found) = (self.promised, found.summary());
            let expected = self.workload.contents[promised].summary();
            return Err(format!(
                "{promised} batches were promised ({expected}), found: {found}"
            ));
        };
        if self.goes_on {
            for batch in &self.workload.batches[done..] {
                run(&mut store, batch);
            }
            let found = Contents::of(&mut store, self.role);
            if Some(&found) != self.workload.contents.last() {
                return Err(format!("going on leads to {}", found.summary()));
            }
        }
        Ok(())
    }

    fn clear(&self) {
        for entry in fs::read_dir(self.directory).expect("a directory") {
            fs::remove_file(entry.expect("an entry").path()).expect("a file");
        }
    }
}
