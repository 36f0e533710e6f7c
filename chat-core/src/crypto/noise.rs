//! Handshakes: `Noise_IK_25519_ChaChaPoly_BLAKE2s` (Noise Protocol Framework, revision 34, §7.5).
//!
//! The initiator knows the responder's public key; one message each way yields a key for each
//! direction. Payloads ride along: the initiator's is encrypted to the responder's static key (no
//! forward secrecy, can be replayed), the responder's under the session's keys.
//!
//! A key of low order, which would make the outcome known to everyone, ends the handshake.

mod ephemeral;
mod resolver;

use alloc::{vec, vec::Vec};

use snow::{Builder, HandshakeState};
use zeroize::Zeroizing;

use self::{ephemeral::Ephemeral, resolver::Resolver};
use super::{Identity, Random};
use crate::{id::PublicKey, time::WallTime};

const PATTERN: &str = "Noise_IK_25519_ChaChaPoly_BLAKE2s";

/// What the first message adds to its payload: an ephemeral key, the static key, two tags.
pub const INITIATION_OVERHEAD: usize = 32 + (32 + 16) + 16;
/// What the second message adds to its payload: an ephemeral key, a tag.
pub const RESPONSE_OVERHEAD: usize = 32 + 16;

/// The message is none of this handshake, or a key is of low order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a message of this handshake")]
pub struct HandshakeError;

/// The keys of a session, one for each direction.
#[derive(Clone)]
pub struct SessionKeys {
    /// For what is sent.
    pub send: Zeroizing<[u8; 32]>,
    /// For what is received.
    pub receive: Zeroizing<[u8; 32]>,
}

impl SessionKeys {
    fn of(state: &mut HandshakeState) -> Self {
        let (from_initiator, from_responder) = state.dangerously_get_raw_split();
        let (send, receive) = if state.is_initiator() {
            (from_initiator, from_responder)
        } else {
            (from_responder, from_initiator)
        };
        Self {
            send: Zeroizing::new(send),
            receive: Zeroizing::new(receive),
        }
    }
}

/// The side that has sent the first message and waits for the second.
pub struct Initiator {
    state: HandshakeState,
}

impl Initiator {
    /// Begins a handshake with the owner of `peer`: the state and the first message.
    ///
    /// Both sides give the same `prologue`, which holds the version of the protocol. The ephemeral
    /// key is hashed from `random`, the static secret, `wall` and the payload, so that it is not
    /// repeated where one of them is.
    ///
    /// # Errors
    /// If `peer` is a key of low order, or the message would be longer than 65,535 bytes.
    pub fn start(
        identity: &Identity,
        peer: &PublicKey,
        prologue: &[u8],
        payload: &[u8],
        random: &mut Random,
        wall: WallTime,
    ) -> Result<(Self, Vec<u8>), HandshakeError> {
        let ephemeral = Ephemeral::default();
        ephemeral.set(identity, random, wall, &[prologue, &peer.0, payload]);
        let mut state = builder(PATTERN, identity, &ephemeral, prologue)
            .remote_public_key(&peer.0)
            .and_then(Builder::build_initiator)
            .map_err(|_| HandshakeError)?;
        let message = write(&mut state, payload, INITIATION_OVERHEAD)?;
        Ok((Self { state }, message))
    }

    /// Reads the second message: the keys and the responder's payload.
    ///
    /// # Errors
    /// If the message is not the answer to the first one; the genuine one can still be read.
    pub fn finish(&mut self, message: &[u8]) -> Result<(SessionKeys, Vec<u8>), HandshakeError> {
        let payload = read(&mut self.state, message)?;
        Ok((SessionKeys::of(&mut self.state), payload))
    }
}

/// The side that has read the first message and is to send the second.
pub struct Responder {
    state: HandshakeState,
    ephemeral: Ephemeral,
    peer: PublicKey,
}

impl Responder {
    /// Reads the first message: the state and the initiator's payload, which may be a replay.
    ///
    /// # Errors
    /// If the message was not made for this identity under this prologue.
    pub fn read(
        identity: &Identity,
        prologue: &[u8],
        message: &[u8],
    ) -> Result<(Self, Vec<u8>), HandshakeError> {
        let ephemeral = Ephemeral::default();
        let mut state = builder(PATTERN, identity, &ephemeral, prologue)
            .build_responder()
            .map_err(|_| HandshakeError)?;
        let payload = read(&mut state, message)?;
        let peer = remote_key(&state)?;
        let responder = Self {
            state,
            ephemeral,
            peer,
        };
        Ok((responder, payload))
    }

