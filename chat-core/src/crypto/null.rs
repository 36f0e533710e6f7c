//! What takes the place of cryptography in a simulation: of the same lengths, as strict about what
//! belongs together, fast, and worth nothing against anybody.
//!
//! Whatever is not what was sealed, under the same key, is refused; nothing is hidden.

use snow::{
    Error,
    types::{Cipher, Hash},
};

use super::aead::{AuthenticationFailed, TAG_BYTES};

/// Odd, so that to multiply by one of them loses nothing.
const FACTORS: [u64; 4] = [
    0x9e37_79b9_7f4a_7c15,
    0xc2b2_ae3d_27d4_eb4f,
    0x1656_67b1_9e37_79f9,
    0x27d4_eb2f_1656_67c5,
];

/// A checksum of 256 bits over parts, whose lengths count too. Two inputs that differ in one
/// word never have the same state; others only by chance.
#[derive(Clone)]
pub(super) struct Checksum([u64; 4]);

impl Default for Checksum {
    fn default() -> Self {
        Self(FACTORS)
    }
}

impl Checksum {
    /// Of all these parts.
    pub(super) fn of<'a>(parts: impl IntoIterator<Item = &'a &'a [u8]>) -> [u8; 32] {
        let mut checksum = Self::default();
        parts.into_iter().for_each(|part| checksum.add(part));
        checksum.finish()
    }

    /// Adds a part.
    pub(super) fn add(&mut self, part: &[u8]) {
        let (blocks, rest) = part.as_chunks();
        blocks.iter().for_each(|block| self.add_block(block));
        let mut last = [0; 32];
        last[..rest.len()].copy_from_slice(rest);
        self.0[3] = self.0[3].wrapping_add(part.len() as u64);
        self.add_block(&last);
    }

    fn add_block(&mut self, block: &[u8; 32]) {
        for ((lane, word), factor) in self.0.iter_mut().zip(words(block)).zip(FACTORS) {
            *lane = (*lane ^ word).wrapping_mul(factor).rotate_left(29);
        }
    }

    /// The checksum, every bit of which depends on every bit of the input.
    pub(super) fn finish(&self) -> [u8; 32] {
        let mut lanes = self.0;
        for at in 0..2 * lanes.len() {
            let before = lanes[(at + 3) % 4];
            lanes[at % 4] = mixed(lanes[at % 4].wrapping_add(before));
        }
        bytes(lanes)
    }
}

/// The finalizer of SplitMix64, a permutation.
fn mixed(mut word: u64) -> u64 {
    word = (word ^ word >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ word >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ word >> 31
}

/// A tag for data that stays as it is.
pub(super) fn tag(
    key: &[u8; 32],
    nonce: &[u8; 12],
    associated: &[u8],
    data: &[u8],
) -> [u8; TAG_BYTES] {
    mac(key, &[nonce, associated, data])
}

/// A code for these parts under a key.
pub(super) fn mac(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 16] {
    let key: &[u8] = key;
    let checksum = Checksum::of(core::iter::once(&key).chain(parts));
    core::array::from_fn(|index| checksum[index])
}

/// Checks the tag behind the data.
pub(super) fn verify(
    key: &[u8; 32],
    nonce: &[u8; 12],
    associated: &[u8],
    sealed: &[u8],
) -> Result<(), AuthenticationFailed> {
    match sealed.split_last_chunk() {
        Some((data, found)) if tag(key, nonce, associated, data) == *found => Ok(()),
        _ => Err(AuthenticationFailed),
    }
}

/// The "curve": numbers modulo 2^64, four of them at a time, whose product commutes.
pub(super) fn public_key(secret: &[u8; 32]) -> [u8; 32] {
    agree(secret, &bytes(FACTORS))
}

/// What both sides agree on; zero for a key that is zero.
pub(super) fn agree(secret: &[u8; 32], public: &[u8; 32]) -> [u8; 32] {
    let (secret, public) = (words(secret), words(public));
    bytes(core::array::from_fn(|at| {
        (secret[at] | 1).wrapping_mul(public[at])
    }))
}

fn words(bytes: &[u8; 32]) -> [u64; 4] {
    let words = bytes.as_chunks().0;
    core::array::from_fn(|at| u64::from_le_bytes(words[at]))
}

fn bytes(words: [u64; 4]) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (chunk, word) in bytes.as_chunks_mut().0.iter_mut().zip(words) {
        *chunk = word.to_le_bytes();
    }
    bytes
}

/// The hash of a handshake.
impl Hash for Checksum {
    fn name(&self) -> &'static str {
        "BLAKE2s"
    }

    fn block_len(&self) -> usize {
        64
    }

    fn hash_len(&self) -> usize {
        32
    }

    fn reset(&mut self) {
        *self = Self::default();
    }

    fn input(&mut self, data: &[u8]) {
        self.add(data);
    }

    fn result(&mut self, out: &mut [u8]) {
        out[..32].copy_from_slice(&self.finish());
    }

    fn hmac(&mut self, key: &[u8], data: &[u8], out: &mut [u8]) {
        out[..32].copy_from_slice(&Self::of([&key, &data]));
    }
}

/// The cipher of a handshake.
#[derive(Default)]
pub(super) struct NullCipher {
    key: [u8; 32],
}

impl Cipher for NullCipher {
    fn name(&self) -> &'static str {
        "ChaChaPoly"
    }

    fn set(&mut self, key: &[u8; 32]) {
        self.key = *key;
    }

    fn encrypt(&self, nonce: u64, associated: &[u8], plaintext: &[u8], out: &mut [u8]) -> usize {
        let length = plaintext.len();
        let tag = tag(&self.key, &super::aead::nonce(nonce), associated, plaintext);
        out[..length].copy_from_slice(plaintext);
        out[length..length + TAG_BYTES].copy_from_slice(&tag);
        length + TAG_BYTES
    }

    fn decrypt(
        &self,
        nonce: u64,
        associated: &[u8],
        ciphertext: &[u8],
        out: &mut [u8],
    ) -> Result<usize, Error> {
        verify(
            &self.key,
            &super::aead::nonce(nonce),
            associated,
            ciphertext,
        )
        .map_err(|_| Error::Decrypt)?;
        let length = ciphertext.len() - TAG_BYTES;
        out[..length].copy_from_slice(&ciphertext[..length]);
        Ok(length)
    }
}
