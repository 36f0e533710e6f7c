//! Another implementation on the other side: snow by itself, and the secrets as the specification
//! derives them.

use chacha20poly1305::{ChaCha20Poly1305, KeyInit, aead::Aead};
use chat_core::{
    crypto::{
        self, Identity, Random,
        noise::{Initiator, Responder},
    },
    id::PublicKey,
    time::WallTime,
    wire::header::PROLOGUE,
};
use snow::{
    Builder, HandshakeState,
    params::{CipherChoice, DHChoice, HashChoice},
    resolvers::{CryptoResolver, DefaultResolver},
    types,
};

const IK: &str = "Noise_IK_25519_ChaChaPoly_BLAKE2s";
const X: &str = "Noise_X_25519_ChaChaPoly_BLAKE2s";

/// snow's own primitives, and ephemeral keys that need not be random here.
struct Plain;

struct Constant;

impl types::Random for Constant {
    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), snow::Error> {
        bytes.fill(0x5e);
        Ok(())
    }
}

impl CryptoResolver for Plain {
    fn resolve_rng(&self) -> Option<Box<dyn types::Random>> {
        Some(Box::new(Constant))
    }

    fn resolve_dh(&self, choice: &DHChoice) -> Option<Box<dyn types::Dh>> {
        DefaultResolver.resolve_dh(choice)
    }

    fn resolve_hash(&self, choice: &HashChoice) -> Option<Box<dyn types::Hash>> {
        DefaultResolver.resolve_hash(choice)
    }

    fn resolve_cipher(&self, choice: &CipherChoice) -> Option<Box<dyn types::Cipher>> {
        DefaultResolver.resolve_cipher(choice)
    }
}

fn other_side(pattern: &str, seed: u8, prologue: &[u8], peer: Option<PublicKey>) -> HandshakeState {
    let secret = crypto::hash(b"identity x25519", &[&[seed; 32]]);
    let params = pattern.parse().expect("a pattern");
    let builder = Builder::with_resolver(params, Box::new(Plain))
        .local_private_key(&secret)
        .and_then(|builder| builder.prologue(prologue))
        .expect("set once");
    match peer {
        Some(peer) => builder
            .remote_public_key(&peer.0)
            .and_then(Builder::build_initiator),
        None => builder.build_responder(),
    }
    .expect("all keys are given")
}

fn written(state: &mut HandshakeState, payload: &[u8]) -> Vec<u8> {
    let mut message = vec![0; 1_000];
    let length = state.write_message(payload, &mut message).expect("room");
    message.truncate(length);
    message
}

fn read(state: &mut HandshakeState, message: &[u8]) -> Vec<u8> {
    let mut payload = vec![0; 1_000];
    let length = state.read_message(message, &mut payload).expect("genuine");
    payload.truncate(length);
    payload
}

#[test]
fn another_responder_understands_the_initiator() {
    let (identity, peer) = (Identity::from_seed(&[1; 32]), Identity::from_seed(&[2; 32]));
    let (mut initiator, message) = Initiator::start(
        &identity,
        &peer.public_key(),
        &PROLOGUE,
        b"early",
        &mut Random::new([3; 32]),
        WallTime::default(),
    )
    .expect("a good key");
    let mut other = other_side(IK, 2, &PROLOGUE, None);
    assert_eq!(read(&mut other, &message), b"early");
    let key = identity.public_key().0;
    assert_eq!(other.get_remote_static(), Some(&key[..]));

    let answer = written(&mut other, b"welcome");
    let (keys, payload) = initiator.finish(&answer).expect("the answer");
    assert_eq!(payload, b"welcome");
    assert_eq!(
        other.dangerously_get_raw_split(),
        (*keys.send, *keys.receive)
    );
}

#[test]
fn another_initiator_understands_the_responder() {
    let identity = Identity::from_seed(&[2; 32]);
    let mut other = other_side(IK, 1, &PROLOGUE, Some(identity.public_key()));
    let message = written(&mut other, b"early");
    let (responder, payload) =
        Responder::read(&identity, &PROLOGUE, &message).expect("made for it");
    assert_eq!(payload, b"early");
    assert_eq!(responder.peer(), Identity::from_seed(&[1; 32]).public_key());

    let mut random = Random::new([4; 32]);
    let (answer, keys) = responder
        .reply(&identity, b"welcome", &mut random, WallTime::default())
        .expect("a good key");
    assert_eq!(read(&mut other, &answer), b"welcome");
    assert_eq!(
        other.dangerously_get_raw_split(),
        (*keys.receive, *keys.send)
    );
}

#[test]
fn another_recipient_opens_sealed_mail_by_the_specification() {
    let (identity, peer) = (Identity::from_seed(&[1; 32]), Identity::from_seed(&[2; 32]));
    let binding: &[&[u8]] = &[b"bob", &[0x1d; 16]];
    let mut random = Random::new([3; 32]);
    let sealed = crypto::seal(
        &identity,
        &peer.public_key(),
        binding,
        b"hello",
        &mut random,
    )
    .expect("a good key");

    let mut other = other_side(X, 2, &crypto::hash(b"sealed", binding), None);
    let (message, ciphertext) = sealed.split_at(96);
    assert_eq!(read(&mut other, message), b"");
    let (key, _) = other.dangerously_get_raw_split();
    let text = ChaCha20Poly1305::new(&key.into()).decrypt(&[0; 12].into(), ciphertext);
    assert_eq!(text.expect("genuine"), b"hello");
}
