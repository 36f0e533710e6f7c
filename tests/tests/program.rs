//! The real program: exit codes, bad input, bad disks, sudden ends, many clients.
#![cfg(unix)]

use std::{fs, net::UdpSocket, path::Path};

use tempfile::TempDir;
use tests::{
    process::{Process, Signal, free_port},
    scenario::text_of,
};

const WELCOME: &str = "[Welcome, You are registered.]";
const FAREWELL: &str = "[You are Offline. Bye.]";

/// A server and where everybody keeps what they must remember.
struct Place {
    directory: TempDir,
    port: String,
}

impl Place {
    fn new() -> Self {
        Self {
            directory: tempfile::tempdir().expect("a temporary directory"),
            port: free_port().to_string(),
        }
    }

    fn data(&self) -> &Path {
        self.directory.path()
    }

    fn server(&self) -> Process {
        let mut server = self.server_that_fails();
        server.wait_for_prefix("[Server started on ");
        server
    }

    fn server_that_fails(&self) -> Process {
        let data = self.data().to_str().expect("UTF-8");
        let local = ["--listen", "127.0.0.1"];
        Process::start([&["server", &self.port, "--data", data], &local[..]].concat())
    }

    fn client(&self, name: &str) -> Process {
        let data = self.data().to_str().expect("UTF-8");
        Process::start(["client", name, "127.0.0.1", &self.port, "--data", data])
    }

    fn ephemeral_client(&self, name: &str) -> Process {
        Process::start(["client", name, "127.0.0.1", &self.port, "--ephemeral"])
    }

    fn registered(&self, name: &str) -> Process {
        let mut client = self.client(name);
        client.wait_for(WELCOME);
        client
    }
}

/// The exit code, and what was on stderr.
fn end_of(mut process: Process) -> (Option<i32>, Vec<String>) {
    let (_, status) = process.wait();
    (status.code(), process.errors())
}

/// Where `name` is, as soon as the client's table says so.
fn address_of(client: &mut Process, name: &str) -> String {
    let prefix = format!("{name} @ ");
    loop {
        client.type_line("peers");
        client.type_line("fence");
        let mut address = None;
        client.wait_until("the fence", |line| {
            let found = line
                .strip_prefix(&prefix)
                .and_then(|rest| rest.split_once(' '));
            address = found.map(|(found, _)| found.to_owned()).or(address.take());
            line.starts_with("[Invalid command: fence.")
        });
        if let Some(address) = address {
            return address;
        }
    }
}

#[test]
fn a_hundred_clients_chat_at_once() {
    const CLIENTS: usize = 100;
    let place = Place::new();
    let _server = place.server();
    let name = |number: usize| format!("user{:03}", number % CLIENTS);
    let mut clients: Vec<Process> = (0..CLIENTS)
        .map(|number| place.ephemeral_client(&name(number)))
        .collect();
    for client in &mut clients {
        client.wait_for(WELCOME);
    }
    for (number, client) in clients.iter_mut().enumerate() {
        client.type_line(&format!("send {} hello", name(number + 1)));
    }
    for (number, client) in clients.iter_mut().enumerate() {
        let hello = format!("{}: hello", name(number + CLIENTS - 1));
        let received = format!("[Message received by {}.]", name(number + 1));
        let (mut is_greeted, mut is_acked) = (false, false);
        while !(is_greeted && is_acked) {
            let line = client.next_line().expect("a greeting and an ack");
            is_greeted |= line == hello;
            is_acked |= line == received;
        }
    }
    clients[0].type_line("send_all to all of you");
    clients[0].wait_for("[Message received by Server.]");
    for client in &mut clients[1..] {
        client.wait_for("[Channel_Message user000: to all of you]");
    }
}

