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
fn the_directory_of_a_server_is_used_once() {
    let data = tempfile::tempdir().unwrap();
    let port = free_port();
    let _server = server(data.path(), &port);
    let second = chat(data.path(), &["server", &port, "--listen", "127.0.0.2"]);
    let directory = data.path().join("server").join(&port);
    let line = format!("[{} is in use by another process.]", directory.display());
    assert_fails(output(second), &line);
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
