//! Who may have a handshake. Under load, whoever starts one must show that it receives at its
//! address: it is handed a cookie and sends the handshake again with a code made from it
//! (WireGuard §5.4.7). Then an address has its share and no more.

use core::net::IpAddr;

use super::rate_limit::{AddressLimit, RateLimit};
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

/// Handshakes a second that one address may have under load: as many as people behind one
/// address translator need.
const MAX_PER_ADDRESS: u32 = 50;

/// Whether a handshake is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Admission {
    /// It is.
    Granted,
    /// It is if it comes again with a cookie.
    NeedsCookie,
    /// It is not: its address has had its share.
    Refused,
}

/// Makes cookies, and tells when they are needed.
pub(super) struct Cookies {
    secret: [u8; 32],
    before: [u8; 32],
    rotated: Instant,
    handshakes: RateLimit,
    addresses: AddressLimit,
}

impl Cookies {
    /// Cookies that follow from `random`.
    pub(super) fn new(random: &mut Random) -> Self {
        Self {
            secret: random.bytes(),
            before: random.bytes(),
            rotated: Instant::ZERO,
            handshakes: RateLimit::default(),
            addresses: AddressLimit::default(),
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

    /// Whether a handshake is made with whoever sent this message. More than `max` in a second
    /// are load.
    pub(super) fn admit(
        &mut self,
        now: Instant,
        path: &Path,
        message: &[u8],
        max: u32,
    ) -> Admission {
        if self.handshakes.allows(now, max) {
            Admission::Granted
        } else if !self.verify(path, message) {
            Admission::NeedsCookie
        } else if self
            .addresses
            .allows(now, path.remote.ip(), MAX_PER_ADDRESS)
        {
            Admission::Granted
        } else {
            Admission::Refused
        }
    }

    fn verify(&self, path: &Path, message: &[u8]) -> bool {
        [&self.secret, &self.before]
            .iter()
            .any(|secret| ReceiverKeys::verify_mac2(message, &cookie_of(secret, path)))
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
        for second in 0..2 {
            let now = Instant::ZERO + Duration::from_secs(second);
            let admitted = [(); 4].map(|()| cookies.admit(now, &path(1), b"no cookie", 3));
            assert_eq!(admitted[..3], [Admission::Granted; 3]);
            assert_eq!(admitted[3], Admission::NeedsCookie);
        }
    }

    #[test]
    fn under_load_an_address_has_its_share_and_others_have_theirs() {
        let mut random = Random::new([1; 32]);
        let mut cookies = Cookies::new(&mut random);
        let mut granted = |last| {
            let path = path(last);
            let message = message(&cookies.cookie(Instant::ZERO, &path, &mut random));
            let attempts = 0..MAX_PER_ADDRESS * 2;
            let admitted = attempts.map(|_| cookies.admit(Instant::ZERO, &path, &message, 0));
            admitted.filter(|is| *is == Admission::Granted).count()
        };
        assert_eq!([granted(1), granted(2)], [MAX_PER_ADDRESS as usize; 2]);
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
