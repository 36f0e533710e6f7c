//! What the simulator switches. It holds for the whole process, hence a process of its own, and
//! one test at a time.
#![cfg(feature = "simulation")]

use std::{
    collections::BTreeSet,
    sync::{Mutex, MutexGuard, PoisonError},
};

use chat_core::{
    crypto::{
        Identity, Random,
        aead::{self, AuthenticationFailed},
        hash,
        mac::{mac, verify},
        noise::{HandshakeError, Initiator, Responder, SessionKeys},
        open, seal,
    },
    id::PublicKey,
    simulation::{Bug, use_null_crypto},
    time::WallTime,
};

#[test]
fn a_bug_is_named_as_in_the_code_and_found_by_its_name() {
    let mut names = BTreeSet::new();
    for bug in Bug::ALL {
        assert_eq!(bug.name(), kebab_case(&format!("{bug:?}")));
        assert_eq!(Bug::named(bug.name()), Some(*bug));
        assert!(bug.description().ends_with('.'));
        assert!(names.insert(bug.name()));
    }
    assert_eq!(Bug::named("no-such-bug"), None);
}

#[test]
fn a_null_handshake_agrees_on_the_keys_and_on_who_speaks() {
    let _null = null_crypto();
    let (from_alice, to_bob) = (b"from alice".as_slice(), b"to alice".as_slice());
    let (mut alice, first) = initiation(from_alice);
    let (bob, payload) = Responder::read(&identity(2), b"prologue", &first).unwrap();
    assert_eq!(payload, from_alice);
    assert_eq!(bob.peer(), identity(1).public_key());
    let (second, of_bob) = reply(bob, to_bob);
    let (of_alice, payload) = alice.finish(&second).unwrap();
    assert_eq!(payload, to_bob);
    assert_eq!(of_alice.send, of_bob.receive);
    assert_eq!(of_alice.receive, of_bob.send);
    assert_ne!(of_alice.send, of_alice.receive);
}

#[test]
fn a_null_handshake_refuses_every_flipped_bit_and_every_cut() {
    let _null = null_crypto();
    let (mut alice, first) = initiation(b"text");
    for changed in damaged(&first) {
        assert!(Responder::read(&identity(2), b"prologue", &changed).is_err());
    }
    let (bob, _) = Responder::read(&identity(2), b"prologue", &first).unwrap();
    let (second, _) = reply(bob, b"text");
    for changed in damaged(&second) {
        assert!(alice.finish(&changed).is_err());
    }
    assert!(alice.finish(&second).is_ok());
}

#[test]
fn a_null_handshake_is_for_one_key_and_one_prologue() {
    let _null = null_crypto();
    let (_, first) = initiation(b"text");
    assert!(Responder::read(&identity(3), b"prologue", &first).is_err());
    assert!(Responder::read(&identity(2), b"epilogue", &first).is_err());
    let (zero, mut random) = (PublicKey([0; 32]), Random::new([1; 32]));
    let to_zero = Initiator::start(
        &identity(1),
        &zero,
        b"prologue",
        b"",
        &mut random,
        WallTime::default(),
    );
    assert_eq!(to_zero.err(), Some(HandshakeError));
}

#[test]
fn a_null_seal_refuses_every_flipped_bit_and_every_cut() {
    let _null = null_crypto();
    for length in [0, 1, 31, 32, 33, 200] {
        let sealed = sealed(&vec![b'x'; length]);
        assert_eq!(opened(1, 9, b"header", &sealed), Ok(length));
        for changed in damaged(&sealed) {
            let result = opened(1, 9, b"header", &changed);
            assert_eq!(result, Err(AuthenticationFailed));
        }
    }
}

#[test]
fn a_null_seal_refuses_another_key_counter_or_header() {
    let _null = null_crypto();
    let sealed = sealed(b"text");
    assert_eq!(sealed[..4], *b"text");
    for result in [
        opened(2, 9, b"header", &sealed),
        opened(1, 8, b"header", &sealed),
        opened(1, 9, b"leader", &sealed),
        opened(1, 9, b"", &sealed),
    ] {
        assert_eq!(result, Err(AuthenticationFailed));
    }
}

