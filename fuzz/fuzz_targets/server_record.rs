//! Fuzzes `server_record`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| chat_fuzz::server_record::target(bytes));
