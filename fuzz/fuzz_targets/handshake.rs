//! Fuzzes `handshake`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| chat_fuzz::handshake::target(bytes));
