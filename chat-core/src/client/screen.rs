//! The screen is a reader of the inbox: how far it has shown, and what it holds back.

use alloc::{
    collections::{BTreeSet, VecDeque},
    vec::Vec,
};

use serde::{Deserialize, Serialize};

use crate::store::Position;

/// Messages that are held back in a group, at most; what comes after is shown at once.
const MAX_HELD: usize = 1_000;

/// What is kept between runs.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Record {
    /// Everything up to this position has been shown, or is in one of the lists.
    pub(super) cursor: u64,
    /// Direct messages that are to be shown later.
    pub(super) held: Vec<u64>,
    /// Notifications that are to be shown later.
    pub(super) notices: Vec<u64>,
}

/// Why an entry is on the screen, told back when it has been polled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// In its turn.
    Forward(Position),
    /// After it was held back.
    Released(Position),
}

/// Reads the inbox in order of position.
#[derive(Default)]
pub(super) struct Screen {
    open: bool,
    /// Read up to here: shown, or waiting to be polled, or held.
    routed: Position,
    /// Everything up to here has been polled or is held.
    shown: Position,
    unpolled: usize,
    /// Direct messages that wait until the group is left, or have not been polled since.
    held: BTreeSet<Position>,
    /// Notifications that wait until the mail before them has come, or have not been polled since.
    notices: BTreeSet<Position>,
    /// What is to be released next.
    releasing: VecDeque<Position>,
    /// Of those that are held, the ones that are being released.
    released: BTreeSet<Position>,
    reading: bool,
    behind: bool,
    fetching: bool,
    dirty: bool,
    trimmed: Position,
}

impl Screen {
    /// Goes on where the last run stopped.
    pub(super) fn restore(&mut self, record: Record) {
        let positions = |list: Vec<u64>| list.into_iter().map(Position).collect();
        self.routed = Position(record.cursor);
        self.shown = self.routed;
        self.held = positions(record.held);
        self.notices = positions(record.notices);
        self.behind = true;
    }

    /// From now on entries are shown.
    pub(super) fn open(&mut self) {
        self.open = true;
    }

    /// What arrives waits until the screen is opened again.
    pub(super) fn close(&mut self) {
        self.open = false;
    }

    /// Up to where the inbox has been read.
    pub(super) fn routed(&self) -> Position {
        self.routed
    }

    /// Something may stand behind `routed`.
    pub(super) fn fall_behind(&mut self) {
        self.behind = true;
    }

    /// Whether the entry that has arrived is the next one and can be shown without reading.
    pub(super) fn takes(&mut self, position: Position) -> bool {
        if position <= self.routed {
            return false;
        }
        let next = self.open
            && position.0 - 1 == self.routed.0
            && !self.reading
            && !self.behind
            && !self.is_releasing();
        if !next {
            self.behind = true;
        }
        next
    }

    /// Where the inbox is to be read on, if it is.
    pub(super) fn poll_read(&mut self) -> Option<Position> {
        let read = self.open && self.behind && !self.reading && !self.is_releasing();
        if read {
            self.behind = false;
            self.reading = true;
        }
        read.then_some(self.routed)
    }

    /// The entries that were asked for have been routed; `more` may follow.
    pub(super) fn read(&mut self, more: bool) {
        self.reading = false;
        self.behind |= more;
    }

    /// The entry at this position goes to the screen.
    pub(super) fn forward(&mut self, position: Position) -> Mark {
        self.routed = position;
        self.unpolled += 1;
        Mark::Forward(position)
    }

    /// Nothing is shown for this position.
    pub(super) fn skip(&mut self, position: Position) {
        self.routed = position;
        self.settle();
    }

    /// Holds a direct message back. Gives whether there was room.
    pub(super) fn hold(&mut self, position: Position) -> bool {
        let room = self.held.len() < MAX_HELD;
        if room {
            self.held.insert(position);
            self.skip(position);
        }
        room
    }

