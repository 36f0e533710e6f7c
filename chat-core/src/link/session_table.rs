//! Session indexes: which peer a datagram is for, by an array access.

use alloc::{collections::BTreeMap, vec::Vec};

const SLOT_BITS: u32 = 23;
const SLOTS: u32 = 1 << SLOT_BITS;

/// The indexes in use. The lower bits of an index are a slot in an array, the upper ones are drawn
/// anew for each use of it; all is blinded, so that indexes of an earlier table mean nothing here.
#[derive(Debug)]
pub(super) struct SessionTable {
    slots: Vec<Slot>,
    free: Vec<u32>,
    blind: u32,
    /// The sessions by the index that the peer has chosen for them.
    by_remote: BTreeMap<u32, u32>,
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    /// The index that is in use for this slot, or was last.
    index: u32,
    peer: Option<u32>,
    remote: Option<u32>,
}

impl SessionTable {
    /// An empty table; `blind` is drawn at random.
    pub(super) fn new(blind: u32) -> Self {
        Self {
            slots: Vec::new(),
            free: Vec::new(),
            blind,
            by_remote: BTreeMap::new(),
        }
    }

    /// An index for a session of `peer`; `random` is drawn for it. None if all are in use.
    pub(super) fn insert(&mut self, peer: u32, random: u32) -> Option<u32> {
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None => {
                let slot = u32::try_from(self.slots.len()).ok()?;
                if slot >= SLOTS {
                    return None;
                }
                self.slots.push(Slot {
                    index: 0,
                    peer: None,
                    remote: None,
                });
                slot
            }
        };
        let index = (random << SLOT_BITS | slot) ^ self.blind;
        self.slots[slot as usize] = Slot {
            index,
            peer: Some(peer),
            remote: None,
        };
        Some(index)
    }

    /// The peer that has a session under this index.
    pub(super) fn peer(&self, index: u32) -> Option<u32> {
        self.slot(index)?.peer
    }

    /// The session is now one of another peer.
    pub(super) fn give_to(&mut self, index: u32, peer: u32) {
        if let Some(slot) = self.slot_mut(index) {
            slot.peer = Some(peer);
        }
    }

    /// Notes the index that the peer has chosen for the session.
    pub(super) fn set_remote(&mut self, index: u32, remote: u32) {
        if let Some(slot) = self.slot_mut(index) {
            slot.remote = Some(remote);
            self.by_remote.insert(remote, index);
        }
    }

    /// The peer with a session that it has chosen this index for, if it is the only one.
    pub(super) fn peer_by_remote(&self, remote: u32) -> Option<u32> {
        self.peer(*self.by_remote.get(&remote)?)
    }

    /// Frees an index.
    pub(super) fn remove(&mut self, index: u32) {
        let Some(slot) = self.slot_mut(index) else {
            return;
        };
        slot.peer = None;
        let remote = slot.remote.take();
        if let Some(remote) = remote
            && self.by_remote.get(&remote) == Some(&index)
        {
            self.by_remote.remove(&remote);
        }
        self.free.push((index ^ self.blind) % SLOTS);
    }

    fn slot(&self, index: u32) -> Option<&Slot> {
        let slot = self.slots.get(((index ^ self.blind) % SLOTS) as usize)?;
        (slot.index == index && slot.peer.is_some()).then_some(slot)
    }

    fn slot_mut(&mut self, index: u32) -> Option<&mut Slot> {
        let slot = self
            .slots
            .get_mut(((index ^ self.blind) % SLOTS) as usize)?;
        (slot.index == index && slot.peer.is_some()).then_some(slot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_leads_to_its_peer_until_it_is_removed() {
        let mut table = SessionTable::new(0xdead_beef);
        let (one, two) = (table.insert(1, 77).unwrap(), table.insert(2, 78).unwrap());
        table.set_remote(one, 500);
        assert_eq!((table.peer(one), table.peer(two)), (Some(1), Some(2)));
        assert_eq!(table.peer_by_remote(500), Some(1));
        table.give_to(one, 3);
        assert_eq!(table.peer_by_remote(500), Some(3));
        table.remove(one);
        table.remove(one);
        assert_eq!((table.peer(one), table.peer(two)), (None, Some(2)));
        assert_eq!(table.peer_by_remote(500), None);
    }

    #[test]
    fn a_slot_is_used_again_under_another_index() {
        let mut table = SessionTable::new(1);
        let old = table.insert(1, 5).unwrap();
        table.remove(old);
        let new = table.insert(2, 6).unwrap();
        assert_eq!(table.slots.len(), 1);
        assert_eq!((table.peer(old), table.peer(new)), (None, Some(2)));
    }
}
