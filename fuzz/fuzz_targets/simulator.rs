//! Fuzzes `simulator`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| chat_fuzz::simulator::target(bytes));
