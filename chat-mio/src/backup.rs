//! A copy of everything that a server keeps, made while it runs.

use std::{io, path::Path};

use rusqlite::{Connection, OpenFlags};

use crate::{
    directory::{Directory, DirectoryError, IDENTITY, SERVER_STORE},
    files,
};

/// Copies what the server on `port` keeps below `data` into the new directory `to`: its identity
/// and its store, as it is at one moment. To restore it, the directory takes the place of the
/// server's own.
///
/// It takes as long as writing the store does: whoever runs a server calls it in another thread.
///
/// # Errors
/// If `to` exists, or something cannot be read or written; what was written until then is left.
pub fn back_up(data: &Path, port: u16, to: &Path) -> Result<(), DirectoryError> {
    let failed = |path: &Path, error| DirectoryError::from_io(path, error);
    let from = Directory::server_path(data, port);
    if to.exists() {
        return Err(failed(to, io::ErrorKind::AlreadyExists.into()));
    }
    let identity = from.join(IDENTITY);
    let missing = || failed(&identity, io::ErrorKind::NotFound.into());
    let secret = files::read(&identity)?.ok_or_else(missing)?;
    files::make_directory(to)?;
    files::write(&to.join(IDENTITY), &secret)?;
    let (store, copy) = (from.join(SERVER_STORE), to.join(SERVER_STORE));
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(&store, flags)
        .and_then(|store| store.execute("VACUUM INTO ?1", [copy.to_string_lossy()]))
        .map_err(|error| failed(&copy, io::Error::other(error)))?;
    Ok(())
}
