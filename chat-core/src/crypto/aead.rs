//! ChaCha20-Poly1305 (RFC 8439), with the nonce as Noise builds it: 32 zero bits, then the counter,
//! little-endian.
//!
//! The feature `ring` selects the assembly implementation behind the same functions.

use alloc::vec::Vec;

/// What sealing adds, in bytes.
pub const TAG_BYTES: usize = 16;

/// The bytes were not sealed under this key, counter and associated data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("authentication failed")]
pub struct AuthenticationFailed;

/// Encrypts `buffer[from..]` and appends the tag. A counter is never used twice under a key.
///
/// # Panics
/// If `from` is past the end of the buffer.
pub fn seal_in_place(
    key: &[u8; 32],
    counter: u64,
    associated: &[u8],
    buffer: &mut Vec<u8>,
    from: usize,
) {
    #[cfg(feature = "simulation")]
    if crate::simulation::uses_null_crypto() {
        let tag = super::null::tag(key, &nonce(counter), associated, &buffer[from..]);
        return buffer.extend_from_slice(&tag);
    }
    let tag = backend::seal(key, nonce(counter), associated, &mut buffer[from..]);
    buffer.extend_from_slice(&tag);
}

/// Decrypts a ciphertext with its tag behind it; the plaintext is `buffer[..length]` for the
/// length that is returned.
///
/// # Errors
/// If the authentication fails; what the buffer holds then means nothing.
pub fn open_in_place(
    key: &[u8; 32],
    counter: u64,
    associated: &[u8],
    buffer: &mut [u8],
) -> Result<usize, AuthenticationFailed> {
    let length = buffer
        .len()
        .checked_sub(TAG_BYTES)
        .ok_or(AuthenticationFailed)?;
    #[cfg(feature = "simulation")]
    if crate::simulation::uses_null_crypto() {
        return super::null::verify(key, &nonce(counter), associated, buffer).map(|()| length);
    }
    backend::open(key, nonce(counter), associated, buffer)?;
    Ok(length)
}

pub(super) fn nonce(counter: u64) -> [u8; 12] {
    let mut nonce = [0; 12];
    nonce[4..].copy_from_slice(&counter.to_le_bytes());
    nonce
}

#[cfg(feature = "ring")]
use assembly as backend;
#[cfg(not(feature = "ring"))]
use portable as backend;

/// In Rust, without the standard library.
#[cfg(any(test, not(feature = "ring")))]
mod portable {
    use chacha20poly1305::{AeadInPlace, ChaCha20Poly1305, KeyInit};

    use super::{AuthenticationFailed, TAG_BYTES};

    pub(super) fn seal(
        key: &[u8; 32],
        nonce: [u8; 12],
        associated: &[u8],
        plaintext: &mut [u8],
    ) -> [u8; TAG_BYTES] {
        ChaCha20Poly1305::new(key.into())
            .encrypt_in_place_detached(&nonce.into(), associated, plaintext)
            .expect("the limit of the cipher is 256 GiB a message")
            .into()
    }

    pub(super) fn open(
        key: &[u8; 32],
        nonce: [u8; 12],
        associated: &[u8],
        buffer: &mut [u8],
    ) -> Result<(), AuthenticationFailed> {
        let (ciphertext, tag) = buffer
            .split_last_chunk_mut::<TAG_BYTES>()
            .ok_or(AuthenticationFailed)?;
        ChaCha20Poly1305::new(key.into())
            .decrypt_in_place_detached(&nonce.into(), associated, ciphertext, (&*tag).into())
            .map_err(|_| AuthenticationFailed)
    }
}

