//! A server and clients, each on a host of its own.

use std::path::Path;

use tempfile::TempDir;
use tests::{correspondence::Left, process::Process, talk::Talk};

use crate::namespace::Namespace;

pub(crate) const SERVER_ADDRESS: &str = "203.0.113.1";
const PORT: &str = "5000";

pub(crate) const WELCOME: &str = "[Welcome, You are registered.]";

/// The processes, and where they keep what they must remember.
pub(crate) struct Network {
    directory: TempDir,
    server: Option<Process>,
    pub(crate) talk: Talk,
}

impl Network {
    pub(crate) fn new() -> Self {
        Self {
            directory: tempfile::tempdir().expect("a temporary directory"),
            server: None,
            talk: Talk::default(),
        }
    }

    pub(crate) fn data(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn start_server(&mut self, host: &Namespace) {
        let mut command = host.chat();
        command.args(["server", PORT, "--data"]).arg(self.data());
        let mut server = Process::spawn(&mut command);
        server.wait_for_prefix("[Server started on ");
        self.server = Some(server);
    }

    pub(crate) fn kill_server(&mut self) {
        self.server.take().expect("it runs").kill();
    }

    pub(crate) fn start(&mut self, name: &str, host: &Namespace) {
        let mut command = host.chat();
        command
            .args(["client", name, SERVER_ADDRESS, PORT, "--data"])
            .arg(self.data());
        let client = Process::spawn(&mut command);
        self.talk.starts(name, client, Left::default());
    }

    /// Starts a client and waits until it is registered.
    pub(crate) fn register(&mut self, name: &str, host: &Namespace) {
        self.start(name, host);
        self.talk.wait_for(name, "[Welcome");
    }

    /// A direct message, until it was shown and its sender knows.
    pub(crate) fn send(&mut self, by: &str, to: &str) {
        self.talk.send(by, to);
        self.talk.settle();
        self.wait_for_receipts(by, to);
    }

    /// Every direct message has been received, as far as its sender knows.
    pub(crate) fn wait_for_receipts(&mut self, by: &str, to: &str) {
        self.talk
            .listen_until("a receipt", |it| it.receipts(by, to) == it.direct(by, to));
    }

    pub(crate) fn count(&self, name: &str, prefix: &str) -> usize {
        self.talk.correspondence.count(name, prefix)
    }

    /// Everyone leaves; nothing may have gone wrong.
    pub(crate) fn part(&mut self) {
        self.talk.quit();
        let problems = self.talk.correspondence.problems();
        assert_eq!(problems, Vec::<String>::new());
    }
}
