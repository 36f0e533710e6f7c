//! What has been decoded is encoded again, and decoded to the same; and another decoder agrees.

use core::fmt::Debug;

use chat_core::wire::{decode, encode};
use serde::{Serialize, de::DeserializeOwned};

/// What a decoder made of bytes comes back when it is encoded and decoded, in the one encoding
/// that it has.
pub(crate) fn comes_back<F>(frame: &F)
where
    F: Serialize + DeserializeOwned + PartialEq + Debug,
{
    let mut bytes = Vec::new();
    encode(frame, &mut bytes);
    let again = decode::<F>(&bytes);
    assert_eq!(again.as_ref(), Ok(frame));
}

/// The first item of `bytes`, which is taken away, is `frame` to a decoder of all of CBOR too.
pub(crate) fn agrees_with_ciborium<F>(bytes: &mut &[u8], frame: &F)
where
    F: DeserializeOwned + PartialEq + Debug,
{
    let other = ciborium::from_reader::<F, _>(bytes);
    assert_eq!(other.as_ref().ok(), Some(frame));
}
