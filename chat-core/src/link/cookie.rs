//! Under load, whoever starts a handshake must show that it receives at its address: it is handed
//! a cookie and sends the handshake again with a code made from it (WireGuard §5.4.7).

use core::net::IpAddr;

use super::rate_limit::RateLimit;
use crate::{
    crypto::{
        Random,
        mac::{Cookie, ReceiverKeys, mac},
    },
    id::Path,
    time::{Duration, Instant},
};

/// A cookie is good for this time at least, and for twice as long at most.
const ROTATION: Duration = Duration::from_secs(120);

/// Makes cookies, and tells when they are needed.
pub(super) struct Cookies {
    secret: [u8; 32],
    before: [u8; 32],
    rotated: Instant,
    handshakes: RateLimit,
}

impl Cookies {
    /// Cookies that follow from `random`.
    pub(super) fn new(random: &mut Random) -> Self {
        Self {
            secret: random.bytes(),
            before: random.bytes(),
            rotated: Instant::ZERO,
            handshakes: RateLimit::default(),
        }
    }

    /// The cookie for whoever is at `path`.
    pub(super) fn cookie(&mut self, now: Instant, path: &Path, random: &mut Random) -> Cookie {
        if now.saturating_since(self.rotated) >= ROTATION {
            self.before = core::mem::replace(&mut self.secret, random.bytes());
            self.rotated = now;
        }
        cookie_of(&self.secret, path)
    }

    /// Whether a handshake message was made with a cookie for `path`.
    pub(super) fn verify(&self, path: &Path, message: &[u8]) -> bool {
        [&self.secret, &self.before]
            .iter()
            .any(|secret| ReceiverKeys::verify_mac2(message, &cookie_of(secret, path)))
    }

    /// Counts a handshake: whether there were more than `max` in this second.
    pub(super) fn is_under_load(&mut self, now: Instant, max: u32) -> bool {
        !self.handshakes.allows(now, max)
    }
}

fn cookie_of(secret: &[u8; 32], path: &Path) -> Cookie {
    let port = path.remote.port().to_be_bytes();
    match path.remote.ip() {
        IpAddr::V4(ip) => mac(secret, &[&ip.octets(), &port]),
        IpAddr::V6(ip) => mac(secret, &[&ip.octets(), &port]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::Identity;

    #[test]
    fn a_cookie_is_good_for_its_address_only_and_for_two_rotations() {
        let mut random = Random::new([1; 32]);
        let mut cookies = Cookies::new(&mut random);
        let (here, there) = (path(1), path(2));
        let message = message(&cookies.cookie(Instant::ZERO, &here, &mut random));
        assert!(cookies.verify(&here, &message));
        assert!(!cookies.verify(&there, &message));
        for (rotation, good) in [(1, true), (2, false)] {
            cookies.cookie(Instant::ZERO + ROTATION * rotation, &there, &mut random);
            assert_eq!(cookies.verify(&here, &message), good);
        }
    }

    #[test]
    fn load_is_more_than_so_many_handshakes_in_a_second() {
        let mut cookies = Cookies::new(&mut Random::new([1; 32]));
        let load = |now, cookies: &mut Cookies| -> [bool; 4] {
            core::array::from_fn(|_| cookies.is_under_load(now, 3))
        };
        let expected = [false, false, false, true];
        assert_eq!(load(Instant::ZERO, &mut cookies), expected);
        assert_eq!(
            load(Instant::ZERO + Duration::from_secs(1), &mut cookies),
            expected
        );
    }

    fn path(last: u8) -> Path {
        Path::to(([10, 0, 0, last], 4_000).into())
    }

    fn message(cookie: &Cookie) -> alloc::vec::Vec<u8> {
        let receiver = Identity::from_seed(&[3; 32]).public_key();
        let mut message = b"handshake".to_vec();
        ReceiverKeys::of(&receiver).append(&mut message, Some(cookie));
        message
    }
}
