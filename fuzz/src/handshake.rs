//! Handshake messages with their codes, as each side reads them.

use std::{cell::RefCell, sync::LazyLock};

use chat_core::{
    crypto::{
        Identity, Random,
        mac::ReceiverKeys,
        noise::{Initiator, Responder},
    },
    time::WallTime,
    wire::header::{Datagram, PROLOGUE},
};

use crate::link_frames;

static ALICE: LazyLock<Identity> = LazyLock::new(|| Identity::from_seed(&[1; 32]));
static BOB: LazyLock<Identity> = LazyLock::new(|| Identity::from_seed(&[2; 32]));

thread_local! {
    /// Waits for an answer that nobody can give: whatever it reads is a forgery, and leaves it as
    /// it was.
    static WAITING: RefCell<Initiator> = RefCell::new(initiator());
}

/// A responder that reads a first message tells its frames or refuses it; an initiator takes no
/// forged answer; a code or cookie that nobody made is not accepted.
pub fn target(bytes: &[u8]) {
    let keys = ReceiverKeys::of(&BOB.public_key());
    keys.verify_mac1(bytes);
    assert!(!ReceiverKeys::verify_mac2(bytes, &[9; 16]));
    match Datagram::parse(bytes) {
        Some(Datagram::Initiation(initiation)) => {
            if let Ok((_, payload)) = Responder::read(&BOB, &PROLOGUE, initiation.noise) {
                link_frames::target(&payload);
            }
        }
        Some(Datagram::Response(response)) => WAITING.with_borrow_mut(|initiator| {
            assert!(initiator.finish(response.noise).is_err());
        }),
        Some(Datagram::CookieReply(reply)) => {
            let opened = keys.open_cookie(&reply.nonce, &[7; 16], &reply.cookie);
            assert!(opened.is_err(), "no cookie was made for this code");
        }
        _ => {}
    }
}

fn initiator() -> Initiator {
    let (identity, peer, mut random) = (&ALICE, BOB.public_key(), Random::new([0x77; 32]));
    let wall = WallTime::default();
    let started = Initiator::start(identity, &peer, &PROLOGUE, b"", &mut random, wall);
    started.expect("a good key").0
}
