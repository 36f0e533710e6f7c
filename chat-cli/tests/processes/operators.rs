//! What an operator has: commands, backups, a configuration file, metrics.

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    os::unix::fs::PermissionsExt,
    path::Path,
};

use super::support::{Process, chat, client, free_port, output};

#[test]
fn the_command_line_counts_more_than_the_environment_and_that_more_than_the_file() {
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("config.toml");
    fs::write(
        &file,
        "log-level = \"info\"\nlog-format = \"json\"\nlisten = \"127.0.0.1\"\n\
         [limits]\ngroups = 7\n",
    )
    .unwrap();
    let arguments = ["config", "show", "--config", path(&file), "--listen", "::1"];
    let mut command = chat(data.path(), &arguments);
    command.env("CHAT_LOG_LEVEL", "debug");
    let shown = String::from_utf8(output(command).stdout).unwrap();
    for line in [
        "log-level = \"debug\"  # environment",
        "log-format = \"json\"  # file",
        "listen = \"::1\"  # command line",
        "ephemeral = false  # default",
        "# metrics is not set",
        "groups = 7",
    ] {
        assert!(shown.lines().any(|shown| shown == line), "{line}: {shown}");
    }
}

#[test]
fn a_configuration_that_cannot_be_used_is_named_with_the_place() {
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("config.toml");
    fs::write(&file, "\nlog-levle = \"info\"\n").unwrap();
    let output = output(chat(
        data.path(),
        &["server", "4000", "--config", path(&file)],
    ));
    assert_eq!(output.status.code(), Some(2));
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(errors.contains("config.toml"), "{errors}");
    assert!(
        errors.contains("there is no option \"log-levle\""),
        "{errors}"
    );
}

#[test]
fn limits_are_read_again_at_sighup() {
    let data = tempfile::tempdir().unwrap();
    let (port, file) = (free_port(), data.path().join("config.toml"));
    let limit = |users| fs::write(&file, format!("[limits]\nusers = {users}\n")).unwrap();
    limit(1);
    let mut server = server(data.path(), &port, &["--config", path(&file)]);
    let _first = client(data.path(), "x", &port);
    let mut second = Process::start(chat(data.path(), &["client", "y", "127.0.0.1", &port]));
    second.read_until("[The server is full.]");
    limit(2);
    server.signal("HUP");
    server.read_until("[Configuration read again.]");
    let _second = client(data.path(), "z", &port);
    fs::write(&file, "users = ").unwrap();
    server.signal("HUP");
    server.read_until_prefix("[The configuration in ");
}

#[test]
fn the_doctor_finds_a_server_and_a_key_that_others_can_read() {
    let data = tempfile::tempdir().unwrap();
    let (port, silent) = (free_port(), free_port());
    let _server = server(data.path(), &port, &["--listen", "127.0.0.1"]);
    let examine = |port: &str| {
        let arguments = ["doctor", "127.0.0.1", port];
        let output = output(chat(data.path(), &arguments));
        (
            output.status.code(),
            String::from_utf8(output.stdout).unwrap(),
        )
    };
    let (code, found) = examine(&port);
    assert_eq!(code, Some(0), "{found}");
    for part in [
        "ok     data",
        "ok     keys     1 readable",
        "ok     clock",
        "answers in ",
        "no translator (NAT) is between",
    ] {
        assert!(found.contains(part), "{part}: {found}");
    }
    let other_port = free_port();
    let _other = server(data.path(), &other_port, &["--listen", "127.0.0.1"]);
    for (also, kind) in [
        (&other_port, "ok     nat      no translator"),
        (
            &port,
            "look   nat      to learn what kind of NAT it is, name another",
        ),
    ] {
        let also = format!("127.0.0.1:{also}");
        let doctor = ["doctor", "127.0.0.1", &port, "--also", &also];
        let found = String::from_utf8(output(chat(data.path(), &doctor)).stdout).unwrap();
        assert!(found.contains(kind), "{found}");
    }
    let key = data.path().join("server").join(&port).join("identity");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let (code, found) = examine(&silent);
    assert_eq!(code, Some(1), "{found}");
    assert!(
        found.contains(&format!("chmod 600 {}", path(&key))),
        "{found}"
    );
    assert!(found.contains("does not answer"), "{found}");
}

