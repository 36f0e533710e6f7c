//! Fuzzes `rogue_peer`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| chat_fuzz::rogue_peer::target(bytes));
