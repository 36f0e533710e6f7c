//! A disk: the store in memory, behind a queue that takes time and may be lost in a crash.

use std::{collections::VecDeque, time::Duration};

use chat_core::{
    id::MessageId,
    store::{MemoryStore, OperationId, StoreError, StoreEvent, StoreOperation},
};

use crate::{
    faults::{Fault, Faults},
    random::{Random, Stream},
};

/// How a disk behaves. Chances are per mille.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Behaviour {
    /// How long an operation takes.
    pub delay: Duration,
    /// At most so much is added to it.
    pub jitter: Duration,
    /// Completions, but for refusals, that are reported late, so that later ones overtake them.
    pub late: u32,
    /// Completions that are reported twice.
    pub repeated: u32,
    /// Completions, but for refusals, that are never reported.
    pub lost: u32,
    /// Writes that fail; half of them are done all the same. The disk is stalled from then on for
    /// a while.
    pub failed: u32,
}

impl Default for Behaviour {
    /// A disk with the sync time of an ordinary solid-state disk.
    fn default() -> Self {
        Self {
            delay: Duration::from_micros(250),
            jitter: Duration::ZERO,
            late: 0,
            repeated: 0,
            lost: 0,
            failed: 0,
        }
    }
}

/// One node's disk.
#[derive(Debug)]
pub struct Disk {
    random: Random,
    faults: Faults,
    entity: u64,
    /// How it behaves.
    pub behaviour: Behaviour,
    is_broken: bool,
    /// A write has failed, and the machine has not shown that it knows.
    is_stalled: bool,
    store: MemoryStore,
    waiting: VecDeque<(OperationId, StoreOperation)>,
    submitted: u64,
    applied: u64,
    reported: u64,
}

/// What comes of an operation.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The operation, if it is durable.
    pub durable: Option<StoreOperation>,
    /// What was to be appended to a log that is full.
    pub refused: Option<MessageId>,
    /// What is to be reported, and after what time.
    pub reports: Vec<(Duration, StoreEvent)>,
}

impl Disk {
    /// An empty disk; `entity` names it in the draws.
    pub fn new(random: Random, faults: Faults, entity: u64) -> Self {
        Self {
            random,
            faults,
            entity,
            behaviour: Behaviour::default(),
            is_broken: false,
            is_stalled: false,
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
        let jitter = u64::try_from(self.behaviour.jitter.as_micros()).unwrap_or(u64::MAX);
        let drawn = self
            .random
            .below(jitter, Stream::Disk, self.entity, self.submitted);
        self.behaviour.delay + Duration::from_micros(drawn)
    }

    /// Does the oldest waiting operation.
    ///
    /// What happened by itself (a changed record, an arrived entry) is reported at once and in
    /// order; only completions are late, repeated or lost.
    pub fn apply(&mut self) -> Outcome {
        let Some((id, operation)) = self.waiting.pop_front() else {
            return Outcome::default();
        };
        self.applied += 1;
        let number = self.applied;
        let is_write = operation.is_write();
        if operation == StoreOperation::Resume {
            self.is_stalled = false;
        }
        let fails = is_write
            && !self.is_stalled
            && self.happens(Stream::FailedOperation, number, self.behaviour.failed);
        let is_done = self.random.chance(
            500,
            Stream::FailedOperation,
            self.entity,
            number + (1 << 40),
        );
        let mut outcome = Outcome::default();
        let is_refused = self.is_broken || self.is_stalled && is_write;
        if !(is_refused || fails && !is_done) {
            self.perform(id, operation, &mut outcome);
        }
        if is_refused || fails {
            outcome.reports.retain(|(_, event)| is_notice(event));
            let error = StoreError::Unavailable;
            let failed = StoreEvent::Failed {
                operation: id,
                error,
            };
            outcome.reports.push((Duration::ZERO, failed));
        }
        if is_write && (is_refused || fails) && !self.is_stalled {
            self.is_stalled = true;
            outcome.reports.push((Duration::ZERO, StoreEvent::Stalled));
            if !self.is_broken {
                let later = self.later(Stream::FailedOperation);
                outcome.reports.push((later, StoreEvent::Well));
            }
        }
        outcome
    }

    /// From now on it fails every operation.
    pub fn break_down(&mut self) {
        self.is_broken = true;
    }

    /// It works again: what is to be reported, if it was broken.
    pub fn mend(&mut self) -> Option<StoreEvent> {
        let was_broken = std::mem::take(&mut self.is_broken);
        (was_broken && self.is_stalled).then_some(StoreEvent::Well)
    }

    fn perform(&mut self, id: OperationId, operation: StoreOperation, outcome: &mut Outcome) {
        self.store.handle(id, operation.clone());
        let mut is_durable = true;
        while let Some(event) = self.store.poll_event() {
            if is_notice(&event) {
                outcome.reports.push((Duration::ZERO, event));
                continue;
            }
            if let (StoreEvent::Failed { error, .. }, StoreOperation::Append { id, .. }) =
                (&event, &operation)
                && *error == StoreError::Full
            {
                outcome.refused = Some(*id);
            }
            is_durable &= !matches!(
                event,
                StoreEvent::Conflict { .. } | StoreEvent::Failed { .. }
            );
            self.report(event, &mut outcome.reports);
        }
        outcome.durable = is_durable.then_some(operation);
    }

    fn report(&mut self, event: StoreEvent, reports: &mut Vec<(Duration, StoreEvent)>) {
        self.reported += 1;
        let (number, behaviour) = (self.reported, self.behaviour);
        if self.happens(Stream::RepeatedCompletion, number, behaviour.repeated) {
            let again = self.later(Stream::RepeatedCompletion);
            reports.push((again, event.clone()));
        }
        // Refusals come, and in the order of what they refuse.
        let may_fail = !matches!(event, StoreEvent::Failed { .. });
        if may_fail && self.happens(Stream::LostCompletion, number, behaviour.lost) {
            return;
        }
        let late = may_fail && self.happens(Stream::LateCompletion, number, behaviour.late);
        let delay = late.then(|| self.later(Stream::LateCompletion));
        reports.push((delay.unwrap_or_default(), event));
    }

    /// How many operations have been done since the disk was made.
    pub fn applied(&self) -> u64 {
        self.applied
    }

    /// The power fails: of what was waiting the first `survivors` operations were done in time,
    /// the rest never was. Gives those that are durable.
    pub fn crash(&mut self, survivors: usize) -> Vec<StoreOperation> {
        let mut outcome = Outcome::default();
        let mut durable = Vec::new();
        let waiting = std::mem::take(&mut self.waiting);
        for (id, operation) in waiting.into_iter().take(survivors) {
            if self.is_broken {
                break;
            }
            self.applied += 1;
            self.perform(id, operation, &mut outcome);
            durable.extend(outcome.durable.take());
        }
        self.store = self.store.image();
        self.is_stalled = false;
        durable
    }

    /// How many operations wait.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Everything durable, to be looked at.
    pub fn store(&self) -> &MemoryStore {
        &self.store
    }

    /// The faults that have happened since this was asked last.
    pub fn take_faults(&mut self) -> impl Iterator<Item = Fault> + '_ {
        self.faults.take_happened()
    }

