//! Fuzzes `sealed`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| chat_fuzz::sealed::target(bytes));
