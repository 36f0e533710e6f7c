//! The ephemeral secret, set when everything that it is hashed from is known.

use alloc::sync::Arc;
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

use zeroize::Zeroizing;

use crate::{
    crypto::{Identity, Random, hash},
    time::WallTime,
};

/// Holds an ephemeral secret from the moment it is set until it is taken, once.
///
/// snow asks its random source for it in the middle of writing a message, and holds the source
/// from the beginning of the handshake: hence shared. Atomics, because snow demands `Sync`.
#[derive(Clone, Default)]
pub(super) struct Ephemeral(Arc<[AtomicU32; 8]>);

impl Ephemeral {
    /// Makes the secret from random bytes, the static secret, the time and what is being said, so
    /// that neither a broken generator nor a restored snapshot repeats it for other messages.
    pub(super) fn set(
        &self,
        identity: &Identity,
        random: &mut Random,
        wall: WallTime,
        said: &[&[u8]],
    ) {
        let said = hash(b"ephemeral context", said);
        let drawn = Zeroizing::new(random.bytes::<32>());
        let time = wall.as_micros().to_le_bytes();
        let parts: &[&[u8]] = &[&*drawn, identity.secret(), &time, &said];
        let secret = Zeroizing::new(hash(b"ephemeral", parts));
        for (word, bytes) in self.0.iter().zip(secret.as_chunks().0) {
            word.store(u32::from_le_bytes(*bytes), Relaxed);
        }
    }

    /// Takes the secret out; none if none was set.
    pub(super) fn take(&self) -> Option<Zeroizing<[u8; 32]>> {
        let mut secret = Zeroizing::new([0; 32]);
        for (word, bytes) in self.0.iter().zip(secret.as_chunks_mut().0) {
            *bytes = word.swap(0, Relaxed).to_le_bytes();
        }
        (*secret != [0; 32]).then_some(secret)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(seed: u8, wall: u64, said: &[u8], random: u8) -> [u8; 32] {
        let ephemeral = Ephemeral::default();
        ephemeral.set(
            &Identity::from_seed(&[seed; 32]),
            &mut Random::new([random; 32]),
            WallTime::from_micros(wall),
            &[said],
        );
        *ephemeral.take().unwrap()
    }

    #[test]
    fn each_ingredient_makes_another_secret() {
        let first = secret(1, 1, b"said", 1);
        assert_eq!(first, secret(1, 1, b"said", 1));
        assert_ne!(first, secret(2, 1, b"said", 1));
        assert_ne!(first, secret(1, 2, b"said", 1));
        assert_ne!(first, secret(1, 1, b"sad", 1));
        assert_ne!(first, secret(1, 1, b"said", 2));
    }

    #[test]
    fn it_is_taken_once_and_not_before_it_is_set() {
        let ephemeral = Ephemeral::default();
        assert!(ephemeral.take().is_none());
        let identity = Identity::from_seed(&[1; 32]);
        let mut random = Random::new([1; 32]);
        ephemeral.set(&identity, &mut random, WallTime::default(), &[]);
        assert!(ephemeral.take().is_some());
        assert!(ephemeral.take().is_none());
    }
}
