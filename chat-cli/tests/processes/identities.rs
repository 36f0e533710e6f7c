//! An identity goes to another machine.

use std::{
    io::Write,
    path::Path,
    process::{Output, Stdio},
};

use super::support::{Process, chat, client, free_port, output, server};

#[test]
fn a_user_is_the_same_where_the_identity_was_taken_to() {
    let home = tempfile::tempdir().unwrap();
    let (first, port) = (home.path().join("first"), free_port());
    let _server = server(home.path(), &port);
    let user = client(&first, "alice", &port);
    let running = output(chat(&first, &["identity", "show", "alice"]));
    assert_eq!(running.status.code(), Some(1), "its client runs");
    drop(user);
    let shown = output(chat(&first, &["identity", "show", "alice"])).stdout;
    for words in [&["--words"][..], &[]] {
        let other = home.path().join(format!("other{}", words.len()));
        let arguments = [&["identity", "export", "alice"], words].concat();
        let mut export = chat(&first, &arguments);
        export.env("CHAT_PASSPHRASE", "correct horse");
        let exported = output(export).stdout;
        let taken = import(&other, "alice", &exported);
        assert!(taken.status.success(), "{taken:?}");
        assert_eq!(
            output(chat(&other, &["identity", "show", "alice"])).stdout,
            shown
        );
        assert_eq!(
            import(&other, "alice", &exported).status.code(),
            Some(1),
            "it is there"
        );
        let mut client = Process::start(chat(&other, &["client", "alice", "127.0.0.1", &port]));
        client.read_until("[Welcome back!]");
    }
    assert_eq!(import(&first, "bob", b"no words").status.code(), Some(1));
}

fn import(data: &Path, name: &str, exported: &[u8]) -> Output {
    let mut import = chat(data, &["identity", "import", name]);
    import.env("CHAT_PASSPHRASE", "correct horse");
    import.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut import = import.stderr(Stdio::piped()).spawn().unwrap();
    import.stdin.take().unwrap().write_all(exported).unwrap();
    import.wait_with_output().unwrap()
}
