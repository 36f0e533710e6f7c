//! The network: what becomes of a datagram on its way, per direction between two hosts.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use crate::random::{Random, Stream, entity};

/// How one direction between two hosts behaves. Chances are per mille.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// The shortest time a datagram takes.
    pub delay: Duration,
    /// At most so much is added to it, drawn for each datagram.
    pub jitter: Duration,
    /// Datagrams that are lost.
    pub loss: u32,
    /// Datagrams that arrive twice.
    pub duplication: u32,
    /// Datagrams that are held back for up to ten times the delay.
    pub reordering: u32,
    /// Datagrams that arrive with one bit flipped, cut short, or with bytes added.
    pub corruption: u32,
    /// Larger datagrams are dropped.
    pub largest: usize,
}

impl Default for Link {
    /// A local network that loses nothing.
    fn default() -> Self {
        Self {
            delay: Duration::from_micros(500),
            jitter: Duration::ZERO,
            loss: 0,
            duplication: 0,
            reordering: 0,
            corruption: 0,
            largest: 65_507,
        }
    }
}

/// A direction: from one host to another.
type Direction = (IpAddr, IpAddr);

/// What the network has done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Datagrams handed in.
    pub sent: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Datagrams lost by chance, by size, or because the way was cut.
    pub lost: u64,
    /// Datagrams that arrived damaged.
    pub damaged: u64,
}

/// All links.
#[derive(Debug)]
pub struct Network {
    random: Random,
    /// How every direction behaves that has no link of its own.
    pub default: Link,
    links: BTreeMap<Direction, Link>,
    cut: BTreeSet<Direction>,
    carried: BTreeMap<Direction, u64>,
    bytes: BTreeMap<Direction, u64>,
    counters: Counters,
    /// Whether what is carried is recorded too.
    pub is_recording: bool,
    recording: Vec<Recorded>,
}

/// A datagram that was sent: from, to, bytes.
pub type Recorded = (SocketAddr, SocketAddr, Vec<u8>);

impl Network {
    /// A network of default links.
    pub fn new(random: Random) -> Self {
        Self {
            random,
            default: Link::default(),
            links: BTreeMap::new(),
            cut: BTreeSet::new(),
            carried: BTreeMap::new(),
            bytes: BTreeMap::new(),
            is_recording: false,
            recording: Vec::new(),
            counters: Counters::default(),
        }
    }

    /// Gives the direction from one host to another its own behaviour.
    pub fn set_link(&mut self, from: IpAddr, to: IpAddr, link: Link) {
        self.links.insert((from, to), link);
    }

    /// Lets nothing through from one host to another.
    pub fn cut(&mut self, from: IpAddr, to: IpAddr) {
        self.cut.insert((from, to));
    }

    /// Lets datagrams through again.
    pub fn mend(&mut self, from: IpAddr, to: IpAddr) {
        self.cut.remove(&(from, to));
    }

    /// What the network has done.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// How many bytes have been sent from one host to another.
    pub fn bytes(&self, from: IpAddr, to: IpAddr) -> u64 {
        self.bytes.get(&(from, to)).copied().unwrap_or(0)
    }

    /// What was recorded.
    pub fn take_recording(&mut self) -> Vec<Recorded> {
        std::mem::take(&mut self.recording)
    }

    /// The copies of a datagram that arrive, each with the time it takes.
    pub fn carry(
        &mut self,
        from: SocketAddr,
        to: SocketAddr,
        datagram: &[u8],
    ) -> Vec<(Duration, Vec<u8>)> {
        let direction = (from.ip(), to.ip());
        let link = *self.links.get(&direction).unwrap_or(&self.default);
        let carried = self.carried.entry(direction).or_default();
        let number = *carried;
        *carried += 1;
        let way = entity(&format!("{} {}", direction.0, direction.1));
        self.counters.sent += 1;
        self.counters.bytes += datagram.len() as u64;
        *self.bytes.entry(direction).or_default() += datagram.len() as u64;
        if self.is_recording {
            self.recording.push((from, to, datagram.to_vec()));
        }

        let lost = self.random.chance(link.loss, Stream::Loss, way, number);
        if lost || self.cut.contains(&direction) || datagram.len() > link.largest {
            self.counters.lost += 1;
            return Vec::new();
        }
        let twice = self
            .random
            .chance(link.duplication, Stream::Duplication, way, number);
        (0..=u64::from(twice))
            .map(|copy| {
                // Both copies of a datagram have draws of their own.
                let draw = number * 2 + copy;
                let mut bytes = datagram.to_vec();
                if self
                    .random
                    .chance(link.corruption, Stream::Corruption, way, draw)
                {
                    self.counters.damaged += 1;
                    self.damage(&mut bytes, way, draw);
                }
                (self.duration(&link, way, draw), bytes)
            })
            .collect()
    }

    fn duration(&self, link: &Link, way: u64, draw: u64) -> Duration {
        let up_to = |limit: Duration, stream| {
            let limit = u64::try_from(limit.as_micros()).unwrap_or(u64::MAX);
            Duration::from_micros(self.random.below(limit, stream, way, draw + (1 << 40)))
        };
        let mut duration = link.delay + up_to(link.jitter, Stream::Jitter);
        if self
            .random
            .chance(link.reordering, Stream::Reordering, way, draw)
        {
            duration += up_to(link.delay * 10, Stream::Reordering);
        }
        duration
    }

    fn damage(&self, bytes: &mut Vec<u8>, way: u64, draw: u64) {
        let at = |limit: usize| {
            let limit = limit as u64;
            let place = draw + (1 << 41);
            self.random.below(limit, Stream::Corruption, way, place) as usize
        };
        match at(4) {
            0 => bytes.truncate(at(bytes.len())),
            1 => bytes.extend([0xa5; 3]),
            _ => {
                let place = at(bytes.len() * 8);
                if let Some(byte) = bytes.get_mut(place / 8) {
                    *byte ^= 1 << (place % 8);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: SocketAddr = SocketAddr::new(IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1)), 1);
    const B: SocketAddr = SocketAddr::new(IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 2)), 2);

    fn arrivals(link: Link, datagrams: usize) -> Vec<usize> {
        let mut network = Network::new(Random::new(1));
        network.default = link;
        (0..datagrams)
            .map(|_| network.carry(A, B, b"datagram").len())
            .collect()
    }

    #[test]
    fn a_good_link_carries_everything_once_and_unchanged() {
        let mut network = Network::new(Random::new(1));
        let delay = Link::default().delay;
        assert_eq!(network.carry(A, B, b"a"), [(delay, b"a".to_vec())]);
    }

    #[test]
    fn a_cut_direction_carries_nothing_and_the_other_goes_on() {
        let mut network = Network::new(Random::new(1));
        network.cut(A.ip(), B.ip());
        assert!(network.carry(A, B, b"a").is_empty());
        assert_eq!(network.carry(B, A, b"a").len(), 1);
        network.mend(A.ip(), B.ip());
        assert_eq!(network.carry(A, B, b"a").len(), 1);
    }

    #[test]
    fn adding_a_fault_does_not_change_what_another_does() {
        let loss = Link {
            loss: 300,
            ..Link::default()
        };
        let both = Link {
            duplication: 500,
            corruption: 500,
            ..loss
        };
        let lost = |link| arrivals(link, 100).iter().map(|n| *n == 0).collect();
        let alone: Vec<bool> = lost(loss);
        assert_eq!(alone, lost(both));
        assert!(arrivals(both, 100).contains(&2));
    }
}