#[test]
fn metrics_are_there_for_prometheus() {
    let data = tempfile::tempdir().unwrap();
    let (port, address) = (free_port(), format!("127.0.0.1:{}", free_port()));
    let mut server = server(data.path(), &port, &["--metrics", &address]);
    let _client = client(data.path(), "x", &port);
    server.read_until("[Client x registered.]");
    let answer = get(&address, "/metrics");
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    for line in [
        "# TYPE chat_users gauge",
        "chat_users 1",
        "chat_sessions 1",
        "# TYPE chat_handshakes_total counter",
        "chat_handshakes_total 1",
    ] {
        assert!(answer.lines().any(|it| it == line), "{line}: {answer}");
    }
    let seconds = answer
        .lines()
        .find_map(|line| line.strip_prefix("chat_store_busy_seconds_total "));
    assert!(
        seconds.is_some_and(|seconds| seconds.parse::<f64>().unwrap() > 0.0),
        "{answer}"
    );
    assert!(get(&address, "/").starts_with("HTTP/1.1 404 "));
}

#[test]
fn users_are_kicked_banned_and_deleted_on_command() {
    let data = tempfile::tempdir().unwrap();
    let port = free_port();
    let mut server = server(data.path(), &port, &[]);
    let mut user = client(data.path(), "x", &port);
    server.write(b"kick x\nkick y\nkick\nban .\nban x y\n");
    for line in [
        "[Client x kicked.]",
        "[Client y does not exist.]",
        "[Usage: kick <name>]",
        "[Invalid name: ..]",
        "[Usage: ban <name>]",
    ] {
        server.read_until(line);
    }
    user.read_until("[The operator has logged you out. You are offline.]");
    server.write(b"ban x\n");
    server.read_until("[Client x banned.]");
    user.write(b"reg\n");
    user.read_until("[You are banned from this server.]");
    server.write(b"bans\nunban x\n");
    server.read_until("[Banned clients:]");
    server.read_until("[Client x unbanned.]");
    user.write(b"reg\n");
    user.read_until("[Welcome back!]");
    server.write(b"delete x\npeers\n");
    server.read_until("[Client x deleted.]");
    server.read_until_prefix("SERVER @ ");
    user.read_until("[The operator has logged you out. You are offline.]");
    user.write(b"reg\n");
    user.read_until("[Welcome, You are registered.]");
}

#[test]
fn a_backup_is_a_server_that_can_be_started() {
    let data = tempfile::tempdir().unwrap();
    let (port, other) = (free_port(), free_port());
    let mut server = server(data.path(), &port, &[]);
    let _user = client(data.path(), "x", &port);
    let copy = data.path().join("server").join(&other);
    server.write(format!("backup {}\nbackup\n", path(&copy)).as_bytes());
    server.read_until(&format!("[Backup written to {}.]", path(&copy)));
    let again = format!("backup {}\n", path(&copy));
    server.write(again.as_bytes());
    server.read_until_prefix("[The backup failed: ");
    let mut restored = self::server(data.path(), &other, &[]);
    restored.write(b"peers\n");
    restored.read_until_prefix("x @ 127.0.0.1:");
    let ephemeral = &["--ephemeral", "--listen", "127.0.0.1"];
    let mut forgetful = self::server(data.path(), &free_port(), ephemeral);
    forgetful.write(b"backup nowhere\n");
    forgetful.read_until("[Nothing is kept on disk.]");
}

fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn server(data: &Path, port: &str, options: &[&str]) -> Process {
    let arguments: Vec<_> = ["server", port]
        .into_iter()
        .chain(options.iter().copied())
        .collect();
    let mut server = Process::start(chat(data, &arguments));
    server.read_until_prefix("[Server started on ");
    server
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}
