//! Who speaks the link and says what no client says.

use chat_core::{
    client::Ended,
    wire::{self, ChatFrame},
};

use crate::world::{SERVER, SETTLED, World, dereg, send, shows};

/// A frame with the tag 99.
const UNKNOWN: &[u8] = &[0x83, 0x18, 0x63, 0x61, b'x', 0xf6];

#[test]
fn a_frame_of_another_version_is_skipped_and_its_sender_told_once() {
    let mut world = World::with_clients(&["x"]);
    world.start_stranger("q");
    for _ in 0..3 {
        world.say("q", "x", UNKNOWN);
    }
    world.run(SETTLED);
    assert_eq!(world.hear("q"), [ChatFrame::Unsupported { tag: 99 }]);
    assert_eq!(world.client("x").dropped(), 3);
}

#[test]
fn what_only_a_server_says_and_what_is_no_frame_is_dropped_and_counted() {
    let mut world = World::with_clients(&["x", "y"]);
    world.start_stranger("q");
    let mut caught_up = Vec::new();
    wire::encode(&ChatFrame::CaughtUp {}, &mut caught_up);
    for bytes in [&b"garbage"[..], &[0x82, 0x01], &[0xff; 40], &caught_up] {
        world.say("q", "x", bytes);
    }
    world.run(SETTLED);
    assert_eq!(world.client("x").dropped(), 4);
    assert_eq!(world.hear("q"), []);
    world.command("y", send("x", "hello"));
    world.run(SETTLED);
    assert_eq!(world.lines("x"), shows(&["y: hello"]));
}

#[test]
fn who_ends_because_the_server_is_silent_says_goodbye_to_the_others() {
    let mut world = World::with_clients(&["x"]);
    world.start_stranger("q");
    world.say("q", "x", UNKNOWN);
    world.run(SETTLED);
    assert!(world.is_linked("q", "x"));
    world.kill(SERVER);
    world.command("x", dereg());
    world.run(5_000);
    assert_eq!(world.ended("x"), Some(Ended::NotResponding));
    assert!(!world.is_linked("q", "x"));
}
