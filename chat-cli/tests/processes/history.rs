//! What was said can be read again.

use super::support::{Process, chat, client, free_port, server};

#[test]
fn what_was_said_is_found_again_after_a_restart() {
    let data = tempfile::tempdir().unwrap();
    let port = free_port();
    let _server = server(data.path(), &port);
    let mut bob = client(data.path(), "bob", &port);
    let mut alice = client(data.path(), "alice", &port);
    alice.write(b"send bob Lunch at the \"Harbour\"?\n");
    bob.read_until("alice: Lunch at the \"Harbour\"?");
    bob.write(b"send alice Yes\n");
    alice.read_until("bob: Yes");
    alice.write(b"quit\n");
    assert_eq!(alice.finish().0.code(), Some(0));

    let mut alice = Process::start(chat(data.path(), &["client", "alice", "127.0.0.1", &port]));
    alice.write(b"history bob\nsearch harb\nsearch tea\nhistory carol\n");
    alice.read_until("[History with bob:]");
    let said = "alice to bob: Lunch at the \"Harbour\"?";
    assert!(alice.read_line().ends_with(said));
    assert!(alice.read_line().ends_with(" bob: Yes"));
    alice.read_until("[Found for harb:]");
    assert!(alice.read_line().ends_with(said));
    alice.read_until("[Nothing found for tea.]");
    alice.read_until("[Nothing was said with carol.]");

    let file = data.path().join("said.txt");
    let (export, shown) = (format!("export {}\n", file.display()), file.display());
    alice.write(export.as_bytes());
    alice.read_until(&format!("[2 messages written to {shown}.]"));
    let written = std::fs::read_to_string(&file).unwrap();
    assert!(written.lines().next().unwrap().ends_with(said), "{written}");
    alice.write(export.as_bytes());
    assert!(
        alice
            .read_line()
            .starts_with(&format!("[{shown} cannot be written: "))
    );
}

/// It takes several writes to the disk: a message is not to wait for them.
#[test]
fn there_is_a_history_before_anything_is_said() {
    let data = tempfile::tempdir().unwrap();
    let port = free_port();
    let _server = server(data.path(), &port);
    let _alice = client(data.path(), "alice", &port);
    let mut servers = std::fs::read_dir(data.path().join("client/alice")).unwrap();
    assert!(servers.any(|server| server.unwrap().path().join("history.sqlite").exists()));
}

#[test]
fn nothing_is_kept_of_an_ephemeral_user() {
    let data = tempfile::tempdir().unwrap();
    let port = free_port();
    let _server = server(data.path(), &port);
    let mut command = chat(data.path(), &["client", "x", "127.0.0.1", &port]);
    command.arg("--ephemeral");
    let mut user = Process::start(command);
    user.write(b"history\n");
    user.read_until("[Nothing is kept on this machine: there is no history.]");
    assert!(!data.path().join("client").exists());
}
