//! The packets of a session that await acknowledgement, and which of them are lost (RFC 9002 §6).

use alloc::{collections::VecDeque, vec::Vec};
use core::ops::RangeInclusive;

use super::send_streams::Carried;
use crate::time::{Duration, Instant};

/// A packet counts as lost when one sent so much later has arrived (RFC 9002 §6.1.1).
const PACKET_THRESHOLD: u64 = 3;
/// Packets in flight; at the limit further ones have to wait.
const MAX_IN_FLIGHT: usize = 2_048;
/// Packets remembered that count as lost; at the limit the oldest is forgotten, and an
/// acknowledgement that comes all the same is not noticed.
const MAX_LOST: usize = 64;

/// A packet that asks for an acknowledgement.
#[derive(Debug)]
pub(super) struct SentPacket {
    /// Its counter.
    pub(super) counter: u64,
    /// When it was sent.
    pub(super) sent: Instant,
    /// Its size.
    pub(super) bytes: usize,
    /// The highest counter that it acknowledged itself.
    pub(super) acknowledges: Option<u64>,
    /// What it carried. Few packets carry more than one thing, so the first needs no allocation.
    pub(super) carried: Option<Carried>,
    /// The rest of it.
    pub(super) more: Vec<Carried>,
    /// It counts as lost and is no longer in flight, but may have arrived.
    pub(super) lost: bool,
}

impl SentPacket {
    /// What it carried.
    pub(super) fn carried(&self) -> impl Iterator<Item = Carried> + '_ {
        self.carried.iter().chain(&self.more).copied()
    }
}

/// The packets of a session that were neither acknowledged nor forgotten, in the order of sending.
#[derive(Debug, Default)]
pub(super) struct SentPackets {
    packets: VecDeque<SentPacket>,
    in_flight: usize,
}

impl SentPackets {
    /// Whether so many packets are in flight that another must wait.
    pub(super) fn is_full(&self) -> bool {
        self.in_flight >= MAX_IN_FLIGHT
    }

    /// Notes a packet that was sent.
    pub(super) fn insert(&mut self, packet: SentPacket) {
        self.in_flight += 1;
        self.packets.push_back(packet);
    }

    /// When the oldest packet in flight was sent.
    pub(super) fn oldest(&self) -> Option<Instant> {
        if self.in_flight == 0 {
            return None;
        }
        let mut in_flight = self.packets.iter().filter(|packet| !packet.lost);
        in_flight.next().map(|packet| packet.sent)
    }

    /// Takes out the packets with these counters, which are acknowledged.
    pub(super) fn acknowledge(
        &mut self,
        ranges: &[RangeInclusive<u64>],
        mut each: impl FnMut(SentPacket),
    ) {
        for range in ranges {
            let from = self
                .packets
                .partition_point(|is| is.counter < *range.start());
            let to = self
                .packets
                .partition_point(|is| is.counter <= *range.end());
            for packet in self.packets.drain(from..to) {
                self.in_flight -= usize::from(!packet.lost);
                each(packet);
            }
        }
        if self.packets.is_empty() {
            self.packets = VecDeque::new();
        }
    }

    /// Marks the packets lost that were sent well before `largest`, which has arrived.
    pub(super) fn lost_before(&mut self, largest: u64, each: impl FnMut(&SentPacket)) {
        self.mark_lost(|is| is.counter + PACKET_THRESHOLD <= largest, each);
    }

    /// Marks the packets lost that have been waiting for `timeout`.
    pub(super) fn lost_after(
        &mut self,
        now: Instant,
        timeout: Duration,
        each: impl FnMut(&SentPacket),
    ) {
        self.mark_lost(|is| is.sent + timeout <= now, each);
    }

    /// Forgets everything: what is in flight is lost.
    pub(super) fn clear(&mut self, each: impl FnMut(&SentPacket)) {
        self.mark_lost(|_| true, each);
        self.packets = VecDeque::new();
    }

