//! Datagrams of somebody who has heard everything and means harm, but has no key.

use std::net::SocketAddr;

use super::plan::NODES;
use crate::{
    net::Recorded,
    random::{Random, Stream},
    wiretap::stranger,
    world::World,
};

/// The longest datagram that is made up.
const LONGEST: u64 = 1_400;

/// Sends what it has heard, whole or changed, and what it makes up.
#[derive(Debug)]
pub struct Adversary {
    random: Random,
    heard: Vec<Recorded>,
    draws: u64,
}

impl Adversary {
    /// One that has heard nothing.
    pub fn new(random: Random) -> Self {
        Self {
            random,
            heard: Vec::new(),
            draws: 0,
        }
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.draws += 1;
        self.random.below(limit, Stream::Adversary, 0, self.draws)
    }

    fn listen(&mut self, world: &mut World) {
        self.heard.extend(world.network.take_recording());
    }

    /// Sends a datagram again, counted back from the latest: from where it came, or from an
    /// address that is not its sender's.
    pub fn replay(&mut self, world: &mut World, back: u64, elsewhere: bool) {
        self.listen(world);
        let Some(at) = self.heard.len().checked_sub(1 + back as usize) else {
            return;
        };
        let (from, to, bytes) = self.heard[at].clone();
        let from = if elsewhere { stranger(back) } else { from };
        world.inject_to(from, to, bytes);
    }

    /// Sends so many made-up or changed datagrams to a node.
    pub fn garbage(&mut self, world: &mut World, node: usize, count: u64) {
        self.listen(world);
        for number in 0..count {
            let bytes = self.make_up();
            let to = self.address(world, node);
            world.inject_to(stranger(number), to, bytes);
        }
    }

    /// Where a node is reached, as far as can be heard: behind a NAT not at its own address.
    fn address(&mut self, world: &World, node: usize) -> SocketAddr {
        world.node(NODES[node]).address
    }

    fn make_up(&mut self) -> Vec<u8> {
        let heard = self.heard.len() as u64;
        let changed = self.below(3) > 0 && heard > 0;
        let mut bytes = if changed {
            let at = self.below(heard) as usize;
            self.heard[at].2.clone()
        } else {
            let length = self.below(LONGEST);
            (0..length).map(|_| self.below(256) as u8).collect()
        };
        let length = bytes.len() as u64;
        match self.below(4) {
            0 => bytes.truncate(self.below(length) as usize),
            1 => bytes.push(0),
            _ => {
                let at = self.below(length) as usize;
                let bit = self.below(8);
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << bit;
                }
            }
        }
        // Each type of datagram is met often.
        if !changed && let Some(first) = bytes.first_mut() {
            *first = (self.below(8)) as u8;
        }
        bytes
    }
}
