//! What keeps a server or client from being started.

use std::{net::UdpSocket, process::Output};

use super::support::{chat, client, free_port, output, server};

fn assert_fails(output: Output, line: &str) {
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        format!("{line}\n")
    );
    assert!(output.stdout.is_empty());
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
fn the_directory_of_a_server_is_used_once_until_that_is_killed() {
    let data = tempfile::tempdir().unwrap();
    let port = free_port();
    let first = server(data.path(), &port);
    let second = chat(data.path(), &["server", &port, "--listen", "127.0.0.2"]);
    let directory = data.path().join("server").join(&port);
    let line = format!("[{} is in use by another process.]", directory.display());
    assert_fails(output(second), &line);
    drop(first);
    server(data.path(), &port);
}

#[test]
fn a_user_runs_once_in_a_directory() {
    let data = tempfile::tempdir().unwrap();
    let port = free_port();
    let _server = server(data.path(), &port);
    let _first = client(data.path(), "Zoe", &port);
    let second = chat(data.path(), &["client", "zoe", "127.0.0.1", &port]);
    assert_fails(output(second), "[zoe is already running here.]");
}

#[test]
fn a_user_who_cannot_be_had_leaves_the_client_as_it_is() {
    let data = tempfile::tempdir().unwrap();
    let port = free_port();
    let _server = server(data.path(), &port);
    let _other = client(data.path(), "y", &port);
    let mut client = client(data.path(), "x", &port);
    client.write(b"reg y\ndereg\nreg y\nsend y hi\nreg\nsend y hi\n");
    for line in [
        "[You are online, please log out first.]",
        "[You are Offline. Bye.]",
        "[y is already running here.]",
        "[You are offline. Type: reg x]",
        "[Welcome back!]",
        "[Message received by y.]",
    ] {
        client.read_until(line);
    }
}

#[test]
fn the_client_of_one_user_becomes_that_of_another() {
    let data = tempfile::tempdir().unwrap();
    let port = free_port();
    let _server = server(data.path(), &port);
    let mut other = client(data.path(), "y", &port);
    let mut client = client(data.path(), "x", &port);
    client.write(b"dereg\nreg z\nsend y hi\nquit\n");
    client.read_until("[Welcome, You are registered.]");
    other.read_until("z: hi");
    assert_eq!(client.finish().0.code(), Some(0));
}
