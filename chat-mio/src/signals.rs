//! Signals as events of the loop.

use std::io;

use mio::{Interest, Registry, Token};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook_mio::v1_0;

/// The signals that ask a program to leave, and those that a frontend wants to see.
pub(crate) struct Signals(v1_0::Signals);

impl Signals {
    pub(crate) fn new(registry: &Registry, token: Token, others: &[i32]) -> io::Result<Self> {
        let all = [SIGINT, SIGTERM, SIGHUP];
        let mut signals = v1_0::Signals::new(all.iter().chain(others))?;
        registry.register(&mut signals, token, Interest::READABLE)?;
        Ok(Self(signals))
    }

    /// What has come since the last call; a signal that came several times is told once.
    pub(crate) fn pending(&mut self) -> Vec<i32> {
        self.0.pending().collect()
    }
}
