//! The table of names on its way to the clients.

use alloc::{
    string::{String, ToString},
    vec::Vec,
};

use super::world::{World, name, peer};
use crate::{
    config::ServerConfig,
    time::Duration,
    wire::{ChatFrame, Presence, TableVersion},
};

const BATCH: Duration = Duration::from_millis(50);

/// The changes in `frames`: after which number, and the names with `+` online and `-` offline.
fn changes(frames: &[ChatFrame]) -> Vec<(u64, Vec<String>)> {
    let changes = frames.iter().filter_map(|frame| match frame {
        ChatFrame::TableChanges { after, entries, .. } => Some((*after, entries)),
        _ => None,
    });
    let entry = |entry: &crate::wire::TableEntry| {
        let sign = match (entry.key, entry.presence) {
            (None, _) => '!',
            (_, Presence::Online) => '+',
            (_, Presence::Offline) => '-',
            (_, Presence::Unknown) => '?',
        };
        alloc::format!("{sign}{}", entry.name)
    };
    changes
        .map(|(after, entries)| (after, entries.iter().map(entry).collect()))
        .collect()
}

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(ToString::to_string).collect()
}

#[test]
fn every_client_gets_each_change_once_in_batches() {
    let mut world = World::new();
    world.register("x");
    world.register("y");
    assert!(changes(&world.hear("x")).is_empty(), "not at once");
    world.pass(BATCH);
    assert_eq!(changes(&world.hear("x")), [(0, strings(&["+x", "+y"]))]);
    assert_eq!(changes(&world.hear("y")), [(0, strings(&["+x", "+y"]))]);
    assert_eq!(world.batches_shown(), 1);
    world.register("z");
    world.pass(BATCH);
    let last = changes(&world.hear("x")).pop().unwrap();
    assert_eq!(last.1, strings(&["+z"]));
    assert_eq!(
        changes(&world.hear("z")),
        [(0, strings(&["+x", "+y", "+z"]))]
    );
    world.pass(Duration::from_secs(60));
    assert!(changes(&world.hear("x")).is_empty(), "nothing has changed");
    world.deregister("z");
    world.pass(BATCH);
    assert_eq!(changes(&world.hear("x"))[0].1, strings(&["-z"]));
    assert_eq!(world.batches_shown(), 2);
}

#[test]
fn a_returning_client_gets_only_what_changed_unless_the_server_was_restarted() {
    let mut world = World::new();
    world.register("x");
    world.register("y");
    world.pass(BATCH);
    let version = world.hear("x").iter().find_map(|frame| match frame {
        ChatFrame::TableChanges { version, .. } => Some(*version),
        _ => None,
    });
    let version: TableVersion = version.unwrap();
    world.deregister("x");
    let mut register = world.register_frame("x", false);
    if let ChatFrame::Register { table, .. } = &mut register {
        *table = version;
    }
    world.say(peer("x"), "x", &register);
    world.pass(BATCH);
    let delta = (version.number, strings(&["+x"]));
    assert_eq!(changes(&world.hear("x")), [delta]);

    world.pass(Duration::from_secs(1));
    let mut world = world.restart();
    world.say(peer("x"), "x", &register);
    world.pass(BATCH);
    assert_eq!(
        changes(&world.hear("x")),
        [(0, strings(&["?y", "+x"]))],
        "another epoch"
    );
}

#[test]
fn a_large_table_goes_in_several_frames_of_which_the_last_is_marked() {
    let mut world = World::new();
    for index in 0..300_u32 {
        let mut frame = world.register_frame("x", false);
        world.forget_starts();
        if let ChatFrame::Register { name: owner, .. } = &mut frame {
            *owner = name(&alloc::format!("x{index}"));
        }
        world.say(index, "x", &frame);
    }
    world.pass(BATCH);
    let frames = world.hear_at(0);
    let complete: Vec<bool> = frames
        .iter()
        .filter_map(|frame| match frame {
            ChatFrame::TableChanges { complete, .. } => Some(*complete),
            _ => None,
        })
        .collect();
    assert_eq!(complete, [false, true]);
    let entries: usize = changes(&frames).iter().map(|(_, names)| names.len()).sum();
    assert_eq!(entries, 300);
}

#[test]
fn a_table_too_large_to_be_sent_whole_is_asked_name_by_name() {
    let mut world = World::with(ServerConfig {
        push_whole_table_below: 2,
        ..Default::default()
    });
    for owner in ["x", "y", "z"] {
        world.register(owner);
    }
    world.pass(BATCH);
    assert_eq!(changes(&world.hear("x")), [(0, strings(&["+x"]))]);
    world.ask("x", |request| ChatFrame::LookUp {
        request,
        name: name("y"),
    });
    let found = world.hear("x");
    assert!(
        matches!(&found[..], [ChatFrame::Found { entry: Some(entry), .. }] if entry.presence == Presence::Online)
    );
    world.deregister("y");
    world.deregister("z");
    world.pass(BATCH);
    let told = changes(&world.hear("x"));
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].1, strings(&["-y"]));
}

#[test]
fn a_freed_name_is_told_as_nobodys() {
    let mut world = World::new();
    world.register("x");
    let mut register = world.register_frame("y", false);
    if let ChatFrame::Register { ephemeral, .. } = &mut register {
        *ephemeral = true;
    }
    world.say(peer("y"), "y", &register);
    world.pass(BATCH);
    world.hear("x");
    world.deregister("y");
    world.pass(BATCH);
    assert_eq!(changes(&world.hear("x"))[0].1, strings(&["!y"]));
    world.register("z");
    world.pass(BATCH);
    let whole = changes(&world.hear("z"));
    assert_eq!(whole, [(0, strings(&["+x", "+z"]))]);
}

#[test]
fn who_is_about_to_register_is_not_shown_as_absent_before() {
    let mut world = World::new();
    world.register("x");
    world.pass(BATCH);
    world.hear("x");
    world.blocked = Some(Vec::new());
    world.register("z");
    for (id, operation) in world.blocked.replace(Vec::new()).unwrap() {
        world.store.handle(id, operation);
    }
    world.settle();
    assert_eq!(world.blocked.as_ref().map(Vec::len), Some(1), "the channel");
    world.pass(BATCH);
    assert!(changes(&world.hear("x")).is_empty());
    world.unblock();
    world.pass(BATCH);
    assert_eq!(changes(&world.hear("x")).pop().unwrap().1, strings(&["+z"]));
}
