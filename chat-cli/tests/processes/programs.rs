//! Programs and scripts around the program.

use std::{path::Path, process::Command};

use super::support::{Process, chat, client, free_port, output, server};

#[test]
fn a_bot_in_another_language_answers_by_json() {
    let data = tempfile::tempdir().unwrap();
    let port = free_port();
    let _server = server(data.path(), &port);
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/echo_bot.py");
    let mut bot = Command::new("python3");
    bot.args([script, env!("CARGO_BIN_EXE_chat-cli"), "bot", "127.0.0.1"]);
    bot.arg(&port).arg("--data").arg(data.path());
    if Command::new("python3").arg("--version").output().is_err() {
        eprintln!("there is no python3 to run the bot");
        return;
    }
    let mut bot = Process::start(bot);
    let mut alice = client(data.path(), "alice", &port);
    // Until the bot is registered, nobody has its name.
    let mut answer = String::new();
    while answer != "bot: \"Grüße\", sagte sie" {
        alice.write("send bot \"Grüße\", sagte sie\n".as_bytes());
        answer = alice.read_line();
        while answer.starts_with("[Message") || answer.starts_with("[Client table") {
            answer = alice.read_line();
        }
    }
    bot.end_input();
    let (status, _, stderr) = bot.finish();
    assert_eq!((status.code(), stderr.as_str()), (Some(0), ""));
}

#[test]
fn the_exit_code_of_send_tells_what_became_of_the_message() {
    let data = tempfile::tempdir().unwrap();
    let port = free_port();
    let server = server(data.path(), &port);
    let mut bob = client(data.path(), "bob", &port);
    assert_eq!(send(data.path(), &port, "bob", "hello"), Some(0));
    bob.read_until("alice: hello");
    assert_eq!(send(data.path(), &port, "nobody", "hello"), Some(1));
    assert_eq!(send(data.path(), &port, "bob", ""), Some(2));
    bob.write(b"quit\n");
    assert_eq!(bob.finish().0.code(), Some(0));
    assert_eq!(send(data.path(), &port, "bob", "are you there?"), Some(3));
    drop(server);
    assert_eq!(send(data.path(), &port, "bob", "and now?"), Some(4));
}

/// Alice's exit code.
fn send(data: &Path, port: &str, to: &str, message: &str) -> Option<i32> {
    let command = chat(data, &["send", "alice", "127.0.0.1", port, to, message]);
    output(command).status.code()
}
