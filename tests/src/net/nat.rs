//! A NAT between a host and the network (RFC 4787): which outer port a host gets, and who may
//! send to it.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use chat_core::time::Instant;

use crate::random::{Random, Stream};

/// What a NAT looks at of the other side's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dependence {
    /// Nothing.
    Endpoint,
    /// The address.
    Address,
    /// Address and port.
    Port,
}

/// How a NAT behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// What decides whether another outer port is used (RFC 4787 §4.1).
    pub mapping: Dependence,
    /// What decides whether a datagram is let in (RFC 4787 §5).
    pub filtering: Dependence,
    /// The outer port is the inner one if that is free; else it is drawn.
    pub keeps_port: bool,
    /// A mapping that nothing has been sent through for so long is forgotten.
    pub expiry: Duration,
}

/// Whom a mapping or a permission is for, as far as the NAT looks.
type Remote = (Option<IpAddr>, Option<u16>);

impl Dependence {
    fn of(self, remote: SocketAddr) -> Remote {
        match self {
            Self::Endpoint => (None, None),
            Self::Address => (Some(remote.ip()), None),
            Self::Port => (Some(remote.ip()), Some(remote.port())),
        }
    }
}

#[derive(Debug)]
struct Mapping {
    inner: SocketAddr,
    used: Instant,
    /// To whom something was sent, and when last.
    sent_to: BTreeMap<Remote, Instant>,
}

/// One NAT with its outer address.
#[derive(Debug)]
pub struct Nat {
    random: Random,
    outer: IpAddr,
    kind: Kind,
    /// By outer port.
    mappings: BTreeMap<u16, Mapping>,
    ports: BTreeMap<(SocketAddr, Remote), u16>,
    made: u64,
}

impl Nat {
    /// A NAT that owns the address `outer`.
    pub fn new(random: Random, outer: IpAddr, kind: Kind) -> Self {
        Self {
            random,
            outer,
            kind,
            mappings: BTreeMap::new(),
            ports: BTreeMap::new(),
            made: 0,
        }
    }

    /// Its outer address.
    pub fn outer(&self) -> IpAddr {
        self.outer
    }

    /// The host behind it sends: from where that is seen outside.
    pub fn outbound(&mut self, now: Instant, inner: SocketAddr, remote: SocketAddr) -> SocketAddr {
        let key = (inner, self.kind.mapping.of(remote));
        let known = self.ports.get(&key).copied();
        let port = known.filter(|port| self.is_alive(now, *port));
        let port = port.unwrap_or_else(|| self.map(now, key));
        if let Some(mapping) = self.mappings.get_mut(&port) {
            mapping.used = now;
            let permission = self.kind.filtering.of(remote);
            mapping.sent_to.insert(permission, now);
        }
        SocketAddr::new(self.outer, port)
    }

    /// Somebody sends to an outer port: who gets it, if anybody.
    pub fn inbound(&self, now: Instant, remote: SocketAddr, port: u16) -> Option<SocketAddr> {
        let mapping = self.mappings.get(&port)?;
        let sent = mapping.sent_to.get(&self.kind.filtering.of(remote))?;
        let is_open = self.is_alive(now, port) && now < *sent + self.kind.expiry;
        is_open.then_some(mapping.inner)
    }

    /// It forgets everything, and gives other ports from then on.
    pub fn reboot(&mut self) {
        self.mappings.clear();
        self.ports.clear();
    }

    fn is_alive(&self, now: Instant, port: u16) -> bool {
        let mapping = self.mappings.get(&port);
        mapping.is_some_and(|mapping| now < mapping.used + self.kind.expiry)
    }

    fn map(&mut self, now: Instant, key: (SocketAddr, Remote)) -> u16 {
        let inner = key.0;
        let wanted = inner.port();
        let is_first = self.made == 0;
        let mut port = wanted;
        while !(self.kind.keeps_port && is_first && port == wanted)
            && (port == wanted || self.mappings.contains_key(&port))
        {
            self.made += 1;
            let entity = crate::net::number(self.outer);
            port = 1_024 + self.random.below(60_000, Stream::Port, entity, self.made) as u16;
        }
        self.made += 1;
        let mapping = Mapping {
            inner,
            used: now,
            sent_to: BTreeMap::new(),
        };
        self.mappings.insert(port, mapping);
        self.ports.insert(key, port);
        port
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const OUTER: IpAddr = IpAddr::V4(Ipv4Addr::new(100, 64, 0, 1));
    const NOW: Instant = Instant::from_micros(1);

    fn address(host: u8, port: u16) -> SocketAddr {
        SocketAddr::from(([10, 0, 0, host], port))
    }

    fn nat(mapping: Dependence, filtering: Dependence) -> Nat {
        let kind = Kind {
            mapping,
            filtering,
            keeps_port: true,
            expiry: Duration::from_secs(30),
        };
        Nat::new(Random::new(1), OUTER, kind)
    }

    #[test]
    fn an_endpoint_independent_mapping_is_one_for_all() {
        let mut nat = nat(Dependence::Endpoint, Dependence::Endpoint);
        let outer = nat.outbound(NOW, address(9, 5_000), address(1, 1));
        assert_eq!(outer, SocketAddr::new(OUTER, 5_000));
        assert_eq!(nat.outbound(NOW, address(9, 5_000), address(2, 1)), outer);
        let stranger = nat.inbound(NOW, address(3, 3), 5_000);
        assert_eq!(stranger, Some(address(9, 5_000)));
    }

    #[test]
    fn a_port_dependent_nat_has_a_mapping_for_each_and_lets_only_that_one_in() {
        let mut nat = nat(Dependence::Port, Dependence::Port);
        let one = nat.outbound(NOW, address(9, 5_000), address(1, 1));
        let other = nat.outbound(NOW, address(9, 5_000), address(1, 2));
        assert_ne!(one, other);
        assert!(nat.inbound(NOW, address(1, 1), one.port()).is_some());
        assert!(nat.inbound(NOW, address(1, 2), one.port()).is_none());
    }

    #[test]
    fn address_dependent_filtering_lets_other_ports_in() {
        let mut nat = nat(Dependence::Endpoint, Dependence::Address);
        let outer = nat.outbound(NOW, address(9, 5_000), address(1, 1));
        assert!(nat.inbound(NOW, address(1, 2), outer.port()).is_some());
        assert!(nat.inbound(NOW, address(2, 1), outer.port()).is_none());
    }

    #[test]
    fn a_mapping_expires_and_is_forgotten_in_a_reboot() {
        let mut nat = nat(Dependence::Endpoint, Dependence::Endpoint);
        let outer = nat.outbound(NOW, address(9, 5_000), address(1, 1));
        let later = NOW + Duration::from_secs(31);
        assert!(nat.inbound(later, address(1, 1), outer.port()).is_none());
        let next = nat.outbound(later, address(9, 5_000), address(1, 1));
        assert_ne!(next, outer);
        nat.reboot();
        assert!(nat.inbound(later, address(1, 1), next.port()).is_none());
    }
}
