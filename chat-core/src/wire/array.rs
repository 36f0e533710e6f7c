//! Frames and structures as CBOR arrays: the order of the fields is the format.

/// Defines an enum whose variants are encoded as `[tag, fields…]`. Surplus trailing elements are
/// skipped; an unknown tag decodes to `Unknown`, which cannot be encoded.
macro_rules! frames {
    (
        $(#[$meta:meta])*
        pub enum $name:ident {
            $(
                $(#[$variant_meta:meta])*
                $tag:literal => $variant:ident {
                    $( $(#[$field_meta:meta])* $field:ident : $type:ty, )*
                }
            )*
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum $name {
            $(
                $(#[$variant_meta])*
                $variant { $( $(#[$field_meta])* $field: $type, )* },
            )*
            /// A frame with a tag that this version does not know.
            Unknown {
                /// The tag.
                tag: u16,
            },
        }

        impl $name {
            /// Every tag with the name of its frame.
            pub const TAGS: &[(u16, &str)] = &[ $( ($tag, stringify!($variant)), )* ];
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use serde::ser::SerializeTuple as _;
                match self {
                    $(
                        Self::$variant { $( $field, )* } => {
                            let fields: &[&str] = &[ $( stringify!($field), )* ];
                            let mut array = serializer.serialize_tuple(1 + fields.len())?;
                            array.serialize_element::<u16>(&$tag)?;
                            $( array.serialize_element($field)?; )*
                            array.end()
                        }
                    )*
                    Self::Unknown { .. } => {
                        Err(serde::ser::Error::custom("an unknown frame has no encoding"))
                    }
                }
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Visitor;
                impl<'de> serde::de::Visitor<'de> for Visitor {
                    type Value = $name;
                    fn expecting(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                        f.write_str(concat!("an array [tag, fields…]: ", stringify!($name)))
                    }
                    fn visit_seq<A: serde::de::SeqAccess<'de>>(
                        self,
                        mut array: A,
                    ) -> Result<Self::Value, A::Error> {
                        let frame = match $crate::wire::array::next::<u16, _>(&mut array)? {
                            $(
                                $tag => $name::$variant {
                                    $( $field: $crate::wire::array::next(&mut array)?, )*
                                },
                            )*
                            tag => $name::Unknown { tag },
                        };
                        while array.next_element::<serde::de::IgnoredAny>()?.is_some() {}
                        Ok(frame)
                    }
                }
                deserializer.deserialize_seq(Visitor)
            }
        }
    };
}

/// Defines a struct that is encoded as the array of its fields.
macro_rules! array_struct {
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident {
            $( $(#[$field_meta:meta])* $field_vis:vis $field:ident : $type:ty, )*
        }
    ) => {
        $(#[$meta])*
        $vis struct $name {
            $( $(#[$field_meta])* $field_vis $field: $type, )*
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use serde::ser::SerializeTuple as _;
                let fields: &[&str] = &[ $( stringify!($field), )* ];
                let mut array = serializer.serialize_tuple(fields.len())?;
                $( array.serialize_element(&self.$field)?; )*
                array.end()
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Visitor;
                impl<'de> serde::de::Visitor<'de> for Visitor {
                    type Value = $name;
                    fn expecting(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                        f.write_str(concat!("an array of fields: ", stringify!($name)))
                    }
                    fn visit_seq<A: serde::de::SeqAccess<'de>>(
                        self,
                        mut array: A,
                    ) -> Result<Self::Value, A::Error> {
                        let value = $name {
                            $( $field: $crate::wire::array::next(&mut array)?, )*
                        };
                        while array.next_element::<serde::de::IgnoredAny>()?.is_some() {}
                        Ok(value)
                    }
                }
                deserializer.deserialize_seq(Visitor)
            }
        }
    };
}

pub(crate) use {array_struct, frames};

/// The next element of the array, an error if there is none.
pub(crate) fn next<'de, T, A>(array: &mut A) -> Result<T, A::Error>
where
    T: serde::Deserialize<'de>,
    A: serde::de::SeqAccess<'de>,
{
    array
        .next_element()?
        .ok_or_else(|| serde::de::Error::custom("a field is missing"))
}
