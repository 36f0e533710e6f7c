//! The parts that frames are made of.

use alloc::vec::Vec;
use core::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    ops::Deref,
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_bytes::ByteBuf;

use super::array::array_struct;
use crate::{conversation::Conversation, id::PublicKey, name::Name};

/// A CBOR byte string.
pub type Bytes = ByteBuf;

/// An array of at most `MAX` elements; a longer one is a decoding error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct List<T, const MAX: usize>(Vec<T>);

impl<T, const MAX: usize> List<T, MAX> {
    /// The elements, of which everything past `MAX` is cut off.
    pub fn new(mut elements: Vec<T>) -> Self {
        debug_assert!(
            elements.len() <= MAX,
            "a list of {} where {MAX} fit",
            elements.len()
        );
        elements.truncate(MAX);
        Self(elements)
    }

    /// The elements.
    pub fn into_inner(self) -> Vec<T> {
        self.0
    }
}

impl<T, const MAX: usize> Deref for List<T, MAX> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<'de, T: Deserialize<'de>, const MAX: usize> Deserialize<'de> for List<T, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor<T, const MAX: usize>(core::marker::PhantomData<T>);
        impl<'de, T: Deserialize<'de>, const MAX: usize> de::Visitor<'de> for Visitor<T, MAX> {
            type Value = Vec<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "an array of at most {MAX} elements")
            }
            fn visit_seq<A: de::SeqAccess<'de>>(self, mut array: A) -> Result<Vec<T>, A::Error> {
                // The declared length is not trusted: the vector grows with what is there.
                let mut elements = Vec::new();
                while let Some(element) = array.next_element()? {
                    if elements.len() == MAX {
                        return Err(de::Error::custom("too many elements"));
                    }
                    elements.push(element);
                }
                Ok(elements)
            }
        }
        deserializer
            .deserialize_seq(Visitor::<T, MAX>(core::marker::PhantomData))
            .map(Self)
    }
}

/// An IP address and port as 6 or 18 bytes: the address, then the port, both in network order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address(pub SocketAddr);

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut bytes = [0; 18];
        let length = match self.0.ip() {
            IpAddr::V4(ip) => {
                bytes[..4].copy_from_slice(&ip.octets());
                4
            }
            IpAddr::V6(ip) => {
                bytes[..16].copy_from_slice(&ip.octets());
                16
            }
        };
        bytes[length..length + 2].copy_from_slice(&self.0.port().to_be_bytes());
        serializer.serialize_bytes(&bytes[..length + 2])
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Address;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an address of 6 or 18 bytes")
            }
            fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Address, E> {
                let (ip, port) = bytes
                    .split_last_chunk()
                    .ok_or_else(|| E::custom("too short"))?;
                let ip = if let Ok(octets) = <[u8; 4]>::try_from(ip) {
                    Ipv4Addr::from(octets).into()
                } else if let Ok(octets) = <[u8; 16]>::try_from(ip) {
                    Ipv6Addr::from(octets).to_canonical()
                } else {
                    return Err(E::custom("neither IPv4 nor IPv6"));
                };
                Ok(Address(SocketAddr::new(ip, u16::from_be_bytes(*port))))
            }
        }
        deserializer.deserialize_bytes(Visitor)
    }
}

array_struct! {
    /// A run of packets that arrived, and the gap below it.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct AckRange {
        /// How many in a row arrived, at least one.
        pub arrived: u64,
        /// How many below them are missing, before the next range.
        pub missing: u64,
    }
}

array_struct! {
    /// A version of the server's table.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
    pub struct TableVersion {
        /// Drawn at each start of the server; zero: none.
        pub epoch: u64,
        /// The number of the last change, from 1.
        pub number: u64,
    }
}

array_struct! {
    /// What the table says of a name.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct TableEntry {
        /// The name.
        pub name: Name,
        /// Its key; none: the name was freed and nobody has it.
        pub key: Option<PublicKey>,
        /// Where the server last saw it.
        pub address: Option<Address>,
        /// Whether it is there.
        pub presence: Presence,
    }
}

array_struct! {
    /// How far a client has read in a log.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct ReadPosition {
        /// The log: a group or the channel.
        pub log: Conversation,
        /// Its last position that the client has accepted live.
        pub position: u64,
    }
}

/// Defines an enum that is encoded as one small integer; an unknown one decodes to `$unknown`.
macro_rules! codes {
    (
        $(#[$meta:meta])*
        pub enum $name:ident or $unknown:ident {
            $( $(#[$variant_meta:meta])* $variant:ident = $code:literal, )*
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(into = "u8", from = "u8")]
        #[non_exhaustive]
        pub enum $name { $( $(#[$variant_meta])* $variant = $code, )* }

        impl From<$name> for u8 {
            fn from(value: $name) -> u8 {
                value as u8
            }
        }

        impl From<u8> for $name {
            fn from(code: u8) -> Self {
                match code {
                    $( $code => Self::$variant, )*
                    _ => Self::$unknown,
                }
            }
        }
    };
}

codes! {
    /// Whether a user is there, as the server knows it.
    pub enum Presence or Unknown {
        /// It is not.
        Offline = 0,
        /// It is.
        Online = 1,
        /// The server has just started and cannot say: the client keeps its view.
        Unknown = 2,
    }
}

codes! {
    /// Why a request was refused.
    pub enum Refusal or Other {
        /// The name belongs to another key.
        NameTaken = 1,
        /// Another instance of this user has taken over.
        Superseded = 2,
        /// The group exists.
        GroupExists = 3,
        /// There is no such group.
        NoSuchGroup = 4,
        /// The user is not a member of the group.
        NotAMember = 5,
        /// The user is in a group.
        AlreadyInGroup = 6,
        /// The server holds as many names or groups as it may.
        Full = 7,
        /// The server cannot write; try again later.
        Unavailable = 8,
        /// The operator of the server does not let this user in.
        Banned = 9,
        /// A reason that this version does not know.
        Other = 255,
    }
}

codes! {
    /// Why a message was not taken.
    pub enum Rejection or Other {
        /// Nobody has the name.
        NoSuchName = 1,
        /// The recipient's mailbox is full.
        MailboxFull = 2,
        /// The sender is not a member of the group.
        NotAMember = 3,
        /// It is too long.
        TooLong = 4,
        /// A reason that this version does not know.
        Other = 255,
    }
}
