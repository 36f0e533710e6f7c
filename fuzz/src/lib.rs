//! What the fuzzer does with its bytes. A target is a module with a function that takes bytes and
//! panics if a property does not hold; `tests/tests/fuzz_corpora.rs` replays the corpora through
//! the same functions.
//!
//! One more target is a module here, its line in `targets!`, its binary in `fuzz_targets/` and
//! `Cargo.toml`, and its corpus.

mod frames;
mod hosts;
mod input;
mod round_trip;
mod store;

/// While a fuzzer looks at state machines, checksums take the place of ciphers, which have targets
/// of their own. Nothing that was made before is of any use afterwards.
fn do_without_ciphers() {
    #[cfg(feature = "libfuzzer")]
    chat_core::simulation::use_null_crypto(true);
}

/// Takes bytes; panics if a property does not hold.
pub type Target = fn(&[u8]);

macro_rules! targets {
    ($($(#[$meta:meta])* $name:ident)*) => {
        $($(#[$meta])* pub mod $name;)*

        /// Every target, by its name, which is that of its binary and its corpus.
        pub const TARGETS: &[(&str, Target)] = &[$((stringify!($name), $name::target),)*];
    };
}

targets! {
    ack_ranges
    chat_frame
    client
    client_record
    command_line
    content
    datagram
    handshake
    link
    link_frames
    name
    reassembly
    replay_window
    rogue_peer
    sealed
    server
    server_record
    simulator
    strangers
    text
}
