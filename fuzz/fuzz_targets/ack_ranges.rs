//! Fuzzes `ack_ranges`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| chat_fuzz::ack_ranges::target(bytes));
