//! Direct messages whose senders the server is being asked for.

use alloc::{
    collections::{BTreeSet, VecDeque},
    vec::Vec,
};

use crate::{conversation::Text, id::MessageId, link::PeerId, name::Name};

/// Messages, and bytes of text, that wait at most; what follows is dropped: its sender hands it to
/// the server, and what was taken is in order.
const MAX_STRANGERS: usize = 512;
const MAX_STRANGER_BYTES: usize = 1 << 20;

/// A message whose sender is not known.
pub(super) struct Stranger {
    pub(super) peer: PeerId,
    pub(super) id: MessageId,
    pub(super) from: Name,
    pub(super) text: Text,
}

/// The messages that wait, in the order of arrival.
#[derive(Default)]
pub(super) struct Strangers {
    waiting: VecDeque<Stranger>,
    bytes: usize,
    refused: BTreeSet<(Name, PeerId)>,
}

impl Strangers {
    /// Whether one more message can wait.
    pub(super) fn has_room_for(&self, text: &Text) -> bool {
        let bytes = self.bytes + text.as_str().len();
        self.waiting.len() < MAX_STRANGERS && bytes <= MAX_STRANGER_BYTES
    }

    pub(super) fn push(&mut self, stranger: Stranger) {
        self.bytes += stranger.text.as_str().len();
        self.waiting.push_back(stranger);
    }

    /// Takes the messages from this name.
    pub(super) fn take(&mut self, name: &Name) -> Vec<Stranger> {
        let all = core::mem::take(&mut self.waiting).into_iter();
        let (taken, waiting): (Vec<_>, Vec<_>) = all.partition(|is| is.from == *name);
        self.waiting = waiting.into();
        let lengths = taken.iter().map(|is| is.text.as_str().len());
        self.bytes -= lengths.sum::<usize>();
        taken
    }

    /// A message of this peer's was dropped: its sender hands it to the server, and what was sent
    /// directly after it too. Until the first of that has come, nothing is to overtake it. Whoever
    /// only borrows a name shuts up nobody else.
    pub(super) fn refuse(&mut self, name: &Name, peer: PeerId) {
        if self.refused.len() < MAX_STRANGERS {
            self.refused.insert((name.clone(), peer));
        }
    }

    pub(super) fn is_refused(&self, name: &Name, peer: PeerId) -> bool {
        !self.refused.is_empty() && self.refused.contains(&(name.clone(), peer))
    }

    /// What was dropped comes from the server.
    pub(super) fn has_come(&mut self, name: &Name) {
        self.refused.retain(|(refused, _)| refused != name);
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stranger(from: &str, length: usize) -> Stranger {
        Stranger {
            peer: PeerId(0),
            id: MessageId([0; 16]),
            from: from.parse().unwrap(),
            text: Text::new("a".repeat(length)).unwrap(),
        }
    }

    #[test]
    fn messages_and_bytes_are_limited_and_there_is_room_again_for_what_was_taken() {
        for length in [1, 60_000] {
            let mut strangers = Strangers::default();
            let mut count = 0;
            while strangers.has_room_for(&stranger("x", length).text) {
                strangers.push(stranger(if count % 2 == 0 { "x" } else { "y" }, length));
                count += 1;
            }
            assert_eq!(count, MAX_STRANGERS.min(MAX_STRANGER_BYTES / length));
            assert_eq!(
                strangers.take(&"x".parse().unwrap()).len(),
                count.div_ceil(2)
            );
            assert!(strangers.has_room_for(&stranger("x", length).text));
            assert_eq!(strangers.take(&"y".parse().unwrap()).len(), count / 2);
            assert_eq!(strangers.bytes, 0);
        }
    }
}
