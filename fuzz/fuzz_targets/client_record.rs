//! Fuzzes `client_record`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| chat_fuzz::client_record::target(bytes));
