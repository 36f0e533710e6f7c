//! Datagrams that leave in one system call.

use chat_core::id::Path;

/// The largest payload of an IPv4 packet that carries UDP, and what Linux segments at most.
const MAX_BYTES: usize = 65_507;

/// Consecutive datagrams to one path: all have the same length, only the last may be shorter.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    path: Option<Path>,
    bytes: Vec<u8>,
    segment: usize,
    count: usize,
    last: usize,
}

impl Batch {
    /// Adds a datagram, unless it has to wait for the next batch. `max_count` is how many datagrams
    /// the system takes in one call.
    pub(crate) fn push(&mut self, path: Path, datagram: &[u8], max_count: usize) -> bool {
        if self.path.is_none() {
            self.path = Some(path);
            self.segment = datagram.len();
        } else {
            let fits = self.path == Some(path)
                && self.count < max_count
                && self.last == self.segment
                && !datagram.is_empty()
                && datagram.len() <= self.segment
                && self.bytes.len() + datagram.len() <= MAX_BYTES;
            if !fits {
                return false;
            }
        }
        self.last = datagram.len();
        self.count += 1;
        self.bytes.extend_from_slice(datagram);
        true
    }

    /// Where it goes, unless it is empty.
    pub(crate) fn path(&self) -> Option<Path> {
        self.path
    }

    /// The datagrams, one after the other.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The length of each datagram but the last, if there are several.
    pub(crate) fn segment(&self) -> Option<usize> {
        (self.count > 1).then_some(self.segment)
    }

    pub(crate) fn clear(&mut self) {
        self.path = None;
        self.bytes.clear();
        self.count = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(port: u16) -> Path {
        Path::to(([127, 0, 0, 1], port).into())
    }

    #[test]
    fn datagrams_of_one_size_to_one_path_share_a_batch() {
        let mut batch = Batch::default();
        assert!(batch.push(path(1), &[1; 10], 64));
        assert_eq!(batch.segment(), None);
        assert!(batch.push(path(1), &[2; 10], 64));
        assert_eq!(batch.segment(), Some(10));
        assert_eq!(batch.bytes().len(), 20);
        assert!(!batch.push(path(2), &[3; 10], 64));
        assert!(!batch.push(path(1), &[3; 11], 64));
        batch.clear();
        assert_eq!(batch.path(), None);
        assert!(batch.push(path(2), &[3; 11], 64));
    }

    #[test]
    fn a_shorter_datagram_is_the_last() {
        let mut batch = Batch::default();
        assert!(batch.push(path(1), &[1; 10], 64));
        assert!(batch.push(path(1), &[2; 4], 64));
        assert!(!batch.push(path(1), &[3; 4], 64));
        assert_eq!(batch.segment(), Some(10));
    }

    #[test]
    fn a_batch_is_no_larger_than_the_system_takes() {
        let mut batch = Batch::default();
        assert!(batch.push(path(1), &[1; 10], 2));
        assert!(batch.push(path(1), &[1; 10], 2));
        assert!(!batch.push(path(1), &[1; 10], 2));
        batch.clear();
        let pushed = (0..100).take_while(|_| batch.push(path(1), &[1; 1_200], 100));
        assert_eq!(pushed.count(), MAX_BYTES / 1_200);
    }
}
