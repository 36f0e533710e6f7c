use super::*;

const PROLOGUE: &[u8] = b"test 1";
const NOON: WallTime = WallTime::from_micros(43_200_000_000);

fn identity(seed: u8) -> Identity {
    Identity::from_seed(&[seed; 32])
}

fn random(seed: u8) -> Random {
    Random::new([seed; 32])
}

fn start(payload: &[u8]) -> (Initiator, Vec<u8>) {
    let peer = identity(2).public_key();
    Initiator::start(&identity(1), &peer, PROLOGUE, payload, &mut random(1), NOON).unwrap()
}

fn answer(message: &[u8], payload: &[u8]) -> (Vec<u8>, SessionKeys) {
    let (responder, _) = Responder::read(&identity(2), PROLOGUE, message).unwrap();
    responder
        .reply(&identity(2), payload, &mut random(2), NOON)
        .unwrap()
}

#[test]
fn both_sides_learn_keys_payloads_and_the_peer() {
    let (mut initiator, first) = start(b"early");
    assert_eq!(first.len(), INITIATION_OVERHEAD + 5);
    let (responder, early) = Responder::read(&identity(2), PROLOGUE, &first).unwrap();
    assert_eq!(early, b"early");
    assert_eq!(responder.peer(), identity(1).public_key());

    let (second, theirs) = responder
        .reply(&identity(2), b"welcome", &mut random(2), NOON)
        .unwrap();
    assert_eq!(second.len(), RESPONSE_OVERHEAD + 7);
    let (ours, payload) = initiator.finish(&second).unwrap();
    assert_eq!(payload, b"welcome");
    assert_eq!(ours.send, theirs.receive);
    assert_eq!(ours.receive, theirs.send);
    assert_ne!(ours.send, ours.receive);
}

#[test]
fn a_handshake_survives_forged_answers() {
    let (mut initiator, first) = start(b"");
    let (second, theirs) = answer(&first, b"welcome");
    for index in 0..second.len() {
        let mut forged = second.clone();
        forged[index] ^= 1;
        assert!(initiator.finish(&forged).is_err(), "byte {index}");
        assert!(
            initiator.finish(&second[..index]).is_err(),
            "cut at {index}"
        );
    }
    let (ours, payload) = initiator.finish(&second).unwrap();
    assert_eq!(ours.send, theirs.receive);
    assert_eq!(payload, b"welcome");
}

#[test]
fn an_answer_is_read_once() {
    let (mut initiator, first) = start(b"");
    let (second, _) = answer(&first, b"");
    assert!(initiator.finish(&second).is_ok());
    assert!(initiator.finish(&second).is_err());
}

#[test]
fn a_message_for_somebody_else_or_another_version_is_refused() {
    let (_, first) = start(b"");
    assert!(Responder::read(&identity(2), PROLOGUE, &first).is_ok());
    assert!(Responder::read(&identity(3), PROLOGUE, &first).is_err());
    assert!(Responder::read(&identity(2), b"test 2", &first).is_err());
    for index in 0..first.len() {
        let mut changed = first.clone();
        changed[index] ^= 1;
        let read = Responder::read(&identity(2), PROLOGUE, &changed);
        assert!(read.is_err(), "byte {index}");
        let cut = Responder::read(&identity(2), PROLOGUE, &first[..index]);
        assert!(cut.is_err(), "cut at {index}");
    }
}

#[test]
fn the_ephemeral_key_differs_when_anything_differs() {
    let first = |wall, payload: &[u8], seed| {
        let peer = identity(2).public_key();
        let wall = WallTime::from_micros(wall);
        let (_, message) = Initiator::start(
            &identity(1),
            &peer,
            PROLOGUE,
            payload,
            &mut random(seed),
            wall,
        )
        .unwrap();
        message[..32].to_vec()
    };
    assert_eq!(first(1, b"a", 1), first(1, b"a", 1));
    assert_ne!(first(1, b"a", 1), first(2, b"a", 1));
    assert_ne!(first(1, b"a", 1), first(1, b"b", 1));
    assert_ne!(first(1, b"a", 1), first(1, b"a", 2));

    let (_, message) = start(b"");
    let ephemeral = |payload: &[u8]| answer(&message, payload).0[..32].to_vec();
    assert_ne!(ephemeral(b"a"), ephemeral(b"b"));
}

/// The points of low order on Curve25519, by their u coordinates.
fn low_order() -> [[u8; 32]; 5] {
    let hex = |text: &str| -> [u8; 32] {
        core::array::from_fn(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap())
    };
    let mut one = [0; 32];
    one[0] = 1;
    let mut minus_one = [0xff; 32];
    (minus_one[0], minus_one[31]) = (0xec, 0x7f);
    [
        [0; 32],
        one,
        minus_one,
        hex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
        hex("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
    ]
}

#[test]
fn keys_of_low_order_are_refused() {
    let (mut initiator, first) = start(b"");
    let (second, _) = answer(&first, b"");
    for key in low_order() {
        let peer = PublicKey(key);
        let started = Initiator::start(&identity(1), &peer, PROLOGUE, b"", &mut random(1), NOON);
        assert!(started.is_err(), "{key:02x?}");

        let mut forged = first.clone();
        forged[..32].copy_from_slice(&key);
        assert!(Responder::read(&identity(2), PROLOGUE, &forged).is_err());
        let mut forged = second.clone();
        forged[..32].copy_from_slice(&key);
        assert!(initiator.finish(&forged).is_err());
    }
    assert!(initiator.finish(&second).is_ok());
}

#[test]
fn a_message_longer_than_noise_allows_is_refused() {
    let peer = identity(2).public_key();
    let start = |length: usize| {
        let payload = vec![0; length];
        Initiator::start(
            &identity(1),
            &peer,
            PROLOGUE,
            &payload,
            &mut random(1),
            NOON,
        )
        .is_ok()
    };
    assert!(start(65_535 - INITIATION_OVERHEAD));
    assert!(!start(65_536 - INITIATION_OVERHEAD));
}