#[test]
fn what_was_saved_survives_a_kill_of_the_server_in_that_moment() {
    let place = Place::new();
    let mut server = place.server();
    let mut x = place.registered("x");
    let mut y = place.registered("y");
    y.type_line("quit");
    y.wait_for(FAREWELL);
    for round in 0..5 {
        x.type_line(&format!("send y message {round}"));
        x.wait_for_prefix("[Offline message sent at ");
        server.kill();
        server = place.server();
    }
    let mut y = place.client("y");
    y.wait_for("[You have offline messages:]");
    for round in 0..5 {
        let line = y.next_line().expect("a message");
        assert!(line.ends_with(&format!(" message {round}")), "{line}");
    }
}

#[test]
fn a_client_that_is_killed_again_and_again_loses_nothing() {
    let place = Place::new();
    let _server = place.server();
    let mut x = place.registered("x");
    drop(place.registered("y"));
    for round in 0..4 {
        let mut y = place.client("y");
        y.wait_for("[Welcome back!]");
        let text = format!("message {round}");
        x.type_line(&format!("send y {text}"));
        y.wait_until(&text, |line| line.contains(&text));
        y.kill();
        let late = format!("late {round}");
        x.type_line(&format!("send y {late}"));
        x.wait_for_prefix("[Offline message sent at ");
        let mut y = place.client("y");
        y.wait_until(&late, |line| line.contains(&late));
        y.kill();
    }
}

#[test]
fn garbage_from_the_network_stops_neither_server_nor_client() {
    let place = Place::new();
    let _server = place.server();
    let mut x = place.registered("x");
    let mut y = place.registered("y");
    let stranger = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let targets = [address_of(&mut x, "SERVER"), address_of(&mut x, "y")];
    for target in &targets {
        for kind in 0..=8u8 {
            for length in [0, 1, 12, 13, 29, 100, 1_200, 9_000, 65_507] {
                // A datagram that the system refuses to send does no harm.
                let _ = stranger.send_to(&vec![kind; length], target);
            }
        }
    }
    x.type_line("send y still there");
    y.wait_for("x: still there");
    x.wait_for("[Message received by y.]");
    place.registered("newcomer");
}

#[test]
fn sixty_thousand_bytes_arrive_whole() {
    let place = Place::new();
    let _server = place.server();
    let mut x = place.registered("x");
    let mut y = place.registered("y");
    let text = text_of(60_000);
    x.type_line(&format!("send y {text}"));
    y.wait_for(&format!("x: {text}"));
    x.wait_for("[Message received by y.]");
}

#[test]
fn a_port_in_use_is_told_with_its_number() {
    let place = Place::new();
    let _server = place.server();
    let other = TempDir::new().expect("a temporary directory");
    let data = other.path().to_str().expect("UTF-8");
    let second = [
        "server",
        &place.port,
        "--listen",
        "127.0.0.1",
        "--data",
        data,
    ];
    let (code, errors) = end_of(Process::start(second));
    assert_eq!((code, errors.len()), (Some(1), 1), "{errors:?}");
    assert!(errors[0].contains(&place.port), "{errors:?}");
}

#[test]
fn a_data_directory_is_used_by_one_process_at_a_time() {
    let place = Place::new();
    let server = place.server();
    let _x = place.registered("x");
    let (code, errors) = end_of(place.client("x"));
    assert_eq!(code, Some(1));
    assert_eq!(errors, ["[x is already running here.]"]);
    let (code, errors) = end_of(place.server_that_fails());
    assert_eq!((code, errors.len()), (Some(1), 1), "{errors:?}");
    drop(server);
    drop(place.server());
}

#[test]
fn a_data_directory_that_cannot_be_made_is_told() {
    let place = Place::new();
    let file = place.data().join("file");
    fs::write(&file, "in the way").expect("a file");
    let data = file.to_str().expect("UTF-8");
    for arguments in [
        vec!["server", &place.port, "--data", data],
        vec!["client", "x", "127.0.0.1", &place.port, "--data", data],
    ] {
        let (code, errors) = end_of(Process::start(arguments));
        assert_eq!((code, errors.len()), (Some(1), 1), "{errors:?}");
        assert!(errors[0].contains(data), "{errors:?}");
    }
}

