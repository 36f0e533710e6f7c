//! Endpoints on a simulated network: virtual clock, seeded faults, no sockets.

#[path = "link_endpoint/delivery.rs"]
mod delivery;
#[path = "link_endpoint/handshakes.rs"]
mod handshakes;
#[path = "link_endpoint/members.rs"]
mod members;
#[path = "link_endpoint/network.rs"]
mod network;
#[path = "link_endpoint/paths.rs"]
mod paths;
#[path = "link_endpoint/quiet.rs"]
mod quiet;
#[path = "link_endpoint/restarts.rs"]
mod restarts;
#[path = "link_endpoint/strangers.rs"]
mod strangers;
