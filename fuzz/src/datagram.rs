//! The header of a datagram.

use chat_core::wire::header::{
    CookieReply, Data, Datagram, Hello, HelloAck, Initiation, Response, Unknown,
};

/// What is parsed is what would be emitted, and has the length of its type.
pub fn target(bytes: &[u8]) {
    let Some(datagram) = Datagram::parse(bytes) else {
        return;
    };
    let mut emitted = Vec::new();
    match datagram {
        Datagram::Hello(hello) => {
            assert!(bytes.len() >= Hello::BYTES);
            hello.emit(&mut emitted);
            assert_eq!(Datagram::parse(&emitted), Some(Datagram::Hello(hello)));
            // What follows is padding.
            emitted.truncate(19);
        }
        Datagram::HelloAck(ack) => {
            assert_eq!(bytes.len(), HelloAck::BYTES);
            ack.emit(&mut emitted);
        }
        Datagram::Initiation(initiation) => {
            assert!(bytes.len() >= Initiation::OVERHEAD);
            initiation.emit(&mut emitted);
        }
        Datagram::Response(response) => {
            assert!(bytes.len() >= Response::OVERHEAD);
            response.emit(&mut emitted);
        }
        Datagram::CookieReply(reply) => {
            assert_eq!(bytes.len(), CookieReply::BYTES);
            reply.emit(&mut emitted);
        }
        Datagram::Data(data) => {
            assert!(bytes.len() >= Data::OVERHEAD);
            data.emit(&mut emitted);
            assert_eq!(emitted.len(), Data::BYTES);
        }
        Datagram::Unknown(unknown) => {
            assert_eq!(bytes.len(), Unknown::BYTES);
            unknown.emit(&mut emitted);
        }
    }
    assert!(bytes.starts_with(&emitted));
}
