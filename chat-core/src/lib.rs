//! The protocol of a chat that keeps working when the server, or the internet, does not.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod action;
pub mod client;
pub mod config;
pub mod conversation;
pub mod crypto;
pub mod id;
pub mod link;
pub mod name;
pub mod server;
pub mod store;
mod streams;
pub mod text;
pub mod time;
pub mod wire;
