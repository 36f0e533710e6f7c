//! The real programs on networks of the real kernel: hosts in namespaces, NATs, losses, pulled
//! cables, and a segment in user space that delays, doubles, disorders and damages.
//!
//! They run as root with `CHAT_EDGES=1`: see `.ci/edges`.
#![cfg(target_os = "linux")]

mod bad_segments;
mod hub;
mod killed;
#[path = "../kills/left.rs"]
mod left;
mod moves;
mod namespace;
mod nats;
mod network;
mod segment;
#[path = "../kills/town.rs"]
mod town;

use tests::edges;

use crate::{namespace::Namespace, segment::Segment};

const NO_ACK: &str = "[No ACK from ";
const EXISTS: &str = "[Client y exists!!]";
const SAVED: &str = "[Offline message sent at ";

fn can_run() -> bool {
    edges::may_change_the_network(
        "the kernel's networks",
        &["ip", "nft", "conntrack", "sysctl"],
    )
}

fn host(segment: &dyn Segment, name: &str, address: &str) -> Namespace {
    let host = Namespace::new(name);
    segment.plug(&host, address);
    host
}
