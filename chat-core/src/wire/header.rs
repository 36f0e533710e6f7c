//! The fixed binary layout of datagrams.
//!
//! The first byte is the type; integers are in network order. Each type is a struct with `parse`,
//! which takes nothing but a datagram of its type and length, and `emit`, which appends.
//!
//! | type | layout, lengths in bytes | length |
//! |---|---|---|
//! | 1 [`Hello`] | version 2, nonce 16, padding | 96 at least |
//! | 2 [`HelloAck`] | version 2, nonce 16, key 32, cookie 16, seen IPv6 16, seen port 2 | 85 |
//! | 3 [`Initiation`] | sender's index 4, Noise message, mac1 16, mac2 16 | 133 + payload |
//! | 4 [`Response`] | sender's index 4, receiver's index 4, Noise message, mac1 16, mac2 16 | 89 + payload |
//! | 5 [`CookieReply`] | receiver's index 4, nonce 24, sealed cookie 32 | 61 |
//! | 6 [`Data`] | receiver's index 4, counter 8, ciphertext with tag | 29 + payload |
//! | 7 [`Unknown`] | echoed index 4, echoed counter 8 | 13 |
//!
//! No answer is longer than what it answers: `HelloAck` than `Hello`, `CookieReply` and `Response`
//! (with a payload not longer than the initiation's) than `Initiation`, `Unknown` than `Data`.

use alloc::vec::Vec;
use core::{
    net::{IpAddr, Ipv6Addr, SocketAddr},
    ops::Range,
};

use crate::{
    crypto::{
        aead::TAG_BYTES,
        mac::{COOKIE_BYTES, Cookie, MAC_BYTES, MACS_BYTES, SEALED_COOKIE_BYTES},
        noise::{INITIATION_OVERHEAD, RESPONSE_OVERHEAD},
    },
    id::PublicKey,
};

/// The version of the protocol that this crate speaks.
pub const VERSION: u16 = 1;
/// The prologue of every handshake: sides that speak different versions do not understand each
/// other.
pub const PROLOGUE: [u8; 6] = {
    let [high, low] = VERSION.to_be_bytes();
    [b'c', b'h', b'a', b't', high, low]
};

/// A datagram, by its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Datagram<'a> {
    /// Asks for the key of whoever is there.
    Hello(Hello),
    /// Answers it.
    HelloAck(HelloAck),
    /// The first message of a handshake.
    Initiation(Initiation<'a>),
    /// The second message of a handshake.
    Response(Response<'a>),
    /// An answer to a handshake message that came without a valid cookie, under load.
    CookieReply(CookieReply),
    /// A packet of a session; its ciphertext begins at [`Data::BYTES`].
    Data(Data),
    /// A packet came for a session that is not known.
    Unknown(Unknown),
}

impl<'a> Datagram<'a> {
    /// The datagram; none if the type is unknown or the length is none of this type.
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        match *bytes.first()? {
            Hello::TYPE => Hello::parse(bytes).map(Self::Hello),
            HelloAck::TYPE => HelloAck::parse(bytes).map(Self::HelloAck),
            Initiation::TYPE => Initiation::parse(bytes).map(Self::Initiation),
            Response::TYPE => Response::parse(bytes).map(Self::Response),
            CookieReply::TYPE => CookieReply::parse(bytes).map(Self::CookieReply),
            Data::TYPE => Data::parse(bytes).map(Self::Data),
            Unknown::TYPE => Unknown::parse(bytes).map(Self::Unknown),
            _ => None,
        }
    }
}

/// Asks whoever is there for its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hello {
    /// The version of the protocol that the sender speaks.
    pub version: u16,
    /// Drawn by the sender; comes back in the answer.
    pub nonce: [u8; 16],
}

impl Hello {
    /// The type.
    pub const TYPE: u8 = 1;
    /// The length with its padding; a longer one is taken too, what the padding holds is ignored.
    pub const BYTES: usize = 96;
    const VERSION: Range<usize> = 1..3;
    const NONCE: Range<usize> = 3..19;

    /// The hello in `bytes`.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        (has_type(bytes, Self::TYPE) && bytes.len() >= Self::BYTES).then_some(())?;
        Some(Self {
            version: u16::from_be_bytes(field(bytes, Self::VERSION)?),
            nonce: field(bytes, Self::NONCE)?,
        })
    }

    /// Appends the datagram.
    pub fn emit(&self, buffer: &mut Vec<u8>) {
        let end = buffer.len() + Self::BYTES;
        buffer.push(Self::TYPE);
        buffer.extend_from_slice(&self.version.to_be_bytes());
        buffer.extend_from_slice(&self.nonce);
        buffer.resize(end, 0);
    }
}