#[test]
fn null_mail_opens_for_its_recipient_as_the_message_that_it_is() {
    let _null = null_crypto();
    let (alice, bob) = (identity(1), identity(2));
    let binding: &[&[u8]] = &[b"bob", b"message id"];
    let mut random = Random::new([1; 32]);
    let sealed = seal(&alice, &bob.public_key(), binding, b"text", &mut random).unwrap();
    let opened = open(&bob, binding, &sealed);
    assert_eq!(opened, Ok((alice.public_key(), b"text".to_vec())));
    assert!(open(&identity(3), binding, &sealed).is_err());
    assert!(open(&bob, &[b"bob", b"another id"], &sealed).is_err());
    for changed in damaged(&sealed) {
        assert!(open(&bob, binding, &changed).is_err());
    }
}

#[test]
fn null_hashes_and_codes_tell_parts_apart_and_repeat_nothing() {
    let _null = null_crypto();
    assert_eq!(hash(b"domain", &[b"ab"]), hash(b"domain", &[b"ab"]));
    assert_ne!(hash(b"domain", &[b"ab"]), hash(b"domain", &[b"a", b"b"]));
    assert_ne!(hash(b"domain", &[b"ab"]), hash(b"domain", &[b"ab\0"]));
    assert_ne!(hash(b"domain", &[]), hash(b"main", &[]));
    let code = mac(&[1; 32], &[b"text"]);
    assert!(verify(&[1; 32], &[b"text"], &code));
    assert!(!verify(&[2; 32], &[b"text"], &code));
    assert!(!verify(&[1; 32], &[b"test"], &code));
    let mut random = Random::new([1; 32]);
    let drawn: BTreeSet<u64> = (0..100_000).map(|_| random.u64()).collect();
    assert_eq!(drawn.len(), 100_000);
}

#[test]
fn real_cryptography_comes_back() {
    let real = key_under(lock());
    assert_ne!(key_under(null_crypto()), real);
    assert_eq!(key_under(lock()), real);
}

fn key_under<T>(_crypto: T) -> PublicKey {
    identity(1).public_key()
}

static LOCK: Mutex<()> = Mutex::new(());

fn lock() -> MutexGuard<'static, ()> {
    LOCK.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Null crypto for as long as it lives.
struct NullCrypto {
    _lock: MutexGuard<'static, ()>,
}

fn null_crypto() -> NullCrypto {
    let lock = lock();
    use_null_crypto(true);
    NullCrypto { _lock: lock }
}

impl Drop for NullCrypto {
    fn drop(&mut self) {
        use_null_crypto(false);
    }
}

fn identity(seed: u8) -> Identity {
    Identity::from_seed(&[seed; 32])
}

/// From alice to bob.
fn initiation(payload: &[u8]) -> (Initiator, Vec<u8>) {
    let (bob, wall) = (identity(2).public_key(), WallTime::default());
    let mut random = Random::new([1; 32]);
    Initiator::start(&identity(1), &bob, b"prologue", payload, &mut random, wall)
        .expect("the key is a good one")
}

fn reply(bob: Responder, payload: &[u8]) -> (Vec<u8>, SessionKeys) {
    let mut random = Random::new([2; 32]);
    bob.reply(&identity(2), payload, &mut random, WallTime::default())
        .expect("the key is a good one")
}

fn sealed(plaintext: &[u8]) -> Vec<u8> {
    let mut sealed = plaintext.to_vec();
    aead::seal_in_place(&[1; 32], 9, b"header", &mut sealed, 0);
    sealed
}

fn opened(
    key: u8,
    counter: u64,
    header: &[u8],
    sealed: &[u8],
) -> Result<usize, AuthenticationFailed> {
    aead::open_in_place(&[key; 32], counter, header, &mut sealed.to_vec())
}

/// Each bit flipped, and each shorter piece.
fn damaged(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let flipped = (0..bytes.len() * 8).map(|bit| {
        let mut changed = bytes.to_vec();
        changed[bit / 8] ^= 1 << (bit % 8);
        changed
    });
    flipped.chain((0..bytes.len()).map(|length| bytes[..length].to_vec()))
}

fn kebab_case(name: &str) -> String {
    let mut kebab = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !kebab.is_empty() {
            kebab.push('-');
        }
        kebab.push(letter.to_ascii_lowercase());
    }
    kebab
}
