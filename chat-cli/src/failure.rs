//! What ends the program before or beside the chat, and with which exit code.

use std::{io, path::PathBuf};

/// A failure with its line for stderr.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("Port number should be an integer between 1024 and 65535!")]
    InvalidPort,
    #[error("You should enter a valid IP address!")]
    InvalidAddress,
    #[error("[Invalid name: {0}.]")]
    InvalidName(String),
    #[error("[There is no home directory to keep data in: give one with --data.]")]
    NoDataDirectory,
    #[error("[{0} is already running here.]")]
    AlreadyRunning(chat_core::name::Name),
}
