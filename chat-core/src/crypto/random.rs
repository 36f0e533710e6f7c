//! Randomness that follows from a seed.

use zeroize::Zeroizing;

use super::hash;

/// Random bytes that follow from a seed: the core's only source of randomness.
///
/// BLAKE2s in counter mode. The key is replaced by its hash after every draw: whoever reads the
/// memory learns nothing of what was drawn before.
pub struct Random {
    key: Zeroizing<[u8; 32]>,
}

impl Random {
    /// The stream that follows from `seed`, which must never be used twice outside of tests.
    pub fn new(seed: [u8; 32]) -> Self {
        Self {
            key: Zeroizing::new(seed),
        }
    }

    /// Fills `buffer` with the next bytes.
    pub fn fill(&mut self, buffer: &mut [u8]) {
        for (block, chunk) in (0u64..).zip(buffer.chunks_mut(32)) {
            let bytes = hash(b"random block", &[&*self.key, &block.to_le_bytes()]);
            chunk.copy_from_slice(&bytes[..chunk.len()]);
        }
        *self.key = hash(b"random key", &[&*self.key]);
    }

    /// The next bytes.
    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }

    /// The next 32 bits.
    pub fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.bytes())
    }

    /// The next 64 bits.
    pub fn u64(&mut self) -> u64 {
        u64::from_le_bytes(self.bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_draws_the_same_bytes() {
        let (mut one, mut two) = (Random::new([7; 32]), Random::new([7; 32]));
        for _ in 0..4 {
            assert_eq!(one.bytes::<100>(), two.bytes::<100>());
        }
        assert_ne!(one.u64(), Random::new([8; 32]).u64());
    }

    #[test]
    fn nothing_is_drawn_twice() {
        let mut random = Random::new([7; 32]);
        let mut drawn: alloc::vec::Vec<u64> = (0..1_000).map(|_| random.u64()).collect();
        for chunk in random.bytes::<800>().as_chunks().0 {
            drawn.push(u64::from_le_bytes(*chunk));
        }
        let count = drawn.len();
        drawn.sort_unstable();
        drawn.dedup();
        assert_eq!(drawn.len(), count);
    }
}
