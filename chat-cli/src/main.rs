//! The chat for people: arguments, terminal, pipes.

mod address;
mod arguments;
mod client;
mod commands;
mod data;
mod demo;
mod doctor;
mod failure;
mod identity;
mod json;
mod lines;
mod local_time;
mod log;
mod metrics;
mod operator_terminal;
mod output;
mod screen;
mod server;
mod terminal;
mod tour;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use arguments::{Arguments, IdentityForm, Mode};
use failure::Failure;

fn main() -> ExitCode {
    run().unwrap_or_else(|failure| {
        // If nobody sees it, the exit code tells.
        let _ = terminal::write_stderr(format!("{failure}\n").as_bytes());
        failure.exit_code()
    })
}

fn run() -> Result<ExitCode, Failure> {
    let Arguments { mode, options } = Arguments::from_command_line()?;
    log::start(&options);
    match mode {
        Mode::Server { port } => server::run(port, options),
        Mode::Client {
            name,
            server,
            client_port,
        } => client::run(name, server, client_port, options),
        Mode::Send {
            name,
            server,
            to,
            message,
        } => client::send(name, server, to, message, options),
        Mode::Doctor { server, also } => doctor::run(server.as_ref(), also, &options),
        Mode::Identity(form) => match form {
            IdentityForm::Show { name } => identity::show(&name, &options),
            IdentityForm::Export { name, words } => identity::export(&name, words, &options),
            IdentityForm::Import { name } => identity::import(&name, &options),
        },
        Mode::Print(text) => {
            io::stdout().write_all(&text).map_err(Failure::Output)?;
            Ok(ExitCode::SUCCESS)
        }
        Mode::Demo { seed } => demo::run(seed, &options),
        Mode::Tour => {
            tour::run()?;
            Ok(ExitCode::SUCCESS)
        }
    }
}
