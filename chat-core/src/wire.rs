//! Bytes ↔ datagrams and frames, and nothing else.
//!
//! A datagram is a fixed binary header ([`header`]) and, for the types that carry one, an
//! encrypted sequence of CBOR frames (RFC 8742). There are two families of frames: those of the
//! link ([`LinkFrame`]) fill a datagram; those of the chat ([`ChatFrame`]) travel inside
//! [`LinkFrame::Data`], whole or in fragments. The format is specified in `wire/protocol.cddl`.

pub(crate) mod array;
mod chat_frame;
mod codec;
pub mod header;
mod item;
mod link_frame;
mod types;

pub(crate) use array::array_struct;
pub use chat_frame::{ChatFrame, Content};
pub use codec::{DecodeError, Decoder, decode, encode};
pub use link_frame::LinkFrame;
pub use types::{
    AckRange, Address, Bytes, List, Presence, ReadPosition, Refusal, Rejection, TableEntry,
    TableVersion,
};
