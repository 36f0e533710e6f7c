//! So many a second and no more.

use alloc::collections::BTreeMap;
use core::net::IpAddr;

use crate::time::{Duration, Instant};

const SECOND: Duration = Duration::from_secs(1);

/// Counts what happens within a second.
#[derive(Debug, Default)]
pub(super) struct RateLimit {
    window: Instant,
    count: u32,
}

impl RateLimit {
    /// Counts one: whether it is within `max` in this second.
    pub(super) fn allows(&mut self, now: Instant, max: u32) -> bool {
        if now.saturating_since(self.window) >= SECOND {
            self.window = now;
            self.count = 0;
        }
        self.count = self.count.saturating_add(1);
        self.count <= max
    }
}

/// Addresses that are counted; what comes from others is then counted together.
const MAX_ADDRESSES: usize = 4_096;

/// Counts what comes from each address within a second.
#[derive(Debug, Default)]
pub(super) struct AddressLimit {
    window: Instant,
    counts: BTreeMap<u64, u32>,
    others: u32,
}

impl AddressLimit {
    /// Counts one: whether it is within `max` in this second.
    pub(super) fn allows(&mut self, now: Instant, address: IpAddr, max: u32) -> bool {
        if now.saturating_since(self.window) >= SECOND {
            self.window = now;
            self.counts.clear();
            self.others = 0;
        }
        let network = network(address);
        let count = if self.counts.len() < MAX_ADDRESSES || self.counts.contains_key(&network) {
            self.counts.entry(network).or_default()
        } else {
            &mut self.others
        };
        *count = count.saturating_add(1);
        *count <= max
    }
}

/// What one subscriber has: an IPv4 address, or 2^64 IPv6 addresses.
fn network(address: IpAddr) -> u64 {
    match address {
        IpAddr::V4(ip) => u64::from(ip.to_bits()),
        IpAddr::V6(ip) => (ip.to_bits() >> 64) as u64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_exceeds_the_limit_waits_for_the_next_second() {
        let mut limit = RateLimit::default();
        let mut allowed = |now| [(); 4].map(|()| limit.allows(now, 3));
        assert_eq!(allowed(Instant::ZERO), [true, true, true, false]);
        assert_eq!(allowed(Instant::ZERO + SECOND), [true, true, true, false]);
    }

    #[test]
    fn an_address_has_a_limit_of_its_own_and_too_many_addresses_share_one() {
        let mut limit = AddressLimit::default();
        let mut allowed = |host: u16, times| {
            let address = IpAddr::from([10, 0, (host >> 8) as u8, host as u8]);
            (0..times)
                .filter(|_| limit.allows(Instant::ZERO, address, 2))
                .count()
        };
        assert_eq!((allowed(1, 5), allowed(2, 5)), (2, 2));
        for host in 0..MAX_ADDRESSES as u16 {
            allowed(host, 1);
        }
        assert_eq!((allowed(5_000, 5), allowed(5_001, 5)), (2, 0));
        let neighbours = [1, 2].map(|last| IpAddr::from([1, 2, 3, 4, 5, 6, 7, last]));
        assert_eq!(network(neighbours[0]), network(neighbours[1]));
    }
}
