//! "Attempt i of 5": how long the server has been silent while something waits for it.

use crate::time::{Duration, Instant};

/// Counts the attempts of everything that waits for the server, together. Silence counts, not
/// slowness: whatever is heard of the server starts the count again.
pub(super) struct Attempts {
    timeout: Duration,
    of: u32,
    waiting: Option<Waiting>,
}

struct Waiting {
    silent_since: Instant,
    asked: Instant,
    made: u32,
}

/// What is due.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// This attempt stayed without an answer.
    Attempt(u32),
    /// So did this one, and it was the last.
    Last(u32),
    /// The server is to be asked for a sign of life: a slow one can give it.
    Ask,
}

impl Attempts {
    pub(super) fn new(timeout: Duration, of: u32) -> Self {
        Self {
            timeout,
            of,
            waiting: None,
        }
    }

    /// Takes whether anything waits, and when the server was last heard.
    pub(super) fn update(&mut self, now: Instant, waits: bool, heard: Option<Instant>) {
        if !waits {
            self.waiting = None;
            return;
        }
        let waiting = self.waiting.get_or_insert(Waiting {
            silent_since: now,
            asked: now,
            made: 0,
        });
        if let Some(heard) = heard.filter(|heard| *heard > waiting.silent_since) {
            waiting.silent_since = heard;
            waiting.made = 0;
        }
    }

    /// The next thing that is due at `now`.
    pub(super) fn poll(&mut self, now: Instant) -> Option<Due> {
        let (timeout, of) = (self.timeout, self.of);
        let waiting = self.waiting.as_mut()?;
        if now >= waiting.attempt_at(timeout) {
            waiting.made += 1;
            let made = waiting.made;
            return Some(if made < of {
                Due::Attempt(made)
            } else {
                self.waiting = None;
                Due::Last(made)
            });
        }
        if now >= waiting.asked + timeout / 4 {
            waiting.asked = now;
            return Some(Due::Ask);
        }
        None
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let waiting = self.waiting.as_ref()?;
        Some(
            waiting
                .attempt_at(self.timeout)
                .min(waiting.asked + self.timeout / 4),
        )
    }
}

impl Waiting {
    fn attempt_at(&self, timeout: Duration) -> Instant {
        self.silent_since + timeout * (self.made + 1)
    }
}

#[cfg(test)]
mod tests {
    use alloc::{vec, vec::Vec};

    use super::*;

    const TIMEOUT: Duration = Duration::from_millis(500);

    fn at(millis: u64) -> Instant {
        Instant::from_micros(millis * 1_000)
    }

    fn run(attempts: &mut Attempts, until: Instant) -> Vec<(u64, Due)> {
        let mut due = Vec::new();
        while let Some(next) = attempts.poll_timeout().filter(|next| *next <= until) {
            while let Some(step) = attempts.poll(next) {
                if step != Due::Ask {
                    due.push((next.as_micros() / 1_000, step));
                }
            }
        }
        due
    }

    #[test]
    fn a_silent_server_gets_five_attempts_of_half_a_second() {
        let mut attempts = Attempts::new(TIMEOUT, 5);
        attempts.update(at(0), true, None);
        assert_eq!(
            run(&mut attempts, at(10_000)),
            vec![
                (500, Due::Attempt(1)),
                (1_000, Due::Attempt(2)),
                (1_500, Due::Attempt(3)),
                (2_000, Due::Attempt(4)),
                (2_500, Due::Last(5)),
            ]
        );
        assert_eq!(attempts.poll_timeout(), None);
    }

    #[test]
    fn a_sign_of_life_starts_the_count_again() {
        let mut attempts = Attempts::new(TIMEOUT, 5);
        attempts.update(at(0), true, None);
        assert_eq!(run(&mut attempts, at(1_100)).len(), 2);
        attempts.update(at(1_200), true, Some(at(1_200)));
        assert_eq!(
            run(&mut attempts, at(1_800)),
            vec![(1_700, Due::Attempt(1))]
        );
    }

    #[test]
    fn what_was_heard_before_the_request_does_not_count() {
        let mut attempts = Attempts::new(TIMEOUT, 5);
        attempts.update(at(1_000), true, Some(at(900)));
        assert_eq!(
            run(&mut attempts, at(1_500)),
            vec![(1_500, Due::Attempt(1))]
        );
    }

    #[test]
    fn nothing_is_due_while_nothing_waits() {
        let mut attempts = Attempts::new(TIMEOUT, 5);
        attempts.update(at(0), true, None);
        attempts.update(at(100), false, None);
        assert_eq!(attempts.poll_timeout(), None);
        assert_eq!(attempts.poll(at(5_000)), None);
    }

    #[test]
    fn the_server_is_asked_for_a_sign_of_life_in_between() {
        let mut attempts = Attempts::new(TIMEOUT, 5);
        attempts.update(at(0), true, None);
        assert_eq!(attempts.poll(at(124)), None);
        assert_eq!(attempts.poll(at(125)), Some(Due::Ask));
        assert_eq!(attempts.poll(at(126)), None);
    }
}
