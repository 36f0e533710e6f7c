//! What a server or client keeps on disk, and where.
//!
//! ```text
//! root/server/<port>/            identity, lock, store.sqlite
//! root/client/<name>/            identity, lock, known_servers
//! root/client/<name>/<server>/   store.sqlite, history.sqlite
//! ```
//! A name is its folded form, percent-encoded; a server is the fingerprint of its key.

use std::{
    io,
    path::{Path, PathBuf},
};

use chat_core::{crypto::Identity, id::PublicKey, name::Name};

use crate::{
    files, identity, known_servers::KnownServers, lock::Lock, percent, random::NoRandomness,
};

/// Why what was kept cannot be used. The text names the file and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DirectoryError {
    /// Another process has it.
    #[error("{path} is in use by another process")]
    InUse {
        /// The directory.
        path: PathBuf,
    },
    /// The system does not let this user read or write.
    #[error("{path}: no permission to read and write it; check its owner and mode")]
    NotPermitted {
        /// The file or directory.
        path: PathBuf,
    },
    /// Nothing can be written there.
    #[error("{path} cannot be written: the file system is read-only")]
    ReadOnly {
        /// The file or directory.
        path: PathBuf,
    },
    /// No space is left.
    #[error("{path} cannot be written: no space is left")]
    Full {
        /// The file or directory.
        path: PathBuf,
    },
    /// A secret can be read by other users.
    #[error("{path} can be read by other users (mode {mode:03o}); if they are trusted: chmod 600")]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// The content is not what it should be.
    #[error("{path} is damaged ({what}); put a copy back, or move it away to begin anew")]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// The file was written by a later version of this program.
    #[error("{path} was written by a later version of this program (format {found}, not {known})")]
    TooNew {
        /// The file.
        path: PathBuf,
        /// The version of its format.
        found: i64,
        /// The latest version that is understood.
        known: i64,
    },
    /// Anything else that the system reports.
    #[error("{path}: {source}")]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A seed cannot be drawn.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
}

impl DirectoryError {
    pub(crate) fn from_io(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::PermissionDenied => Self::NotPermitted { path },
            io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly { path },
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full { path },
            _ => Self::Io { path, source },
        }
    }
}

/// The directory of one server or client, held by this process.
#[derive(Debug)]
pub(crate) struct Directory {
    path: PathBuf,
    _lock: Lock,
}

/// The file with the secret key.
pub(crate) const IDENTITY: &str = "identity";
/// The file with the store of a server.
pub(crate) const SERVER_STORE: &str = "store.sqlite";

impl Directory {
    /// Where the server on `port` keeps everything.
    pub(crate) fn server_path(root: &Path, port: u16) -> PathBuf {
        root.join("server").join(port.to_string())
    }

    /// The directory of the server on `port`.
    pub(crate) fn server(root: &Path, port: u16) -> Result<Self, DirectoryError> {
        Self::open(Self::server_path(root, port))
    }

    /// The directory of the client called `name`.
    pub(crate) fn client(root: &Path, name: &Name) -> Result<Self, DirectoryError> {
        Self::open(Self::client_path(root, name))
    }

    /// Where the client called `name` keeps everything.
    pub(crate) fn client_path(root: &Path, name: &Name) -> PathBuf {
        let encoded = percent::encode(name.folded(), b"_-");
        root.join("client").join(encoded)
    }

    fn open(path: PathBuf) -> Result<Self, DirectoryError> {
        files::make_directory(&path)?;
        let lock = Lock::take(&path)?;
        Ok(Self { path, _lock: lock })
    }

    /// The identity that is kept here, made when it is first asked for.
    pub(crate) fn identity(&self) -> Result<Identity, DirectoryError> {
        identity::load_or_create(&self.identity_path())
    }

    /// The file with the secret key.
    pub(crate) fn identity_path(&self) -> PathBuf {
        self.path.join(IDENTITY)
    }

    /// The servers that this client trusts.
    pub(crate) fn known_servers(&self) -> Result<KnownServers, DirectoryError> {
        KnownServers::load(self.path.join("known_servers"))
    }

    /// The file for the store of a server.
    pub(crate) fn server_store(&self) -> PathBuf {
        self.path.join(SERVER_STORE)
    }

    /// The files for the stores of this client.
    pub(crate) fn client_stores(&self) -> ClientStores {
        ClientStores {
            directory: self.path.clone(),
        }
    }
}

/// Where a client's stores are.
#[derive(Debug)]
pub(crate) struct ClientStores {
    directory: PathBuf,
}

impl ClientStores {
    /// The file for the store at the server with this key.
    pub(crate) fn of(&self, key: PublicKey) -> Result<PathBuf, DirectoryError> {
        self.file_of(key, "store.sqlite")
    }

    /// The file for the history at the server with this key.
    pub(crate) fn history_of(&self, key: PublicKey) -> Result<PathBuf, DirectoryError> {
        self.file_of(key, "history.sqlite")
    }

    fn file_of(&self, key: PublicKey, name: &str) -> Result<PathBuf, DirectoryError> {
        let directory = self.directory.join(key.fingerprint().to_string());
        files::make_directory(&directory)?;
        Ok(directory.join(name))
    }
}

#[cfg(test)]
mod tests;
