//! Getting the queued messages to a peer: what is to be sent, how much at once, and when again.

use super::{
    congestion::Congestion,
    fragment::FRAGMENT_BYTES,
    round_trip::RoundTrip,
    send_streams::{Carried, Eligible, SendStreams},
    sent_packets::{SentPacket, SentPackets},
};
use crate::{
    config::LinkConfig,
    time::{Duration, Instant},
};

/// People wait so long for an answer to a small message.
const YOUNG: Duration = Duration::from_millis(500);

/// The messages on their way to a peer.
#[derive(Debug, Default)]
pub(super) struct Delivery {
    /// The messages.
    pub(super) streams: SendStreams,
    /// How long an answer takes.
    pub(super) round_trip: RoundTrip,
    /// How much may be under way.
    pub(super) congestion: Congestion,
    /// Until then a small message is young.
    urgent_until: Instant,
}

impl Delivery {
    /// A message of this length was queued.
    pub(super) fn queued(&mut self, now: Instant, length: usize) {
        if length <= FRAGMENT_BYTES {
            self.urgent_until = now + YOUNG;
        }
    }

    /// Whether what is sent at this time is for somebody who waits.
    pub(super) fn is_urgent(&self, now: Instant) -> bool {
        now < self.urgent_until
    }

    /// How large the frames of the next packet may be in all.
    pub(super) fn available(&self, config: &LinkConfig) -> usize {
        self.congestion.available(config.max_bytes_in_flight)
    }

    /// What the next packet may carry. If nothing has been acknowledged for a while, the other side
    /// may have no room for what comes before its turn.
    pub(super) fn eligible(&self) -> Eligible {
        if self.round_trip.is_backed_off() {
            Eligible::Awaited
        } else {
            Eligible::All
        }
    }

    /// A packet has arrived.
    pub(super) fn acknowledged(&mut self, packet: &SentPacket, config: &LinkConfig) {
        if !packet.lost {
            self.congestion
                .acknowledged(packet.bytes, packet.sent, config.max_bytes_in_flight);
        }
        self.round_trip.progressed();
        packet
            .carried()
            .for_each(|carried| self.streams.acknowledged(carried));
    }

    /// A packet is lost.
    pub(super) fn lost(&mut self, packet: &SentPacket, now: Instant) {
        self.congestion.lost(packet.bytes, packet.sent, now);
        if planted!(NoRetransmission)
            || planted!(RetransmissionGivenUp) && self.round_trip.is_backed_off()
        {
            return;
        }
        packet
            .carried()
            .for_each(|carried| self.streams.lost(carried));
    }

    /// When the oldest of these packets has been waiting for too long.
    pub(super) fn timeout(&self, sent: &SentPackets, config: &LinkConfig) -> Option<Instant> {
        let oldest = sent.oldest()?;
        Some(oldest + self.round_trip.timeout(config, self.is_urgent(oldest)))
    }

    /// If the oldest of these packets has been waiting for too long, whatever was sent as early
    /// is lost. Whether anything is.
    pub(super) fn handle_timeout(
        &mut self,
        now: Instant,
        sent: &mut SentPackets,
        config: &LinkConfig,
    ) -> bool {
        let Some(oldest) = sent.oldest() else {
            return false;
        };
        let urgent = self.is_urgent(oldest);
        let timeout = self.round_trip.timeout(config, urgent);
        if oldest + timeout > now {
            return false;
        }
        if self.round_trip.is_backed_off() {
            self.congestion.persistent();
        }
        sent.lost_after(now, timeout, |packet| self.lost(packet, now));
        self.round_trip.timed_out(config, urgent);
        true
    }

    /// What rode in a handshake has arrived, or not.
    pub(super) fn rode(&mut self, carried: &[Carried], arrived: bool) {
        for carried in carried {
            if arrived {
                self.streams.acknowledged(*carried);
            } else {
                self.streams.lost(*carried);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::{sync::Arc, vec::Vec};

    use super::*;

    fn at(millis: u64) -> Instant {
        Instant::from_micros(millis * 1_000)
    }

    #[test]
    fn a_young_small_message_to_a_silent_peer_is_sent_every_100_ms_and_then_ever_more_slowly() {
        let config = LinkConfig::default();
        assert_eq!(
            times_of_sending(10, &config, at(8_000)),
            [
                0, 100, 200, 300, 400, 500, 600, 800, 1_200, 2_000, 3_600, 6_800
            ]
        );
    }

    #[test]
    fn a_large_message_to_a_silent_peer_is_sent_ever_more_slowly_from_the_start() {
        let config = LinkConfig::default();
        assert_eq!(
            times_of_sending(FRAGMENT_BYTES + 1, &config, at(8_000)),
            [0, 100, 300, 700, 1_500, 3_100, 6_300]
        );
    }

    #[test]
    fn without_progress_only_what_is_awaited_is_sent_until_there_is_some() {
        let config = LinkConfig::default();
        let (mut delivery, mut sent) = (Delivery::default(), SentPackets::default());
        let carried = Carried::Fragment {
            stream: 0,
            sequence: 0,
            index: 0,
        };
        let mut now = at(0);
        for expected in [Eligible::All, Eligible::All, Eligible::Awaited] {
            assert_eq!(delivery.eligible(), expected);
            sent.insert(packet(now, carried));
            now = delivery.timeout(&sent, &config).unwrap();
            assert!(delivery.handle_timeout(now, &mut sent, &config));
        }
        delivery.acknowledged(&packet(now, carried), &config);
        assert_eq!(delivery.eligible(), Eligible::All);
    }

    /// When the first fragment of a message goes out if nothing is ever acknowledged.
    fn times_of_sending(length: usize, config: &LinkConfig, until: Instant) -> Vec<u64> {
        let (mut delivery, mut sent) = (Delivery::default(), SentPackets::default());
        let message = Arc::from(alloc::vec![0; length]);
        delivery.streams.push(0, message, config).unwrap();
        delivery.queued(at(0), length);
        let (mut now, mut times) = (at(0), Vec::new());
        while now < until {
            let mut buffer = Vec::new();
            while let Some((carried, _)) =
                delivery
                    .streams
                    .encode_next(Eligible::All, 1_171, &mut buffer)
            {
                if matches!(carried, Carried::Fragment { index: 0, .. }) {
                    times.push(now.as_micros() / 1_000);
                }
                sent.insert(packet(now, carried));
            }
            now = delivery.timeout(&sent, config).unwrap();
            assert!(delivery.handle_timeout(now, &mut sent, config));
        }
        times
    }

    fn packet(now: Instant, carried: Carried) -> SentPacket {
        SentPacket {
            counter: now.as_micros(),
            sent: now,
            bytes: 100,
            acknowledges: None,
            carried: Some(carried),
            more: Vec::new(),
            lost: false,
        }
    }
}
