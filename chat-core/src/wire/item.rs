//! Reading CBOR (RFC 8949), as little of it as the protocol uses.
//!
//! Items are unsigned integers, byte strings, text strings, arrays, `false`, `true` and `null`, in
//! their deterministic encoding (§4.2.1): shortest heads, definite lengths. Maps, tags, floats and
//! negative integers are errors, here and in every later version of the protocol, so that the
//! fields that it adds can be skipped. Nothing is allocated for a declared length, and arrays nest
//! [`MAX_DEPTH`] deep.

use core::fmt;

use serde::de::{self, DeserializeSeed, SeqAccess, Visitor};

use super::codec::DecodeError;

/// Arrays within arrays: a frame, its list, an element, its conversation; and as many to spare.
const MAX_DEPTH: u8 = 8;

const UNSIGNED: u8 = 0;
const BYTES: u8 = 2;
const TEXT: u8 = 3;
const ARRAY: u8 = 4;
const SIMPLE: u8 = 7;

const FALSE: u64 = 20;
const TRUE: u64 = 21;
const NULL: u64 = 22;

/// The next item of the input, to be read as what a visitor expects.
pub(super) struct Item<'a, 'de> {
    input: &'a mut &'de [u8],
    depth: u8,
}

impl<'a, 'de> Item<'a, 'de> {
    /// The item that `input` begins with; what follows it is left there.
    pub(super) fn new(input: &'a mut &'de [u8]) -> Self {
        let depth = MAX_DEPTH;
        Self { input, depth }
    }

    fn major_type(&self) -> Result<u8, DecodeError> {
        self.input.first().map(|byte| byte >> 5).ok_or(DecodeError)
    }

    /// Goes on only if the item is of this major type: visitors are more lenient than the format.
    fn of_type(self, expected: u8) -> Result<Self, DecodeError> {
        if self.major_type()? == expected {
            Ok(self)
        } else {
            Err(DecodeError)
        }
    }

    /// The argument of the item's head (§3), in its shortest form.
    fn argument(&mut self) -> Result<u64, DecodeError> {
        let initial = self.take(1)?[0];
        let length = match initial & 0x1f {
            small @ 0..24 => return Ok(small.into()),
            24 => 1,
            25 => 2,
            26 => 4,
            27 => 8,
            _ => return Err(DecodeError),
        };
        let mut bytes = [0; 8];
        bytes[8 - length..].copy_from_slice(self.take(length as u64)?);
        let argument = u64::from_be_bytes(bytes);
        let shortest_from = match length {
            1 => 24,
            2 => 1 << 8,
            4 => 1 << 16,
            _ => 1 << 32,
        };
        // The simple values that take two bytes are none of ours.
        if argument < shortest_from || initial >> 5 == SIMPLE {
            return Err(DecodeError);
        }
        Ok(argument)
    }

    fn take(&mut self, length: u64) -> Result<&'de [u8], DecodeError> {
        let length = usize::try_from(length).map_err(|_| DecodeError)?;
        let (taken, rest) = self.input.split_at_checked(length).ok_or(DecodeError)?;
        *self.input = rest;
        Ok(taken)
    }
}

impl<'de> de::Deserializer<'de> for Item<'_, 'de> {
    type Error = DecodeError;