    fn happens(&mut self, kind: Stream, number: u64, per_mille: u32) -> bool {
        self.faults.happens(kind, self.entity, number, per_mille)
    }

    fn later(&self, stream: Stream) -> Duration {
        let draw = self.reported + (1 << 40);
        Duration::from_micros(self.random.below(50_000, stream, self.entity, draw))
    }
}

/// Whether an event tells what happened by itself.
fn is_notice(event: &StoreEvent) -> bool {
    matches!(
        event,
        StoreEvent::Changed { .. } | StoreEvent::Arrived { .. }
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use chat_core::store::Table;

    fn disk() -> Disk {
        let random = Random::new(1);
        Disk::new(random, Faults::by_chance(random), 0)
    }

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
        let key = |(_, event)| match event {
            StoreEvent::Changed { key, .. } => Some(key),
            _ => None,
        };
        disk.apply().reports.into_iter().filter_map(key).collect()
    }

    #[test]
    fn a_crash_keeps_what_was_done_and_the_chosen_prefix_of_what_was_not() {
        for (survivors, expected) in [(0, vec!["a"]), (1, vec!["a", "b"])] {
            let mut disk = disk();
            for (number, key) in ["a", "b", "c"].into_iter().enumerate() {
                disk.submit(OperationId(number as u64), write(key));
            }
            disk.apply();
            assert_eq!(disk.crash(survivors).len(), survivors);
            assert_eq!(keys(&mut disk), expected);
        }
    }

    #[test]
    fn a_faulty_disk_repeats_every_completion_and_no_notice() {
        let mut disk = disk();
        disk.behaviour.repeated = 1_000;
        disk.submit(OperationId(1), write("a"));
        let reports = disk.apply().reports;
        assert_eq!(reports.len(), 2, "{reports:?}");
        assert_eq!(keys(&mut disk), ["a"]);
    }

    #[test]
    fn a_failed_operation_may_be_done_all_the_same() {
        let mut disk = disk();
        disk.behaviour.failed = 1_000;
        let mut done = 0;
        for number in 0..20 {
            disk.submit(OperationId(number), write(&number.to_string()));
            let outcome = disk.apply();
            assert!(matches!(
                outcome.reports[..],
                [
                    (_, StoreEvent::Failed { .. }),
                    (_, StoreEvent::Stalled),
                    (_, StoreEvent::Well)
                ]
            ));
            done += usize::from(outcome.durable.is_some());
            disk.submit(OperationId(99), StoreOperation::Resume);
            disk.apply();
        }
        assert!((3..17).contains(&done), "{done} of 20");
        disk.behaviour.failed = 0;
        assert_eq!(keys(&mut disk).len(), done);
    }

    #[test]
    fn a_broken_disk_does_nothing() {
        let mut disk = disk();
        disk.break_down();
        disk.submit(OperationId(1), write("a"));
        assert!(disk.apply().durable.is_none());
        assert_eq!(disk.mend(), Some(StoreEvent::Well));
        assert_eq!(keys(&mut disk), Vec::<String>::new());
    }

    #[test]
    fn nothing_is_written_after_a_failure_until_the_machine_knows_of_it() {
        let mut disk = disk();
        disk.break_down();
        disk.submit(OperationId(1), write("a"));
        disk.apply();
        disk.mend();
        disk.submit(OperationId(2), write("b"));
        assert!(disk.apply().durable.is_none());
        disk.submit(OperationId(3), StoreOperation::Resume);
        disk.apply();
        disk.submit(OperationId(2), write("b"));
        assert!(disk.apply().durable.is_some());
    }
}
