//! Fuzzes `command_line`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| chat_fuzz::command_line::target(bytes));
