//! Everybody is killed, and the network is bad too.

use std::collections::BTreeMap;

use crate::{
    can_run, host,
    hub::{Hub, Treatment},
    namespace::Namespace,
    network::SERVER_ADDRESS,
    segment::Segment,
    town::{SERVER, everyone, number, survives_kills},
};

#[test]
fn nothing_is_lost_or_repeated_though_everybody_is_killed_on_a_bad_network() {
    if !can_run() {
        return;
    }
    let hub = Hub::new(Treatment::BAD);
    let hosts = hosts(&hub);
    let kills = number("CHAT_KILLS", 12).div_ceil(4);
    survives_kills(kills, &|name| hosts[name].chat(), SERVER_ADDRESS, 5_000);
    println!("{:?}", hub.counters());
}

fn hosts(segment: &dyn Segment) -> BTreeMap<&'static str, Namespace> {
    let mut hosts = BTreeMap::from([(SERVER, host(segment, SERVER, SERVER_ADDRESS))]);
    for (number, name) in (30..).zip(everyone()) {
        hosts.insert(name, host(segment, name, &format!("203.0.113.{number}")));
    }
    hosts
}
