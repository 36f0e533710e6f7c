//! Identifiers: keys, message ids, instance ids, paths.

use alloc::string::String;
use core::{fmt, net::IpAddr, net::SocketAddr, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::crypto;

/// An X25519 public key: the identity of a user or of a server.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PublicKey(#[serde(with = "serde_bytes")] pub [u8; 32]);

impl PublicKey {
    /// The short form of this key that people compare.
    pub fn fingerprint(&self) -> Fingerprint {
        let hash = crypto::hash(b"fingerprint", &[&self.0]);
        let mut bytes = [0; 20];
        bytes.copy_from_slice(&hash[..20]);
        Fingerprint(bytes)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.fingerprint())
    }
}

/// The first 160 bits of a key's hash, written as eight groups of four base32 letters (RFC 4648).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; 20]);

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        for (group, chunk) in self.0.chunks_exact(5).enumerate() {
            let bits = chunk
                .iter()
                .fold(0u64, |bits, byte| bits << 8 | u64::from(*byte));
            for letter in 0..8 {
                if letter % 4 == 0 && (group, letter) != (0, 0) {
                    text.push('-');
                }
                text.push(char::from(
                    BASE32[(bits >> (35 - 5 * letter)) as usize & 31],
                ));
            }
        }
        f.write_str(&text)
    }
}

/// What two users compare to know that nobody is between them: the same for both, whoever of them
/// asks. Written as twelve groups of five digits, about 199 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SafetyNumber([u32; 12]);

impl SafetyNumber {
    /// Of the keys of two users.
    pub fn of(one: &PublicKey, other: &PublicKey) -> Self {
        let (low, high) = (one.min(other), one.max(other));
        let half = |half: u8| crypto::hash(b"safety number", &[&low.0, &high.0, &[half]]);
        let (first, second) = (half(0), half(1));
        let mut groups = [0; 12];
        let chunks = first.chunks_exact(5).chain(second.chunks_exact(5));
        for (group, chunk) in groups.iter_mut().zip(chunks) {
            let bits = chunk
                .iter()
                .fold(0u64, |bits, byte| bits << 8 | u64::from(*byte));
            *group = (bits % 100_000) as u32;
        }
        Self(groups)
    }
}

impl fmt::Display for SafetyNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, group) in self.0.iter().enumerate() {
            let gap = if index > 0 { " " } else { "" };
            write!(f, "{gap}{group:05}")?;
        }
        Ok(())
    }
}

/// The text is no fingerprint: 32 base32 letters, in groups or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a fingerprint is 32 letters A-Z and digits 2-7, in groups or not")]
pub struct InvalidFingerprint;

impl FromStr for Fingerprint {
    type Err = InvalidFingerprint;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (mut bytes, mut letters) = ([0u8; 20], 0usize);
        for byte in text
            .bytes()
            .filter(|byte| !matches!(byte, b'-' | b' ' | b':'))
        {
            let value = BASE32
                .iter()
                .position(|letter| *letter == byte.to_ascii_uppercase())
                .ok_or(InvalidFingerprint)?;
            for bit in 0..5 {
                if value >> (4 - bit) & 1 == 1 {
                    let at = letters * 5 + bit;
                    *bytes.get_mut(at / 8).ok_or(InvalidFingerprint)? |= 0x80 >> (at % 8);
                }
            }
            letters += 1;
        }
        if letters == 32 {
            Ok(Self(bytes))
        } else {
            Err(InvalidFingerprint)
        }
    }
}

/// Sixteen bytes that name one message everywhere: direct, via the server, from the mailbox.
///
/// Drawn at random by the sender; a receipt's is derived, so that storing it twice stores it once.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MessageId(#[serde(with = "serde_bytes")] pub [u8; 16]);

impl MessageId {
    /// The id that follows from `parts`, different for every `domain`.
    pub fn derive(domain: &[u8], parts: &[&[u8]]) -> Self {
        let hash = crypto::hash(domain, parts);
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hash[..16]);
        Self(bytes)
    }
}

impl fmt::Debug for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The text is no message id: 32 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a message id is 32 hexadecimal digits")]
pub struct InvalidMessageId;

impl FromStr for MessageId {
    type Err = InvalidMessageId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0; 16];
        let read = hex::decode_to_slice(text, &mut bytes);
        read.map(|()| Self(bytes)).map_err(|_| InvalidMessageId)
    }
}

/// Drawn at each explicit start or `reg`; tells a resumed client from the same user elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct InstanceId(#[serde(with = "serde_bytes")] pub [u8; 16]);

