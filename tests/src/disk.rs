//! A disk: the store in memory, behind a queue that takes time and may be lost in a crash.

use std::{collections::VecDeque, time::Duration};

use chat_core::store::{MemoryStore, OperationId, StoreEvent, StoreOperation};

use crate::random::{Random, Stream};

/// How a disk behaves. Chances are per mille.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Faults {
    /// How long an operation takes.
    pub delay: Duration,
    /// At most so much is added to it.
    pub jitter: Duration,
    /// Completions that are reported late, so that later ones overtake them.
    pub late: u32,
    /// Completions that are reported twice.
    pub repeated: u32,
}

impl Default for Faults {
    /// A disk with the sync time of an ordinary solid-state disk.
    fn default() -> Self {
        Self {
            delay: Duration::from_micros(250),
            jitter: Duration::ZERO,
            late: 0,
            repeated: 0,
        }
    }
}

/// One node's disk.
#[derive(Debug)]
pub struct Disk {
    random: Random,
    entity: u64,
    /// How it behaves.
    pub faults: Faults,
    store: MemoryStore,
    waiting: VecDeque<(OperationId, StoreOperation)>,
    submitted: u64,
    applied: u64,
    reported: u64,
}

impl Disk {
    /// An empty disk; `entity` names it in the draws.
    pub fn new(random: Random, entity: u64) -> Self {
        Self {
            random,
            entity,
            faults: Faults::default(),
            store: MemoryStore::new(),
            waiting: VecDeque::new(),
            submitted: 0,
            applied: 0,
            reported: 0,
        }
    }

    /// Queues an operation: how long it takes from when the disk is free.
    pub fn submit(&mut self, id: OperationId, operation: StoreOperation) -> Duration {
        self.submitted += 1;
        self.waiting.push_back((id, operation));
        let jitter = u64::try_from(self.faults.jitter.as_micros()).unwrap_or(u64::MAX);
        let drawn = self
            .random
            .below(jitter, Stream::Disk, self.entity, self.submitted);
        self.faults.delay + Duration::from_micros(drawn)
    }

    /// Does the oldest waiting operation. Its events are to be reported after the given times.
    ///
    /// What happened by itself (a changed record, an arrived entry) is reported at once and in
    /// order; only completions are late or repeated.
    pub fn apply(&mut self) -> Vec<(Duration, StoreEvent)> {
        let Some((id, operation)) = self.waiting.pop_front() else {
            return Vec::new();
        };
        self.applied += 1;
        self.store.handle(id, operation);
        let mut events = Vec::new();
        while let Some(event) = self.store.poll_event() {
            if matches!(
                event,
                StoreEvent::Changed { .. } | StoreEvent::Arrived { .. }
            ) {
                events.push((Duration::ZERO, event));
                continue;
            }
            self.reported += 1;
            if self.happens(Stream::RepeatedCompletion, self.faults.repeated) {
                let again = self.later(Stream::RepeatedCompletion);
                events.push((again, event.clone()));
            }
            let late = self.happens(Stream::LateCompletion, self.faults.late);
            let delay = late.then(|| self.later(Stream::LateCompletion));
            events.push((delay.unwrap_or_default(), event));
        }
        events
    }

    /// How many operations have been done since the disk was made.
    pub fn applied(&self) -> u64 {
        self.applied
    }

    /// The power fails: of what was waiting the first `survivors` operations were done in time,
    /// the rest never was.
    pub fn crash(&mut self, survivors: usize) {
        for (id, operation) in self.waiting.drain(..).take(survivors) {
            self.applied += 1;
            self.store.handle(id, operation);
        }
        self.waiting.clear();
        self.store = self.store.image();
    }

    /// How many operations wait.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Everything durable, to be looked at.
    pub fn store(&self) -> &MemoryStore {
        &self.store
    }

    fn happens(&self, stream: Stream, per_mille: u32) -> bool {
        self.random
            .chance(per_mille, stream, self.entity, self.reported)
    }

    fn later(&self, stream: Stream) -> Duration {
        let draw = self.reported + (1 << 40);
        Duration::from_micros(self.random.below(50_000, stream, self.entity, draw))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chat_core::store::Table;

    fn write(key: &str) -> StoreOperation {
        StoreOperation::CompareAndSet {
            table: Table::Settings,
            key: key.into(),
            expected: None,
            value: Some(key.into()),
        }
    }

    fn keys(disk: &mut Disk) -> Vec<String> {
        let table = Table::Settings;
        disk.submit(OperationId(99), StoreOperation::AttachTable { table });
        let events = disk.apply();
        let key = |(_, event)| match event {
            StoreEvent::Changed { key, .. } => Some(key),
            _ => None,
        };
        events.into_iter().filter_map(key).collect()
    }

    #[test]
    fn a_crash_keeps_what_was_done_and_the_chosen_prefix_of_what_was_not() {
        for (survivors, expected) in [(0, vec!["a"]), (1, vec!["a", "b"])] {
            let mut disk = Disk::new(Random::new(1), 0);
            for (number, key) in ["a", "b", "c"].into_iter().enumerate() {
                disk.submit(OperationId(number as u64), write(key));
            }
            disk.apply();
            disk.crash(survivors);
            assert_eq!(keys(&mut disk), expected);
        }
    }

    #[test]
    fn a_faulty_disk_repeats_every_completion_and_no_notice() {
        let mut disk = Disk::new(Random::new(1), 0);
        disk.faults.repeated = 1_000;
        disk.submit(OperationId(1), write("a"));
        let events = disk.apply();
        assert_eq!(events.len(), 2, "{events:?}");
        assert_eq!(keys(&mut disk), ["a"]);
    }
}
