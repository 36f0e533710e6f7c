//! The client among others: a server, other clients, a store that survives, a network that does not.

mod answers;
mod bursts;
mod chaos;
mod copies;
mod crashes;
mod direct;
mod disk;
mod groups;
mod interleavings;
mod keys;
mod large_tables;
mod leaving;
mod limits;
mod node;
mod operator;
mod partitions;
mod server_gone;
mod stores;
mod strangers;
mod weather;
mod world;
