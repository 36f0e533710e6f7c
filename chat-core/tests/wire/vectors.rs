//! The wire format as recorded bytes, in `tests/vectors`: what another implementation has to
//! produce, and what this one must go on producing while the version stays the same.
//!
//! `CHAT_WRITE_VECTORS=1 cargo test -p chat-core --test wire` records them.

use std::{fmt::Write as _, fs, path::PathBuf};

use chat_core::{
    crypto::{
        self, Identity, Random, aead,
        mac::ReceiverKeys,
        noise::{Initiator, Responder},
    },
    time::WallTime,
    wire::{
        LinkFrame, encode,
        header::{
            self, CookieReply, Data, Hello, HelloAck, Initiation, PROLOGUE, Response, Unknown,
            VERSION,
        },
    },
};
use serde::Serialize;

use crate::samples;

const WALL: WallTime = WallTime::from_micros(1_698_244_807_000_000);

/// Recorded bytes and what they are.
#[derive(Clone)]
pub(crate) struct Vector {
    pub(crate) title: String,
    pub(crate) bytes: Vec<u8>,
}

fn vector(title: impl Into<String>, bytes: impl AsRef<[u8]>) -> Vector {
    Vector {
        title: title.into(),
        bytes: bytes.as_ref().to_vec(),
    }
}

#[test]
fn link_frames_are_encoded_as_recorded() {
    check("link_frames", &frames(&samples::link_frames()));
}

#[test]
fn chat_frames_are_encoded_as_recorded() {
    check("chat_frames", &frames(&samples::chat_frames()));
}

#[test]
fn contents_are_encoded_as_recorded() {
    check("contents", &frames(&samples::contents()));
}

#[test]
fn datagrams_before_a_session_are_laid_out_as_recorded() {
    check("hello", &hello());
}

#[test]
fn a_handshake_from_these_seeds_is_as_recorded() {
    check("handshake", &handshake());
}

#[test]
fn mail_sealed_with_these_seeds_is_as_recorded() {
    check("sealed", &sealed());
}

pub(crate) fn frames(samples: &[impl Serialize + std::fmt::Debug]) -> Vec<Vector> {
    let record = |sample| {
        let mut bytes = Vec::new();
        encode(sample, &mut bytes);
        vector(format!("{sample:?}"), bytes)
    };
    samples.iter().map(record).collect()
}

fn identities() -> (Identity, Identity) {
    (Identity::from_seed(&[1; 32]), Identity::from_seed(&[2; 32]))
}

pub(crate) fn hello() -> Vec<Vector> {
    let (_, responder) = identities();
    let nonce = [0xa0; 16];
    let (mut hello, mut ack) = (Vec::new(), Vec::new());
    Hello {
        version: VERSION,
        nonce,
    }
    .emit(&mut hello);
    HelloAck {
        version: VERSION,
        nonce,
        key: responder.public_key(),
        cookie: [0xc0; 16],
        seen: ([192, 0, 2, 7], 40_000).into(),
    }
    .emit(&mut ack);
    let mut vectors = keys_of("responder", &responder, 2);
    vectors.extend([
        vector("Hello, nonce a0a0…", hello),
        vector("HelloAck, cookie c0c0…, to 192.0.2.7:40000", ack),
    ]);
    vectors
}

pub(crate) fn handshake() -> Vec<Vector> {
    let (alice, bob) = identities();
    let (early, welcome) = (start(5, WALL.as_micros(), false), start(6, 0, true));

    let mut random = Random::new([3; 32]);
    let (mut initiator, noise) = Initiator::start(
        &alice,
        &bob.public_key(),
        &PROLOGUE,
        &early,
        &mut random,
        WALL,
    )
    .expect("a good key");
    let mut initiation = Vec::new();
    let sender = 0xaaaa_aaaa;
    Initiation {
        sender,
        noise: &noise,
    }
    .emit(&mut initiation);
    ReceiverKeys::of(&bob.public_key()).append(&mut initiation, Some(&[0xc0; 16]));

    let (responder, payload) = Responder::read(&bob, &PROLOGUE, &noise).expect("made for it");
    assert_eq!(payload, early);
    let (noise, _) = responder
        .reply(&bob, &welcome, &mut Random::new([4; 32]), WALL)
        .expect("a good key");
    let mut response = Vec::new();
    Response {
        sender: 0xbbbb_bbbb,
        receiver: sender,
        noise: &noise,
    }
    .emit(&mut response);
    ReceiverKeys::of(&alice.public_key()).append(&mut response, None);
    let (keys, payload) = initiator.finish(&noise).expect("the answer");
    assert_eq!(payload, welcome);

    let mut vectors = keys_of("initiator", &alice, 1);
    vectors.extend(keys_of("responder", &bob, 2));
    let wall = WALL.as_micros().to_be_bytes();
    let reply = cookie_reply(&bob, &initiation);
    vectors.extend([
        vector("initiator: seed of its randomness", [3; 32]),
        vector("responder: seed of its randomness", [4; 32]),
        vector("both: wall clock in microseconds, big-endian", wall),
        vector("both: prologue", PROLOGUE),
        vector("initiator: payload, Start", early),
        vector("responder: payload, Start", welcome),
        vector(
            "Initiation, index aaaaaaaa, with the cookie c0c0…",
            initiation,
        ),
        vector("Response, index bbbbbbbb, without a cookie", response),
        vector("CookieReply, nonce d0d0…, cookie c0c0…", reply),
        vector("key of the initiator's packets", *keys.send),
        vector("key of the responder's packets", *keys.receive),
        vector(
            "Data, counter 7, from the initiator, Ping inside",
            data(&keys.send),
        ),
        vector("Unknown, in answer to it", unknown()),
    ]);
    vectors
}

