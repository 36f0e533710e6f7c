//! The peers of an endpoint: by id, by key, by what is due, by what waits to be sent.

use alloc::{
    boxed::Box,
    collections::{BTreeMap, BTreeSet, VecDeque},
    vec::Vec,
};

use super::{PeerId, peer::Peer};
use crate::{
    id::{Path, PublicKey},
    time::Instant,
};

/// Peers with the same key, of which one is current.
const MAX_PEERS_PER_KEY: usize = 4;

/// The lower bits of an id are a slot, the upper ones differ from one use of it to the next.
const SLOT_BITS: u32 = 21;
const SLOTS: u32 = 1 << SLOT_BITS;

/// All peers.
#[derive(Default)]
pub(super) struct Peers {
    slots: Vec<Slot>,
    /// The one that was freed first is used first, so that an id comes again as late as possible.
    free: VecDeque<u32>,
    by_key: BTreeMap<PublicKey, OfKey>,
    timers: BTreeSet<(Instant, u32)>,
    ready: VecDeque<u32>,
    /// How many peers there have ever been.
    generations: u64,
}

#[derive(Default)]
struct Slot {
    peer: Option<Box<Peer>>,
    timer: Option<Instant>,
    is_ready: bool,
    uses: u32,
}

struct OfKey {
    current: u32,
    /// In the order of their making.
    others: Vec<u32>,
}

impl OfKey {
    fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        core::iter::once(self.current).chain(self.others.iter().copied())
    }
}

impl Peers {
    /// Whether another one fits when there may be `max`.
    pub(super) fn has_room(&self, max: usize) -> bool {
        self.slots.len() - self.free.len() < max.min(SLOTS as usize)
    }

    /// A new peer: its slot. It is the current one of its key if there is no other.
    ///
    /// # Panics
    /// If there is no room.
    pub(super) fn insert(&mut self, key: PublicKey, path: Path, own_incarnation: u64) -> u32 {
        let slot = self.free.pop_front().unwrap_or_else(|| {
            assert!(
                self.has_room(usize::MAX),
                "the caller has asked whether there is room"
            );
            self.slots.push(Slot::default());
            self.slots.len() as u32 - 1
        });
        let entry = &mut self.slots[slot as usize];
        let id = PeerId(entry.uses << SLOT_BITS | slot);
        entry.uses = entry.uses.wrapping_add(1);
        let peer = Peer::new(id, self.generations, key, path, own_incarnation);
        self.generations += 1;
        entry.peer = Some(Box::new(peer));
        self.by_key
            .entry(key)
            .and_modify(|of_key| of_key.others.push(slot))
            .or_insert(OfKey {
                current: slot,
                others: Vec::new(),
            });
        slot
    }

    /// The peer in a slot.
    pub(super) fn at(&self, slot: u32) -> Option<&Peer> {
        self.slots.get(slot as usize)?.peer.as_deref()
    }

    /// The peer in a slot.
    pub(super) fn at_mut(&mut self, slot: u32) -> Option<&mut Peer> {
        self.slots.get_mut(slot as usize)?.peer.as_deref_mut()
    }

    /// The slot of a peer that still exists.
    pub(super) fn slot(&self, id: PeerId) -> Option<u32> {
        let slot = id.0 % SLOTS;
        (self.at(slot)?.id == id).then_some(slot)
    }

    /// A peer that still exists.
    pub(super) fn get(&self, id: PeerId) -> Option<&Peer> {
        self.at(self.slot(id)?)
    }

    /// The current peer with this key.
    pub(super) fn current(&self, key: &PublicKey) -> Option<u32> {
        Some(self.by_key.get(key)?.current)
    }

    /// The peers with this key, the current one first.
    pub(super) fn of_key(&self, key: &PublicKey) -> impl Iterator<Item = (u32, &Peer)> {
        let slots = self.by_key.get(key).into_iter().flat_map(OfKey::iter);
        slots.filter_map(|slot| Some((slot, self.at(slot)?)))
    }

    /// The peer that has to make room for another one with this key: one that was never connected
    /// if there is one, else the oldest that is not current.
    pub(super) fn surplus(&self, key: &PublicKey) -> Option<u32> {
        let of_key = self.by_key.get(key)?;
        if of_key.others.len() + 1 < MAX_PEERS_PER_KEY {
            return None;
        }
        let never_connected = |slot: &&u32| self.at(**slot).is_some_and(|is| !is.is_connected);
        let others = &of_key.others;
        others
            .iter()
            .find(never_connected)
            .or(others.first())
            .copied()
    }

    /// Makes a peer the current one with its key: the one before, if it is another.
    pub(super) fn make_current(&mut self, key: &PublicKey, slot: u32) -> Option<u32> {
        let of_key = self.by_key.get_mut(key)?;
        if of_key.current == slot {
            return None;
        }
        of_key.others.retain(|other| *other != slot);
        let before = core::mem::replace(&mut of_key.current, slot);
        of_key.others.push(before);
        Some(before)
    }

