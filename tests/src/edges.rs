//! Tests of what only a real system has: whether they can run here.
//!
//! With the environment variable `CHAT_EDGES=1`, as in `.ci/edges`, all of them run, and a tool that
//! is missing is a failure. Without it those that change the system's network do not run, and the
//! others run if they can. What does not run says so.

use std::{env, io::Write, path::PathBuf, process::Command, sync::Once};

/// How to get every tool that is asked for here.
pub const INSTALL: &str = "apt-get install strace iproute2 nftables conntrack procps";

/// Whether everything is to run.
pub fn all() -> bool {
    env::var_os("CHAT_EDGES").is_some_and(|value| value == "1")
}

/// Whether these programs are there, for the tests called `what`.
///
/// # Panics
/// If one is missing although everything is to run.
pub fn has(what: &str, programs: &[&str]) -> bool {
    let is_missing = |name: &&&str| !is_there(name);
    let missing: Vec<_> = programs.iter().filter(is_missing).collect();
    if missing.is_empty() {
        return true;
    }
    let line = format!("{missing:?} missing ({INSTALL})");
    assert!(!all(), "{what}: {line}");
    say(what, &line);
    false
}

/// Whether strace is there, for the tests called `what`, and may trace: some containers forbid it.
///
/// # Panics
/// If not, although everything is to run.
pub fn can_trace(what: &str) -> bool {
    if !has(what, &["strace"]) {
        return false;
    }
    let mut strace = Command::new("strace");
    let tried = strace.args(["-qq", "-o", "/dev/null", "true"]).output();
    let can = tried.is_ok_and(|output| output.status.success());
    assert!(can || !all(), "{what}: strace may not trace");
    if !can {
        say(what, "strace may not trace");
    }
    can
}

/// Whether the tests called `what`, which change the system's network with these programs, are to
/// run. If not, that is said once.
///
/// # Panics
/// If everything is to run and this user may not, or a program is missing.
pub fn may_change_the_network(what: &str, programs: &[&str]) -> bool {
    if !all() {
        static SAID: Once = Once::new();
        SAID.call_once(|| say(what, "runs as root with CHAT_EDGES=1, see .ci/edges"));
        return false;
    }
    assert!(rustix::process::geteuid().is_root(), "{what}: needs root");
    has(what, programs)
}

/// Tells that something does not run. Not with `eprintln!`, which a passing test hides.
fn say(what: &str, why: &str) {
    let line = format!("SKIPPED {what}: {why}\n");
    // Without a stderr nobody wants to know.
    let _ = std::io::stderr().write_all(line.as_bytes());
}

fn is_there(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    let system = ["/usr/sbin", "/sbin"].map(PathBuf::from);
    let mut directories = env::split_paths(&path).chain(system);
    directories.any(|directory| directory.join(program).is_file())
}
