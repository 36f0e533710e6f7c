//! A server and clients, each on a host of its own.

use std::path::Path;

use tempfile::TempDir;
use tests::{correspondence::Left, process::Process, talk::Talk};

use crate::{host, namespace::Namespace, segment::Segment};

pub(crate) const SERVER_ADDRESS: &str = "203.0.113.1";
pub(crate) const PORT: &str = "5000";
/// How often something is tried that needs a machine that is not too busy.
pub(crate) const ATTEMPTS: usize = 20;

pub(crate) const WELCOME: &str = "[Welcome, You are registered.]";

/// The processes, and where they keep what they must remember.
pub(crate) struct Network {
    directory: TempDir,
    address: &'static str,
    server: Option<Process>,
    pub(crate) talk: Talk,
}

impl Network {
    /// Nobody yet; the server will have this address.
    pub(crate) fn new(address: &'static str) -> Self {
        Self {
            address,
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
            .args(["client", name, self.address, PORT, "--data"])
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

    /// Shows that `by` reaches `to` itself: a message arrives while there is no server. On a busy
    /// machine an ack may come too late; then it is tried again.
    pub(crate) fn reaches(&mut self, by: &str, to: &str, server: &Namespace) {
        for _ in 0..ATTEMPTS {
            self.kill_server();
            let kept = format!("[Message to {to} kept");
            let kept_before = self.count(by, &kept);
            self.talk.send(by, to);
            self.talk.listen_until("it or the end of attempts", |it| {
                it.missing().is_empty() || it.count(by, &kept) > kept_before
            });
            let arrived = self.talk.correspondence.missing().is_empty();
            self.start_server(server);
            self.talk.settle();
            self.wait_for_receipts(by, to);
            if arrived {
                return;
            }
        }
        panic!("{by} does not reach {to} itself");
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

/// A network with a server on a host of its own.
pub(crate) fn with_server(segment: &dyn Segment) -> (Namespace, Network) {
    let server = host(segment, "server", SERVER_ADDRESS);
    let mut network = Network::new(SERVER_ADDRESS);
    network.start_server(&server);
    (server, network)
}
