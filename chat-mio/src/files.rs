//! Reading and writing small files so that a crash leaves the old content or the new one.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::Path,
};

use crate::directory::DirectoryError;

/// No small file is longer; a longer one is none of ours.
const MAX_BYTES: u64 = 1 << 20;

/// Makes a directory and those above it, for this user only.
pub(crate) fn make_directory(path: &Path) -> Result<(), DirectoryError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|error| DirectoryError::from_io(path, error))
}

/// The content of a file; `None` if there is no such file.
pub(crate) fn read(path: &Path) -> Result<Option<Vec<u8>>, DirectoryError> {
    let read = || {
        let mut bytes = Vec::new();
        File::open(path)?.take(MAX_BYTES).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    match read() {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if io::Error::kind(&error) == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(DirectoryError::from_io(path, error)),
    }
}

/// Writes a file, for this user only: another file beside it, made durable, takes its name.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), DirectoryError> {
    let beside = path.with_extension("new");
    let write = || {
        // What an interrupted attempt left behind may have another mode.
        match fs::remove_file(&beside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&beside, path)?;
        match path.parent() {
            Some(directory) => File::open(directory)?.sync_all(),
            None => Ok(()),
        }
    };
    write().map_err(|error| DirectoryError::from_io(path, error))
}
