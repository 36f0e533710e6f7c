//! Why a client or server cannot be started.

use std::io;

use crate::{directory::DirectoryError, random::NoRandomness, socket::BindError};

/// Why a client or server cannot be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SetupError {
    /// Its files are in use or cannot be used.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// It cannot listen.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The system has no random bytes.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    /// The system's readiness queue or signals cannot be used.
    #[error("the event loop cannot be set up: {0}")]
    System(#[from] io::Error),
}
