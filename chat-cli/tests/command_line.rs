//! What the program says about its command line, and with which exit code.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::{Command, Output, Stdio};

fn chat(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_chat-cli"))
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn assert_refused(arguments: &[&str], line: &str) {
    let output = chat(arguments);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(stderr, format!("{line}\n"), "{arguments:?}");
    assert!(output.stdout.is_empty(), "{arguments:?}");
}

#[test]
fn a_port_out_of_range_is_refused_in_every_form() {
    let line = "Port number should be an integer between 1024 and 65535!";
    for port in ["80", "0", "-1", "65536", "port", ""] {
        assert_refused(&["server", port], line);
        assert_refused(&["-s", port], line);
        assert_refused(&["server", "-p", port], line);
        assert_refused(&["client", "x", "127.0.0.1", port], line);
        assert_refused(&["-c", "x", "127.0.0.1", "4000", port], line);
        assert_refused(
            &[
                "client",
                "-n",
                "x",
                "-i",
                "127.0.0.1",
                "-p",
                "4000",
                "-c",
                port,
            ],
            line,
        );
    }
}

#[test]
fn what_is_no_address_is_refused() {
    let line = "You should enter a valid IP address!";
    for address in ["300.1.1.1", "1.2.3", "1.2.3.4.5", "", "a b", "::1::"] {
        assert_refused(&["client", "x", address, "4000"], line);
        assert_refused(&["-c", "x", address, "4000", "5000"], line);
        assert_refused(&["client", "-n", "x", "-i", address, "-p", "4000"], line);
    }
    assert_refused(&["server", "4000", "--listen", "everywhere"], line);
}

#[test]
fn what_is_no_name_is_refused_and_shown_without_harm() {
    for (name, line) in [
        (".x", "[Invalid name: .x.]"),
        ("a b", "[Invalid name: a b.]"),
        ("", "[Invalid name: .]"),
        ("Server", "[Invalid name: Server.]"),
        ("\x1b[2J", "[Invalid name: \u{241b}[2J.]"),
        (
            "abcdefghijklmnopqrstuvwxyz_1234567",
            "[Invalid name: abcdefghijklmnopqrstuvwxyz_1234567.]",
        ),
    ] {
        assert_refused(&["client", name, "127.0.0.1", "4000"], line);
        assert_refused(&["-c", name, "127.0.0.1", "4000", "5000"], line);
        assert_refused(
            &["client", "-n", name, "-i", "127.0.0.1", "-p", "4000"],
            line,
        );
    }
}

#[test]
fn wrong_usage_is_told_on_stderr_with_exit_code_2() {
    for arguments in [
        &[][..],
        &["server"],
        &["client", "x"],
        &["server", "4000", "5000"],
        &["server", "4000", "--nonsense"],
        &["server", "4000", "--server-key", "nonsense"],
        &["client", "x", "127.0.0.1", "4000", "5000", "6000"],
        &["nonsense"],
    ] {
        let output = chat(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
        assert!(!output.stderr.is_empty(), "{arguments:?}");
    }
}

#[test]
fn help_and_version_are_told_on_stdout_with_exit_code_0() {
    for arguments in [
        &["-h"][..],
        &["--help"],
        &["--version"],
        &["server", "--help"],
        &["client", "-h"],
        &["-s", "--help"],
        &["client", "x", "127.0.0.1", "4000", "--help"],
    ] {
        let output = chat(arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        assert!(!output.stdout.is_empty(), "{arguments:?}");
        assert!(output.stderr.is_empty(), "{arguments:?}");
    }
}

#[test]
fn the_environment_gives_what_the_command_line_does_not() {
    let refusal = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_chat-cli"));
        command.args(arguments).env("CHAT_LISTEN", "everywhere");
        String::from_utf8(command.stdin(Stdio::null()).output().unwrap().stderr).unwrap()
    };
    let environment = "You should enter a valid IP address!\n";
    assert_eq!(refusal(&["server", "80"]), environment);
    let port = "Port number should be an integer between 1024 and 65535!\n";
    assert_eq!(refusal(&["server", "80", "--listen", "127.0.0.1"]), port);
}
