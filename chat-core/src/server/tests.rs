//! The state of a server between scripted clients and the store in memory.

mod crash;
mod expiry;
mod groups;
mod limits;
mod mail;
mod model;
mod presence;
mod registration;
mod store;
mod table;
mod world;
