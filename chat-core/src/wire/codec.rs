//! Frames ↔ bytes. One value has one encoding, and nothing else is taken for it.

use alloc::vec::Vec;
use core::marker::PhantomData;

use serde::{Serialize, de::DeserializeOwned};

use super::item::Item;

/// The bytes are not a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a frame")]
pub struct DecodeError;

/// Appends the encoding of a frame to `buffer`.
///
/// # Panics
/// If the frame is `Unknown`, which no code makes.
pub fn encode(frame: &impl Serialize, buffer: &mut Vec<u8>) {
    if let Err(error) = ciborium::into_writer(frame, &mut *buffer) {
        unreachable!("frames have an encoding and a vector takes it: {error}");
    }
}

/// Reads the one frame that `bytes` are.
///
/// # Errors
/// If they are not exactly one frame.
pub fn decode<F: DeserializeOwned>(mut bytes: &[u8]) -> Result<F, DecodeError> {
    let frame = F::deserialize(Item::new(&mut bytes))?;
    if bytes.is_empty() {
        Ok(frame)
    } else {
        Err(DecodeError)
    }
}

/// Reads the frames of a sequence (RFC 8742) one after the other; after an error it is at its end.
pub struct Decoder<'a, F> {
    rest: &'a [u8],
    frame: PhantomData<F>,
}

impl<'a, F> Decoder<'a, F> {
    /// Reads frames from `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self {
            rest: bytes,
            frame: PhantomData,
        }
    }
}

impl<F: DeserializeOwned> Iterator for Decoder<'_, F> {
    type Item = Result<F, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let frame = F::deserialize(Item::new(&mut self.rest));
        if frame.is_err() {
            self.rest = &[];
        }
        Some(frame)
    }
}

impl<F: DeserializeOwned> core::iter::FusedIterator for Decoder<'_, F> {}
