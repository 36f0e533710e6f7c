//! What the fuzzer does with its bytes: everything that takes bytes from the network, and the
//! properties that hold for any of them. The tests of chat-core replay the corpora through it.

use chat_core::{
    crypto::{self, Identity, mac::ReceiverKeys, noise::Responder},
    wire::{
        ChatFrame, Content, Decoder, LinkFrame, decode, encode,
        header::{Data, Datagram, PROLOGUE},
    },
};
use serde::{Serialize, de::DeserializeOwned};

/// Takes bytes; panics if a property does not hold.
pub type Target = fn(&[u8]);

/// Every target, by the name of its corpus.
pub const TARGETS: &[(&str, Target)] = &[
    ("link_frames", link_frames),
    ("chat_frame", chat_frame),
    ("content", content),
    ("datagram", datagram),
    ("handshake", handshake),
    ("sealed", sealed),
];

/// A sequence of link frames.
pub fn link_frames(bytes: &[u8]) {
    for frame in Decoder::<LinkFrame>::new(bytes) {
        match frame {
            Ok(LinkFrame::Unknown { .. }) | Err(_) => {}
            Ok(frame) => comes_back(&frame),
        }
    }
}

/// One chat frame.
pub fn chat_frame(bytes: &[u8]) {
    match decode::<ChatFrame>(bytes) {
        Ok(ChatFrame::Unknown { .. }) | Err(_) => {}
        Ok(frame) => {
            comes_back(&frame);
            if let ChatFrame::Deliver { content: inner, .. } = frame {
                content(&inner);
            }
        }
    }
}

/// The content of a log's entry.
pub fn content(bytes: &[u8]) {
    match decode::<Content>(bytes) {
        Ok(Content::Unknown { .. }) | Err(_) => {}
        Ok(content) => comes_back(&content),
    }
}

/// A datagram: what is parsed is what would be emitted.
pub fn datagram(bytes: &[u8]) {
    let Some(datagram) = Datagram::parse(bytes) else {
        return;
    };
    let mut emitted = Vec::new();
    match datagram {
        Datagram::Hello(hello) => {
            hello.emit(&mut emitted);
            emitted.truncate(19);
        }
        Datagram::HelloAck(ack) => ack.emit(&mut emitted),
        Datagram::Initiation(initiation) => initiation.emit(&mut emitted),
        Datagram::Response(response) => response.emit(&mut emitted),
        Datagram::CookieReply(reply) => reply.emit(&mut emitted),
        Datagram::Data(data) => {
            data.emit(&mut emitted);
            assert_eq!(emitted.len(), Data::BYTES);
        }
        Datagram::Unknown(unknown) => unknown.emit(&mut emitted),
    }
    assert!(bytes.starts_with(&emitted));
}

/// A handshake message with its codes, as a responder reads it, and an initiator.
pub fn handshake(bytes: &[u8]) {
    let identity = Identity::from_seed(&[2; 32]);
    let keys = ReceiverKeys::of(&identity.public_key());
    keys.verify_mac1(bytes);
    ReceiverKeys::verify_mac2(bytes, &[9; 16]);
    if let Some(Datagram::Initiation(initiation)) = Datagram::parse(bytes)
        && let Ok((_, payload)) = Responder::read(&identity, &PROLOGUE, initiation.noise)
    {
        link_frames(&payload);
    }
}

/// Sealed mail.
pub fn sealed(bytes: &[u8]) {
    let identity = Identity::from_seed(&[2; 32]);
    let opened = crypto::open(&identity, &[b"bob", &[0x1d; 16]], bytes);
    if let Ok((_, text)) = opened {
        assert_eq!(text.len() + crypto::SEALING_OVERHEAD, bytes.len());
    }
}

/// What has been decoded is encoded again, and decoded to the same.
fn comes_back<F>(frame: &F)
where
    F: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug,
{
    let mut bytes = Vec::new();
    encode(frame, &mut bytes);
    assert_eq!(decode::<F>(&bytes).as_ref(), Ok(frame));
}
