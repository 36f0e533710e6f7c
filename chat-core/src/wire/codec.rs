//! Frames ↔ bytes, strictly: a frame that is cut short or malformed ends the decoding.

use alloc::vec::Vec;
use core::marker::PhantomData;

use serde::{Serialize, de::DeserializeOwned};

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

/// Reads the frames of a sequence one after the other; after an error it is at its end.
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
        let mut scratch = [0; 256];
        let frame = ciborium::de::from_reader_with_buffer(&mut self.rest, &mut scratch);
        Some(frame.map_err(|_| {
            self.rest = &[];
            DecodeError
        }))
    }
}
