//! Whether a file that is open still has its name: what is written to one that was removed is lost.

use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use rusqlite::{Error, ffi};

/// A file and its name.
#[derive(Debug)]
pub(super) struct OpenFile {
    path: PathBuf,
    device: u64,
    inode: u64,
}

impl OpenFile {
    /// The file that has this name.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let file = fs::metadata(path)?;
        Ok(Self {
            path: path.to_owned(),
            device: file.dev(),
            inode: file.ino(),
        })
    }

    /// Fails unless the file still has its name.
    pub(super) fn check(&self) -> rusqlite::Result<()> {
        let is_same = |file: fs::Metadata| (file.dev(), file.ino()) == (self.device, self.inode);
        if fs::metadata(&self.path).is_ok_and(is_same) {
            return Ok(());
        }
        let what = format!("{} was removed or replaced", self.path.display());
        let code = ffi::Error::new(ffi::SQLITE_READONLY_DBMOVED);
        Err(Error::SqliteFailure(code, Some(what)))
    }
}
