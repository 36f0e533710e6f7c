//! The client for people: its events on stdout, the user's commands from stdin.

mod user;

use std::{
    io::{self, IsTerminal},
    os::fd::AsFd,
    process::ExitCode,
};

use chat_core::{client::Ended, name::Name};
use chat_mio::{ClientLoop, ClientSetup, DirectoryError, SetupError};
use signal_hook::consts::{SIGCONT, SIGWINCH};

use crate::{
    address::ServerAddress, arguments::Options, data, failure::Failure, lines::Lines,
    screen::Screen, terminal::Terminal,
};

use user::{Source, User};

/// The terminal among the sources of the loop.
const STDIN: usize = 0;

/// Runs a client until it has ended.
///
/// # Errors
/// If it cannot be started or cannot go on.
pub(crate) fn run(
    name: Name,
    server: ServerAddress,
    client_port: u16,
    options: Options,
) -> Result<ExitCode, Failure> {
    let is_terminal = io::stdin().is_terminal() && io::stdout().is_terminal();
    let mut setup = ClientSetup::new(name.clone(), server.address);
    setup.server_as_typed = server.typed;
    setup.server_fingerprint = options.server_key;
    setup.port = client_port;
    setup.listen = options.listen;
    setup.data = data::directory(&options)?;
    setup.silent_exit = options.silent_exit;
    if is_terminal {
        setup.signals = vec![SIGWINCH, SIGCONT];
    }
    let mut client = ClientLoop::new(setup).map_err(|error| failure(error, name))?;
    let mut user = if is_terminal {
        let stdin = io::stdin();
        let watched = client.event_loop().register(stdin.as_fd(), STDIN);
        watched.map_err(Failure::Terminal)?;
        let terminal = Terminal::start().map_err(Failure::Terminal)?;
        User::new(Screen::Terminal(terminal), Source::Terminal, &options)
    } else {
        let lines = Lines::read(io::stdin(), client.event_loop().waker());
        let lines = lines.map_err(Failure::Input)?;
        User::new(Screen::Pipe, Source::Lines(lines), &options)
    };
    loop {
        match client.run(&mut user)? {
            Ended::SwitchUser => {
                if let Err((name, error)) = client.switch_user() {
                    let line = failure(error, name).to_string();
                    user.show(&mut client.event_loop().control(), &line);
                }
            }
            Ended::Normally => return Ok(ExitCode::SUCCESS),
            _ => return Ok(ExitCode::FAILURE),
        }
    }
}

fn failure(error: SetupError, name: Name) -> Failure {
    match error {
        SetupError::Directory(DirectoryError::InUse { .. }) => Failure::AlreadyRunning(name),
        error => error.into(),
    }
}