    /// Holds a notification back. Gives whether there was room.
    pub(super) fn hold_notice(&mut self, position: Position) -> bool {
        let room = self.notices.len() < MAX_HELD;
        if room {
            self.notices.insert(position);
            self.skip(position);
        }
        room
    }

    /// How many direct messages are held back.
    pub(super) fn held_count(&self) -> usize {
        self.held.len()
    }

    /// Direct messages are to be shown.
    pub(super) fn release_held(&mut self) {
        let held = self.held.difference(&self.released);
        self.releasing.extend(held);
        self.released.extend(self.held.iter().copied());
    }

    /// Notifications are to be shown.
    pub(super) fn release_notices(&mut self) {
        let notices = self.notices.difference(&self.released);
        self.releasing.extend(notices);
        self.released.extend(self.notices.iter().copied());
    }

    /// Whether something held is on its way to the screen, and everything else waits.
    pub(super) fn is_busy(&self) -> bool {
        self.open && self.is_releasing()
    }

    /// Whether the entry at this position has yet to be read, and will be.
    pub(super) fn is_before(&self, position: Position) -> bool {
        self.open && self.routed < position
    }

    fn is_releasing(&self) -> bool {
        !self.releasing.is_empty()
    }

    /// The entry after this position is to be fetched, to be released.
    pub(super) fn poll_release(&mut self) -> Option<Position> {
        if !self.open || self.fetching {
            return None;
        }
        let position = self.releasing.front()?;
        self.fetching = true;
        Some(Position(position.0.saturating_sub(1)))
    }

    /// The entry that was fetched is the one to be released.
    pub(super) fn release(&mut self, found: Option<Position>) -> Option<Mark> {
        self.fetching = false;
        let position = self.releasing.pop_front()?;
        if found == Some(position) {
            return Some(Mark::Released(position));
        }
        self.let_go(position);
        None
    }

    /// What was held has been shown, or is not there any more.
    fn let_go(&mut self, position: Position) {
        self.dirty |= self.released.remove(&position);
        self.held.remove(&position);
        self.notices.remove(&position);
    }

    /// The event with this mark has been polled: it counts as shown.
    pub(super) fn polled(&mut self, mark: Mark) {
        match mark {
            Mark::Forward(position) => {
                self.unpolled = self.unpolled.saturating_sub(1);
                self.shown = self.shown.max(position);
                self.dirty = true;
            }
            Mark::Released(position) => self.let_go(position),
        }
        self.settle();
    }

    /// What is to be kept, if it has changed.
    pub(super) fn poll_record(&mut self) -> Option<Record> {
        if !core::mem::take(&mut self.dirty) || planted!(CursorNotSaved) {
            return None;
        }
        let before = |set: &BTreeSet<Position>| -> Vec<u64> {
            let set = set.range(..=self.shown);
            set.map(|position| position.0).collect()
        };
        let mut held = before(&self.held);
        if planted!(HeldLostAtRestart) {
            held.clear();
        }
        Some(Record {
            cursor: self.shown.0 + u64::from(planted!(CursorOneTooFar)),
            held,
            notices: before(&self.notices),
        })
    }

    /// Up to where the inbox may be trimmed once the last record is durable.
    fn done(&self) -> Position {
        let lowest = self.kept().map(|position| position.0).min();
        Position(lowest.map_or(self.shown.0, |lowest| {
            self.shown.0.min(lowest.saturating_sub(1))
        }))
    }

    /// What may be trimmed, if it is at least `least` entries more than before.
    pub(super) fn poll_trim(&mut self, least: u64) -> Option<Position> {
        let done = self.done();
        let trim = done.0 >= self.trimmed.0.saturating_add(least);
        if trim {
            self.trimmed = done;
        }
        trim.then_some(done)
    }

    fn kept(&self) -> impl Iterator<Item = Position> {
        let kept = self.held.iter().chain(&self.notices);
        kept.copied().filter(|position| *position <= self.shown)
    }

