//! A server with its socket, its files and its signals.

use std::{net::IpAddr, path::PathBuf};

use chat_core::{
    config::ServerConfig,
    crypto::Identity,
    server::{Options, Server},
    store::MemoryStore,
    time::Duration,
};

use crate::{
    directory::Directory,
    event_loop::{EventLoop, Frontend, OpenStore, Parts, Patience, RunError},
    random,
    setup::SetupError,
    socket::Socket,
    sqlite::SqliteStore,
};

/// How long a server that was asked to stop may take.
const STOP_TIME: Duration = Duration::from_secs(5);

/// What a server is started with.
#[derive(Debug, Clone)]
pub struct ServerSetup {
    /// The port; zero takes any free one.
    pub port: u16,
    /// The local address to be bound; all of them if none is given.
    pub listen: Option<IpAddr>,
    /// The root of what is kept on disk; nothing is if there is none.
    pub data: Option<PathBuf>,
    /// Signals that [`Frontend::signal`] gets besides SIGINT, SIGTERM and SIGHUP.
    pub signals: Vec<i32>,
    /// Limits and times.
    pub config: ServerConfig,
}

impl ServerSetup {
    /// A server on `port` with the defaults: all addresses, nothing kept on disk.
    pub fn new(port: u16) -> Self {
        Self {
            port,
            listen: None,
            data: None,
            signals: Vec::new(),
            config: ServerConfig::default(),
        }
    }
}

/// A server that runs.
pub struct ServerLoop {
    event_loop: EventLoop<Server>,
    /// Held for its lock.
    _directory: Option<Directory>,
}

impl ServerLoop {
    /// Binds the socket, takes the files, and makes a server that serves once it runs.
    ///
    /// # Errors
    /// If the port is taken, or the files are in use or cannot be used.
    pub fn new(setup: ServerSetup) -> Result<Self, SetupError> {
        let socket = Socket::bind(setup.listen, setup.port)?;
        let parts = Parts::new(socket, &setup.signals)?;
        let (identity, directory, open): (_, _, OpenStore) = match &setup.data {
            None => (
                Identity::from_seed(&random::seed()?),
                None,
                Box::new(|_, _| Ok(Box::new(MemoryStore::new()))),
            ),
            Some(root) => {
                let directory = Directory::server(root, parts.socket.address().port())?;
                let identity = directory.identity()?;
                // Opened here, so that what is wrong with it is known before anything is served.
                let path = directory.server_store();
                let mut store = Some(SqliteStore::open(&path, parts.clock.now())?);
                let open: OpenStore = Box::new(move |_, now| match store.take() {
                    Some(store) => Ok(Box::new(store)),
                    None => Ok(Box::new(SqliteStore::open(&path, now)?)),
                });
                (identity, Some(directory), open)
            }
        };
        let options = Options {
            identity,
            seed: random::seed()?,
            config: setup.config,
        };
        let server = Server::new(parts.clock.now(), options);
        let patience = Patience {
            after_leave: STOP_TIME,
            hangup_leaves: false,
        };
        Ok(Self {
            event_loop: EventLoop::new(parts, server, open, patience),
            _directory: directory,
        })
    }

    /// Runs until the server has stopped.
    ///
    /// # Errors
    /// If the system's readiness queue fails or the store cannot be used.
    pub fn run(&mut self, frontend: &mut dyn Frontend<Server>) -> Result<(), RunError> {
        self.event_loop.run(frontend).map(Option::unwrap_or_default)
    }

    /// The loop: its waker, its sources, its server.
    pub fn event_loop(&mut self) -> &mut EventLoop<Server> {
        &mut self.event_loop
    }
}

/// Runs a server until it has stopped.
///
/// # Errors
/// As [`ServerLoop::new`] and [`ServerLoop::run`].
pub fn run_server(
    setup: ServerSetup,
    frontend: &mut dyn Frontend<Server>,
) -> Result<(), crate::Error> {
    Ok(ServerLoop::new(setup)?.run(frontend)?)
}
