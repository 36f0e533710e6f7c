//! `chat-cli demo` without a terminal: the same seed, the same transcript.

use std::process::{Command, Output, Stdio};

/// What `TZ=UTC chat-cli demo </dev/null` prints. Whoever changes what happens in the demo writes it
/// again, and reads it.
const TRANSCRIPT: &str = include_str!("demo.txt");

#[test]
fn the_demo_prints_its_transcript() {
    let output = demo(1);
    assert_eq!(String::from_utf8_lossy(&output.stdout), TRANSCRIPT);
    assert!(output.status.success());
}

#[test]
fn nothing_is_lost_or_shown_twice_whatever_the_network_does() {
    for seed in 2..42 {
        let output = demo(seed);
        let text = String::from_utf8_lossy(&output.stdout);
        let last = text.lines().last().unwrap_or_default();
        let expected = format!(", 0 lost, 0 shown twice. Seed {seed}.]");
        assert!(last.ends_with(&expected), "{text}");
        assert!(output.status.success(), "{text}");
    }
}

fn demo(seed: u64) -> Output {
    Command::new(env!("CARGO_BIN_EXE_chat-cli"))
        .args(["demo", "--seed", &seed.to_string()])
        .env("TZ", "UTC")
        .stdin(Stdio::null())
        .output()
        .expect("the program can be started")
}
