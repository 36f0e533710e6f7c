//! What keeps a server or client from being started.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    io::{BufRead, BufReader},
    net::UdpSocket,
    path::Path,
    process::{Child, Command, Output, Stdio},
};

/// A process that does not outlive the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().expect("a child can be killed");
        self.0.wait().expect("a child can be waited for");
    }
}

fn chat(data: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chat-cli"));
    command.args(arguments).arg("--data").arg(data);
    command
}

/// Starts it and waits for the line that says so.
fn start(data: &Path, arguments: &[&str], line: &str) -> Running {
    let mut child = chat(data, arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let stdout = BufReader::new(child.stdout.take().unwrap());
    let running = Running(child);
    assert!(stdout.lines().any(|found| found.unwrap() == line));
    running
}

fn assert_fails(output: Output, line: &str) {
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        format!("{line}\n")
    );
    assert!(output.stdout.is_empty());
}

fn output(mut command: Command) -> Output {
    command.stdin(Stdio::null()).output().unwrap()
}

/// A port that nobody uses, as far as can be known.
fn free_port() -> String {
    let socket = UdpSocket::bind("[::]:0").unwrap();
    socket.local_addr().unwrap().port().to_string()
}

#[test]
fn a_port_in_use_is_named() {
    let data = tempfile::tempdir().unwrap();
    let taken = UdpSocket::bind("[::]:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let line = format!("[port {port} is already in use.]");
    assert_fails(output(chat(data.path(), &["server", &port])), &line);
    let client = chat(data.path(), &["client", "x", "127.0.0.1", "4000", &port]);
    assert_fails(output(client), &line);
}

#[test]
fn the_directory_of_a_server_is_used_once() {
    let data = tempfile::tempdir().unwrap();
    let port = free_port();
    let line = format!("[Server started on 127.0.0.1:{port}.]");
    let _server = start(
        data.path(),
        &["server", &port, "--listen", "127.0.0.1"],
        &line,
    );
    let second = chat(data.path(), &["server", &port, "--listen", "127.0.0.2"]);
    let directory = data.path().join("server").join(&port);
    let line = format!("[{} is in use by another process.]", directory.display());
    assert_fails(output(second), &line);
}

#[test]
fn a_user_runs_once_in_a_directory() {
    let data = tempfile::tempdir().unwrap();
    let port = free_port();
    let line = format!("[Server started on 127.0.0.1:{port}.]");
    let _server = start(
        data.path(),
        &["server", &port, "--listen", "127.0.0.1"],
        &line,
    );
    let client = ["client", "Zoe", "127.0.0.1", &port];
    let _first = start(data.path(), &client, "[Welcome, You are registered.]");
    let second = chat(data.path(), &["client", "zoe", "127.0.0.1", &port]);
    assert_fails(output(second), "[zoe is already running here.]");
}
