//! Codes that are cheap to check before anything expensive is done (as in WireGuard §5.4.4, §5.4.7).
//!
//! A handshake message ends in two of them, 16 bytes each. The first is keyed by the receiver's
//! public key: whoever does not know it gets no answer. The second is keyed by a cookie, which
//! proves that the sender receives at its address; all zero without one.

use alloc::vec::Vec;

use blake2::{
    Blake2sMac,
    digest::{Mac, consts::U16},
};
use chacha20poly1305::{AeadInPlace, KeyInit, XChaCha20Poly1305};

use super::{aead::AuthenticationFailed, hash};
use crate::id::PublicKey;

/// The length of a code, in bytes.
pub const MAC_BYTES: usize = 16;
/// The length of both codes behind a handshake message, in bytes.
pub const MACS_BYTES: usize = 2 * MAC_BYTES;
/// The length of a cookie, in bytes.
pub const COOKIE_BYTES: usize = 16;
/// The length of a sealed cookie, in bytes.
pub const SEALED_COOKIE_BYTES: usize = COOKIE_BYTES + 16;

/// What a responder under load hands out and finds again in the second code.
pub type Cookie = [u8; COOKIE_BYTES];

/// Keyed BLAKE2s-128 (RFC 7693) over `parts`, each preceded by its length.
pub fn mac(key: &[u8; 32], parts: &[&[u8]]) -> [u8; MAC_BYTES] {
    #[cfg(feature = "simulation")]
    if crate::simulation::uses_null_crypto() {
        return super::null::mac(key, parts);
    }
    keyed(key, parts).finalize().into_bytes().into()
}

/// Whether `code` is [`mac`] of `parts`, compared in constant time.
pub fn verify(key: &[u8; 32], parts: &[&[u8]], code: &[u8; MAC_BYTES]) -> bool {
    #[cfg(feature = "simulation")]
    if crate::simulation::uses_null_crypto() {
        return super::null::mac(key, parts) == *code;
    }
    keyed(key, parts).verify(code.into()).is_ok()
}

fn keyed(key: &[u8; 32], parts: &[&[u8]]) -> Blake2sMac<U16> {
    let mut mac = <Blake2sMac<U16> as Mac>::new(key.into());
    for part in parts {
        mac.update(&(part.len() as u64).to_le_bytes());
        mac.update(part);
    }
    mac
}

/// The keys for all that is said to the owner of one public key before a session exists.
#[derive(Clone)]
pub struct ReceiverKeys {
    mac1: [u8; 32],
    cookie: [u8; 32],
}

impl ReceiverKeys {
    /// The keys for messages to `receiver`: as public as its key is.
    pub fn of(receiver: &PublicKey) -> Self {
        Self {
            mac1: hash(b"mac1", &[&receiver.0]),
            cookie: hash(b"cookie", &[&receiver.0]),
        }
    }

    /// Appends both codes to a handshake message, the second one keyed by the cookie that the
    /// receiver handed out, if it has.
    pub fn append(&self, message: &mut Vec<u8>, cookie: Option<&Cookie>) {
        let mac1 = mac(&self.mac1, &[message]);
        message.extend_from_slice(&mac1);
        let mac2 = cookie.map_or([0; MAC_BYTES], |cookie| {
            mac(&cookie_key(cookie), &[message])
        });
        message.extend_from_slice(&mac2);
    }

    /// Whether the first code of a handshake message is right.
    pub fn verify_mac1(&self, message: &[u8]) -> bool {
        split(message).is_some_and(|(body, mac1, _)| verify(&self.mac1, &[body], mac1))
    }

    /// Whether the second code of a handshake message was made with `cookie`.
    pub fn verify_mac2(message: &[u8], cookie: &Cookie) -> bool {
        let Some((body, _, mac2)) = split(message) else {
            return false;
        };
        let covered = &message[..body.len() + MAC_BYTES];
        verify(&cookie_key(cookie), &[covered], mac2)
    }

