//! Input and output that are no terminal.

use std::process::Stdio;

use super::support::{Process, chat, client, free_port, output, server};

#[test]
fn the_end_of_input_changes_nothing_for_a_server() {
    let data = tempfile::tempdir().unwrap();
    let port = free_port();
    let mut server = server(data.path(), &port);
    server.end_input();
    let client = client(data.path(), "x", &port);
    server.read_until("[Client x registered.]");
    drop(client);
    server.signal("TERM");
    let (status, _, stderr) = server.finish();
    assert_eq!((status.code(), stderr.as_str()), (Some(0), ""));
}

#[test]
fn a_server_obeys_its_operator() {
    let data = tempfile::tempdir().unwrap();
    let port = free_port();
    let mut server = server(data.path(), &port);
    server.write(b"peers\ngroups\nnonsense here\npeers x\n\n/quit\n");
    assert_eq!(
        server.read_line(),
        format!("SERVER @ 127.0.0.1:{port} is ONLINE")
    );
    assert_eq!(server.read_line(), "[No available group right now.]");
    assert_eq!(
        server.read_line(),
        "[Invalid command: nonsense. Type help.]"
    );
    assert_eq!(server.read_line(), "[Usage: peers]");
    let (status, stdout, stderr) = server.finish();
    assert_eq!(
        (status.code(), stdout.as_str(), stderr.as_str()),
        (Some(0), "", "")
    );
}

#[test]
fn a_server_goes_on_when_its_output_is_closed() {
    let data = tempfile::tempdir().unwrap();
    let port = free_port();
    let mut server = server(data.path(), &port);
    server.close_output();
    for name in ["x", "y", "z"] {
        drop(client(data.path(), name, &port));
    }
    server.signal("TERM");
    let (status, _, stderr) = server.finish();
    assert_eq!((status.code(), stderr.as_str()), (Some(0), ""));
}

#[test]
fn a_hangup_does_not_stop_a_server() {
    let data = tempfile::tempdir().unwrap();
    let port = free_port();
    let mut server = server(data.path(), &port);
    server.signal("HUP");
    drop(client(data.path(), "x", &port));
    server.write(b"quit\n");
    assert_eq!(server.finish().0.code(), Some(0));
}

#[test]
fn a_client_with_nothing_to_read_registers_and_leaves() {
    let data = tempfile::tempdir().unwrap();
    let port = free_port();
    let _server = server(data.path(), &port);
    let output = output(chat(data.path(), &["client", "x", "127.0.0.1", &port]));
    assert_eq!(output.status.code(), Some(0));
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(stdout.starts_with("[Welcome, You are registered.]\n"));
    assert!(stdout.ends_with("[You are Offline. Bye.]\n"));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(stderr.lines().count(), 1, "the server's key is told");
}

#[test]
fn lines_are_answered_in_the_order_typed() {
    let data = tempfile::tempdir().unwrap();
    let port = free_port();
    let _server = server(data.path(), &port);
    let mut client = client(data.path(), "x", &port);
    client.write(b"/list_groups\r\nhello\nsend\ncreate_group g\nlist_groups x\nsend a/b hi\nquit");
    client.end_input();
    let (status, stdout, _) = client.finish();
    assert_eq!(status.code(), Some(0));
    let lines: Vec<_> = stdout.lines().collect();
    let lines: Vec<_> = lines
        .into_iter()
        .filter(|line| *line != "[Client table updated.]")
        .collect();
    let expected = [
        "[No available group right now.]",
        "[Invalid command: hello. Type help.]",
        "[Usage: send <name> <message>]",
        "[Group g created by Server.]",
        "[Usage: list_groups]",
        "[Invalid name: a/b.]",
        "[You are Offline. Bye.]",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn an_endless_line_and_bytes_that_are_no_text_are_answered() {
    let data = tempfile::tempdir().unwrap();
    let port = free_port();
    let _server = server(data.path(), &port);
    let mut client = client(data.path(), "x", &port);
    client.write(b"send_all ");
    let megabyte = vec![b'x'; 1 << 20];
    for _ in 0..8 {
        client.write(&megabyte);
    }
    client.write(b"\nsend x \xff\xfe!\n");
    let length = 8 << 20;
    client.read_until(&format!(
        "[Message too long: {length} bytes, the limit is 65536.]"
    ));
    client.read_until("x: \u{fffd}\u{fffd}!");
    client.end_input();
    assert_eq!(client.finish().0.code(), Some(0));
}

#[test]
fn a_client_whose_output_is_closed_leaves_quietly() {
    let data = tempfile::tempdir().unwrap();
    let port = free_port();
    let mut server = server(data.path(), &port);
    let mut client = client(data.path(), "x", &port);
    client.close_output();
    client.write(b"help\n");
    let (status, _, stderr) = client.finish();
    assert_eq!(status.code(), Some(0));
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    server.read_until("[Client x is offline.]");
}

#[test]
#[cfg(target_os = "linux")]
fn a_client_whose_output_cannot_be_written_leaves_and_says_why() {
    let data = tempfile::tempdir().unwrap();
    let port = free_port();
    let mut server = server(data.path(), &port);
    let full = std::fs::File::create("/dev/full").unwrap();
    let mut client = chat(data.path(), &["client", "x", "127.0.0.1", &port]);
    let ended = client.stdin(Stdio::null()).stdout(full).output().unwrap();
    assert_eq!(ended.status.code(), Some(1));
    let stderr = String::from_utf8(ended.stderr).unwrap();
    let why = "[The output cannot be written: No space left on device (os error 28).]";
    assert_eq!(stderr.lines().last(), Some(why), "{stderr}");
    server.read_until("[Client x is offline.]");
}

#[test]
fn a_signal_ends_a_client_normally() {
    let data = tempfile::tempdir().unwrap();
    let port = free_port();
    let mut server = server(data.path(), &port);
    for (name, signal) in [("x", "INT"), ("y", "TERM"), ("z", "HUP")] {
        let mut client = client(data.path(), name, &port);
        client.signal(signal);
        assert_eq!(client.finish().0.code(), Some(0), "{signal}");
        server.read_until(&format!("[Client {name} is offline.]"));
    }
}

#[test]
fn a_changed_server_key_is_refused_unless_the_user_fixes_it() {
    let data = tempfile::tempdir().unwrap();
    let other = tempfile::tempdir().unwrap();
    let port = free_port();
    let first = server(data.path(), &port);
    drop(client(data.path(), "x", &port));
    drop(first);
    let _second = server(other.path(), &port);
    let arguments = ["client", "x", "127.0.0.1", &port];
    let refused = output(chat(data.path(), &arguments));
    assert_eq!(refused.status.code(), Some(1));
    let stderr = String::from_utf8(refused.stderr).unwrap();
    let (_, fingerprint) = stderr.trim_end().rsplit_once(' ').unwrap();
    let fingerprint = fingerprint.trim_end_matches(']');
    let mut command = chat(data.path(), &arguments);
    command.args(["--server-key", fingerprint]);
    let mut client = Process::start(command);
    client.read_until("[Welcome, You are registered.]");
}
