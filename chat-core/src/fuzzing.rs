//! Parts that are private and take bytes, opened for the fuzzer.

pub use crate::{
    client::fuzzing::{ClientRecord, client_record},
    link::fuzzing::{Arrivals, Reassembly, Window, acknowledged},
    server::fuzzing::{ServerRecord, server_record},
};
