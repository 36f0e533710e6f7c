//! Hosts that lose their network and find another, and another kind of network.

use crate::{
    SAVED, can_run, host,
    namespace::Namespace,
    network::{Network, with_server},
    segment::Bridge,
};

#[test]
fn a_cable_that_is_pulled_loses_nothing() {
    if !can_run() {
        return;
    }
    let bridge = Bridge::new();
    let (_server, _x, y, mut network) = two_who_have_met(&bridge);
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
fn a_host_with_another_address_is_found_there_once_it_has_written() {
    if !can_run() {
        return;
    }
    let bridge = Bridge::new();
    let (server, _x, y, mut network) = two_who_have_met(&bridge);
    y.ip("addr del 203.0.113.31/24 dev v0");
    y.ip("addr add 203.0.113.32/24 dev v0");
    network.send("y", "x");
    network.reaches("x", "y", &server);
    network.reaches("y", "x", &server);
    network.part();
}

#[test]
fn a_host_with_another_address_gets_what_it_was_sent_meanwhile() {
    if !can_run() {
        return;
    }
    let bridge = Bridge::new();
    let (_server, _x, y, mut network) = two_who_have_met(&bridge);
    y.ip("addr del 203.0.113.31/24 dev v0");
    y.ip("addr add 203.0.113.32/24 dev v0");
    // y does not know that its packets come from elsewhere, and says nothing by itself for a while.
    network.send("x", "y");
    network.part();
}

#[test]
fn messages_of_every_length_pass_over_ipv6_with_its_smallest_packets() {
    if !can_run() {
        return;
    }
    const SERVER: &str = "fd00::1";
    let bridge = Bridge::new();
    let [server, x, y] =
        [("server", SERVER), ("x", "fd00::2"), ("y", "fd00::3")].map(|(name, address)| {
            let host = host(&bridge, name, "203.0.113.1");
            host.ip("addr flush dev v0");
            host.ip("link set v0 mtu 1280");
            host.ip(&format!("addr add {address}/64 dev v0 nodad"));
            host
        });
    let mut network = Network::new(SERVER);
    network.start_server(&server);
    network.register("x", &x);
    network.register("y", &y);
    for length in [1, 1_000, 1_200, 1_300, 5_000, 65_000] {
        network.talk.send_long("x", "y", length);
        network.talk.send_long("y", "x", length);
    }
    network.talk.settle();
    network.talk.quit_one("y");
    network.talk.send_long("x", "y", 65_000);
    network.talk.wait_for("x", SAVED);
    network.register("y", &y);
    network.talk.settle();
    network.wait_for_receipts("x", "y");
    network.part();
}

/// The server, and x and y, of whom x has written to y.
fn two_who_have_met(bridge: &Bridge) -> (Namespace, Namespace, Namespace, Network) {
    let (server, mut network) = with_server(bridge);
    let x = host(bridge, "x", "203.0.113.30");
    let y = host(bridge, "y", "203.0.113.31");
    network.register("x", &x);
    network.register("y", &y);
    network.send("x", "y");
    (server, x, y, network)
}
