//! Networks that lose, delay, double, disorder and damage.

use crate::{
    SAVED, can_run, host,
    hub::{Hub, Treatment},
    namespace::Namespace,
    network::{Network, SERVER_ADDRESS, WELCOME},
    segment::{Bridge, Segment, lose, lost},
};

#[test]
fn everything_arrives_once_though_the_kernel_loses_a_third() {
    if !can_run() {
        return;
    }
    let bridge = Bridge::new();
    let hosts = Hosts::new(&bridge);
    for host in hosts.all() {
        lose(host, 30);
    }
    everything(&hosts);
    let lost: u64 = hosts.all().into_iter().map(lost).sum();
    println!("the kernel has lost {lost} datagrams");
    assert!(lost > 50, "{lost}");
}

#[test]
fn everything_arrives_once_though_datagrams_are_late_doubled_disordered_and_damaged() {
    if !can_run() {
        return;
    }
    let hub = Hub::new(Treatment::BAD);
    let hosts = Hosts::new(&hub);
    everything(&hosts);
    let counters = hub.counters();
    println!("{counters:?}");
    let counted = [
        counters.lost,
        counters.doubled,
        counters.overtaken,
        counters.damaged,
    ];
    assert!(counted.iter().all(|count| *count > 20), "{counters:?}");
}

/// A server and three users, each on a host of its own.
struct Hosts {
    server: Namespace,
    users: [(&'static str, Namespace); 3],
}

impl Hosts {
    fn new(segment: &dyn Segment) -> Self {
        Self {
            server: host(segment, "server", SERVER_ADDRESS),
            users: [
                ("x", host(segment, "x", "203.0.113.30")),
                ("y", host(segment, "y", "203.0.113.31")),
                ("z", host(segment, "z", "203.0.113.32")),
            ],
        }
    }

    fn all(&self) -> Vec<&Namespace> {
        let users = self.users.iter().map(|(_, host)| host);
        users.chain([&self.server]).collect()
    }
}

/// Everything that people do, on hosts that reach each other somehow.
fn everything(hosts: &Hosts) {
    let mut network = Network::new(SERVER_ADDRESS);
    network.start_server(&hosts.server);
    for (name, host) in &hosts.users {
        network.start(name, host);
        network.talk.wait_for(name, WELCOME);
    }
    write_to_each_other(&mut network);
    be_absent(&mut network, &hosts.users[1].1);
    meet_in_a_group(&mut network);
    go_on_without_the_server(&mut network, hosts);
    network.part();
}

const PAIRS: [(&str, &str); 6] = [
    ("x", "y"),
    ("y", "x"),
    ("x", "z"),
    ("z", "x"),
    ("y", "z"),
    ("z", "y"),
];

fn write_to_each_other(network: &mut Network) {
    for _ in 0..20 {
        for (by, to) in PAIRS {
            network.talk.send(by, to);
        }
    }
    network.talk.send_long("y", "z", 30_000);
    network.talk.send_all("x", &["y", "z"]);
    network.talk.settle();
    for (by, to) in PAIRS {
        network.wait_for_receipts(by, to);
    }
}

/// y leaves, gets mail, and comes back.
fn be_absent(network: &mut Network, y: &Namespace) {
    network.talk.quit_one("y");
    for by in ["x", "z"] {
        for _ in 0..3 {
            network.talk.send(by, "y");
        }
        let others = ["x", "y", "z"].into_iter().filter(|to| *to != by);
        network.talk.send_all(by, &others.collect::<Vec<_>>());
        network.talk.wait_for(by, SAVED);
    }
    network.register("y", y);
    network.talk.settle();
    for by in ["x", "z"] {
        network.wait_for_receipts(by, "y");
    }
}

fn meet_in_a_group(network: &mut Network) {
    network.talk.type_line("x", "create_group g");
    network.talk.wait_for("x", "[Group g created");
    for name in ["x", "y", "z"] {
        network.talk.type_line(name, "join_group g");
        network.talk.wait_for(name, "[Entered group g");
    }
    for _ in 0..5 {
        network.talk.send_group("x", &["y", "z"]);
        network.talk.send_group("y", &["x", "z"]);
        network.talk.send_group("z", &["x", "y"]);
    }
    network.talk.settle();
    for name in ["x", "y", "z"] {
        network.talk.type_line(name, "leave_group");
        network.talk.wait_for(name, "[Leave group chat g.]");
    }
}

fn go_on_without_the_server(network: &mut Network, hosts: &Hosts) {
    network.talk.quit_one("y");
    network.kill_server();
    for _ in 0..5 {
        network.talk.send("x", "z");
        network.talk.send("z", "x");
    }
    network.talk.send("x", "y");
    network.talk.wait_for("x", "[Message to y kept");
    // What had no ack in time, on such a network, is kept for the server too.
    network
        .talk
        .listen_until("everything that went directly", |it| {
            let kept = |by: &str, to: &str| it.count(by, &format!("[Message to {to} kept"));
            it.missing().len() <= kept("x", "z") + kept("z", "x") + kept("x", "y")
        });
    network.start_server(&hosts.server);
    network.register("y", &hosts.users[1].1);
    network.talk.settle();
    for (by, to) in [("x", "z"), ("z", "x"), ("x", "y")] {
        network.wait_for_receipts(by, to);
    }
}
