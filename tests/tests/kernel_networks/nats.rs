//! Homes behind NATs.

use tests::process::Process;

use crate::{
    EXISTS, NO_ACK, SAVED, can_run, host,
    hub::{Hub, Treatment},
    namespace::Namespace,
    network::{ATTEMPTS, Network, PORT, SERVER_ADDRESS, with_server},
    segment::{Bridge, Home, Ports},
};

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
    assert!(network.count("x", NO_ACK) > 0);
    // x has written to y: x's NAT lets y in, and from then on y's lets x in.
    network.send("y", "x");
    network.reaches("x", "y", &server);
    network.reaches("y", "x", &server);
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
    assert!(network.count("x", NO_ACK) > 0);
    network.send("y", "x");
    network.reaches("x", "y", &server);
    network.reaches("y", "x", &server);
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
    // Each time either is said; which, depends on how soon y answers to the server.
    assert!(network.count("x", EXISTS) + network.count("x", SAVED) >= 3);
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
    let is_unnoticed = |network: &mut Network| {
        let lines = [NO_ACK, "[Attempt", "[Server", EXISTS];
        let count = |network: &Network| {
            let of = |name| lines.map(|line| network.count(name, line));
            [of("x"), of("y")]
        };
        let before = count(network);
        y.forget();
        network.send("y", "x");
        network.send("x", "y");
        count(network) == before
    };
    assert!((0..ATTEMPTS).any(|_| is_unnoticed(&mut network)));
    // Neither x nor the server can reach y, until y says something by itself.
    y.forget();
    network.send("x", "y");
    network.part();
}

#[test]
fn homes_behind_nats_on_a_bad_network_get_everything_once() {
    if !can_run() {
        return;
    }
    let hub = Hub::new(Treatment::BAD);
    let (_server, mut network) = with_server(&hub);
    let homes = [
        ("x", Home::new(&hub, "x", "203.0.113.10", Ports::Kept)),
        ("y", Home::new(&hub, "y", "203.0.113.20", Ports::Kept)),
        ("z", Home::new(&hub, "z", "203.0.113.30", Ports::Random)),
    ];
    for (name, home) in &homes {
        network.register(name, &home.host);
    }
    for _ in 0..10 {
        for (by, to) in [("x", "y"), ("y", "x"), ("x", "z"), ("z", "y")] {
            network.talk.send(by, to);
        }
        network.talk.settle();
    }
    for (by, to) in [("x", "y"), ("y", "x"), ("x", "z"), ("z", "y")] {
        network.wait_for_receipts(by, to);
    }
    println!("{:?}", hub.counters());
    network.part();
}

#[test]
fn the_doctor_tells_what_kind_of_nat_is_between() {
    if !can_run() {
        return;
    }
    let bridge = Bridge::new();
    let (_server, _network) = with_server(&bridge);
    let (other, directory) = (host(&bridge, "other", "203.0.113.2"), tempfile::tempdir());
    let directory = directory.expect("a temporary directory");
    let mut command = other.chat();
    command
        .args(["server", PORT, "--data"])
        .arg(directory.path());
    let mut second = Process::spawn(&mut command);
    second.wait_for_prefix("[Server started on ");
    let examine = |host: &Namespace| {
        let mut command = host.chat();
        command.args(["doctor", SERVER_ADDRESS, PORT, "--also", "203.0.113.2:5000"]);
        let output = command.arg("--ephemeral").output().expect("it runs");
        String::from_utf8(output.stdout).expect("text")
    };
    let x = host(&bridge, "x", "203.0.113.30");
    let y = Home::new(&bridge, "y", "203.0.113.10", Ports::Kept);
    let z = Home::new(&bridge, "z", "203.0.113.20", Ports::Random);
    for (host, kind) in [
        (&x, "ok     nat      no translator"),
        (&y.host, "shows you to everybody as 203.0.113.10:"),
        (&z.host, "shows you to each as another"),
    ] {
        let found = examine(host);
        assert!(found.contains(kind), "{found}");
    }
}