    fn deserialize_any<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, DecodeError> {
        let major_type = self.major_type()?;
        let argument = self.argument()?;
        match (major_type, argument) {
            (UNSIGNED, value) => visitor.visit_u64(value),
            (BYTES, length) => visitor.visit_borrowed_bytes(self.take(length)?),
            (TEXT, length) => {
                let text = core::str::from_utf8(self.take(length)?).map_err(|_| DecodeError)?;
                visitor.visit_borrowed_str(text)
            }
            (ARRAY, length) => {
                let mut elements = Elements {
                    input: self.input,
                    depth: self.depth.checked_sub(1).ok_or(DecodeError)?,
                    left: length,
                };
                let value = visitor.visit_seq(&mut elements)?;
                if elements.left == 0 {
                    Ok(value)
                } else {
                    Err(DecodeError)
                }
            }
            (SIMPLE, FALSE) => visitor.visit_bool(false),
            (SIMPLE, TRUE) => visitor.visit_bool(true),
            (SIMPLE, NULL) => visitor.visit_unit(),
            _ => Err(DecodeError),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.of_type(TEXT)?.deserialize_any(visitor)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.of_type(TEXT)?.deserialize_any(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.of_type(BYTES)?.deserialize_any(visitor)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.of_type(BYTES)?.deserialize_any(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, DecodeError> {
        if self.major_type()? == SIMPLE && u64::from(self.input[0] & 0x1f) == NULL {
            self.take(1)?;
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        visitor.visit_newtype_struct(self)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char unit unit_struct seq tuple
        tuple_struct map struct enum identifier ignored_any
    }
}

/// The elements of an array that have not been read.
struct Elements<'a, 'de> {
    input: &'a mut &'de [u8],
    depth: u8,
    left: u64,
}

impl<'de> SeqAccess<'de> for Elements<'_, 'de> {
    type Error = DecodeError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, DecodeError> {
        let Some(left) = self.left.checked_sub(1) else {
            return Ok(None);
        };
        self.left = left;
        let item = Item {
            input: self.input,
            depth: self.depth,
        };
        seed.deserialize(item).map(Some)
    }
}

impl de::Error for DecodeError {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

#[cfg(test)]
mod tests {
    use alloc::{string::String, vec, vec::Vec};

    use serde::{Deserialize, de::IgnoredAny};
    use serde_bytes::ByteBuf;

    use super::*;
    use crate::wire::codec::decode;

    fn reads<T: for<'de> Deserialize<'de>>(bytes: &[u8]) -> bool {
        decode::<T>(bytes).is_ok()
    }

    #[test]
    fn items_are_read_as_rfc_8949_appendix_a_lists_them() {
        assert_eq!(decode(&[0x00]), Ok(0u64));
        assert_eq!(decode(&[0x17]), Ok(23u8));
        assert_eq!(decode(&[0x18, 0x18]), Ok(24u8));
        assert_eq!(decode(&[0x19, 0x03, 0xe8]), Ok(1000u16));
        assert_eq!(decode(&[0x1a, 0, 0x0f, 0x42, 0x40]), Ok(1_000_000u32));
        assert_eq!(
            decode(b"\x1b\xff\xff\xff\xff\xff\xff\xff\xff"),
            Ok(u64::MAX)
        );
        assert_eq!(decode(&[0xf4]), Ok(false));
        assert_eq!(decode(&[0xf5]), Ok(true));
        assert_eq!(decode(&[0xf6]), Ok(None::<u8>));
        assert_eq!(decode(&[0x01]), Ok(Some(1u8)));
        assert_eq!(
            decode(b"\x44\x01\x02\x03\x04"),
            Ok(ByteBuf::from([1, 2, 3, 4]))
        );
        assert_eq!(decode(b"\x64IETF"), Ok(String::from("IETF")));
        assert_eq!(decode(&[0x83, 1, 2, 3]), Ok((1u8, 2u8, 3u8)));
    }

    #[test]
    fn what_is_not_the_shortest_form_is_refused() {
        for longer in [
            &[0x18, 0x17][..],
            &[0x19, 0, 0xff],
            &[0x1a, 0, 0, 0xff, 0xff],
            &[0x1b, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff],
            &[0x58, 0x01, 0x00],
            &[0x98, 0x01, 0x00],
            &[0xf8, 0x14],
        ] {
            assert!(!reads::<IgnoredAny>(longer), "{longer:02x?}");
        }
    }

    #[test]
    fn what_the_protocol_does_not_use_is_refused() {
        for (bytes, what) in [
            (&[0x20][..], "negative"),
            (&[0xa0], "map"),
            (&[0xc1, 0x00], "tag"),
            (&[0xf7], "undefined"),
            (&[0xf0], "simple"),
            (&[0xf9, 0x3c, 0x00], "half"),
            (&[0xfa, 0, 0, 0, 0], "single"),
            (&[0xfb, 0, 0, 0, 0, 0, 0, 0, 0], "double"),
            (&[0x5f, 0x41, 0, 0xff], "indefinite bytes"),
            (&[0x7f, 0x61, b'a', 0xff], "indefinite text"),
            (&[0x9f, 0x00, 0xff], "indefinite array"),
            (&[0x61, 0xff], "text that is not UTF-8"),
            (&[0x1c], "reserved"),
            (&[], "nothing"),
        ] {
            assert!(!reads::<IgnoredAny>(bytes), "{what}");
        }
    }

    #[test]
    fn one_kind_of_item_is_not_taken_for_another() {
        assert!(!reads::<String>(b"\x41a"), "bytes as text");
        assert!(!reads::<ByteBuf>(b"\x61a"), "text as bytes");
        assert!(!reads::<ByteBuf>(&[0x81, 1]), "array as bytes");
        assert!(!reads::<(u8,)>(b"\x41\x01"), "bytes as array");
        assert!(!reads::<u8>(&[0xf5]), "true as a number");
        assert!(!reads::<bool>(&[0x01]), "a number as true");
        assert!(!reads::<u8>(&[0x19, 1, 0]), "256 in eight bits");
    }

    #[test]
    fn leftovers_are_refused_behind_an_item_and_inside_an_array() {
        assert!(!reads::<u8>(&[1, 1]));
        assert!(!reads::<(u8,)>(&[0x82, 1, 1]));
    }

    #[test]
    fn a_declared_length_is_not_believed() {
        assert!(!reads::<ByteBuf>(b"\x5b\xff\xff\xff\xff\xff\xff\xff\xff"));
        assert!(!reads::<String>(b"\x7a\xff\xff\xff\xff"));
        assert!(!reads::<Vec<u64>>(
            b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff\x01"
        ));
        assert!(!reads::<IgnoredAny>(
            b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff\x01"
        ));
    }

    #[test]
    fn arrays_nest_to_a_limit() {
        let nested = |depth: usize| {
            let mut bytes = vec![0x81; depth];
            bytes.push(0);
            reads::<IgnoredAny>(&bytes)
        };
        assert!(nested(MAX_DEPTH.into()));
        assert!(!nested(usize::from(MAX_DEPTH) + 1));
        assert!(!nested(1_000_000));
    }
}
