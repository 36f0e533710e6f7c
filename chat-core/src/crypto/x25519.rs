//! X25519 (RFC 7748 §5).

use curve25519_dalek::MontgomeryPoint;
use zeroize::Zeroizing;

use crate::id::PublicKey;

/// The public key of a secret, which need not be clamped.
pub(super) fn public_key(secret: &[u8; 32]) -> PublicKey {
    #[cfg(feature = "simulation")]
    if crate::simulation::uses_null_crypto() {
        return PublicKey(super::null::public_key(secret));
    }
    PublicKey(MontgomeryPoint::mul_base_clamped(*secret).to_bytes())
}

/// What the owners of both keys have in common; none if the public one is of low order, which
/// would make it known to everyone (RFC 7748 §6.1).
pub(super) fn agree(secret: &[u8; 32], public: &[u8; 32]) -> Option<Zeroizing<[u8; 32]>> {
    #[cfg(feature = "simulation")]
    if crate::simulation::uses_null_crypto() {
        let shared = super::null::agree(secret, public);
        return Some(Zeroizing::new(shared)).filter(|shared| **shared != [0; 32]);
    }
    let shared = Zeroizing::new(MontgomeryPoint(*public).mul_clamped(*secret).to_bytes());
    Some(shared).filter(|shared| **shared != [0; 32])
}
