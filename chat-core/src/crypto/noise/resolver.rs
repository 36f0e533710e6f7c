//! What snow is built from: its own hash and cipher, our X25519 and our randomness.

use alloc::boxed::Box;

use snow::{
    Error,
    params::{CipherChoice, DHChoice, HashChoice},
    resolvers::{CryptoResolver, DefaultResolver},
    types::{Cipher, Dh, Hash, Random},
};
use zeroize::Zeroizing;

use super::ephemeral::Ephemeral;
use crate::{crypto::x25519, id::PublicKey};

/// Gives snow its parts for one handshake.
pub(super) struct Resolver {
    static_key: PublicKey,
    ephemeral: Ephemeral,
}

impl Resolver {
    /// For the identity with the key `static_key`, and the ephemeral that will be set.
    pub(super) fn new(static_key: PublicKey, ephemeral: Ephemeral) -> Self {
        Self {
            static_key,
            ephemeral,
        }
    }
}

impl CryptoResolver for Resolver {
    fn resolve_rng(&self) -> Option<Box<dyn Random>> {
        Some(Box::new(self.ephemeral.clone()))
    }

    fn resolve_dh(&self, choice: &DHChoice) -> Option<Box<dyn Dh>> {
        matches!(choice, DHChoice::Curve25519).then(|| {
            Box::new(X25519 {
                secret: Zeroizing::default(),
                public: self.static_key,
            }) as _
        })
    }

    fn resolve_hash(&self, choice: &HashChoice) -> Option<Box<dyn Hash>> {
        #[cfg(feature = "simulation")]
        if crate::simulation::uses_null_crypto() {
            return Some(Box::new(crate::crypto::null::Checksum::default()));
        }
        DefaultResolver.resolve_hash(choice)
    }

    fn resolve_cipher(&self, choice: &CipherChoice) -> Option<Box<dyn Cipher>> {
        #[cfg(feature = "simulation")]
        if crate::simulation::uses_null_crypto() {
            return Some(Box::new(crate::crypto::null::NullCipher::default()));
        }
        DefaultResolver.resolve_cipher(choice)
    }
}

impl Random for Ephemeral {
    fn try_fill_bytes(&mut self, secret: &mut [u8]) -> Result<(), Error> {
        let taken = self.take().ok_or(Error::Rng)?;
        if secret.len() != taken.len() {
            return Err(Error::Rng);
        }
        secret.copy_from_slice(&*taken);
        Ok(())
    }
}

/// X25519 (RFC 7748 §5) that forgets its secret, does not compute the static public key anew for
/// every handshake, and refuses keys of low order.
struct X25519 {
    secret: Zeroizing<[u8; 32]>,
    public: PublicKey,
}

impl Dh for X25519 {
    fn name(&self) -> &'static str {
        "25519"
    }

    fn pub_len(&self) -> usize {
        32
    }

    fn priv_len(&self) -> usize {
        32
    }

    /// Only the identity's secret is ever set, and `public` is its key from the beginning.
    fn set(&mut self, secret: &[u8]) {
        self.secret.copy_from_slice(secret);
    }

    fn generate(&mut self, random: &mut dyn Random) -> Result<(), Error> {
        random.try_fill_bytes(&mut *self.secret)?;
        self.public = x25519::public_key(&self.secret);
        Ok(())
    }

    fn pubkey(&self) -> &[u8] {
        &self.public.0
    }

    fn privkey(&self) -> &[u8] {
        &*self.secret
    }

    fn dh(&self, public: &[u8], out: &mut [u8]) -> Result<(), Error> {
        let public = public.first_chunk().ok_or(Error::Dh)?;
        let agree = || x25519::agree(&self.secret, public);
        #[cfg(feature = "simulation")]
        let agree = || crate::simulation::agreed(&self.public.0, public, agree);
        let shared = agree().ok_or(Error::Dh)?;
        out.get_mut(..32)
            .ok_or(Error::Dh)?
            .copy_from_slice(&*shared);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_thirty_two_bytes() {
        let x25519 = X25519 {
            secret: Zeroizing::new([1; 32]),
            public: PublicKey([2; 32]),
        };
        assert_eq!((x25519.pub_len(), x25519.priv_len()), (32, 32));
        assert_eq!((x25519.pubkey().len(), x25519.privkey().len()), (32, 32));
    }
}