    /// The initiator's key.
    pub fn peer(&self) -> PublicKey {
        self.peer
    }

    /// Answers: the second message and the keys. The ephemeral key is made as in
    /// [`Initiator::start`].
    ///
    /// # Errors
    /// If the initiator's ephemeral key is of low order, or the message would be longer than
    /// 65,535 bytes.
    pub fn reply(
        mut self,
        identity: &Identity,
        payload: &[u8],
        random: &mut Random,
        wall: WallTime,
    ) -> Result<(Vec<u8>, SessionKeys), HandshakeError> {
        let transcript = self.state.get_handshake_hash();
        self.ephemeral
            .set(identity, random, wall, &[transcript, payload]);
        let message = write(&mut self.state, payload, RESPONSE_OVERHEAD)?;
        Ok((message, SessionKeys::of(&mut self.state)))
    }
}

/// Prepares one side of a handshake.
fn builder<'a>(
    pattern: &str,
    identity: &'a Identity,
    ephemeral: &Ephemeral,
    prologue: &'a [u8],
) -> Builder<'a> {
    let params = pattern.parse().expect("the patterns are constants");
    let resolver = Resolver::new(identity.public_key(), ephemeral.clone());
    Builder::with_resolver(params, alloc::boxed::Box::new(resolver))
        .local_private_key(identity.secret())
        .and_then(|builder| builder.prologue(prologue))
        .expect("neither was set before")
}

fn write(
    state: &mut HandshakeState,
    payload: &[u8],
    overhead: usize,
) -> Result<Vec<u8>, HandshakeError> {
    let mut message = vec![0; overhead + payload.len()];
    let length = state
        .write_message(payload, &mut message)
        .map_err(|_| HandshakeError)?;
    message.truncate(length);
    Ok(message)
}

fn read(state: &mut HandshakeState, message: &[u8]) -> Result<Vec<u8>, HandshakeError> {
    let mut payload = vec![0; message.len()];
    let length = state
        .read_message(message, &mut payload)
        .map_err(|_| HandshakeError)?;
    payload.truncate(length);
    Ok(payload)
}

fn remote_key(state: &HandshakeState) -> Result<PublicKey, HandshakeError> {
    let key = state.get_remote_static().ok_or(HandshakeError)?;
    key.try_into().map(PublicKey).map_err(|_| HandshakeError)
}

/// `Noise_X` with an empty payload, as a way to agree on a key with somebody who is not there.
pub(super) mod one_way {
    use super::*;

    const PATTERN: &str = "Noise_X_25519_ChaChaPoly_BLAKE2s";
    /// The length of the message: an ephemeral key, the static key, two tags.
    pub(crate) const MESSAGE_BYTES: usize = 32 + (32 + 16) + 16;

    /// The message that tells `peer` a key, and the key. `context` is hashed into the ephemeral.
    pub(crate) fn send(
        identity: &Identity,
        peer: &PublicKey,
        prologue: &[u8],
        context: &[u8],
        random: &mut Random,
    ) -> Result<(Vec<u8>, Zeroizing<[u8; 32]>), HandshakeError> {
        let ephemeral = Ephemeral::default();
        let parts = &[prologue, &peer.0, context];
        ephemeral.set(identity, random, WallTime::default(), parts);
        let mut state = builder(PATTERN, identity, &ephemeral, prologue)
            .remote_public_key(&peer.0)
            .and_then(Builder::build_initiator)
            .map_err(|_| HandshakeError)?;
        let message = write(&mut state, &[], MESSAGE_BYTES)?;
        Ok((message, SessionKeys::of(&mut state).send))
    }

    /// Who sent the message, and the key.
    pub(crate) fn receive(
        identity: &Identity,
        prologue: &[u8],
        message: &[u8],
    ) -> Result<(PublicKey, Zeroizing<[u8; 32]>), HandshakeError> {
        let mut state = builder(PATTERN, identity, &Ephemeral::default(), prologue)
            .build_responder()
            .map_err(|_| HandshakeError)?;
        read(&mut state, message)?;
        Ok((remote_key(&state)?, SessionKeys::of(&mut state).receive))
    }
}

#[cfg(test)]
mod tests;
