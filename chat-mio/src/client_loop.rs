//! A client with its socket, its files and its signals.

use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
};

use chat_core::{
    client::{Client, Ended, Event, Options},
    config::ClientConfig,
    crypto::Identity,
    id::{Fingerprint, Path, PublicKey},
    name::Name,
    store::MemoryStore,
    time::{Duration, Now},
};

use crate::{
    directory::{Directory, DirectoryError},
    event_loop::{Control, EventLoop, Frontend, OpenStore, Parts, Patience, RunError},
    history::HistoryFiles,
    known_servers::KnownServers,
    random,
    setup::SetupError,
    socket::Socket,
    sqlite::SqliteStore,
};

/// What a client is started with.
#[derive(Debug, Clone)]
pub struct ClientSetup {
    /// The name to be registered at once.
    pub name: Name,
    /// Where the server is.
    pub server: SocketAddr,
    /// The server's address as the user typed it, with the port: its key is remembered under it.
    pub server_as_typed: String,
    /// The fingerprint that the server's key must have.
    pub server_fingerprint: Option<Fingerprint>,
    /// The client's own port; zero takes any free one.
    pub port: u16,
    /// The local address to be bound; all of them if none is given.
    pub listen: Option<IpAddr>,
    /// The root of what is kept on disk; nothing is if there is none, and the name is freed at
    /// the end.
    pub data: Option<PathBuf>,
    /// Leave without telling the server.
    pub silent_exit: bool,
    /// Signals that [`Frontend::signal`] gets besides SIGINT, SIGTERM and SIGHUP.
    pub signals: Vec<i32>,
    /// Limits and times.
    pub config: ClientConfig,
}

impl ClientSetup {
    /// A client called `name` at `server`, with the defaults: any port, nothing kept on disk.
    pub fn new(name: Name, server: SocketAddr) -> Self {
        Self {
            name,
            server,
            server_as_typed: server.to_string(),
            server_fingerprint: None,
            port: 0,
            listen: None,
            data: None,
            silent_exit: false,
            signals: Vec::new(),
            config: ClientConfig::default(),
        }
    }
}

/// A client that runs. Commands go in through [`Frontend`]'s [`Control`].
pub struct ClientLoop {
    event_loop: EventLoop<Client>,
    setup: ClientSetup,
    known: Option<KnownServers>,
    /// Held for its lock too.
    directory: Option<Directory>,
}

impl ClientLoop {
    /// Takes the files, binds the socket, and makes a client that registers once it runs.
    ///
    /// # Errors
    /// If the files are in use or cannot be used, or the port is taken.
    pub fn new(setup: ClientSetup) -> Result<Self, SetupError> {
        let user = User::new(&setup)?;
        let socket = Socket::bind(setup.listen, setup.port)?;
        let parts = Parts::new(socket, &setup.signals)?;
        let patience = Patience {
            after_leave: setup.config.leave_timeout * 2 + Duration::from_millis(500),
            hangup_leaves: true,
        };
        let client = user.client(&setup, parts.clock.now(), false)?;
        Ok(Self {
            event_loop: EventLoop::new(parts, client, user.open, patience),
            setup,
            known: user.known,
            directory: user.directory,
        })
    }

    /// Runs until the client has ended, and tells how. After [`Ended::SwitchUser`],
    /// [`Self::switch_user`] goes on.
    ///
    /// # Errors
    /// If the system's readiness queue fails or the files cannot be used.
    pub fn run(&mut self, frontend: &mut dyn Frontend<Client>) -> Result<Ended, RunError> {
        let mut remember = Remember {
            frontend,
            known: self.known.as_mut(),
            address: &self.setup.server_as_typed,
            failure: None,
        };
        let ended = self.event_loop.run(&mut remember)?;
        match remember.failure {
            Some(failure) => Err(failure.into()),
            // It was told to leave by a signal, which ends it normally in any case.
            None => Ok(ended.unwrap_or(Ended::Normally)),
        }
    }

