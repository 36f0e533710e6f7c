//! What ends the program other than the chat does: a line for stderr and an exit code.

use std::{io, process::ExitCode};

use chat_core::name::Name;

/// A failure with its line for stderr.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("Port number should be an integer between 1024 and 65535!")]
    InvalidPort,
    #[error("You should enter a valid IP address!")]
    InvalidAddress,
    #[error("[Invalid name: {0}.]")]
    InvalidName(String),
    #[error("[The configuration in {0} cannot be used: {1}.]")]
    Config(String, String),
    #[error("[There is no message: give one, or write it to standard input.]")]
    NoMessage,
    #[error("[There is no home directory to keep data in: give one with --data.]")]
    NoDataDirectory,
    #[error("[{0} is already running here.]")]
    AlreadyRunning(Name),
    #[error("[{0}.]")]
    Setup(#[from] chat_mio::SetupError),
    #[error("[{0}.]")]
    Run(#[from] chat_mio::RunError),
    #[error("[Metrics cannot be served on {0}: {1}.]")]
    Metrics(std::net::SocketAddr, io::Error),
    #[error("[The terminal cannot be used: {0}.]")]
    Terminal(io::Error),
    #[error("[The input cannot be read: {0}.]")]
    Input(io::Error),
    #[error("[The output cannot be written: {0}.]")]
    Output(io::Error),
    #[error("[{0}.]")]
    Identity(#[from] crate::identity::IdentityError),
    #[error("[The tour stops: {0}.]")]
    Tour(#[from] crate::tour::TourError),
}

impl Failure {
    /// 2 for wrong usage, 1 for what fails at run time.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::InvalidPort
            | Self::InvalidAddress
            | Self::InvalidName(_)
            | Self::NoMessage
            | Self::Config(..) => 2,
            _ => 1,
        })
    }
}
