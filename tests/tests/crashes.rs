//! The power fails after each single operation of the store: nothing promised is lost.

use std::time::Duration;

use chat_core::client::Event;
use tests::{
    ledger::Ledger,
    node::PowerCut,
    world::{SERVER, World},
};

const MOST_OPERATIONS: u64 = 60;

/// x, y and z are registered and know each other.
fn world_of_three() -> World {
    let mut world = World::new(3);
    world.start_server();
    for name in ["x", "y", "z"] {
        world.start_client(name);
        world.wait_for(name, "[Welcome, You are registered.]");
    }
    world.run_for(Duration::from_secs(1));
    world
}

/// Lets the power of `node` fail after its first operation, its second, and so on, counted from
/// when `story` begins, until the story is over before that many operations; and checks each run.
fn at_every_operation(
    node: &str,
    prepare: impl Fn(&mut World),
    story: impl Fn(&mut World, &mut Ledger),
) {
    for (operations, when) in power_cuts() {
        let mut world = world_of_three();
        prepare(&mut world);
        world.cut_power(node, operations, when);
        let mut ledger = Ledger::default();
        story(&mut world, &mut ledger);
        world.run_for(Duration::from_secs(5));
        let has_crashed = !world.is_running(node);
        for name in [SERVER, "x", "y", "z"] {
            if !world.is_running(name) {
                restart(&mut world, name);
            }
        }
        world.run_for(Duration::from_secs(60));
        if let Err(why) = ledger.check_after_crashes(&world, &["x", "y", "z"]) {
            let last = world.transcript().render_last(100);
            panic!("{last}\npower failed {when:?} operation {operations} of {node}: {why}");
        }
        nothing_is_shown_twice(&world, node);
        if !has_crashed {
            assert!(
                operations > 2,
                "the story does not touch the disk of {node}"
            );
            return;
        }
    }
    panic!("the story takes more than {MOST_OPERATIONS} operations");
}

/// Before and after every operation.
fn power_cuts() -> impl Iterator<Item = (u64, PowerCut)> {
    (1..MOST_OPERATIONS).flat_map(|at| [(at, PowerCut::Before), (at, PowerCut::After)])
}

fn restart(world: &mut World, name: &str) {
    match name {
        SERVER => world.start_server(),
        client => world.start_client(client),
    }
}

/// Only the client whose power failed may show a message again.
fn nothing_is_shown_twice(world: &World, crashed: &str) {
    for name in ["x", "y", "z"].into_iter().filter(|name| *name != crashed) {
        let mut ids: Vec<_> = world
            .node(name)
            .events
            .iter()
            .filter_map(|event| match event {
                Event::Message { id, .. } => Some(*id),
                _ => None,
            })
            .collect();
        let count = ids.len();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), count, "{name} was shown a message twice");
    }
}

#[test]
fn a_hand_over_survives_a_crash_of_the_server_at_every_operation() {
    let y_leaves = |world: &mut World| {
        world.command("y", "quit");
        world.run_for(Duration::from_secs(2));
    };
    at_every_operation(SERVER, y_leaves, |world, ledger| {
        ledger.send(world, "x", "y", "one");
        ledger.send(world, "z", "y", "two");
        world.run_for(Duration::from_secs(2));
        world.start_client("y");
    });
}

#[test]
fn group_and_channel_messages_survive_a_crash_of_the_server_at_every_operation() {
    let all_in_a_group = |world: &mut World| {
        world.command("x", "create_group g");
        for name in ["x", "y", "z"] {
            world.run_for(Duration::from_secs(1));
            world.command(name, "join_group g");
        }
        world.run_for(Duration::from_secs(1));
        world.command("z", "dereg");
        world.run_for(Duration::from_secs(1));
    };
    at_every_operation(SERVER, all_in_a_group, |world, ledger| {
        ledger.send_group(world, "x", &["y", "z"], "to the group");
        ledger.send_group(world, "y", &["x", "z"], "also to the group");
        world.run_for(Duration::from_secs(2));
        world.command("z", "reg");
    });
}

#[test]
fn a_message_survives_a_crash_of_its_recipient_at_every_operation() {
    at_every_operation(
        "y",
        |_| {},
        |world, ledger| {
            ledger.send(world, "x", "y", "one");
            ledger.send(world, "z", "y", "two");
            world.run_for(Duration::from_secs(1));
            ledger.send(world, "x", "y", "three");
        },
    );
}

#[test]
fn mail_survives_a_crash_of_its_recipient_at_every_operation() {
    let mail_waits = |world: &mut World| {
        world.command("y", "dereg");
        world.run_for(Duration::from_secs(1));
    };
    at_every_operation("y", mail_waits, |world, ledger| {
        ledger.send(world, "x", "y", "one");
        ledger.send(world, "z", "y", "two");
        world.run_for(Duration::from_secs(2));
        if world.is_running("y") {
            world.command("y", "reg");
        }
    });
}

#[test]
fn what_the_sender_was_promised_survives_its_crash_at_every_operation() {
    for (operations, when) in power_cuts() {
        let mut world = world_of_three();
        world.command("y", "quit");
        world.run_for(Duration::from_secs(2));
        world.cut_power("x", operations, when);
        world.command("x", "send y one");
        world.run_for(Duration::from_secs(3));
        let has_crashed = !world.is_running("x");
        if has_crashed {
            world.start_client("x");
        }
        world.start_client("y");
        world.run_for(Duration::from_secs(30));
        let count = |name: &str, text: &str| {
            let node = world.node(name);
            node.texts().filter(|line| line.contains(text)).count()
        };
        let (saved, arrived) = (count("x", "saved.]"), count("y", "x: "));
        let last = world.transcript().render_last(60);
        assert!(arrived <= 1, "shown {arrived} times\n{last}");
        // The first operation is the append to the outbox: after it, the message is promised.
        assert_eq!(
            arrived, 1,
            "crash after {operations}; saved {saved}\n{last}"
        );
        if !has_crashed {
            return;
        }
    }
    panic!("sending takes more than {MOST_OPERATIONS} operations");
}
