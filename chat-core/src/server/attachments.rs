//! The logs that the store reports on, and whose sessions read them.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};

use super::session::SessionId;
use crate::store::{Log, Position};

#[derive(Default)]
struct Attachment {
    /// The log's last entry; unknown until the store has attached it.
    head: Option<Position>,
    readers: BTreeSet<SessionId>,
    /// Stays attached without readers.
    pinned: bool,
}

/// All attached logs.
pub(super) struct Attachments {
    logs: BTreeMap<Log, Attachment>,
}

impl Attachments {
    pub(super) const fn new() -> Self {
        Self {
            logs: BTreeMap::new(),
        }
    }

    /// A log that is attached for good. Whether it has to be attached.
    pub(super) fn pin(&mut self, log: &Log) -> bool {
        let is_new = !self.logs.contains_key(log);
        self.logs.entry(log.clone()).or_default().pinned = true;
        is_new
    }

    /// A session reads a log. Whether it has to be attached.
    pub(super) fn add(&mut self, log: &Log, reader: SessionId) -> bool {
        let is_new = !self.logs.contains_key(log);
        let attachment = self.logs.entry(log.clone()).or_default();
        attachment.readers.insert(reader);
        is_new
    }

    /// A session reads a log no more. Whether it has to be detached.
    pub(super) fn remove(&mut self, log: &Log, reader: SessionId) -> bool {
        let Some(attachment) = self.logs.get_mut(log) else {
            return false;
        };
        attachment.readers.remove(&reader);
        let is_unused = attachment.readers.is_empty() && !attachment.pinned;
        if is_unused {
            self.logs.remove(log);
        }
        is_unused
    }

    /// The position of the log's last entry, once it is attached.
    pub(super) fn head(&self, log: &Log) -> Option<Position> {
        self.logs.get(log)?.head
    }

    /// How many sessions read a log.
    pub(super) fn readers(&self, log: &Log) -> usize {
        self.logs.get(log).map_or(0, |log| log.readers.len())
    }

    /// The log holds an entry at this position. Who reads it.
    pub(super) fn see_head(&mut self, log: &Log, head: Position) -> Vec<SessionId> {
        let Some(attachment) = self.logs.get_mut(log) else {
            return Vec::new();
        };
        attachment.head = Some(attachment.head.map_or(head, |known| known.max(head)));
        attachment.readers.iter().copied().collect()
    }

    /// All attached logs.
    pub(super) fn logs(&self) -> impl Iterator<Item = &Log> {
        self.logs.keys()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_attached_while_somebody_reads_it() {
        let mut attachments = Attachments::new();
        let log = Log::Group("g".parse().unwrap());
        assert!(attachments.add(&log, SessionId(1)));
        assert!(!attachments.add(&log, SessionId(2)));
        assert_eq!(attachments.head(&log), None);
        let readers = attachments.see_head(&log, Position(4));
        assert_eq!(readers, [SessionId(1), SessionId(2)]);
        attachments.see_head(&log, Position(3));
        assert_eq!(attachments.head(&log), Some(Position(4)));
        assert!(!attachments.remove(&log, SessionId(1)));
        assert!(attachments.remove(&log, SessionId(2)));
        assert_eq!(attachments.head(&log), None);
    }

    #[test]
    fn a_pinned_log_stays_attached() {
        let mut attachments = Attachments::new();
        assert!(attachments.pin(&Log::Channel));
        assert!(!attachments.add(&Log::Channel, SessionId(1)));
        assert!(!attachments.remove(&Log::Channel, SessionId(1)));
    }
}