    fn settle(&mut self) {
        if self.unpolled == 0 && self.shown != self.routed {
            self.shown = self.routed;
            self.dirty = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    fn record(cursor: u64, held: Vec<u64>) -> Record {
        let notices = Vec::new();
        Record {
            cursor,
            held,
            notices,
        }
    }

    fn open() -> Screen {
        let mut screen = Screen::default();
        screen.open();
        screen
    }

    #[test]
    fn the_cursor_moves_when_the_event_is_polled() {
        let mut screen = open();
        assert!(screen.takes(Position(1)));
        let mark = screen.forward(Position(1));
        assert_eq!(screen.poll_record(), None);
        screen.polled(mark);
        assert_eq!(screen.poll_record(), Some(record(1, vec![])));
        assert_eq!(screen.done(), Position(1));
    }

    #[test]
    fn a_gap_is_read_before_anything_behind_it_is_shown() {
        let mut screen = open();
        assert!(!screen.takes(Position(2)));
        assert_eq!(screen.poll_read(), Some(Position(0)));
        assert!(!screen.takes(Position(1)), "it will be in what is read");
        screen.forward(Position(1));
        screen.forward(Position(2));
        screen.read(false);
        assert_eq!(screen.poll_read(), Some(Position(2)));
    }

    #[test]
    fn what_is_held_survives_and_is_trimmed_only_after_its_release() {
        let mut screen = open();
        assert!(screen.hold(Position(1)));
        let mark = screen.forward(Position(2));
        screen.polled(mark);
        let kept = screen.poll_record().unwrap();
        assert_eq!(kept, record(2, vec![1]));
        assert_eq!(screen.done(), Position(0));

        let mut screen = open();
        screen.restore(kept);
        screen.release_held();
        assert_eq!(screen.poll_read(), None, "what was held comes first");
        assert_eq!(screen.poll_release(), Some(Position(0)));
        let mark = screen.release(Some(Position(1))).unwrap();
        assert_eq!(screen.done(), Position(0));
        screen.polled(mark);
        assert_eq!(screen.poll_record(), Some(record(2, vec![])));
        assert_eq!(screen.done(), Position(2));
    }

    #[test]
    fn the_inbox_is_trimmed_in_steps_and_not_past_what_is_held() {
        let mut screen = open();
        for position in 1..=3 {
            let mark = screen.forward(Position(position));
            screen.polled(mark);
        }
        assert_eq!(screen.poll_trim(4), None);
        assert_eq!(screen.poll_trim(3), Some(Position(3)));
        assert_eq!(screen.poll_trim(1), None);
        assert!(screen.hold(Position(4)));
        let mark = screen.forward(Position(5));
        screen.polled(mark);
        assert_eq!(screen.poll_trim(1), None, "4 is held");
    }

    #[test]
    fn a_notification_that_was_released_and_not_shown_is_still_one_after_a_restart() {
        let mut screen = open();
        assert!(screen.hold_notice(Position(1)));
        assert!(screen.hold_notice(Position(2)));
        screen.release_notices();
        let first = screen.release(Some(Position(1))).unwrap();
        screen.polled(first);
        let kept = screen.poll_record().unwrap();
        assert_eq!((&kept.held, &kept.notices), (&vec![], &vec![2]));

        let mut screen = open();
        screen.restore(kept);
        screen.release_held();
        assert_eq!(
            screen.poll_release(),
            None,
            "it does not wait for the group"
        );
        screen.release_notices();
        assert_eq!(screen.poll_release(), Some(Position(1)));
    }

    #[test]
    fn a_held_message_behind_an_unpolled_one_does_not_move_the_cursor_past_that() {
        let mut screen = open();
        let mark = screen.forward(Position(1));
        assert!(screen.hold(Position(2)));
        assert_eq!(screen.poll_record(), None);
        screen.polled(mark);
        assert_eq!(screen.poll_record(), Some(record(2, vec![2])));
    }

    #[test]
    fn nothing_is_shown_before_the_screen_is_open() {
        let mut screen = Screen::default();
        assert!(!screen.takes(Position(1)));
        assert_eq!(screen.poll_read(), None);
        screen.open();
        assert_eq!(screen.poll_read(), Some(Position(0)));
    }
}