/// Where a datagram came from or goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path {
    /// The local address it arrived at, where the driver knows it.
    pub local: Option<IpAddr>,
    /// The other side; an IPv4 address is never in its IPv6-mapped form.
    pub remote: SocketAddr,
}

impl Path {
    /// The path to `remote` from whatever local address the system picks.
    pub const fn to(remote: SocketAddr) -> Self {
        Self {
            local: None,
            remote,
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_fingerprint_is_eight_groups_of_four_letters() {
        let text = Fingerprint([0xff; 20]).to_string();
        assert_eq!(text, "7777-7777-7777-7777-7777-7777-7777-7777");
        let text = Fingerprint(core::array::from_fn(|at| at as u8)).to_string();
        assert_eq!(text, "AAAQ-EAYE-AUDA-OCAJ-BIFQ-YDIO-B4IB-CEQT");
    }

    /// People compare them between programs of all versions.
    #[test]
    fn what_people_compare_is_made_as_the_protocol_says() {
        let (one, other) = (PublicKey([1; 32]), PublicKey([2; 32]));
        let fingerprint = "GCFG-KRAN-5RJY-FD3H-BCWV-4L2L-AU6A-PJDW";
        assert_eq!(one.fingerprint().to_string(), fingerprint);
        let number = "19007 59904 12676 99708 01454 26191 39114 98270 91618 96025 93526 95675";
        assert_eq!(SafetyNumber::of(&one, &other).to_string(), number);
        assert_eq!(SafetyNumber::of(&other, &one).to_string(), number);
    }

    #[test]
    fn a_fingerprint_is_read_in_groups_or_not_in_either_case() {
        let fingerprint = Fingerprint(core::array::from_fn(|at| at as u8));
        for text in [
            "AAAQ-EAYE-AUDA-OCAJ-BIFQ-YDIO-B4IB-CEQT",
            "AAAQEAYEAUDAOCAJBIFQYDIOB4IBCEQT",
            "aaaq eaye auda ocaj bifq ydio b4ib ceqt",
            "AAAQEAYE:AUDAOCAJ:BIFQYDIO:B4IBCEQT",
        ] {
            assert_eq!(text.parse(), Ok(fingerprint), "{text}");
        }
    }

    #[test]
    fn what_is_no_fingerprint_is_refused() {
        for text in [
            "",
            "AAAQEAYEAUDAOCAJBIFQYDIOB4IBCEQ",
            "AAAQEAYEAUDAOCAJBIFQYDIOB4IBCEQTA",
            "AAAQEAYEAUDAOCAJBIFQYDIOB4IBCEQ1",
            "AAAQEAYEAUDAOCAJBIFQYDIOB4IBCEQ\u{17f}",
        ] {
            assert_eq!(
                text.parse::<Fingerprint>(),
                Err(InvalidFingerprint),
                "{text}"
            );
        }
    }

    #[test]
    fn a_message_id_is_read_as_it_is_written() {
        let id = MessageId(core::array::from_fn(|at| 17 * at as u8));
        assert_eq!(id.to_string(), "00112233445566778899aabbccddeeff");
        assert_eq!(id.to_string().parse(), Ok(id));
        for text in [
            "",
            "0011",
            "00112233445566778899aabbccddeef",
            "+0112233445566778899aabbccddeeff",
        ] {
            assert_eq!(text.parse::<MessageId>(), Err(InvalidMessageId), "{text}");
        }
        let longer = alloc::format!("{id}00");
        assert_eq!(longer.parse::<MessageId>(), Err(InvalidMessageId));
    }

    #[test]
    fn a_derived_id_depends_on_the_domain_and_on_where_the_parts_end() {
        let id = MessageId::derive(b"receipt", &[b"ab", b"c"]);
        assert_eq!(id, MessageId::derive(b"receipt", &[b"ab", b"c"]));
        assert_ne!(id, MessageId::derive(b"inbox", &[b"ab", b"c"]));
        assert_ne!(id, MessageId::derive(b"receipt", &[b"a", b"bc"]));
    }

    proptest! {
        #[test]
        fn a_fingerprint_is_what_it_is_written_as(bytes: [u8; 20]) {
            let fingerprint = Fingerprint(bytes);
            prop_assert_eq!(fingerprint.to_string().parse(), Ok(fingerprint));
        }

        #[test]
        fn no_text_makes_the_reading_of_a_fingerprint_fail_badly(text: String) {
            let _ = text.parse::<Fingerprint>();
        }
    }
}
