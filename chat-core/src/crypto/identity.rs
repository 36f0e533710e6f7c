//! The key pair that a user or a server is known by.

use core::fmt;

use zeroize::Zeroizing;

use super::{hash, x25519};
use crate::id::PublicKey;

/// A key pair for X25519 (RFC 7748), made from a 32-byte seed.
///
/// The secret is a hash of the seed under a domain of its own, so that keys for other purposes can
/// be derived from the same seed.
#[derive(Clone)]
pub struct Identity {
    secret: Zeroizing<[u8; 32]>,
    public: PublicKey,
}

impl Identity {
    /// The identity that follows from a seed of 32 random bytes.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        let secret = Zeroizing::new(hash(b"identity x25519", &[seed]));
        let public = x25519::public_key(&secret);
        Self { secret, public }
    }

    /// The public key.
    pub fn public_key(&self) -> PublicKey {
        self.public
    }

    /// The secret scalar, not yet clamped.
    pub(super) fn secret(&self) -> &[u8; 32] {
        &self.secret
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({})", self.public.fingerprint())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_always_makes_the_same_key_and_another_seed_another_one() {
        let key = |seed| Identity::from_seed(&[seed; 32]).public_key();
        assert_eq!(key(1), key(1));
        assert_ne!(key(1), key(2));
    }

    #[test]
    fn the_secret_is_not_the_seed_and_is_not_shown() {
        let identity = Identity::from_seed(&[1; 32]);
        assert_ne!(identity.secret(), &[1; 32]);
        let shown = alloc::format!("{identity:?}");
        assert_eq!(
            shown,
            alloc::format!("Identity({})", identity.public_key().fingerprint())
        );
    }
}
