//! What can be seen of datagrams without their keys.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    net::{IpAddr, Ipv4Addr, SocketAddr},
};

use chat_core::wire::header::{Data, Initiation, Response};

use crate::random::mix;

/// Addresses of this network (10.9.0.0/16) belong to nobody: who sends from there spoofs, and can
/// never prove to be there.
pub const NOWHERE: [u8; 2] = [10, 9];

/// Bytes that an unvalidated address gets at most for each that came from there (RFC 9000 §8.1).
const AMPLIFICATION: u64 = 3;

/// Listens to every datagram of a world.
#[derive(Debug, Default)]
pub struct Wiretap {
    /// Bytes from nowhere to a host, and from that host back.
    strangers: BTreeMap<(IpAddr, SocketAddr), (u64, u64)>,
    /// The hash of each packet, by sender, receiver's index and counter.
    packets: HashMap<(SocketAddr, [u8; Data::BYTES]), u64>,
    /// The hashes of the handshake messages that have announced an index.
    announced: HashMap<u32, HashSet<u64>>,
    amplified: Option<String>,
    repeated: Option<String>,
}

impl Wiretap {
    /// A datagram arrives at a host.
    pub fn arrives(&mut self, from: SocketAddr, host: IpAddr, datagram: &[u8]) {
        if is_nowhere(from) {
            self.strangers.entry((host, from)).or_default().0 += datagram.len() as u64;
        }
    }

    /// A host sends a datagram.
    pub fn sends(&mut self, host: SocketAddr, to: SocketAddr, datagram: &[u8]) {
        if is_nowhere(to) {
            let (received, sent) = self.strangers.entry((host.ip(), to)).or_default();
            *sent += datagram.len() as u64;
            if *sent > AMPLIFICATION * *received {
                let why = format!("{host} sends {sent} bytes to {to}, who sent {received}");
                self.amplified.get_or_insert(why);
            }
        }
        let index = Initiation::parse(datagram).map(|it| it.sender);
        if let Some(index) = index.or_else(|| Response::parse(datagram).map(|it| it.sender)) {
            self.announced
                .entry(index)
                .or_default()
                .insert(hash(datagram));
        }
        if let (Some(data), Some(header)) = (Data::parse(datagram), datagram.first_chunk()) {
            let hash = hash(datagram);
            let is_repeated = *self.packets.entry((host, *header)).or_insert(hash) != hash;
            // An index that was announced twice stands for two sessions, each with its own keys.
            let sessions = self.announced.get(&data.receiver).map_or(0, HashSet::len);
            if is_repeated && sessions <= 1 {
                let why = format!("{host} sends two packets with the header {header:02x?}");
                self.repeated.get_or_insert(why);
            }
        }
    }

    /// A host that sent too much to an unvalidated address, if there was one.
    pub fn amplified(&self) -> Option<&str> {
        self.amplified.as_deref()
    }

    /// A host that used a nonce twice, if there was one.
    pub fn repeated(&self) -> Option<&str> {
        self.repeated.as_deref()
    }
}

fn hash(datagram: &[u8]) -> u64 {
    datagram
        .chunks(8)
        .fold(datagram.len() as u64, |hash, chunk| {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            mix(hash ^ u64::from_le_bytes(word))
        })
}

fn is_nowhere(address: SocketAddr) -> bool {
    match address.ip() {
        IpAddr::V4(ip) => ip.octets()[..2] == NOWHERE,
        IpAddr::V6(_) => false,
    }
}

/// The address of the stranger with this number.
pub fn stranger(number: u64) -> SocketAddr {
    let [high, low] = (number as u16).to_be_bytes();
    let ip = Ipv4Addr::new(NOWHERE[0], NOWHERE[1], high, low);
    SocketAddr::new(ip.into(), 9_999)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)), 1);

    #[test]
    fn an_answer_more_than_three_times_as_long_is_noticed() {
        let mut wiretap = Wiretap::default();
        wiretap.arrives(stranger(1), HOST.ip(), &[0; 10]);
        wiretap.sends(HOST, stranger(1), &[0; 30]);
        assert_eq!(wiretap.amplified(), None);
        wiretap.sends(HOST, stranger(1), &[0; 1]);
        assert!(wiretap.amplified().is_some());
    }

    #[test]
    fn a_packet_that_is_sent_again_must_be_the_same() {
        let mut wiretap = Wiretap::default();
        let mut packet = [0; 40];
        packet[0] = Data::TYPE;
        wiretap.sends(HOST, stranger(1), &packet);
        wiretap.sends(HOST, stranger(1), &packet);
        assert_eq!(wiretap.repeated(), None);
        packet[39] = 1;
        wiretap.sends(HOST, stranger(1), &packet);
        assert!(wiretap.repeated().is_some());
    }
}