/// Answers a [`Hello`]. Nothing in it is authenticated: a handshake with the key will show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HelloAck {
    /// The version of the protocol that the responder speaks.
    pub version: u16,
    /// The nonce of the hello.
    pub nonce: [u8; 16],
    /// The responder's key.
    pub key: PublicKey,
    /// For the second code of handshake messages to this responder.
    pub cookie: Cookie,
    /// Where the hello came from, as the responder saw it; an IPv4 address is one.
    pub seen: SocketAddr,
}

impl HelloAck {
    /// The type.
    pub const TYPE: u8 = 2;
    /// The length.
    pub const BYTES: usize = 85;
    const VERSION: Range<usize> = 1..3;
    const NONCE: Range<usize> = 3..19;
    const KEY: Range<usize> = 19..51;
    const COOKIE: Range<usize> = 51..51 + COOKIE_BYTES;
    const SEEN_IP: Range<usize> = 67..83;
    const SEEN_PORT: Range<usize> = 83..85;

    /// The answer in `bytes`.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        (has_type(bytes, Self::TYPE) && bytes.len() == Self::BYTES).then_some(())?;
        let ip: [u8; 16] = field(bytes, Self::SEEN_IP)?;
        let port = u16::from_be_bytes(field(bytes, Self::SEEN_PORT)?);
        Some(Self {
            version: u16::from_be_bytes(field(bytes, Self::VERSION)?),
            nonce: field(bytes, Self::NONCE)?,
            key: PublicKey(field(bytes, Self::KEY)?),
            cookie: field(bytes, Self::COOKIE)?,
            seen: SocketAddr::new(Ipv6Addr::from(ip).to_canonical(), port),
        })
    }

    /// Appends the datagram.
    pub fn emit(&self, buffer: &mut Vec<u8>) {
        buffer.push(Self::TYPE);
        buffer.extend_from_slice(&self.version.to_be_bytes());
        buffer.extend_from_slice(&self.nonce);
        buffer.extend_from_slice(&self.key.0);
        buffer.extend_from_slice(&self.cookie);
        let ip = match self.seen.ip() {
            IpAddr::V4(ip) => ip.to_ipv6_mapped(),
            IpAddr::V6(ip) => ip,
        };
        buffer.extend_from_slice(&ip.octets());
        buffer.extend_from_slice(&self.seen.port().to_be_bytes());
    }
}

/// The first message of a handshake. The codes behind it are those of
/// [`ReceiverKeys`](crate::crypto::mac::ReceiverKeys).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Initiation<'a> {
    /// The index by which the initiator finds the session, drawn at random.
    pub sender: u32,
    /// The message.
    pub noise: &'a [u8],
}

impl<'a> Initiation<'a> {
    /// The type.
    pub const TYPE: u8 = 3;
    /// The length beside the payload that the message carries.
    pub const OVERHEAD: usize = Self::NOISE_START + INITIATION_OVERHEAD + MACS_BYTES;
    const SENDER: Range<usize> = 1..5;
    const NOISE_START: usize = 5;

    /// The message in `bytes`.
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        (has_type(bytes, Self::TYPE) && bytes.len() >= Self::OVERHEAD).then_some(())?;
        Some(Self {
            sender: u32::from_be_bytes(field(bytes, Self::SENDER)?),
            noise: bytes.get(Self::NOISE_START..bytes.len() - MACS_BYTES)?,
        })
    }

    /// Appends the datagram without its codes.
    pub fn emit(&self, buffer: &mut Vec<u8>) {
        buffer.push(Self::TYPE);
        buffer.extend_from_slice(&self.sender.to_be_bytes());
        buffer.extend_from_slice(self.noise);
    }
}

/// The second message of a handshake. The codes behind it are those of
/// [`ReceiverKeys`](crate::crypto::mac::ReceiverKeys).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Response<'a> {
    /// The index by which the responder finds the session, drawn at random.
    pub sender: u32,
    /// The initiator's index.
    pub receiver: u32,
    /// The message.
    pub noise: &'a [u8],
}

impl<'a> Response<'a> {
    /// The type.
    pub const TYPE: u8 = 4;
    /// The length beside the payload that the message carries.
    pub const OVERHEAD: usize = Self::NOISE_START + RESPONSE_OVERHEAD + MACS_BYTES;
    const SENDER: Range<usize> = 1..5;
    const RECEIVER: Range<usize> = 5..9;
    const NOISE_START: usize = 9;