/// In assembly.
#[cfg(feature = "ring")]
mod assembly {
    use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};

    use super::{AuthenticationFailed, TAG_BYTES};

    fn cipher(key: &[u8; 32]) -> LessSafeKey {
        LessSafeKey::new(
            UnboundKey::new(&CHACHA20_POLY1305, key).expect("the key has the cipher's length"),
        )
    }

    pub(super) fn seal(
        key: &[u8; 32],
        nonce: [u8; 12],
        associated: &[u8],
        plaintext: &mut [u8],
    ) -> [u8; TAG_BYTES] {
        let nonce = Nonce::assume_unique_for_key(nonce);
        let tag = cipher(key)
            .seal_in_place_separate_tag(nonce, Aad::from(associated), plaintext)
            .expect("the limit of the cipher is 256 GiB a message");
        let mut bytes = [0; TAG_BYTES];
        bytes.copy_from_slice(tag.as_ref());
        bytes
    }

    pub(super) fn open(
        key: &[u8; 32],
        nonce: [u8; 12],
        associated: &[u8],
        buffer: &mut [u8],
    ) -> Result<(), AuthenticationFailed> {
        let nonce = Nonce::assume_unique_for_key(nonce);
        cipher(key)
            .open_in_place(nonce, Aad::from(associated), buffer)
            .map(drop)
            .map_err(|_| AuthenticationFailed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8439 §2.8.2.
    #[test]
    fn the_backend_computes_the_example_of_rfc_8439() {
        let key = core::array::from_fn(|index| 0x80 + index as u8);
        let nonce = [7, 0, 0, 0, 0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47];
        let plaintext = b"Ladies and Gentlemen of the class of '99: If I could offer you only \
                          one tip for the future, sunscreen would be it.";
        let sealed = "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d6\
                      3dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b36\
                      92ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc\
                      3ff4def08e4b7a9de576d26586cec64b61161ae10b594f09e26a7e902ecbd0600691";
        let associated = hex("50515253c0c1c2c3c4c5c6c7");
        let mut buffer = plaintext.to_vec();
        let tag = backend::seal(&key, nonce, &associated, &mut buffer);
        buffer.extend(tag);
        assert_eq!(buffer, hex(sealed));
        backend::open(&key, nonce, &associated, &mut buffer).unwrap();
        assert_eq!(&buffer[..plaintext.len()], plaintext);
    }

    fn hex(text: &str) -> Vec<u8> {
        let digits: Vec<u8> = text
            .chars()
            .map(|digit| digit.to_digit(16).unwrap() as u8)
            .collect();
        digits
            .chunks(2)
            .map(|pair| pair[0] << 4 | pair[1])
            .collect()
    }

    #[cfg(feature = "ring")]
    #[test]
    fn both_backends_compute_the_same() {
        for length in [0, 1, 15, 16, 17, 63, 64, 65, 1_200, 65_536] {
            let (key, nonce) = ([3; 32], nonce(u64::MAX - length as u64));
            let (mut one, mut two) = (alloc::vec![5; length], alloc::vec![5; length]);
            let tag = assembly::seal(&key, nonce, b"header", &mut one);
            assert_eq!(portable::seal(&key, nonce, b"header", &mut two), tag);
            assert_eq!(one, two);
            one.extend(tag);
            assert_eq!(portable::open(&key, nonce, b"header", &mut one), Ok(()));
        }
    }

    #[test]
    fn what_was_sealed_opens_behind_an_untouched_header() {
        let mut buffer = b"header plaintext".to_vec();
        seal_in_place(&[1; 32], 9, b"header ", &mut buffer, 7);
        assert_eq!(buffer.len(), 16 + TAG_BYTES);
        let (header, sealed) = buffer.split_at_mut(7);
        assert_eq!(header, b"header ");
        assert_eq!(open_in_place(&[1; 32], 9, header, sealed), Ok(9));
        assert_eq!(&sealed[..9], b"plaintext");
    }

    #[test]
    fn another_key_counter_header_or_byte_fails() {
        let mut sealed = b"text".to_vec();
        seal_in_place(&[1; 32], 9, b"header", &mut sealed, 0);
        let open = |key: u8, counter, header: &[u8], sealed: &[u8]| {
            open_in_place(&[key; 32], counter, header, &mut sealed.to_vec())
        };
        assert_eq!(open(1, 9, b"header", &sealed), Ok(4));
        assert_eq!(open(2, 9, b"header", &sealed), Err(AuthenticationFailed));
        assert_eq!(open(1, 8, b"header", &sealed), Err(AuthenticationFailed));
        assert_eq!(open(1, 9, b"leader", &sealed), Err(AuthenticationFailed));
        for index in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[index] ^= 1;
            assert_eq!(open(1, 9, b"header", &changed), Err(AuthenticationFailed));
            let cut = open(1, 9, b"header", &sealed[..index]);
            assert_eq!(cut, Err(AuthenticationFailed));
        }
    }
}
