//! How far the logs of groups and the channel have been accepted live.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};

use crate::{conversation::Conversation, wire::ReadPosition};

/// The most logs that are followed; the server's own count is used for others.
const MAX_LOGS: usize = 16;

/// The positions that a client brings along when it registers. What it has taken live the server
/// need not deliver again; what the server delivers as kept is accepted one by one, because others
/// wait for word of it.
#[derive(Default)]
pub(super) struct Positions {
    logs: BTreeMap<Conversation, Progress>,
}

#[derive(Default)]
struct Progress {
    /// Delivered live and on their way to the store.
    pending: BTreeSet<u64>,
    /// The last one that was delivered live and is durable.
    highest: u64,
    /// The last one that was delivered as kept since the last registration.
    kept: u64,
    /// What the last registration said.
    claimed: u64,
}

impl Progress {
    /// The last position up to which everything delivered live is durable.
    fn durable(&self) -> u64 {
        match self.pending.first() {
            Some(pending) => self.highest.min(pending.saturating_sub(1)),
            None => self.highest,
        }
    }
}

impl Positions {
    fn progress(&mut self, log: &Conversation) -> Option<&mut Progress> {
        let has_room = self.logs.len() < MAX_LOGS || self.logs.contains_key(log);
        has_room.then(|| self.logs.entry(log.clone()).or_default())
    }

    /// An entry has been delivered live and is on its way to the store.
    pub(super) fn delivered(&mut self, log: &Conversation, position: u64) {
        if let Some(progress) = self.progress(log) {
            progress.pending.insert(position);
        }
    }

    /// An entry has been delivered as one that was kept.
    pub(super) fn kept(&mut self, log: &Conversation, position: u64) {
        if let Some(progress) = self.progress(log) {
            progress.kept = progress.kept.max(position);
        }
    }

    /// The entry that was delivered live is durable.
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

    /// The client is about to register; `caught_up` tells whether all that was kept has come since
    /// it did so before. What comes live before that, or is not behind it, is a late copy: the
    /// server has delivered it as kept as well.
    pub(super) fn begin(&mut self, caught_up: bool) {
        for progress in self.logs.values_mut() {
            let durable = progress.durable();
            if caught_up && durable > progress.kept {
                progress.claimed = durable;
            }
            progress.kept = 0;
        }
    }

    /// What the registration says.
    pub(super) fn get(&self) -> Vec<ReadPosition> {
        self.logs
            .iter()
            .map(|(log, progress)| ReadPosition {
                log: log.clone(),
                position: progress.claimed,
            })
            .filter(|read| read.position > 0)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    const LOG: Conversation = Conversation::Channel;

    fn taken(positions: &mut Positions, position: u64) {
        positions.delivered(&LOG, position);
        positions.accepted(&LOG, position);
    }

    /// What a registration at this moment says.
    fn said(positions: &mut Positions, caught_up: bool) -> Option<u64> {
        positions.begin(caught_up);
        let said = positions.get();
        assert!(said.iter().all(|read| read.log == LOG));
        said.first().map(|read| read.position)
    }

    #[test]
    fn what_is_not_durable_holds_the_position_back() {
        let mut positions = Positions::default();
        for position in [3, 4, 5] {
            positions.delivered(&LOG, position);
        }
        positions.accepted(&LOG, 5);
        positions.accepted(&LOG, 3);
        assert_eq!(said(&mut positions, true), Some(3));
        positions.accepted(&LOG, 4);
        let read = ReadPosition {
            log: LOG,
            position: 3,
        };
        assert_eq!(positions.get(), vec![read], "as it was said");
        assert_eq!(said(&mut positions, true), Some(5));
    }

    #[test]
    fn a_late_copy_of_what_was_kept_says_nothing() {
        let mut positions = Positions::default();
        positions.kept(&LOG, 4);
        positions.kept(&LOG, 3);
        taken(&mut positions, 4);
        assert_eq!(said(&mut positions, true), None);
        positions.kept(&LOG, 4);
        taken(&mut positions, 5);
        assert_eq!(said(&mut positions, true), Some(5), "it is behind it");
    }

    #[test]
    fn what_comes_before_everything_kept_has_come_says_nothing() {
        let mut positions = Positions::default();
        taken(&mut positions, 5);
        assert_eq!(said(&mut positions, true), Some(5));
        taken(&mut positions, 9);
        assert_eq!(said(&mut positions, false), Some(5));
        assert_eq!(said(&mut positions, true), Some(9));
    }
}