#[test]
fn a_damaged_store_is_told_and_left_alone() {
    let place = Place::new();
    drop(place.server());
    let store = place
        .data()
        .join("server")
        .join(&place.port)
        .join("store.sqlite");
    let garbage = "garbage ".repeat(2_000);
    for suffix in ["", "-wal", "-shm"] {
        let path = store.with_file_name(format!("store.sqlite{suffix}"));
        if suffix.is_empty() {
            fs::write(&path, &garbage).expect("a file");
        } else {
            // They are there only after a sudden end.
            let _ = fs::remove_file(&path);
        }
    }
    let (code, errors) = end_of(place.server_that_fails());
    assert_eq!((code, errors.len()), (Some(1), 1), "{errors:?}");
    assert!(errors[0].contains("store.sqlite"), "{errors:?}");
    assert_eq!(fs::read_to_string(&store).expect("the file"), garbage);
}

#[test]
fn a_normal_end_exits_0() {
    let place = Place::new();
    let server = place.server();
    for end in [
        |client: &mut Process| client.type_line("quit"),
        |client: &mut Process| client.end_input(),
        |client: &mut Process| client.signal(Signal::Interrupt),
        |client: &mut Process| client.signal(Signal::Terminate),
        |client: &mut Process| client.signal(Signal::HangUp),
    ] {
        let mut client = place.client("x");
        client.wait_for_prefix("[Welcome");
        end(&mut client);
        assert_eq!(end_of(client).0, Some(0));
    }
    server.signal(Signal::HangUp);
    let mut still_there = place.client("x");
    still_there.wait_for("[Welcome back!]");
    server.signal(Signal::Interrupt);
    assert_eq!(end_of(server), (Some(0), vec![]));
    still_there.signal(Signal::Terminate);
    assert_eq!(end_of(still_there).0, Some(0));
}

#[test]
fn the_end_of_input_exits_1_if_something_is_owed() {
    let place = Place::new();
    let server = place.server();
    let mut x = place.registered("x");
    let mut y = place.registered("y");
    y.type_line("quit");
    y.wait_for(FAREWELL);
    drop(server);
    x.type_line("send y nobody takes this");
    x.end_input();
    let (lines, status) = x.wait();
    assert_eq!(status.code(), Some(1), "{lines:#?}");
    assert!(
        lines.contains(&"[Message to y kept until the server is back.]".into()),
        "{lines:#?}"
    );
    let _server = place.server();
    let mut x = place.client("x");
    x.wait_for_prefix("[Offline message sent at ");
}

#[test]
fn commands_from_a_file_run_to_their_end() {
    let place = Place::new();
    let _server = place.server();
    let mut y = place.registered("y");
    let mut x = place.client("x");
    for line in [
        "create_group g",
        "join_group g",
        "list_members",
        "leave_group",
    ] {
        x.type_line(line);
    }
    x.type_line("send y last words");
    x.end_input();
    let (lines, status) = x.wait();
    assert_eq!(status.code(), Some(0));
    let expected = [
        WELCOME,
        "[Group g created by Server.]",
        "[Entered group g successfully.]",
        "[Members in the group g:]",
        "x",
        "[Leave group chat g.]",
        "[Message received by y.]",
        FAREWELL,
    ];
    let shown: Vec<_> = lines
        .iter()
        .filter(|line| *line != "[Client table updated.]")
        .collect();
    assert_eq!(shown, expected);
    y.wait_for("x: last words");
}

#[test]
fn a_signal_ends_a_client_also_when_the_server_does_not_answer() {
    let place = Place::new();
    let server = place.server();
    let x = place.registered("x");
    drop(server);
    x.signal(Signal::Terminate);
    assert_eq!(end_of(x).0, Some(0));
}
