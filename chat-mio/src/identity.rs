//! The file that holds an identity: 32 random bytes, readable by their owner only.

use std::{fs, io, os::unix::fs::PermissionsExt, path::Path};

use chat_core::{crypto::Identity, name::Name};

use crate::{
    directory::{Directory, DirectoryError},
    files, random,
};

/// The secret of the identity of a user, of which a client keeps the file below `data`; none if it
/// has none there.
///
/// # Errors
/// If the client runs, or the file cannot be read.
pub fn read_identity(data: &Path, name: &Name) -> Result<Option<[u8; 32]>, DirectoryError> {
    if !Directory::client_path(data, name).exists() {
        return Ok(None);
    }
    let path = Directory::client(data, name)?.identity_path();
    match files::read(&path)? {
        Some(bytes) => seed_in(&path, bytes).map(Some),
        None => Ok(None),
    }
}

/// Keeps the secret of an identity where the client of that user takes it from.
///
/// # Errors
/// If the client runs, has an identity already, or the file cannot be written.
pub fn write_identity(data: &Path, name: &Name, seed: &[u8; 32]) -> Result<(), DirectoryError> {
    let path = Directory::client(data, name)?.identity_path();
    if path.exists() {
        let exists = io::ErrorKind::AlreadyExists.into();
        return Err(DirectoryError::from_io(&path, exists));
    }
    files::write(&path, seed)
}

/// The identity in the file at `path`, which is made if there is none.
///
/// # Errors
/// If the file cannot be read or written, is no identity, or can be read by other users.
pub(crate) fn load_or_create(path: &Path) -> Result<Identity, DirectoryError> {
    let Some(bytes) = files::read(path)? else {
        let seed = random::seed()?;
        files::write(path, &seed)?;
        return Ok(Identity::from_seed(&seed));
    };
    let metadata = fs::metadata(path).map_err(|error| DirectoryError::from_io(path, error))?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(DirectoryError::Exposed {
            path: path.to_owned(),
            mode,
        });
    }
    seed_in(path, bytes).map(|seed| Identity::from_seed(&seed))
}

fn seed_in(path: &Path, bytes: Vec<u8>) -> Result<[u8; 32], DirectoryError> {
    bytes
        .try_into()
        .map_err(|bytes: Vec<u8>| DirectoryError::Corrupt {
            path: path.to_owned(),
            what: format!("an identity is 32 bytes, not {}", bytes.len()),
        })
}