    /// Becomes the user that a `Register` asked for, after [`Ended::SwitchUser`]: another identity,
    /// other files; the same socket and sources. Commands that have not begun are handed over.
    ///
    /// # Errors
    /// If the other user's files are in use or cannot be used: who it is, and why. The client can
    /// run on as it is.
    pub fn switch_user(&mut self) -> Result<(), (Name, SetupError)> {
        let Control { machine, now, .. } = self.event_loop.control();
        let Some(name) = machine.wanted_user().cloned() else {
            return Ok(());
        };
        let setup = ClientSetup {
            name,
            ..self.setup.clone()
        };
        let made = User::new(&setup).and_then(|user| Ok((user.client(&setup, now, true)?, user)));
        let (client, user) = match made {
            Ok(made) => made,
            Err(error) => {
                machine.stay(now);
                return Err((setup.name, error));
            }
        };
        // The first is the command that asked for this.
        let commands = machine.take_commands().into_iter().skip(1);
        self.event_loop.replace(client, user.open);
        self.setup = setup;
        self.known = user.known;
        self.directory = user.directory;
        for command in commands {
            // There are no more of them than a client takes.
            let _ = self
                .event_loop
                .control()
                .machine
                .handle_command(now, command);
        }
        Ok(())
    }

    /// Where the user's history is, if anything is kept on disk.
    pub fn history_files(&self) -> Option<HistoryFiles> {
        let directory = self.directory.as_ref()?;
        Some(HistoryFiles(directory.client_stores()))
    }

    /// The user's name.
    pub fn name(&self) -> &Name {
        &self.setup.name
    }

    /// The loop: its waker, its sources, its client.
    pub fn event_loop(&mut self) -> &mut EventLoop<Client> {
        &mut self.event_loop
    }
}

/// What belongs to one user of the program.
struct User {
    identity: Identity,
    server_key: Option<PublicKey>,
    directory: Option<Directory>,
    known: Option<KnownServers>,
    open: OpenStore,
}

impl User {
    fn new(setup: &ClientSetup) -> Result<Self, SetupError> {
        let Some(root) = &setup.data else {
            return Ok(Self {
                identity: Identity::from_seed(&random::seed()?),
                server_key: None,
                directory: None,
                known: None,
                open: Box::new(|_, _| Ok(Box::new(MemoryStore::new()))),
            });
        };
        let directory = Directory::client(root, &setup.name)?;
        let known = directory.known_servers()?;
        let paths = directory.client_stores();
        Ok(Self {
            identity: directory.identity()?,
            server_key: known.get(&setup.server_as_typed),
            directory: Some(directory),
            known: Some(known),
            open: Box::new(move |key, now| Ok(Box::new(SqliteStore::open(&paths.of(key)?, now)?))),
        })
    }

    fn client(&self, setup: &ClientSetup, now: Now, switched: bool) -> Result<Client, SetupError> {
        let options = Options {
            name: setup.name.clone(),
            identity: self.identity.clone(),
            server: Path::to(setup.server),
            server_key: self.server_key,
            server_fingerprint: setup.server_fingerprint,
            ephemeral: setup.data.is_none(),
            switched,
            silent_exit: setup.silent_exit,
            seed: random::seed()?,
            config: setup.config.clone(),
        };
        Ok(Client::new(now, options))
    }
}

/// Writes down which server is trusted before anybody is shown that it is.
struct Remember<'a> {
    frontend: &'a mut dyn Frontend<Client>,
    known: Option<&'a mut KnownServers>,
    address: &'a str,
    failure: Option<DirectoryError>,
}

impl Frontend<Client> for Remember<'_> {
    fn event(&mut self, control: &mut Control<'_, Client>, event: Event) {
        if let (Event::ServerTrusted { key }, Some(known)) = (&event, &mut self.known)
            && let Err(error) = known.insert(self.address, *key)
        {
            self.failure = Some(error);
            control.machine.leave(control.now);
            return;
        }
        self.frontend.event(control, event);
    }

    fn readable(&mut self, control: &mut Control<'_, Client>, source: usize) {
        self.frontend.readable(control, source);
    }

    fn signal(&mut self, control: &mut Control<'_, Client>, signal: i32) {
        self.frontend.signal(control, signal);
    }

    fn turn(&mut self, control: &mut Control<'_, Client>) {
        self.frontend.turn(control);
    }
}
