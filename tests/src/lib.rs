//! A deterministic world for the protocol's state machines, and the scenarios that are played in
//! it and with real processes.
//!
//! * [`random`], [`faults`], [`clock`], [`net`], [`disk`]: what the world is made of; each draw
//!   follows from the seed.
//! * [`world`]: nodes that run the real state machines on top of those; [`record`]: what happens
//!   there.
//! * [`simulator`], [`wiretap`]: runs that follow from seeds, and what must hold in them.
//! * [`ledger`]: what was said in a world, compared with what was shown.
//! * [`scenario`]: readable files that say what people type and what they see.
//! * [`stage`]: where a scenario is played: in the virtual world, or with processes and sockets.
//! * [`process`]: the real program as a child process.
//! * [`talk`], [`correspondence`]: real clients that talk; what was said, compared with what was
//!   shown.
//! * [`edges`]: whether tests of the system itself can run here.

pub mod clock;
pub mod command;
pub mod correspondence;
pub mod disk;
pub mod edges;
pub mod faults;
pub mod files;
pub mod ledger;
pub mod lines;
pub mod net;
pub mod node;
pub mod process;
pub mod random;
pub mod record;
pub mod scenario;
pub mod simulator;
pub mod stage;
pub mod talk;
pub mod transcript;
pub mod wiretap;
pub mod world;
