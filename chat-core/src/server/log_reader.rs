//! One reader's place in one log, and the entries that were fetched for it.

use alloc::{collections::VecDeque, vec::Vec};

use super::item::Item;
use crate::store::{Entry, Log, Position};

/// How many entries are fetched at once.
pub(super) const PAGE: usize = 64;

/// The part of a log that is to be fetched, page by page: what is behind `after`, up to `up_to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) after: Position,
    pub(super) up_to: Position,
}

/// Reads one log in order, a page at a time.
pub(super) struct LogReader {
    log: Log,
    /// Everything up to here was sent or passed over.
    sent: Position,
    /// The log's last entry; unknown until it is attached.
    head: Option<Position>,
    /// What is read for now ends here; absent: at the head.
    until: Option<Position>,
    /// The log was left: what is read ends there for good.
    left: bool,
    page: VecDeque<Item>,
    /// Once the page is used up, everything up to here was read.
    page_end: Position,
    /// A page of this is being fetched.
    asked: Option<Span>,
    gone: u64,
    /// Entries behind this position are gone, and the reader has not accepted one behind them: it may
    /// not know.
    gone_after: Option<Position>,
    /// How far the reading was last told to have got.
    reported: Position,
}

impl LogReader {
    /// Reads `log` from the entry after `sent`.
    pub(super) const fn new(log: Log, sent: Position) -> Self {
        Self {
            log,
            sent,
            head: None,
            until: None,
            left: false,
            page: VecDeque::new(),
            page_end: sent,
            asked: None,
            gone: 0,
            gone_after: None,
            reported: sent,
        }
    }

    pub(super) const fn log(&self) -> &Log {
        &self.log
    }

    pub(super) const fn sent(&self) -> Position {
        self.sent
    }

    /// How far everything was accepted if every entry that was sent is: what is gone is passed over
    /// with the next entry, or the reader may never hear of it.
    pub(super) fn passed(&self) -> Position {
        self.gone_after.unwrap_or(self.sent)
    }

    pub(super) const fn is_attached(&self) -> bool {
        self.head.is_some()
    }

    /// From here on, what the log holds at this moment is read.
    pub(super) const fn stop_at_head(&mut self) {
        if !self.left {
            self.until = self.head;
        }
    }

    /// From here on, whatever the log holds is read, unless it was left.
    pub(super) const fn follow_head(&mut self) {
        if !self.left {
            self.until = None;
        }
    }

    /// What the log holds at this moment is read, and nothing more.
    pub(super) fn leave(&mut self) {
        self.until = self.head.filter(|_| !planted!(LeaveKeepsDelivering));
        self.left = true;
    }

    pub(super) const fn is_left(&self) -> bool {
        self.left
    }

    fn limit(&self) -> Position {
        self.until.or(self.head).unwrap_or_default()
    }

    /// The log is attached, or has grown.
    pub(super) fn see_head(&mut self, head: Position) {
        self.head = Some(self.head.map_or(head, |known| known.max(head)));
    }

    /// Whether there is nothing left to be sent.
    pub(super) fn has_read_all(&self) -> bool {
        self.sent >= self.limit()
    }

    /// What a page is to be fetched of, if one is needed to get on.
    pub(super) fn fetch(&mut self) -> Option<Span> {
        if self.has_read_all() || !self.page.is_empty() || self.asked.is_some() {
            return None;
        }
        self.asked = Some(Span {
            after: self.sent,
            up_to: self.limit(),
        });
        self.asked
    }

    /// Takes the page that was asked for, not one that an earlier reader of the session asked for.
    /// Of a log that others trim, what is missing is counted.
    pub(super) fn fetched(&mut self, span: Span, entries: Vec<Entry>) {
        if self.asked != Some(span) {
            return;
        }
        self.asked = None;
        let Span { up_to, .. } = span;
        let is_full = entries.len() >= PAGE;
        let last = entries.last().map(|entry| entry.position);
        let wanted = |entry: &Entry| self.sent < entry.position && entry.position <= up_to;
        self.page = entries.into_iter().filter(wanted).map(Item::new).collect();
        self.page_end = match last {
            Some(last) if is_full && last < up_to => last,
            _ => up_to,
        };
        if !matches!(self.log, Log::Mailbox(_)) {
            let next = self.page.front().map(|item| item.entry.position.0);
            let next = next.unwrap_or(self.page_end.0.saturating_add(1));
            let gone = next.saturating_sub(self.sent.0.saturating_add(1));
            self.gone = self.gone.saturating_add(gone);
            if gone > 0 {
                self.gone_after.get_or_insert(self.sent);
            }
        }
        self.skip_to_page_end();
    }

    fn skip_to_page_end(&mut self) {
        if self.page.is_empty() {
            self.sent = self.sent.max(self.page_end);
        }
    }

    /// The number of entries that were trimmed before they were read, told once.
    pub(super) fn take_gone(&mut self) -> Option<u64> {
        let gone = core::mem::take(&mut self.gone);
        (gone > 0).then_some(gone)
    }

    /// How far everything was accepted while the entry at `position`, which is being sent, is not.
    pub(super) fn accepted_before(&mut self, position: Position) -> Position {
        let before = Position(position.0.saturating_sub(1));
        self.gone_after.take().unwrap_or(before)
    }

    /// The next entry of the page.
    pub(super) fn peek(&self) -> Option<&Item> {
        self.page.front()
    }

    /// Takes the next entry of the page: it is being sent, or passed over.
    pub(super) fn take(&mut self) -> Option<Item> {
        let item = self.page.pop_front()?;
        self.sent = item.entry.position;
        self.skip_to_page_end();
        Some(item)
    }

    /// An entry has been appended. Whether it is the very next one to be sent.
    pub(super) fn arrived(&mut self, position: Position) -> bool {
        let is_next = !self.left
            && self.asked.is_none()
            && self.head.is_some_and(|head| self.sent >= head)
            && position.0.checked_sub(1) == Some(self.sent.0);
        self.see_head(position);
        is_next
    }

    /// Whether `cursor` is further than was ever told.
    pub(super) fn report(&mut self, cursor: Position) -> bool {
        let is_further = cursor > self.reported;
        self.reported = self.reported.max(cursor);
        is_further
    }

    /// The entry that has just arrived is being sent, or passed over.
    pub(super) fn pass(&mut self, position: Position) {
        self.sent = self.sent.max(position);
    }
}
