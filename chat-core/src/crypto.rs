//! The few primitives, behind one small interface.

use blake2::{Blake2s256, Digest};
use zeroize::Zeroizing;

use crate::id::PublicKey;

/// A key pair for X25519, made from a 32-byte seed.
#[derive(Clone)]
pub struct Identity {
    _secret: Zeroizing<[u8; 32]>,
    public: PublicKey,
}

impl Identity {
    /// The identity that follows from a seed of 32 random bytes.
    pub fn from_seed(_seed: &[u8; 32]) -> Self {
        unimplemented!()
    }

    /// The public key.
    pub fn public_key(&self) -> PublicKey {
        self.public
    }
}

/// BLAKE2s-256 over `domain` and `parts`, each preceded by its length, so that no two lists of
/// parts are hashed alike.
pub fn hash(domain: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = Blake2s256::new();
    for part in core::iter::once(&domain).chain(parts) {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// Random bytes that follow from a seed: the core's only source of randomness.
pub struct Random {
    _key: Zeroizing<[u8; 32]>,
}

impl Random {
    /// The stream that follows from `seed`.
    pub fn new(_seed: [u8; 32]) -> Self {
        unimplemented!()
    }

    /// The next bytes.
    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        unimplemented!()
    }
}

/// Seals `plaintext` to `recipient` (`Noise_X_25519_ChaChaPoly_BLAKE2s`), so that only its key
/// opens it, and only under the same `binding`.
pub fn seal(
    _identity: &Identity,
    _recipient: &PublicKey,
    _binding: &[&[u8]],
    _plaintext: &[u8],
    _random: &mut Random,
) -> Result<alloc::vec::Vec<u8>, SealError> {
    unimplemented!()
}

/// Opens what was sealed to `identity` under `binding`: the sealer's key and the plaintext.
pub fn open(
    _identity: &Identity,
    _binding: &[&[u8]],
    _sealed: &[u8],
) -> Result<(PublicKey, alloc::vec::Vec<u8>), SealError> {
    unimplemented!()
}

/// Sealing or opening failed: a bad key, or bytes that were not sealed for this.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not sealed for this key")]
pub struct SealError;
