//! The fixed binary header of a datagram.
