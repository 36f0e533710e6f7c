//! How far the logs of groups and the channel have been accepted live.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};

use crate::{conversation::Conversation, wire::ReadPosition};

/// The most logs that are followed; the server's own count is used for others.
const MAX_LOGS: usize = 16;

/// The positions that a client brings along when it registers.
#[derive(Default)]
pub(super) struct Positions {
    logs: BTreeMap<Conversation, Progress>,
}

#[derive(Default)]
struct Progress {
    pending: BTreeSet<u64>,
    highest: u64,
}

impl Positions {
    /// An entry has been delivered live and is on its way to the store.
    pub(super) fn delivered(&mut self, log: &Conversation, position: u64) {
        if self.logs.len() < MAX_LOGS || self.logs.contains_key(log) {
            let progress = self.logs.entry(log.clone()).or_default();
            progress.pending.insert(position);
        }
    }

    /// The entry is durable.
    pub(super) fn accepted(&mut self, log: &Conversation, position: u64) {
        if let Some(progress) = self.logs.get_mut(log)
            && progress.pending.remove(&position)
        {
            progress.highest = progress.highest.max(position);
        }
    }

    /// The group was left: its cursor is gone.
    pub(super) fn forget(&mut self, log: &Conversation) {
        self.logs.remove(log);
    }

    /// The last positions up to which everything delivered is durable.
    pub(super) fn get(&self) -> Vec<ReadPosition> {
        let durable = |progress: &Progress| match progress.pending.first() {
            Some(pending) => progress.highest.min(pending.saturating_sub(1)),
            None => progress.highest,
        };
        self.logs
            .iter()
            .map(|(log, progress)| ReadPosition {
                log: log.clone(),
                position: durable(progress),
            })
            .filter(|read| read.position > 0)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    #[test]
    fn what_is_not_durable_holds_the_position_back() {
        let mut positions = Positions::default();
        for position in [3, 4, 5] {
            positions.delivered(&Conversation::Channel, position);
        }
        positions.accepted(&Conversation::Channel, 5);
        positions.accepted(&Conversation::Channel, 3);
        let read = |position| {
            vec![ReadPosition {
                log: Conversation::Channel,
                position,
            }]
        };
        assert_eq!(positions.get(), read(3));
        positions.accepted(&Conversation::Channel, 4);
        assert_eq!(positions.get(), read(5));
    }
}
