//! Fuzzes `chat_frame`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| chat_fuzz::chat_frame::target(bytes));
