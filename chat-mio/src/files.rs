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

/// Makes a directory and those above it, for this user only, durably.
pub(crate) fn make_directory(path: &Path) -> Result<(), DirectoryError> {
    make(path).map_err(|error| DirectoryError::from_io(path, error))
}

/// A file is durable in a directory only as far as the directory is in the one above it.
fn make(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    // The root is there, and so is the current directory.
    let above = path.parent().filter(|above| *above != Path::new(""));
    let above = above.unwrap_or(Path::new("."));
    make(above)?;
    match DirBuilder::new().mode(0o700).create(path) {
        // Another process was quicker.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => {}
        made => made?,
    }
    File::open(above)?.sync_all()
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
