//! Asking whoever is at an address for its key.

use super::handshake;
use crate::{
    crypto::mac::Cookie,
    id::{Path, PublicKey},
    time::{Duration, Instant},
    wire::header::{Hello, HelloAck, VERSION},
};

/// After so many hellos, about eight seconds if nobody waits, no answer is expected at once.
const URGENT: u32 = 10;
const PATIENT_INTERVAL: Duration = Duration::from_secs(10);

/// A hello that is repeated until it is stopped.
#[derive(Debug)]
pub(super) struct Greeting {
    path: Path,
    nonce: [u8; 16],
    next: Instant,
    sent: u32,
    cookie: Option<(PublicKey, Cookie)>,
    stopped: bool,
}

impl Greeting {
    /// Asks at `path`, from `now` on; `nonce` is drawn at random.
    pub(super) fn new(now: Instant, path: Path, nonce: [u8; 16]) -> Self {
        Self {
            path,
            nonce,
            next: now,
            sent: 0,
            cookie: None,
            stopped: false,
        }
    }

    /// Asks no more; the cookie is kept for the handshake.
    pub(super) fn stop(&mut self) {
        self.stopped = true;
    }

    /// The next one is sent by then.
    pub(super) fn hurry(&mut self, by: Instant) {
        self.next = self.next.min(by);
    }

    /// When to ask next.
    pub(super) fn next(&self) -> Option<Instant> {
        (!self.stopped).then_some(self.next)
    }

    /// The hello that is due, and where it goes.
    pub(super) fn poll(&mut self, now: Instant) -> Option<(Path, Hello)> {
        if self.next()? > now {
            return None;
        }
        self.next = now
            + if self.sent < URGENT {
                handshake::interval(self.sent)
            } else {
                PATIENT_INTERVAL
            };
        self.sent = self.sent.saturating_add(1);
        let hello = Hello {
            version: VERSION,
            nonce: self.nonce,
        };
        Some((self.path, hello))
    }

    /// The key in an answer to this hello.
    pub(super) fn answered(&mut self, answer: &HelloAck) -> Option<PublicKey> {
        let is_answer = answer.nonce == self.nonce && answer.version == VERSION;
        if self.stopped || self.sent == 0 || !is_answer {
            return None;
        }
        self.cookie = Some((answer.key, answer.cookie));
        Some(answer.key)
    }

    /// The cookie that came with the answer from `path`, for a handshake with `key`.
    pub(super) fn cookie(&self, path: &Path, key: &PublicKey) -> Option<Cookie> {
        let (of, cookie) = self.cookie?;
        (of == *key && path.remote == self.path.remote).then_some(cookie)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(nonce: u8, version: u16) -> HelloAck {
        HelloAck {
            version,
            nonce: [nonce; 16],
            key: PublicKey([2; 32]),
            cookie: [3; 16],
            seen: ([1, 2, 3, 4], 5).into(),
        }
    }

    #[test]
    fn it_is_repeated_until_it_is_stopped() {
        let path = Path::to(([1, 2, 3, 4], 5).into());
        let mut greeting = Greeting::new(Instant::ZERO, path, [1; 16]);
        let mut times = alloc::vec::Vec::new();
        while let Some(next) = greeting.next().filter(|_| times.len() < 6) {
            assert!(greeting.poll(next).is_some());
            assert!(greeting.poll(next).is_none());
            times.push(next.as_micros() / 1_000);
        }
        assert_eq!(times, [0, 100, 300, 700, 1_500, 2_500]);
        greeting.stop();
        assert_eq!(greeting.next(), None);
    }

    #[test]
    fn only_an_answer_with_its_nonce_and_version_counts() {
        let path = Path::to(([1, 2, 3, 4], 5).into());
        let mut greeting = Greeting::new(Instant::ZERO, path, [1; 16]);
        assert_eq!(
            greeting.answered(&answer(1, VERSION)),
            None,
            "nothing was asked"
        );
        greeting.poll(Instant::ZERO);
        assert_eq!(greeting.answered(&answer(2, VERSION)), None);
        assert_eq!(greeting.answered(&answer(1, VERSION + 1)), None);
        let key = greeting.answered(&answer(1, VERSION)).unwrap();
        assert_eq!(greeting.cookie(&path, &key), Some([3; 16]));
        assert_eq!(greeting.cookie(&path, &PublicKey([9; 32])), None);
    }
}
