//! The keys of one handshake, and the packets that go and come under them.

use alloc::vec::Vec;
use core::ops::Range;

use super::{ack_ranges::AckRanges, replay_window::ReplayWindow, sent_packets::SentPackets};
use crate::{
    crypto::{aead, mac::MAC_BYTES, noise::SessionKeys},
    time::Instant,
    wire::header,
};

/// A packet under these keys is recent, and a hint about it believed, for so many further packets.
const RECENT_PACKETS: u64 = 1_024;
/// So many packets may be sent under one pair of keys before they are renewed.
const MAX_PACKETS: u64 = 1 << 32;

/// A session with a peer.
pub(super) struct Session {
    /// The index in the datagrams that arrive.
    pub(super) local: u32,
    /// The index in the datagrams that are sent.
    pub(super) remote: u32,
    /// When the handshake was made.
    pub(super) since: Instant,
    /// Whether a packet under these keys has arrived.
    pub(super) heard: bool,
    /// The first code of the initiation it was made from, which tells a copy of that.
    pub(super) origin: [u8; MAC_BYTES],
    /// What has arrived and is to be acknowledged.
    pub(super) arrived: AckRanges,
    /// What was sent and awaits acknowledgement.
    pub(super) sent: SentPackets,
    keys: SessionKeys,
    /// The counter of the next packet: the nonce, so it never goes back.
    next_counter: u64,
    replay: ReplayWindow,
}

/// An authentic packet that had not arrived before.
pub(super) struct Opened {
    /// Its frames, as a part of the datagram.
    pub(super) frames: Range<usize>,
    /// It was sent after all that had arrived before.
    pub(super) is_latest: bool,
}

/// Why a packet is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dropped {
    /// It has arrived before, or is too old to tell.
    Replayed,
    /// It was not made with these keys.
    Unauthenticated,
}

impl Session {
    /// A session that begins.
    pub(super) fn new(
        now: Instant,
        keys: SessionKeys,
        local: u32,
        remote: u32,
        origin: [u8; MAC_BYTES],
    ) -> Self {
        Self {
            local,
            remote,
            since: now,
            heard: false,
            origin,
            arrived: AckRanges::default(),
            sent: SentPackets::default(),
            keys,
            next_counter: 0,
            replay: ReplayWindow::default(),
        }
    }

    /// Decrypts a packet in place.
    pub(super) fn open(&mut self, counter: u64, datagram: &mut [u8]) -> Result<Opened, Dropped> {
        if !self.replay.is_fresh(counter) {
            return Err(Dropped::Replayed);
        }
        let (head, sealed) = datagram.split_at_mut(header::Data::BYTES);
        let length = aead::open_in_place(&self.keys.receive, counter, head, sealed)
            .map_err(|_| Dropped::Unauthenticated)?;
        let is_latest = self.replay.is_highest(counter);
        self.replay.insert(counter);
        self.heard = true;
        Ok(Opened {
            frames: header::Data::BYTES..header::Data::BYTES + length,
            is_latest,
        })
    }

    /// Begins a packet: the frames are appended to the buffer, then comes [`Self::seal`].
    pub(super) fn begin(&self, buffer: &mut Vec<u8>) {
        buffer.clear();
        let head = header::Data {
            receiver: self.remote,
            counter: self.next_counter,
        };
        head.emit(buffer);
    }

    /// Encrypts the packet in the buffer: its counter.
    pub(super) fn seal(&mut self, buffer: &mut Vec<u8>) -> u64 {
        let counter = self.next_counter;
        self.next_counter += u64::from(!planted!(NonceReused) || counter % 32 != 31);
        let mut head = [0; header::Data::BYTES];
        head.copy_from_slice(&buffer[..header::Data::BYTES]);
        aead::seal_in_place(&self.keys.send, counter, &head, buffer, head.len());
        counter
    }

    /// Whether a packet with this counter has been sent.
    pub(super) fn has_sent(&self, counter: u64) -> bool {
        counter < self.next_counter
    }

    /// Whether a packet with this counter has been sent, not many packets ago.
    pub(super) fn has_sent_recently(&self, counter: u64) -> bool {
        self.has_sent(counter) && self.next_counter - counter <= RECENT_PACKETS
    }

    /// Whether so much has been sent under these keys that they are to be renewed.
    pub(super) fn is_worn(&self) -> bool {
        self.next_counter >= MAX_PACKETS
    }
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;

    #[test]
    fn a_packet_is_opened_once_and_only_unchanged() {
        let (mut here, mut there) = pair();
        let mut packet = sealed(&mut here, b"frames");
        let mut changed = packet.clone();
        changed[5] ^= 1;
        assert_eq!(
            open(&mut there, &mut changed),
            Err(Dropped::Unauthenticated)
        );
        let mut copy = packet.clone();
        assert_eq!(open(&mut there, &mut packet), Ok(b"frames".to_vec()));
        assert_eq!(open(&mut there, &mut copy), Err(Dropped::Replayed));
    }

    #[test]
    fn no_two_packets_have_the_same_counter() {
        let (mut here, mut there) = pair();
        let (mut one, mut two) = (sealed(&mut here, b"same"), sealed(&mut here, b"same"));
        assert_ne!(one, two);
        assert!(open(&mut there, &mut two).is_ok());
        assert!(open(&mut there, &mut one).is_ok(), "late, but not too late");
        assert!(here.has_sent(1) && !here.has_sent(2));
    }

    #[test]
    fn a_packet_of_long_ago_is_not_recent() {
        let (mut here, _) = pair();
        for _ in 0..=RECENT_PACKETS {
            sealed(&mut here, b"");
        }
        assert!(!here.has_sent_recently(0) && here.has_sent_recently(1));
        assert!(!here.has_sent_recently(RECENT_PACKETS + 1));
    }

    fn pair() -> (Session, Session) {
        let session = |send: u8, receive: u8| {
            let keys = SessionKeys {
                send: Zeroizing::new([send; 32]),
                receive: Zeroizing::new([receive; 32]),
            };
            Session::new(Instant::ZERO, keys, 1, 2, [0; 16])
        };
        (session(1, 2), session(2, 1))
    }

    fn sealed(session: &mut Session, frames: &[u8]) -> Vec<u8> {
        let mut packet = Vec::new();
        session.begin(&mut packet);
        packet.extend_from_slice(frames);
        session.seal(&mut packet);
        packet
    }

    fn open(session: &mut Session, packet: &mut [u8]) -> Result<Vec<u8>, Dropped> {
        let counter = header::Data::parse(packet).unwrap().counter;
        let opened = session.open(counter, packet)?;
        Ok(packet[opened.frames].to_vec())
    }
}
