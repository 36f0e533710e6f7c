//! Servers and clients as processes on loopback.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod history;
mod identities;
mod operators;
mod pipes;
mod programs;
mod pty;
mod start;
mod support;
mod terminals;
