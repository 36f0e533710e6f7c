//! What befalls datagrams, and chance.

/// What happens to datagrams by chance.
#[derive(Default)]
pub(crate) struct Weather {
    pub(crate) chance: Chance,
    /// So many of a hundred are lost.
    pub(crate) loss: u64,
    /// So many of a hundred arrive twice.
    pub(crate) duplication: u64,
    /// What is added to the delay at most, in microseconds.
    pub(crate) jitter: u64,
}

/// Numbers that follow from a seed (splitmix64).
#[derive(Default)]
pub(crate) struct Chance(pub(crate) u64);

impl Chance {
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut draw = self.0;
        draw = (draw ^ (draw >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        draw = (draw ^ (draw >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (draw ^ (draw >> 31)) % limit.max(1)
    }
}
