//! Mail: sealed to a key whose owner is not there.

use alloc::vec::Vec;

use super::{
    Identity, Random, aead, hash,
    noise::{HandshakeError, one_way},
};
use crate::id::PublicKey;

/// What sealing adds, in bytes.
pub const SEALING_OVERHEAD: usize = one_way::MESSAGE_BYTES + aead::TAG_BYTES;

/// Sealing or opening failed: a bad key, or bytes that were not sealed for this.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not sealed for this key")]
pub struct SealError;

impl From<HandshakeError> for SealError {
    fn from(_: HandshakeError) -> Self {
        Self
    }
}

impl From<aead::AuthenticationFailed> for SealError {
    fn from(_: aead::AuthenticationFailed) -> Self {
        Self
    }
}

/// Seals `plaintext` to `recipient`, so that only its key opens it, and only under the same
/// `binding`, which is not part of the result.
///
/// A message of `Noise_X_25519_ChaChaPoly_BLAKE2s` with the binding as its prologue, and the
/// plaintext encrypted with the key that follows from it: Noise itself ends at 65,535 bytes.
/// There is no forward secrecy for the recipient's key, and its owner can forge what is sealed to
/// it.
///
/// # Errors
/// If the recipient's key is of low order.
pub fn seal(
    identity: &Identity,
    recipient: &PublicKey,
    binding: &[&[u8]],
    plaintext: &[u8],
    random: &mut Random,
) -> Result<Vec<u8>, SealError> {
    let prologue = hash(b"sealed", binding);
    let (mut sealed, key) = one_way::send(identity, recipient, &prologue, plaintext, random)?;
    sealed.reserve_exact(plaintext.len() + aead::TAG_BYTES);
    sealed.extend_from_slice(plaintext);
    aead::seal_in_place(&key, 0, &[], &mut sealed, one_way::MESSAGE_BYTES);
    Ok(sealed)
}

/// Opens what was sealed to `identity` under `binding`: the sealer's key and the plaintext.
///
/// # Errors
/// If it was not sealed to this identity, or under another binding.
pub fn open(
    identity: &Identity,
    binding: &[&[u8]],
    sealed: &[u8],
) -> Result<(PublicKey, Vec<u8>), SealError> {
    let prologue = hash(b"sealed", binding);
    let (message, ciphertext) = sealed
        .split_at_checked(one_way::MESSAGE_BYTES)
        .ok_or(SealError)?;
    let (sender, key) = one_way::receive(identity, &prologue, message)?;
    let mut plaintext = ciphertext.to_vec();
    let length = aead::open_in_place(&key, 0, &[], &mut plaintext)?;
    plaintext.truncate(length);
    Ok((sender, plaintext))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BINDING: &[&[u8]] = &[b"bob", b"message id"];

    fn identity(seed: u8) -> Identity {
        Identity::from_seed(&[seed; 32])
    }

    fn sealed(plaintext: &[u8]) -> Vec<u8> {
        let (alice, bob) = (identity(1), identity(2).public_key());
        seal(&alice, &bob, BINDING, plaintext, &mut Random::new([1; 32])).unwrap()
    }

    #[test]
    fn the_recipient_learns_the_sender_and_the_text_whatever_its_length() {
        for length in [0, 1, 65_536] {
            let text = alloc::vec![b'x'; length];
            let sealed = sealed(&text);
            assert_eq!(sealed.len(), length + SEALING_OVERHEAD);
            let opened = open(&identity(2), BINDING, &sealed);
            assert_eq!(opened, Ok((identity(1).public_key(), text)));
        }
    }

    #[test]
    fn nobody_else_opens_it_and_not_as_another_message() {
        let sealed = sealed(b"text");
        assert_eq!(open(&identity(3), BINDING, &sealed), Err(SealError));
        let other: &[&[u8]] = &[b"bob", b"another id"];
        assert_eq!(open(&identity(2), other, &sealed), Err(SealError));
    }

    #[test]
    fn a_changed_or_shortened_one_does_not_open() {
        let sealed = sealed(b"text");
        for index in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[index] ^= 1;
            assert_eq!(open(&identity(2), BINDING, &changed), Err(SealError));
            let cut = open(&identity(2), BINDING, &sealed[..index]);
            assert_eq!(cut, Err(SealError));
        }
    }

    #[test]
    fn a_key_of_low_order_cannot_be_sealed_to() {
        let key = PublicKey([0; 32]);
        let result = seal(
            &identity(1),
            &key,
            BINDING,
            b"text",
            &mut Random::new([1; 32]),
        );
        assert_eq!(result, Err(SealError));
    }
}
