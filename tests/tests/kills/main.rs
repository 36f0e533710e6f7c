//! The real programs under load, killed at any moment, again and again.
//!
//! `CHAT_KILLS` is the number of kills, `CHAT_SEED` decides who is killed and who says what.
#![cfg(unix)]

mod left;
mod town;

use std::process::Command;

use tests::process::{free_port, program};

use crate::town::{number, survives_kills};

#[test]
fn nothing_is_lost_or_repeated_however_often_everybody_is_killed() {
    let kills = number("CHAT_KILLS", 12);
    let chat = |_: &str| Command::new(program());
    survives_kills(kills, &chat, "127.0.0.1", free_port());
}
