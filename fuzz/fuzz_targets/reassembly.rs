//! Fuzzes `reassembly`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| chat_fuzz::reassembly::target(bytes));