    /// Encrypts a cookie of this receiver for whoever sent the message that ended in `mac1`.
    /// The nonce is drawn at random for every cookie.
    pub fn seal_cookie(
        &self,
        nonce: &[u8; 24],
        mac1: &[u8; MAC_BYTES],
        cookie: &Cookie,
    ) -> [u8; SEALED_COOKIE_BYTES] {
        let mut sealed = [0; SEALED_COOKIE_BYTES];
        let (text, tag) = sealed.split_at_mut(COOKIE_BYTES);
        text.copy_from_slice(cookie);
        let computed = self
            .cookie_cipher()
            .encrypt_in_place_detached(nonce.into(), mac1, text)
            .expect("a cookie is shorter than the cipher's limit");
        tag.copy_from_slice(&computed);
        sealed
    }

    /// Decrypts a cookie that came in answer to the message that ended in `mac1`.
    ///
    /// # Errors
    /// If it was not sealed by this receiver in answer to that message.
    pub fn open_cookie(
        &self,
        nonce: &[u8; 24],
        mac1: &[u8; MAC_BYTES],
        sealed: &[u8; SEALED_COOKIE_BYTES],
    ) -> Result<Cookie, AuthenticationFailed> {
        let mut sealed = *sealed;
        let (text, tag) = sealed.split_at_mut(COOKIE_BYTES);
        self.cookie_cipher()
            .decrypt_in_place_detached(nonce.into(), mac1, text, (&*tag).into())
            .map_err(|_| AuthenticationFailed)?;
        let mut cookie = [0; COOKIE_BYTES];
        cookie.copy_from_slice(text);
        Ok(cookie)
    }

    fn cookie_cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new((&self.cookie).into())
    }
}

fn cookie_key(cookie: &Cookie) -> [u8; 32] {
    hash(b"mac2", &[cookie])
}

/// What the first code covers, the first and the second code.
fn split(message: &[u8]) -> Option<(&[u8], &[u8; MAC_BYTES], &[u8; MAC_BYTES])> {
    let (rest, mac2) = message.split_last_chunk()?;
    let (body, mac1) = rest.split_last_chunk()?;
    Some((body, mac1, mac2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::Identity;

    fn receiver(seed: u8) -> ReceiverKeys {
        ReceiverKeys::of(&Identity::from_seed(&[seed; 32]).public_key())
    }

    #[test]
    fn a_code_depends_on_the_key_and_on_where_the_parts_end() {
        let code = mac(&[1; 32], &[b"ab", b"c"]);
        assert!(verify(&[1; 32], &[b"ab", b"c"], &code));
        assert!(!verify(&[2; 32], &[b"ab", b"c"], &code));
        assert!(!verify(&[1; 32], &[b"a", b"bc"], &code));
    }

    #[test]
    fn only_who_knows_the_receiver_computes_the_first_code() {
        let mut message = b"message".to_vec();
        receiver(1).append(&mut message, None);
        assert_eq!(message.len(), 7 + MACS_BYTES);
        assert!(receiver(1).verify_mac1(&message));
        assert!(!receiver(2).verify_mac1(&message));
        message[0] ^= 1;
        assert!(!receiver(1).verify_mac1(&message));
        assert!(!receiver(1).verify_mac1(&message[..MACS_BYTES - 1]));
    }

    #[test]
    fn the_second_code_needs_the_cookie() {
        let (mut with, mut without) = (b"message".to_vec(), b"message".to_vec());
        receiver(1).append(&mut with, Some(&[9; COOKIE_BYTES]));
        receiver(1).append(&mut without, None);
        assert!(ReceiverKeys::verify_mac2(&with, &[9; COOKIE_BYTES]));
        assert!(!ReceiverKeys::verify_mac2(&with, &[8; COOKIE_BYTES]));
        assert!(!ReceiverKeys::verify_mac2(&without, &[9; COOKIE_BYTES]));
        assert!(without.ends_with(&[0; MAC_BYTES]));
    }

    #[test]
    fn a_cookie_opens_only_in_answer_to_the_message_it_answers() {
        let (nonce, mac1, cookie) = ([3; 24], [4; MAC_BYTES], [5; COOKIE_BYTES]);
        let sealed = receiver(1).seal_cookie(&nonce, &mac1, &cookie);
        let opened = receiver(1).open_cookie(&nonce, &mac1, &sealed);
        assert_eq!(opened, Ok(cookie));
        let failed = Err(AuthenticationFailed);
        assert_eq!(receiver(2).open_cookie(&nonce, &mac1, &sealed), failed);
        let other = [6; MAC_BYTES];
        assert_eq!(receiver(1).open_cookie(&nonce, &other, &sealed), failed);
    }
}
