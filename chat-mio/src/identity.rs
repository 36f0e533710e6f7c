//! The file that holds an identity: 32 random bytes, readable by their owner only.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use chat_core::crypto::Identity;

use crate::{directory::DirectoryError, files, random};

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
    match <[u8; 32]>::try_from(bytes) {
        Ok(seed) => Ok(Identity::from_seed(&seed)),
        Err(bytes) => Err(DirectoryError::Corrupt {
            path: path.to_owned(),
            what: format!("an identity is 32 bytes, not {}", bytes.len()),
        }),
    }
}
