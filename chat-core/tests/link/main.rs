//! Endpoints on a simulated network: virtual clock, seeded faults, no sockets.

mod bad_handshakes;
mod chaos;
mod delivery;
mod handshakes;
mod members;
mod network;
mod paths;
mod quiet;
mod restarts;
mod strangers;
