//! Which address a peer is reached at, and how another one proves itself (RFC 9000 §8, §9).

use crate::{
    id::Path,
    time::{Duration, Instant},
};

/// An address gets so many times the bytes that came from it until it has proved itself.
const AMPLIFICATION: usize = 3;
const FIRST_INTERVAL: Duration = Duration::from_millis(100);
const MAX_CHALLENGES: u32 = 6;

/// What may be sent to an address that has not proved that it wants it (RFC 9000 §8.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Allowance(usize);

impl Allowance {
    /// So many bytes came from the address.
    pub(super) fn received(&mut self, bytes: usize) {
        self.0 = self.0.saturating_add(bytes.saturating_mul(AMPLIFICATION));
    }

    /// So many bytes may go to it at once.
    pub(super) fn available(&self) -> usize {
        self.0
    }

    /// So many bytes went to it.
    pub(super) fn sent(&mut self, bytes: usize) {
        debug_assert!(bytes <= self.0, "more than allowed was sent");
        self.0 = self.0.saturating_sub(bytes);
    }
}

/// Another address that a peer's latest packets come from.
#[derive(Debug)]
pub(super) struct Candidate {
    /// The path.
    pub(super) path: Path,
    /// What may be sent there.
    pub(super) allowance: Allowance,
    token: u64,
    challenges: u32,
    next: Instant,
}

impl Candidate {
    /// A path that a packet of `bytes` bytes has come from; `token` is drawn at random.
    pub(super) fn new(now: Instant, path: Path, bytes: usize, token: u64) -> Self {
        let mut allowance = Allowance::default();
        allowance.received(bytes);
        Self {
            path,
            allowance,
            token,
            challenges: 0,
            next: now,
        }
    }

    /// The token of a challenge that is due.
    pub(super) fn due(&self, now: Instant) -> Option<u64> {
        (self.next <= now && self.challenges < MAX_CHALLENGES).then_some(self.token)
    }

    /// The challenge was sent, in so many bytes; or there is no allowance for it.
    pub(super) fn challenged(&mut self, now: Instant, bytes: usize) {
        self.allowance.sent(bytes);
        self.next = now + FIRST_INTERVAL * (1 << self.challenges);
        self.challenges += 1;
    }

    /// When the next challenge is due, or the path given up.
    pub(super) fn next(&self) -> Instant {
        self.next
    }

    /// Whether the path has not proved itself in time.
    pub(super) fn has_failed(&self, now: Instant) -> bool {
        self.challenges >= MAX_CHALLENGES && self.next <= now
    }

    /// Whether this is the answer to the challenge.
    pub(super) fn is_answer(&self, token: u64) -> bool {
        self.challenges > 0 && token == self.token
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate() -> Candidate {
        Candidate::new(Instant::ZERO, Path::to(([1, 2, 3, 4], 5).into()), 40, 7)
    }

    #[test]
    fn an_address_gets_three_times_what_came_from_it() {
        let mut allowance = Allowance::default();
        assert_eq!(allowance.available(), 0);
        allowance.received(40);
        allowance.sent(100);
        assert_eq!(allowance.available(), 20);
    }

    #[test]
    fn a_challenge_is_repeated_ever_more_slowly_and_then_given_up() {
        let (mut candidate, mut now, mut sent) = (candidate(), Instant::ZERO, 0);
        while !candidate.has_failed(now) {
            assert_eq!(candidate.due(now), Some(7));
            assert_eq!(
                candidate.due(now - Duration::from_millis(1)).is_some(),
                sent == 0
            );
            candidate.challenged(now, 0);
            sent += 1;
            now = candidate.next();
        }
        assert_eq!(sent, 6);
        assert_eq!(now.as_micros(), 6_300_000);
    }

    #[test]
    fn only_the_token_answers_and_only_after_it_was_sent() {
        let mut candidate = candidate();
        assert!(!candidate.is_answer(7));
        candidate.challenged(Instant::ZERO, 40);
        assert!(candidate.is_answer(7) && !candidate.is_answer(8));
    }
}
