//! Scenarios with processes and sockets over loopback.

use std::{
    collections::{BTreeMap, VecDeque},
    fs,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use super::Stage;
use crate::{
    process::{Process, Signal, free_port},
    scenario,
    transcript::{Kind, Transcript},
    world::SERVER,
};

/// The nodes of one scenario, each with a data directory of its own.
pub struct Processes {
    directory: PathBuf,
    port: u16,
    nodes: BTreeMap<String, Node>,
    transcript: Transcript,
}

#[derive(Default)]
struct Node {
    how: scenario::Start,
    process: Option<Process>,
    /// What ended runs had shown and nobody has read.
    left: VecDeque<String>,
    exit: Option<i32>,
}

impl Processes {
    /// Nodes that keep what they must remember below `directory`.
    pub fn new(directory: &Path) -> Self {
        Self {
            directory: directory.to_owned(),
            port: free_port(),
            nodes: BTreeMap::new(),
            transcript: Transcript::default(),
        }
    }

    fn arguments(&self, node: &str, how: &scenario::Start) -> Vec<String> {
        let port = self.port.to_string();
        let data = self.directory.join(node).display().to_string();
        let mut arguments: Vec<&str> = if node == SERVER {
            vec!["server", &port, "--listen", "127.0.0.1"]
        } else {
            let user = how.user.as_deref().unwrap_or(node);
            vec!["client", user, "127.0.0.1", &port]
        };
        if how.ephemeral {
            arguments.push("--ephemeral");
        } else {
            arguments.extend(["--data", &data]);
        }
        if how.silent_exit {
            arguments.push("--silent-exit");
        }
        arguments.into_iter().map(str::to_owned).collect()
    }

    fn process(&mut self, node: &str) -> &mut Process {
        let process = self.nodes.get_mut(node).and_then(|n| n.process.as_mut());
        process.unwrap_or_else(|| panic!("{node} has not been started"))
    }

    fn note(&mut self, node: &str, kind: Kind, text: &str) {
        self.transcript.add(Default::default(), node, kind, text);
    }
}

impl Node {
    /// Takes what an ended process has left.
    fn bury(&mut self) {
        if let Some(mut process) = self.process.take() {
            let (rest, status) = process.wait();
            self.left.extend(rest);
            self.left.extend(process.errors().into_iter().map(|line| {
                // Kept apart from what counts as shown, and still seen when a test fails.
                format!("{STDERR}{line}")
            }));
            self.exit = status.code();
        }
    }
}

const STDERR: &str = "\u{0}stderr: ";

impl Stage for Processes {
    fn start(&mut self, node: &str, how: &scenario::Start) {
        if let Some(original) = how.user.as_ref().filter(|_| how.copies_identity) {
            copy_identities(&self.directory.join(original), &self.directory.join(node));
        }
        let arguments = self.arguments(node, how);
        self.note(node, Kind::Happened, &arguments.join(" "));
        let known = self.nodes.entry(node.to_owned()).or_default();
        known.bury();
        known.how = how.clone();
        known.process = Some(Process::start(arguments));
        if node == SERVER {
            // Clients that start before it listens would count an attempt.
            let process = self.process(node);
            let started = process.wait_for_prefix("[Server started on ");
            self.note(node, Kind::Shown, &started);
        }
    }

    fn restart(&mut self, node: &str) {
        self.kill(node);
        let how = self.nodes[node].how.clone();
        self.start(node, &how);
    }

    fn kill(&mut self, node: &str) {
        self.note(node, Kind::Happened, "killed");
        self.process(node).kill();
        self.nodes.entry(node.to_owned()).or_default().bury();
    }

    fn pause(&mut self, node: &str) {
        self.note(node, Kind::Happened, "paused");
        self.process(node).signal(Signal::Stop);
    }

    fn resume(&mut self, node: &str) {
        self.note(node, Kind::Happened, "resumed");
        self.process(node).signal(Signal::Continue);
    }

    fn interrupt(&mut self, node: &str) {
        self.note(node, Kind::Happened, "interrupted");
        self.process(node).signal(Signal::Terminate);
    }

    fn type_line(&mut self, node: &str, line: &str) {
        self.note(node, Kind::Typed, line);
        self.process(node).type_line(line);
    }

    fn end_input(&mut self, node: &str) {
        self.note(node, Kind::Happened, "end of input");
        self.process(node).end_input();
    }

    fn cut(&mut self, _one: &str, _other: &str) {
        panic!("only the virtual world's network can be cut");
    }

    fn mend(&mut self, _one: &str, _other: &str) {
        panic!("only the virtual world's network can be cut");
    }

    fn next_line(&mut self, node: &str) -> Option<String> {
        if let Some(line) = self.next_line_that_waits(node) {
            return Some(line);
        }
        let known = self.nodes.get_mut(node)?;
        let line = known.process.as_mut()?.next_line();
        if line.is_none() && !self.process(node).is_running() {
            self.nodes.get_mut(node)?.bury();
        }
        self.noted(node, line)
    }

    fn next_line_that_waits(&mut self, node: &str) -> Option<String> {
        let known = self.nodes.get_mut(node)?;
        let line = known.left.pop_front();
        let line = line.or_else(|| known.process.as_mut()?.next_line_that_waits());
        self.noted(node, line)
    }

    fn exit_code(&mut self, node: &str) -> Option<i32> {
        let known = self.nodes.get_mut(node)?;
        known.bury();
        known.exit
    }

    fn is_running(&mut self, node: &str) -> bool {
        let known = self.nodes.get_mut(node);
        known
            .and_then(|node| node.process.as_mut())
            .is_some_and(Process::is_running)
    }

    fn wait(&mut self, time: Duration) {
        thread::sleep(time);
    }

    fn settle(&mut self) {}

    fn record(&self) -> String {
        self.transcript.render()
    }
}

impl Processes {
    /// Records the line; what came on stderr is recorded only.
    fn noted(&mut self, node: &str, line: Option<String>) -> Option<String> {
        let line = line?;
        if let Some(error) = line.strip_prefix(STDERR) {
            self.note(node, Kind::Happened, &format!("stderr: {error}"));
            return self.next_line_that_waits(node);
        }
        self.note(node, Kind::Shown, &line);
        Some(line)
    }
}

/// Copies the files that hold identities, and nothing else.
fn copy_identities(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).expect("a data directory") {
        let path = entry.expect("a readable directory").path();
        let target = to.join(path.file_name().expect("it has a name"));
        if path.is_dir() {
            copy_identities(&path, &target);
        } else if path.file_name().is_some_and(|name| name == "identity") {
            fs::create_dir_all(to).expect("a directory");
            fs::copy(&path, &target).expect("a copy");
        }
    }
}