    /// Marks a run of the oldest packets.
    fn mark_lost(
        &mut self,
        is_lost: impl Fn(&SentPacket) -> bool,
        mut each: impl FnMut(&SentPacket),
    ) {
        if self.in_flight == 0 {
            return;
        }
        for packet in &mut self.packets {
            if packet.lost {
                continue;
            }
            if !is_lost(packet) {
                break;
            }
            packet.lost = true;
            self.in_flight -= 1;
            each(packet);
        }
        while self.packets.len() - self.in_flight > MAX_LOST
            && self.packets.front().is_some_and(|packet| packet.lost)
        {
            self.packets.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn an_acknowledged_packet_is_taken_out_once() {
        let mut packets = sent(5);
        assert_eq!(acknowledge(&mut packets, &[3..=4, 1..=1]), [3, 4, 1]);
        assert_eq!(acknowledge(&mut packets, &[0..=9]), [0, 2]);
        assert_eq!(packets.oldest(), None);
    }

    #[test]
    fn a_packet_is_lost_when_one_sent_three_later_has_arrived() {
        let mut packets = sent(6);
        assert_eq!(acknowledge(&mut packets, &[4..=4]), [4]);
        assert_eq!(
            lost(&mut packets, |packets, each| packets.lost_before(4, each)),
            [0, 1]
        );
        assert_eq!(
            lost(&mut packets, |packets, each| packets.lost_before(4, each)),
            []
        );
        assert_eq!(packets.oldest(), Some(Instant::ZERO + MS * 2));
    }

    #[test]
    fn a_packet_is_lost_when_it_has_waited_for_the_timeout() {
        let mut packets = sent(6);
        let now = Instant::ZERO + MS * 12;
        let late = lost(&mut packets, |packets, each| {
            packets.lost_after(now, MS * 10, each)
        });
        assert_eq!(late, [0, 1, 2]);
    }

    #[test]
    fn a_lost_packet_can_still_be_acknowledged() {
        let mut packets = sent(1);
        lost(&mut packets, |packets, each| packets.lost_before(9, each));
        assert_eq!(packets.oldest(), None);
        assert_eq!(acknowledge(&mut packets, &[0..=0]), [0]);
    }

    #[test]
    fn too_many_packets_in_flight_hold_up_further_ones_and_few_lost_ones_are_remembered() {
        let mut packets = sent(MAX_IN_FLIGHT as u64);
        assert!(packets.is_full());
        packets.lost_before(MAX_IN_FLIGHT as u64, |_| {});
        assert!(!packets.is_full());
        assert_eq!(packets.in_flight, 2);
        assert_eq!(packets.packets.len(), 2 + MAX_LOST);
    }

    #[test]
    fn what_is_in_flight_when_all_is_forgotten_is_lost() {
        let mut packets = sent(3);
        assert_eq!(acknowledge(&mut packets, &[1..=1]), [1]);
        assert_eq!(
            lost(&mut packets, |packets, each| packets.clear(each)),
            [0, 2]
        );
        assert_eq!(acknowledge(&mut packets, &[0..=9]), []);
    }

    /// Packets that were sent a millisecond after each other.
    fn sent(count: u64) -> SentPackets {
        let mut packets = SentPackets::default();
        (0..count).for_each(|counter| packets.insert(packet(counter)));
        packets
    }

    fn packet(counter: u64) -> SentPacket {
        SentPacket {
            counter,
            sent: Instant::from_micros(counter * 1_000),
            bytes: 100,
            acknowledges: None,
            carried: None,
            more: Vec::new(),
            lost: false,
        }
    }

    fn acknowledge(packets: &mut SentPackets, ranges: &[RangeInclusive<u64>]) -> Vec<u64> {
        let mut counters = Vec::new();
        packets.acknowledge(ranges, |packet| counters.push(packet.counter));
        counters
    }

    fn lost(
        packets: &mut SentPackets,
        lose: impl FnOnce(&mut SentPackets, &mut dyn FnMut(&SentPacket)),
    ) -> Vec<u64> {
        let mut counters = Vec::new();
        lose(packets, &mut |packet| counters.push(packet.counter));
        counters
    }
}