    /// The message in `bytes`.
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        (has_type(bytes, Self::TYPE) && bytes.len() >= Self::OVERHEAD).then_some(())?;
        Some(Self {
            sender: u32::from_be_bytes(field(bytes, Self::SENDER)?),
            receiver: u32::from_be_bytes(field(bytes, Self::RECEIVER)?),
            noise: bytes.get(Self::NOISE_START..bytes.len() - MACS_BYTES)?,
        })
    }

    /// Appends the datagram without its codes.
    pub fn emit(&self, buffer: &mut Vec<u8>) {
        buffer.push(Self::TYPE);
        buffer.extend_from_slice(&self.sender.to_be_bytes());
        buffer.extend_from_slice(&self.receiver.to_be_bytes());
        buffer.extend_from_slice(self.noise);
    }
}

/// A cookie in answer to a handshake message: send it again with the cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CookieReply {
    /// The index of the sender of the message that it answers.
    pub receiver: u32,
    /// Drawn at random for each cookie.
    pub nonce: [u8; 24],
    /// The cookie, sealed under the answered message's first code.
    pub cookie: [u8; SEALED_COOKIE_BYTES],
}

impl CookieReply {
    /// The type.
    pub const TYPE: u8 = 5;
    /// The length.
    pub const BYTES: usize = 61;
    const RECEIVER: Range<usize> = 1..5;
    const NONCE: Range<usize> = 5..29;
    const COOKIE: Range<usize> = 29..29 + SEALED_COOKIE_BYTES;

    /// The cookie in `bytes`.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        (has_type(bytes, Self::TYPE) && bytes.len() == Self::BYTES).then_some(())?;
        Some(Self {
            receiver: u32::from_be_bytes(field(bytes, Self::RECEIVER)?),
            nonce: field(bytes, Self::NONCE)?,
            cookie: field(bytes, Self::COOKIE)?,
        })
    }

    /// Appends the datagram.
    pub fn emit(&self, buffer: &mut Vec<u8>) {
        buffer.push(Self::TYPE);
        buffer.extend_from_slice(&self.receiver.to_be_bytes());
        buffer.extend_from_slice(&self.nonce);
        buffer.extend_from_slice(&self.cookie);
    }
}

/// The header of a packet of a session; all of it is authenticated as associated data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Data {
    /// The receiver's index.
    pub receiver: u32,
    /// The number of the packet under these keys, from 0: the nonce.
    pub counter: u64,
}

impl Data {
    /// The type.
    pub const TYPE: u8 = 6;
    /// The length of the header: here the ciphertext begins.
    pub const BYTES: usize = 13;
    /// The length beside the frames that the packet carries.
    pub const OVERHEAD: usize = Self::BYTES + TAG_BYTES;
    const RECEIVER: Range<usize> = 1..5;
    const COUNTER: Range<usize> = 5..13;

    /// The header in front of a ciphertext in `bytes`.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        (has_type(bytes, Self::TYPE) && bytes.len() >= Self::OVERHEAD).then_some(())?;
        Some(Self {
            receiver: u32::from_be_bytes(field(bytes, Self::RECEIVER)?),
            counter: u64::from_be_bytes(field(bytes, Self::COUNTER)?),
        })
    }

    /// Appends the header.
    pub fn emit(&self, buffer: &mut Vec<u8>) {
        buffer.push(Self::TYPE);
        buffer.extend_from_slice(&self.receiver.to_be_bytes());
        buffer.extend_from_slice(&self.counter.to_be_bytes());
    }
}

/// A hint that a packet came for a session that is not known. Nothing in it is authenticated: it
/// says only that its sender has seen the packet. It is never an answer to another hint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unknown {
    /// The receiver's index in the packet.
    pub receiver: u32,
    /// The counter of the packet.
    pub counter: u64,
}

impl Unknown {
    /// The type.
    pub const TYPE: u8 = 7;
    /// The length.
    pub const BYTES: usize = 13;
    const RECEIVER: Range<usize> = 1..5;
    const COUNTER: Range<usize> = 5..13;

    /// The hint in `bytes`.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        (has_type(bytes, Self::TYPE) && bytes.len() == Self::BYTES).then_some(())?;
        Some(Self {
            receiver: u32::from_be_bytes(field(bytes, Self::RECEIVER)?),
            counter: u64::from_be_bytes(field(bytes, Self::COUNTER)?),
        })
    }

    /// Appends the datagram.
    pub fn emit(&self, buffer: &mut Vec<u8>) {
        buffer.push(Self::TYPE);
        buffer.extend_from_slice(&self.receiver.to_be_bytes());
        buffer.extend_from_slice(&self.counter.to_be_bytes());
    }
}

