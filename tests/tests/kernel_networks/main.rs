//! The real programs on networks of the real kernel: hosts in namespaces, NATs, losses, pulled
//! cables, and a segment in user space that delays, doubles, disorders and damages.
//!
//! They run as root with `CHAT_EDGES=1`: see `.ci/edges`.
#![cfg(target_os = "linux")]

mod hub;
mod namespace;
mod network;
mod segment;

use tests::edges;

use crate::{
    hub::{Hub, Treatment},
    namespace::Namespace,
    network::{Network, SERVER_ADDRESS, WELCOME},
    segment::{Bridge, Home, Ports, Segment, lose, lost},
};

const NO_ACK: &str = "[No ACK from ";
const EXISTS: &str = "[Client y exists!!]";
const SAVED: &str = "[Offline message sent at ";

fn can_run() -> bool {
    edges::may_change_the_network(
        "the kernel's networks",
        &["ip", "nft", "conntrack", "sysctl"],
    )
}

#[test]
fn two_homes_write_to_each_other_directly_once_both_have_written() {
    if !can_run() {
        return;
    }
    let bridge = Bridge::new();
    let (server, mut network) = with_server(&bridge);
    let x = Home::new(&bridge, "x", "203.0.113.10", Ports::Kept);
    let y = Home::new(&bridge, "y", "203.0.113.20", Ports::Kept);
    network.register("x", &x.host);
    network.register("y", &y.host);
    // y's NAT lets nobody in whom y has not written to: the server delivers.
    network.send("x", "y");
    assert_eq!(network.count("x", NO_ACK), 1);
    // x has written to y: x's NAT lets y in, and from then on y's lets x in.
    network.send("y", "x");
    network.kill_server();
    for _ in 0..3 {
        network.send("x", "y");
        network.send("y", "x");
    }
    let no_acks = [network.count("x", NO_ACK), network.count("y", NO_ACK)];
    assert_eq!(no_acks, [1, 0]);
    network.start_server(&server);
    network.part();
}

#[test]
fn a_public_host_writes_to_a_home_directly_once_the_home_has_written() {
    if !can_run() {
        return;
    }
    let bridge = Bridge::new();
    let (server, mut network) = with_server(&bridge);
    let x = host(&bridge, "x", "203.0.113.30");
    let y = Home::new(&bridge, "y", "203.0.113.20", Ports::Random);
    network.register("x", &x);
    network.register("y", &y.host);
    network.send("x", "y");
    assert_eq!(network.count("x", NO_ACK), 1);
    network.send("y", "x");
    network.kill_server();
    for _ in 0..3 {
        network.send("x", "y");
        network.send("y", "x");
    }
    let no_acks = [network.count("x", NO_ACK), network.count("y", NO_ACK)];
    assert_eq!(no_acks, [1, 0]);
    network.start_server(&server);
    network.part();
}

#[test]
fn where_nats_never_let_anybody_in_the_server_delivers() {
    if !can_run() {
        return;
    }
    let bridge = Bridge::new();
    let (server, mut network) = with_server(&bridge);
    let x = Home::new(&bridge, "x", "203.0.113.10", Ports::Random);
    let y = Home::new(&bridge, "y", "203.0.113.20", Ports::Random);
    network.register("x", &x.host);
    network.register("y", &y.host);
    for _ in 0..3 {
        network.send("x", "y");
        network.send("y", "x");
    }
    assert_eq!(
        network.count("x", SAVED),
        0,
        "y has been there all the time"
    );
    assert_eq!(network.count("x", EXISTS), 3);
    network.kill_server();
    network.talk.send("x", "y");
    network.talk.wait_for("x", "[Message to y kept");
    network.start_server(&server);
    network.talk.settle();
    network.wait_for_receipts("x", "y");
    network.part();
}

#[test]
fn a_nat_that_forgets_is_not_noticed_by_who_writes_next() {
    if !can_run() {
        return;
    }
    let bridge = Bridge::new();
    let (_server, mut network) = with_server(&bridge);
    let x = host(&bridge, "x", "203.0.113.30");
    let y = Home::new(&bridge, "y", "203.0.113.20", Ports::Random);
    network.register("x", &x);
    network.register("y", &y.host);
    network.send("y", "x");
    for _ in 0..3 {
        y.forget();
        network.send("y", "x");
        network.send("x", "y");
    }
    for prefix in [NO_ACK, "[Attempt", "[Server", EXISTS] {
        assert_eq!(network.count("y", prefix), 0, "{prefix}");
        assert_eq!(network.count("x", prefix), 0, "{prefix}");
    }
    // Neither x nor the server can reach y, until y says something by itself.
    y.forget();
    network.send("x", "y");
    network.part();
}

#[test]
fn a_cable_that_is_pulled_loses_nothing() {
    if !can_run() {
        return;
    }
    let bridge = Bridge::new();
    let (_server, mut network) = with_server(&bridge);
    let x = host(&bridge, "x", "203.0.113.30");
    let y = host(&bridge, "y", "203.0.113.31");
    network.register("x", &x);
    network.register("y", &y);
    network.send("x", "y");
    y.ip("link set v0 down");
    network.talk.send("x", "y");
    network.talk.wait_for("x", SAVED);
    network.talk.send("y", "x");
    network.talk.wait_for("y", "[Message to x kept");
    y.ip("link set v0 up");
    network.talk.settle();
    network.wait_for_receipts("x", "y");
    network.wait_for_receipts("y", "x");
    network.part();
}

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
    let hub = Hub::new(Treatment {
        lost: 100,
        doubled: 100,
        overtaken: 100,
        damaged: 100,
        delay_micros: 10_000,
        jitter_micros: 20_000,
    });
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

fn host(segment: &dyn Segment, name: &str, address: &str) -> Namespace {
    let host = Namespace::new(name);
    segment.plug(&host, address);
    host
}

fn with_server(segment: &dyn Segment) -> (Namespace, Network) {
    let server = host(segment, "server", SERVER_ADDRESS);
    let mut network = Network::new();
    network.start_server(&server);
    (server, network)
}

/// Everything that people do, on hosts that reach each other somehow.
fn everything(hosts: &Hosts) {
    let mut network = Network::new();
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
    network.talk.settle();
    network.talk.send("x", "y");
    network.talk.wait_for("x", "[Message to y kept");
    network.start_server(&hosts.server);
    network.talk.wait_for("x", SAVED);
    network.register("y", &hosts.users[1].1);
    network.talk.settle();
    for (by, to) in [("x", "z"), ("z", "x"), ("x", "y")] {
        network.wait_for_receipts(by, to);
    }
}
