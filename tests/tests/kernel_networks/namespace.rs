//! Hosts of their own: network namespaces, deleted when they are dropped.

use std::{
    ffi::OsStr,
    fs,
    io::Write,
    path::Path,
    process::{self, Command, Stdio},
    sync::{
        Once,
        atomic::{AtomicUsize, Ordering},
    },
};

use tests::process::program;

/// Begins the names of all namespaces; the id of the process that made one follows.
const PREFIX: &str = "chat";

/// A number that this process has not used before.
pub(crate) fn number() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// A network namespace: interfaces, addresses, routes, filters and NAT of its own.
pub(crate) struct Namespace {
    name: String,
}

impl Namespace {
    /// One with only a loopback interface. Those that killed processes have left are removed.
    pub(crate) fn new(label: &str) -> Self {
        static SWEPT: Once = Once::new();
        SWEPT.call_once(sweep);
        let name = format!("{PREFIX}-{}-{}-{label}", process::id(), number());
        run(&["ip", "netns", "add", &name]);
        let namespace = Self { name };
        namespace.ip("link set lo up");
        namespace
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// `ip` with these arguments, inside.
    pub(crate) fn ip(&self, arguments: &str) {
        let words = arguments.split(' ');
        run(&["ip", "-n", &self.name]
            .into_iter()
            .chain(words)
            .collect::<Vec<_>>());
    }

    /// A command, inside: what it writes to stdout.
    pub(crate) fn run(&self, command: &str) -> String {
        let words = command.split(' ');
        let inside = ["ip", "netns", "exec", &self.name];
        run(&inside.into_iter().chain(words).collect::<Vec<_>>())
    }

    /// Adds to the rules of nftables.
    pub(crate) fn add_rules(&self, rules: &str) {
        let mut nft = Command::new("ip")
            .args(["netns", "exec", &self.name, "nft", "-f", "-"])
            .stdin(Stdio::piped())
            .spawn()
            .expect("nft starts");
        let mut input = nft.stdin.take().expect("a pipe");
        input.write_all(rules.as_bytes()).expect("nft reads");
        drop(input);
        assert!(nft.wait().expect("its end").success(), "{rules}");
    }

    /// `chat-cli`, to be run inside.
    pub(crate) fn chat(&self) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name]).arg(program());
        command
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        delete(&self.name);
    }
}

fn delete(name: &str) {
    // A test that fails for another reason is to say so.
    let _ = Command::new("ip").args(["netns", "del", name]).status();
}

/// Removes the namespaces of processes that are gone, with what still runs in them.
fn sweep() {
    let Ok(entries) = fs::read_dir("/run/netns") else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name().into_string().unwrap_or_default();
        let mut parts = name.split('-');
        let is_ours = parts.next() == Some(PREFIX);
        let process = parts.next().and_then(|id| id.parse::<u32>().ok());
        if is_ours
            && let Some(process) = process
            && !Path::new(&format!("/proc/{process}")).exists()
        {
            // Somebody else may be sweeping too.
            let left = Command::new("ip").args(["netns", "pids", &name]).output();
            let left = left.map_or_else(|_| Vec::new(), |output| output.stdout);
            for process in String::from_utf8_lossy(&left).split_whitespace() {
                let _ = Command::new("kill").args(["-KILL", process]).status();
            }
            delete(&name);
        }
    }
}

/// Runs a command: what it writes to stdout.
pub(crate) fn run<S: AsRef<OsStr> + std::fmt::Debug>(words: &[S]) -> String {
    let mut command = Command::new(&words[0]);
    let output = command.args(&words[1..]).output().expect("it starts");
    assert!(output.status.success(), "{words:?}: {output:?}");
    String::from_utf8(output.stdout).expect("UTF-8")
}