/// The first code of a handshake message, which a cookie in answer to it is sealed under.
pub fn mac1(handshake: &[u8]) -> Option<[u8; MAC_BYTES]> {
    let start = handshake.len().checked_sub(MACS_BYTES)?;
    field(handshake, start..start + MAC_BYTES)
}

fn has_type(bytes: &[u8], datagram_type: u8) -> bool {
    bytes.first() == Some(&datagram_type)
}

fn field<const N: usize>(bytes: &[u8], range: Range<usize>) -> Option<[u8; N]> {
    bytes.get(range)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOISE: [u8; 100] = [8; 100];

    /// One datagram of each type, with codes or ciphertext behind it.
    fn samples() -> Vec<(Datagram<'static>, Vec<u8>)> {
        let hello = Hello {
            version: VERSION,
            nonce: [1; 16],
        };
        let hello_ack = HelloAck {
            version: VERSION,
            nonce: [1; 16],
            key: PublicKey([2; 32]),
            cookie: [3; 16],
            seen: ([1, 2, 3, 4], 5).into(),
        };
        let initiation = Initiation {
            sender: 4,
            noise: &NOISE,
        };
        let response = Response {
            sender: 5,
            receiver: 4,
            noise: &NOISE,
        };
        let cookie = CookieReply {
            receiver: 4,
            nonce: [6; 24],
            cookie: [7; 32],
        };
        let data = Data {
            receiver: 4,
            counter: 1 << 40,
        };
        let unknown = Unknown {
            receiver: 4,
            counter: 1 << 40,
        };
        let bytes = |emit: &dyn Fn(&mut Vec<u8>), behind: usize| {
            let mut buffer = Vec::new();
            emit(&mut buffer);
            buffer.resize(buffer.len() + behind, 9);
            buffer
        };
        alloc::vec![
            (Datagram::Hello(hello), bytes(&|b| hello.emit(b), 0)),
            (
                Datagram::HelloAck(hello_ack),
                bytes(&|b| hello_ack.emit(b), 0)
            ),
            (
                Datagram::Initiation(initiation),
                bytes(&|b| initiation.emit(b), MACS_BYTES)
            ),
            (
                Datagram::Response(response),
                bytes(&|b| response.emit(b), MACS_BYTES)
            ),
            (Datagram::CookieReply(cookie), bytes(&|b| cookie.emit(b), 0)),
            (Datagram::Data(data), bytes(&|b| data.emit(b), TAG_BYTES)),
            (Datagram::Unknown(unknown), bytes(&|b| unknown.emit(b), 0)),
        ]
    }

    #[test]
    fn what_is_emitted_is_parsed() {
        for (number, (datagram, bytes)) in (1..).zip(samples()) {
            assert_eq!(bytes[0], number);
            assert_eq!(Datagram::parse(&bytes), Some(datagram));
        }
    }

    #[test]
    fn no_datagram_is_taken_cut_short() {
        for (datagram, bytes) in samples() {
            let least = match datagram {
                Datagram::Initiation(_) => Initiation::OVERHEAD,
                Datagram::Response(_) => Response::OVERHEAD,
                _ => bytes.len(),
            };
            for length in 0..least {
                assert_eq!(Datagram::parse(&bytes[..length]), None, "{datagram:?}");
            }
        }
    }

    #[test]
    fn a_fixed_length_is_not_exceeded() {
        for (datagram, mut bytes) in samples() {
            bytes.push(0);
            let fixed = matches!(
                datagram,
                Datagram::HelloAck(_) | Datagram::CookieReply(_) | Datagram::Unknown(_)
            );
            assert_eq!(Datagram::parse(&bytes).is_none(), fixed, "{datagram:?}");
        }
    }

    #[test]
    fn another_type_is_none() {
        for (datagram, mut bytes) in samples() {
            for other in [0, 8, 255] {
                bytes[0] = other;
                assert_eq!(Datagram::parse(&bytes), None, "{datagram:?}");
            }
        }
    }

    #[test]
    fn no_answer_is_longer_than_the_question() {
        const {
            assert!(HelloAck::BYTES <= Hello::BYTES);
            assert!(CookieReply::BYTES <= Response::OVERHEAD);
            assert!(Response::OVERHEAD <= Initiation::OVERHEAD);
            assert!(Unknown::BYTES <= Data::OVERHEAD);
        }
    }
}
