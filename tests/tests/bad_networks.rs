//! Everything arrives once and in order, whatever the network and the drivers do.

use std::time::Duration;

use tests::{
    ledger::Ledger,
    net::Link,
    random::{Stream, seeds},
    world::{SERVER, World},
};

const NAMES: [&str; 3] = ["x", "y", "z"];

fn bad_link() -> Link {
    Link {
        delay: Duration::from_millis(5),
        jitter: Duration::from_millis(10),
        ..Link::default()
    }
}

/// Three clients in a world, registered, each with the others in its table.
fn three_clients(world: &mut World) {
    world.start_server();
    for name in NAMES {
        world.start_client(name);
    }
    for name in NAMES {
        world.wait_for(name, "[Welcome, You are registered.]");
    }
    world.run_for(Duration::from_secs(1));
}

/// Everybody writes to everybody, now and then to all; draws decide who and when.
fn everybody_chats(world: &mut World, ledger: &mut Ledger, messages: u64) {
    let random = world.random();
    for number in 0..messages {
        let draw = |what| random.below(1_000, Stream::Workload, what, number);
        let by = NAMES[draw(0) as usize % 3];
        let text = format!("message {number}");
        match draw(1) % 8 {
            0 => ledger.send_all(world, by, &NAMES, &text),
            to => ledger.send(world, by, NAMES[to as usize % 3], &text),
        }
        world.run_for(Duration::from_millis(draw(2) % 300));
    }
}

fn chat_is_complete(seed: u64, mut world: World, messages: u64) {
    three_clients(&mut world);
    let mut ledger = Ledger::default();
    everybody_chats(&mut world, &mut ledger, messages);
    let arrives = world.run_until(Duration::from_secs(300), |world| {
        ledger.check(world, &NAMES).is_ok()
    });
    world.run_for(Duration::from_secs(30));
    if let Err(why) = ledger.check(&world, &NAMES) {
        let last = world.transcript().render_last(200);
        panic!("{last}\nCHAT_SEED={seed}, in the end ({arrives}) {why}");
    }
}

#[test]
fn a_network_that_loses_a_quarter_and_reorders_loses_no_message() {
    for seed in seeds(8) {
        let mut world = World::new(seed);
        world.network.default = Link {
            loss: 250,
            duplication: 100,
            reordering: 200,
            ..bad_link()
        };
        chat_is_complete(seed, world, 60);
    }
}

#[test]
fn a_network_that_damages_datagrams_damages_no_message() {
    for seed in seeds(4) {
        let mut world = World::new(seed);
        world.network.default = Link {
            corruption: 200,
            duplication: 200,
            ..bad_link()
        };
        chat_is_complete(seed, world, 60);
    }
}

#[test]
fn long_messages_arrive_whole_over_a_network_that_loses_a_fifth() {
    let mut world = World::new(1);
    three_clients(&mut world);
    world.network.default = Link {
        loss: 200,
        ..bad_link()
    };
    let mut ledger = Ledger::default();
    for number in 0..5 {
        let text = format!("{number} {}", "long ".repeat(12_000));
        ledger.send(&mut world, "x", "y", &text);
    }
    world.run_for(Duration::from_secs(120));
    if let Err(why) = ledger.check(&world, &NAMES) {
        panic!("{}", why.replace(&"long ".repeat(12_000), "long …"));
    }
}

#[test]
fn inputs_between_drains_and_any_order_of_draining_are_legal() {
    for seed in seeds(8) {
        let mut world = World::new(seed);
        world.lazy_drains = 500;
        chat_is_complete(seed, world, 60);
    }
}

#[test]
fn completions_may_come_late_twice_and_out_of_order() {
    for seed in seeds(8) {
        let mut world = World::new(seed);
        world.disk_faults.jitter = Duration::from_millis(20);
        world.disk_faults.late = 300;
        world.disk_faults.repeated = 300;
        chat_is_complete(seed, world, 60);
    }
}

#[test]
fn everything_bad_at_once_loses_no_message() {
    for seed in seeds(8) {
        let mut world = World::new(seed);
        world.network.default = Link {
            loss: 150,
            duplication: 100,
            reordering: 200,
            corruption: 50,
            ..bad_link()
        };
        world.lazy_drains = 300;
        world.disk_faults.late = 200;
        world.disk_faults.repeated = 200;
        chat_is_complete(seed, world, 60);
    }
}

#[test]
fn a_server_that_is_killed_now_and_then_loses_no_message() {
    for seed in seeds(4) {
        let mut world = World::new(seed);
        three_clients(&mut world);
        let mut ledger = Ledger::default();
        for _ in 0..4 {
            everybody_chats(&mut world, &mut ledger, 15);
            world.kill(SERVER);
            everybody_chats(&mut world, &mut ledger, 5);
            world.start_server();
        }
        world.run_for(Duration::from_secs(120));
        if let Err(why) = ledger.check(&world, &NAMES) {
            let last = world.transcript().render_last(200);
            panic!("{last}\nCHAT_SEED={seed}: {why}");
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let run = || {
        let mut world = World::new(5);
        world.network.default = Link {
            loss: 200,
            ..bad_link()
        };
        three_clients(&mut world);
        everybody_chats(&mut world, &mut Ledger::default(), 30);
        world.transcript().render()
    };
    assert_eq!(run(), run());
}

#[test]
fn an_idle_network_is_quiet() {
    let mut world = World::new(1);
    three_clients(&mut world);
    world.run_for(Duration::from_secs(60));
    let before = world.network.counters().sent;
    world.run_for(Duration::from_secs(60));
    let sent = world.network.counters().sent - before;
    assert!(sent <= 3 * 60, "{sent} datagrams in a minute of silence");
}
