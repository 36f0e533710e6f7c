//! One process at a time in a directory.

use std::{
    fs::{File, OpenOptions, TryLockError},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use crate::directory::DirectoryError;

/// Holds a directory until it is dropped or the process ends, however it ends.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the directory.
    pub(crate) fn take(directory: &Path) -> Result<Self, DirectoryError> {
        let path = directory.join("lock");
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(|error| DirectoryError::from_io(&path, error))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(DirectoryError::InUse {
                path: directory.to_owned(),
            }),
            Err(TryLockError::Error(error)) => Err(DirectoryError::from_io(&path, error)),
        }
    }
}