    /// Takes a peer out. If it was the current one of its key, the latest of the others is.
    pub(super) fn remove(&mut self, slot: u32) -> Option<Box<Peer>> {
        let peer = self.slots.get_mut(slot as usize)?.peer.take()?;
        self.schedule(slot, None);
        self.free.push_back(slot);
        if let Some(of_key) = self.by_key.get_mut(&peer.key) {
            if of_key.current != slot {
                of_key.others.retain(|other| *other != slot);
            } else if let Some(latest) = of_key.others.pop() {
                of_key.current = latest;
            } else {
                self.by_key.remove(&peer.key);
            }
        }
        Some(peer)
    }

    /// The slots in use.
    pub(super) fn slots(&self) -> impl Iterator<Item = u32> + '_ {
        (0..self.slots.len() as u32).filter(|slot| self.at(*slot).is_some())
    }

    /// Sets when something is due for a peer.
    pub(super) fn schedule(&mut self, slot: u32, at: Option<Instant>) {
        let Some(entry) = self.slots.get_mut(slot as usize) else {
            return;
        };
        if entry.timer == at {
            return;
        }
        if let Some(before) = core::mem::replace(&mut entry.timer, at) {
            self.timers.remove(&(before, slot));
        }
        if let Some(at) = at {
            self.timers.insert((at, slot));
        }
    }

    /// The earliest time that was set.
    pub(super) fn next_timeout(&self) -> Option<Instant> {
        Some(self.timers.first()?.0)
    }

    /// The peers for which something is due, and is not from then on.
    pub(super) fn take_due(&mut self, now: Instant) -> Vec<u32> {
        let mut due = Vec::new();
        while let Some((at, slot)) = self.timers.first().copied()
            && at <= now
        {
            self.timers.pop_first();
            self.slots[slot as usize].timer = None;
            due.push(slot);
        }
        due
    }

    /// Something waits to be sent to a peer.
    pub(super) fn set_ready(&mut self, slot: u32) {
        if let Some(entry) = self.slots.get_mut(slot as usize)
            && !core::mem::replace(&mut entry.is_ready, true)
        {
            self.ready.push_back(slot);
        }
    }

    /// The peer whose turn it is to be sent something.
    pub(super) fn ready(&self) -> Option<u32> {
        self.ready.front().copied()
    }

    /// Nothing more waits for the peer whose turn it is.
    pub(super) fn pop_ready(&mut self) {
        if let Some(slot) = self.ready.pop_front() {
            self.slots[slot as usize].is_ready = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn insert(peers: &mut Peers, key: u8) -> u32 {
        let path = Path::to(([1, 2, 3, 4], 5).into());
        peers.insert(PublicKey([key; 32]), path, 1)
    }

    #[test]
    fn an_id_means_nothing_once_its_peer_is_gone() {
        let mut peers = Peers::default();
        let slot = insert(&mut peers, 1);
        let id = peers.at(slot).unwrap().id;
        assert_eq!(peers.slot(id), Some(slot));
        peers.remove(slot);
        assert_eq!(peers.slot(id), None);
        assert_eq!(insert(&mut peers, 1), slot, "the slot is used again");
        assert_eq!(peers.slot(id), None);
    }

    #[test]
    fn one_peer_of_a_key_is_current_as_long_as_there_is_any() {
        let (mut peers, key) = (Peers::default(), PublicKey([1; 32]));
        let slots: [u32; 3] = core::array::from_fn(|_| insert(&mut peers, 1));
        assert_eq!(peers.current(&key), Some(slots[0]));
        assert_eq!(peers.make_current(&key, slots[2]), Some(slots[0]));
        assert_eq!(peers.make_current(&key, slots[2]), None);
        for expected in [Some(slots[0]), Some(slots[1]), None] {
            peers.remove(peers.current(&key).unwrap());
            assert_eq!(peers.current(&key), expected);
        }
    }

    #[test]
    fn a_key_has_no_more_peers_than_allowed() {
        let (mut peers, key) = (Peers::default(), PublicKey([1; 32]));
        for _ in 0..20 {
            if let Some(surplus) = peers.surplus(&key) {
                assert_ne!(Some(surplus), peers.current(&key));
                peers.remove(surplus);
            }
            insert(&mut peers, 1);
        }
        assert_eq!(peers.of_key(&key).count(), MAX_PEERS_PER_KEY);
    }

    #[test]
    fn what_is_due_is_given_out_once() {
        let mut peers = Peers::default();
        let (one, two) = (insert(&mut peers, 1), insert(&mut peers, 2));
        peers.schedule(one, Some(Instant::from_micros(5)));
        peers.schedule(two, Some(Instant::from_micros(9)));
        peers.schedule(two, Some(Instant::from_micros(7)));
        let due = |peers: &mut Peers, at| peers.take_due(Instant::from_micros(at));
        assert_eq!(due(&mut peers, 4), []);
        assert_eq!(due(&mut peers, 5), [one]);
        assert_eq!(due(&mut peers, 5), []);
        assert_eq!(peers.next_timeout(), Some(Instant::from_micros(7)));
        peers.remove(two);
        assert_eq!(peers.next_timeout(), None);
    }
}
