//! Fuzzes `replay_window`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| chat_fuzz::replay_window::target(bytes));