/// The payload of a handshake message.
fn start(incarnation: u64, counter: u64, early_taken: bool) -> Vec<u8> {
    let mut payload = Vec::new();
    let frame = LinkFrame::Start {
        incarnation,
        counter,
        early_taken,
    };
    encode(&frame, &mut payload);
    payload
}

fn keys_of(side: &str, identity: &Identity, seed: u8) -> Vec<Vector> {
    let seed = [seed; 32];
    let secret = crypto::hash(b"identity x25519", &[&seed]);
    vec![
        vector(format!("{side}: seed of the identity"), seed),
        vector(
            format!("{side}: static secret, H(identity x25519, seed)"),
            secret,
        ),
        vector(format!("{side}: public key"), identity.public_key().0),
    ]
}

fn cookie_reply(responder: &Identity, initiation: &[u8]) -> Vec<u8> {
    let mac1 = header::mac1(initiation).expect("it has its codes");
    let keys = ReceiverKeys::of(&responder.public_key());
    let mut reply = Vec::new();
    CookieReply {
        receiver: 0xaaaa_aaaa,
        nonce: [0xd0; 24],
        cookie: keys.seal_cookie(&[0xd0; 24], &mac1, &[0xc0; 16]),
    }
    .emit(&mut reply);
    reply
}

fn data(key: &[u8; 32]) -> Vec<u8> {
    let mut packet = Vec::new();
    let header = Data {
        receiver: 0xbbbb_bbbb,
        counter: 7,
    };
    header.emit(&mut packet);
    let associated = packet.clone();
    encode(&LinkFrame::Ping {}, &mut packet);
    aead::seal_in_place(key, header.counter, &associated, &mut packet, Data::BYTES);
    packet
}

fn unknown() -> Vec<u8> {
    let mut hint = Vec::new();
    Unknown {
        receiver: 0xbbbb_bbbb,
        counter: 7,
    }
    .emit(&mut hint);
    hint
}

pub(crate) fn sealed() -> Vec<Vector> {
    let (alice, bob) = identities();
    let (name, id) = (samples::name("Bob"), [0x1d; 16]);
    let binding: &[&[u8]] = &[name.folded().as_bytes(), &id];
    let mut random = Random::new([3; 32]);
    let sealed = crypto::seal(
        &alice,
        &bob.public_key(),
        binding,
        b"hello, Bob",
        &mut random,
    )
    .expect("a good key");
    let opened = crypto::open(&bob, binding, &sealed);
    assert_eq!(opened, Ok((alice.public_key(), b"hello, Bob".to_vec())));
    let mut vectors = keys_of("sender", &alice, 1);
    vectors.extend(keys_of("recipient", &bob, 2));
    vectors.extend([
        vector("sender: seed of its randomness", [3; 32]),
        vector("recipient: folded name", name.folded()),
        vector("id of the message", id),
        vector("text", b"hello, Bob"),
        vector("sealed", sealed),
    ]);
    vectors
}

fn check(file: &str, vectors: &[Vector]) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/vectors/{file}.txt"));
    if recording() {
        fs::write(&path, write(vectors)).expect("the folder is writable");
    }
    let recorded = fs::read_to_string(&path).unwrap_or_default();
    for vector in vectors {
        let entry = entry(vector);
        assert!(
            recorded.contains(&entry),
            "the format has changed: this is not in {}:\n\n{entry}\n\
             If that is meant, VERSION must change with it; then record the vectors again with \
             CHAT_WRITE_VECTORS=1.",
            path.display(),
        );
    }
    assert_eq!(
        recorded,
        write(vectors),
        "{} holds something else too",
        path.display()
    );
}

pub(crate) fn recording() -> bool {
    std::env::var_os("CHAT_WRITE_VECTORS").is_some()
}

fn write(vectors: &[Vector]) -> String {
    vectors.iter().map(entry).collect::<Vec<_>>().join("\n")
}

/// The title, and below it the bytes, 32 a line.
fn entry(vector: &Vector) -> String {
    let mut text = format!("{}\n", vector.title);
    for line in vector.bytes.chunks(32) {
        text.push_str("    ");
        for byte in line {
            write!(text, "{byte:02x}").expect("a string takes everything");
        }
        text.push('\n');
    }
    text
}
