//! The few primitives, behind one small interface.
//!
//! Handshakes ([`noise`]), packets ([`aead`]), sealed mail ([`seal`], [`open`]), the codes that
//! keep strangers out before any of it is tried ([`mac`]). Randomness is an argument ([`Random`]).

pub mod aead;
mod identity;
pub mod mac;
pub mod noise;
#[cfg(feature = "simulation")]
mod null;
mod random;
mod sealing;
mod x25519;

use blake2::{Blake2s256, Digest};

pub use identity::Identity;
pub use random::Random;
pub use sealing::{SEALING_OVERHEAD, SealError, open, seal};

/// BLAKE2s-256 over `domain` and `parts`, each preceded by its length, so that no two lists of
/// parts are hashed alike.
pub fn hash(domain: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let parts = core::iter::once(&domain).chain(parts);
    #[cfg(feature = "simulation")]
    if crate::simulation::uses_null_crypto() {
        return null::Checksum::of(parts);
    }
    let mut hasher = Blake2s256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    hasher.finalize().into()
}
