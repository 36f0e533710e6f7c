//! Randomness that is looked up, not consumed.
//!
//! Every draw is a hash of (seed, stream, entity, counter). Switching one fault off, or adding a
//! node, leaves all other draws as they are, so that a failing run can be made smaller.

/// Defines the streams with their names.
macro_rules! streams {
    ($( $(#[$meta:meta])* $stream:ident = $name:literal, )*) => {
        /// What a draw decides.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u64)]
        pub enum Stream { $( $(#[$meta])* $stream, )* }

        impl Stream {
            /// All of them.
            pub const ALL: &[Self] = &[ $( Self::$stream, )* ];

            /// What it is called in plans and traces.
            pub const fn name(self) -> &'static str {
                match self { $( Self::$stream => $name, )* }
            }

            /// The stream of this name.
            pub fn named(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|stream| stream.name() == name)
            }
        }
    };
}

streams! {
    /// Whether a datagram is lost.
    Loss = "loss",
    /// Whether a run of datagrams is lost.
    Burst = "burst",
    /// Whether a datagram arrives twice.
    Duplication = "duplication",
    /// Whether a datagram is held back, so that later ones overtake it.
    Reordering = "reordering",
    /// Whether and where a datagram is damaged.
    Corruption = "corruption",
    /// How much longer than the shortest time a datagram takes.
    Jitter = "jitter",
    /// The port that a NAT gives to a mapping.
    Port = "port",
    /// How long a disk takes.
    Disk = "disk",
    /// Whether a completion is reported late.
    LateCompletion = "late-completion",
    /// Whether a completion is reported twice.
    RepeatedCompletion = "repeated-completion",
    /// Whether a completion is never reported.
    LostCompletion = "lost-completion",
    /// Whether an operation fails, done or not.
    FailedOperation = "failed-operation",
    /// Whether the power of a node fails before an operation of its disk is done.
    PowerCutBefore = "power-cut-before",
    /// Whether it fails when the operation is done, before anybody is told.
    PowerCutAfter = "power-cut-after",
    /// How much of what was not complete survives a crash.
    Crash = "crash",
    /// When a driver drains its state machine, and in which order.
    Drain = "drain",
    /// The seeds and identities of the state machines.
    Seed = "seed",
    /// What somebody who means harm puts on the network.
    Adversary = "adversary",
    /// Which faults and features a run has, and how much of each.
    Setup = "setup",
    /// What the users do.
    Workload = "workload",
}

/// The source of all draws of one run.
#[derive(Debug, Clone, Copy)]
pub struct Random {
    seed: u64,
}

impl Random {
    /// All draws that follow from `seed`.
    pub const fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// The draw number `counter` about `entity`.
    pub fn draw(&self, stream: Stream, entity: u64, counter: u64) -> u64 {
        [stream as u64, entity, counter]
            .into_iter()
            .fold(mix(self.seed), |state, part| mix(state ^ mix(part)))
    }

    /// A number below `limit`; zero if `limit` is zero.
    pub fn below(&self, limit: u64, stream: Stream, entity: u64, counter: u64) -> u64 {
        // The bias of the remainder is far below what a test could notice.
        self.draw(stream, entity, counter)
            .checked_rem(limit)
            .unwrap_or(0)
    }

    /// True in `per_mille` of 1,000 draws.
    pub fn chance(&self, per_mille: u32, stream: Stream, entity: u64, counter: u64) -> bool {
        self.below(1_000, stream, entity, counter) < u64::from(per_mille)
    }

    /// Thirty-two bytes.
    pub fn seed(&self, stream: Stream, entity: u64, counter: u64) -> [u8; 32] {
        let mut bytes = [0; 32];
        for (part, chunk) in (0u64..).zip(bytes.chunks_exact_mut(8)) {
            let draw = mix(self.draw(stream, entity, counter) ^ mix(part));
            chunk.copy_from_slice(&draw.to_le_bytes());
        }
        bytes
    }
}

/// The seeds that a test goes through: `default` many, as many as the environment variable
/// `CHAT_SEEDS` says, or the one that `CHAT_SEED` says.
///
/// # Panics
/// If a variable is no number.
pub fn seeds(default: u64) -> std::ops::Range<u64> {
    let number = |name| {
        let value = std::env::var(name).ok()?;
        Some(value.parse::<u64>().expect("a number"))
    };
    match number("CHAT_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("CHAT_SEEDS").unwrap_or(default),
    }
}

/// The number that stands for a name in a draw (FNV-1a).
pub fn entity(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// The finaliser of SplitMix64.
pub(crate) const fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draw_follows_from_its_coordinates_alone() {
        let random = Random::new(7);
        let draw = random.draw(Stream::Loss, 1, 2);
        random.draw(Stream::Jitter, 1, 2);
        assert_eq!(draw, Random::new(7).draw(Stream::Loss, 1, 2));
        assert_ne!(draw, random.draw(Stream::Loss, 2, 1));
        assert_ne!(draw, random.draw(Stream::Jitter, 1, 2));
        assert_ne!(draw, Random::new(8).draw(Stream::Loss, 1, 2));
    }

    #[test]
    fn a_chance_comes_true_about_as_often_as_it_says() {
        let random = Random::new(1);
        let hits = (0..10_000)
            .filter(|counter| random.chance(250, Stream::Loss, 0, *counter))
            .count();
        assert!((2_300..2_700).contains(&hits), "{hits} of 10,000");
    }
}
