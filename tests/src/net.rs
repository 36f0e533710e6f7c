//! The network: what becomes of a datagram on its way, per direction between two hosts.

mod link;
pub mod nat;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use chat_core::time::Instant;

pub use link::Link;

use self::{
    link::Way,
    nat::{Kind, Nat},
};
use crate::{
    faults::{Fault, Faults},
    random::Random,
};

/// What the network has done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Datagrams handed in.
    pub sent: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// All links.
#[derive(Debug)]
pub struct Network {
    random: Random,
    faults: Faults,
    /// How every direction behaves.
    pub default: Link,
    cut: BTreeSet<u64>,
    ways: BTreeMap<u64, Way>,
    /// By the address of the host behind it.
    nats: BTreeMap<IpAddr, Nat>,
    counters: Counters,
    /// Whether what is carried is recorded too.
    pub is_recording: bool,
    recording: Vec<Recorded>,
}

/// A datagram that was sent: from, to, bytes.
pub type Recorded = (SocketAddr, SocketAddr, Vec<u8>);

/// A datagram that arrives.
#[derive(Debug, PartialEq, Eq)]
pub struct Arrival {
    /// From where it seems to come.
    pub from: SocketAddr,
    /// How long it takes.
    pub delay: Duration,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

impl Network {
    /// A network of good links, with these faults.
    pub fn new(random: Random, faults: Faults) -> Self {
        Self {
            random,
            faults,
            default: Link::default(),
            cut: BTreeSet::new(),
            ways: BTreeMap::new(),
            nats: BTreeMap::new(),
            counters: Counters::default(),
            is_recording: false,
            recording: Vec::new(),
        }
    }

    /// Lets nothing through from one host to another.
    pub fn cut(&mut self, from: IpAddr, to: IpAddr) {
        self.cut.insert(direction(from, to));
    }

    /// Lets datagrams through again.
    pub fn mend(&mut self, from: IpAddr, to: IpAddr) {
        self.cut.remove(&direction(from, to));
    }

    /// Lets datagrams through everywhere again.
    pub fn mend_all(&mut self) {
        self.cut.clear();
    }

    /// Puts a host behind a NAT that owns the address `outer`.
    pub fn put_behind_nat(&mut self, host: IpAddr, outer: IpAddr, kind: Kind) {
        let nat = Nat::new(self.random, outer, kind);
        self.nats.insert(host, nat);
    }

    /// The NAT of a host forgets its mappings, if the host is behind one.
    pub fn reboot_nat(&mut self, host: IpAddr) {
        if let Some(nat) = self.nats.get_mut(&host) {
            nat.reboot();
        }
    }

    /// What the network has done.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// How many bytes have been sent from one host to another.
    pub fn bytes(&self, from: IpAddr, to: IpAddr) -> u64 {
        let way = self.ways.get(&direction(from, to));
        way.map_or(0, |way| way.bytes)
    }

    /// What was recorded.
    pub fn take_recording(&mut self) -> Vec<Recorded> {
        std::mem::take(&mut self.recording)
    }

    /// The faults that have happened since this was asked last.
    pub fn take_faults(&mut self) -> impl Iterator<Item = Fault> + '_ {
        self.faults.take_happened()
    }

    /// The copies of a datagram that arrive.
    pub fn carry(
        &mut self,
        now: Instant,
        from: SocketAddr,
        to: SocketAddr,
        datagram: &[u8],
    ) -> Vec<Arrival> {
        let (host, entity) = (from.ip(), direction(from.ip(), self.host(to.ip())));
        self.counters.sent += 1;
        self.counters.bytes += datagram.len() as u64;
        let from = match self.nats.get_mut(&host) {
            Some(nat) => nat.outbound(now, from, to),
            None => from,
        };
        if self.is_recording {
            self.recording.push((from, to, datagram.to_vec()));
        }
        let way = self.ways.entry(entity).or_insert_with(|| Way::new(entity));
        let copies = way.carry(
            now,
            &self.default,
            (self.random, &mut self.faults),
            datagram,
        );
        if self.cut.contains(&entity) {
            return Vec::new();
        }
        let arrival = |(delay, bytes)| Arrival { from, delay, bytes };
        copies.into_iter().map(arrival).collect()
    }

    /// The host to which an address belongs: the one behind a NAT, or itself.
    pub fn host(&self, address: IpAddr) -> IpAddr {
        let mut nats = self.nats.iter();
        let behind = nats.find(|(_, nat)| nat.outer() == address);
        behind.map_or(address, |(host, _)| *host)
    }

    /// The host that a datagram to `to` reaches, through the NAT that owns that address if there
    /// is one.
    pub fn arrive(&self, now: Instant, from: SocketAddr, to: SocketAddr) -> Option<SocketAddr> {
        let mut nats = self.nats.iter();
        match nats.find(|(_, nat)| nat.outer() == to.ip()) {
            Some((_, nat)) => nat.inbound(now, from, to.port()),
            // Nobody outside can send to an address behind a NAT.
            None => (!self.nats.contains_key(&to.ip())).then_some(to),
        }
    }
}

/// The number that stands for a direction from one host to another.
fn direction(from: IpAddr, to: IpAddr) -> u64 {
    number(from) << 32 | number(to)
}

/// The number that stands for an address.
fn number(address: IpAddr) -> u64 {
    match address {
        IpAddr::V4(address) => u64::from(u32::from(address)),
        IpAddr::V6(address) => u128::from(address) as u64 & 0xffff_ffff,
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const A: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)), 1);
    const B: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2)), 2);

    fn network() -> Network {
        let random = Random::new(1);
        Network::new(random, Faults::by_chance(random))
    }

    #[test]
    fn a_cut_direction_carries_nothing_and_the_other_goes_on() {
        let mut network = network();
        let arrivals = |network: &mut Network, from, to| {
            let arrivals = network.carry(Instant::ZERO, from, to, b"a");
            arrivals.len()
        };
        network.cut(A.ip(), B.ip());
        assert_eq!(arrivals(&mut network, A, B), 0);
        assert_eq!(arrivals(&mut network, B, A), 1);
        network.mend(A.ip(), B.ip());
        assert_eq!(arrivals(&mut network, A, B), 1);
    }

    #[test]
    fn a_host_behind_a_nat_is_reached_at_the_outer_address_only() {
        let mut network = network();
        let outer = IpAddr::V4(Ipv4Addr::new(100, 64, 0, 1));
        let kind = Kind {
            mapping: nat::Dependence::Endpoint,
            filtering: nat::Dependence::Endpoint,
            keeps_port: true,
            expiry: Duration::from_secs(30),
        };
        network.put_behind_nat(A.ip(), outer, kind);
        let arrivals = network.carry(Instant::ZERO, A, B, b"a");
        let seen = arrivals[0].from;
        assert_eq!(seen.ip(), outer);
        assert_eq!(network.arrive(Instant::ZERO, B, seen), Some(A));
        assert_eq!(network.arrive(Instant::ZERO, B, A), None);
        assert_eq!(network.arrive(Instant::ZERO, A, B), Some(B));
    }
}
