//! The client for people: its events on stdout, the user's commands from stdin.

mod archive;
mod delivery;
mod user;

use std::{
    io::{self, IsTerminal},
    os::fd::AsFd,
    process::ExitCode,
};

use chat_core::{
    client::{Command, Ended},
    name::Name,
};
use chat_mio::{ClientLoop, ClientSetup, DirectoryError, SetupError};
use signal_hook::consts::{SIGCONT, SIGWINCH};

use crate::{
    address::ServerAddress,
    arguments::Options,
    data,
    failure::Failure,
    lines::{self, Lines},
    screen::Screen,
    terminal::Terminal,
};

pub(crate) use user::{Source, User};

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
    let is_terminal = !options.json && io::stdin().is_terminal() && io::stdout().is_terminal();
    let mut setup = setup(name, server, &options)?;
    setup.port = client_port;
    if is_terminal {
        setup.signals = vec![SIGWINCH, SIGCONT];
    }
    let mut client = start(setup)?;
    let mut user = if is_terminal {
        let stdin = io::stdin();
        let watched = client.event_loop().register(stdin.as_fd(), STDIN);
        watched.map_err(Failure::Terminal)?;
        let terminal = Terminal::start(options.look).map_err(Failure::Terminal)?;
        User::new(Screen::Terminal(terminal), Source::Terminal, &options)
    } else {
        let lines = Lines::read(io::stdin(), client.event_loop().waker());
        let lines = lines.map_err(Failure::Input)?;
        User::new(Screen::Pipe, Source::Lines(lines), &options)
    };
    loop {
        user.keep_history(client.history_files());
        match client.run(&mut user)? {
            Ended::SwitchUser => {
                if let Err((name, error)) = client.switch_user() {
                    let line = failure(error, name).to_string();
                    user.note(&mut client.event_loop().control(), line);
                }
            }
            Ended::Normally if !user.has_failed() => return Ok(ExitCode::SUCCESS),
            _ => return Ok(ExitCode::FAILURE),
        }
    }
}

/// Sends one message, and shows what else there is to be shown meanwhile. The exit code tells what
/// became of the message.
///
/// # Errors
/// If the client cannot be started or cannot go on, or there is no message.
pub(crate) fn send(
    name: Name,
    server: ServerAddress,
    to: Name,
    message: Option<String>,
    options: Options,
) -> Result<ExitCode, Failure> {
    let text = match message {
        Some(text) => text,
        None => lines::read_message(io::stdin()).map_err(Failure::Input)?,
    };
    if text.is_empty() {
        return Err(Failure::NoMessage);
    }
    let mut client = start(setup(name, server, &options)?)?;
    let send = Command::Send { to, text };
    let mut user = User::new(Screen::Pipe, Source::None, &options);
    user.keep_history(client.history_files());
    user.do_only(send);
    let ended = client.run(&mut user)?;
    Ok(match ended {
        Ended::Normally | Ended::Owing(_) => user.delivery(),
        _ => ExitCode::FAILURE,
    })
}

fn setup(name: Name, server: ServerAddress, options: &Options) -> Result<ClientSetup, Failure> {
    let mut setup = ClientSetup::new(name, server.address);
    setup.server_as_typed = server.typed;
    setup.server_fingerprint = options.server_key;
    setup.listen = options.listen;
    setup.data = data::directory(options)?;
    setup.silent_exit = options.silent_exit;
    Ok(setup)
}

fn start(setup: ClientSetup) -> Result<ClientLoop, Failure> {
    let name = setup.name.clone();
    ClientLoop::new(setup).map_err(|error| failure(error, name))
}

fn failure(error: SetupError, name: Name) -> Failure {
    match error {
        SetupError::Directory(DirectoryError::InUse { .. }) => Failure::AlreadyRunning(name),
        error => error.into(),
    }
}
