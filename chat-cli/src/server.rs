//! The server for people: its events on stdout, the operator's commands from stdin.

use std::{
    io::{self, IsTerminal},
    net::SocketAddr,
    process::ExitCode,
};

use chat_core::{
    server::{Command, Event, Server},
    text::{English, Neutral},
};
use chat_mio::{Control, Frontend, ServerLoop, ServerSetup};
use signal_hook::consts::SIGHUP;

use crate::{
    arguments::{Arguments, Options},
    data,
    failure::Failure,
    lines::{Input, Lines},
    local_time::local_time,
    log,
    metrics::Metrics,
    operator_terminal::OperatorTerminal,
    output::Output,
};

/// The operator's terminal among the sources of the loop.
const STDIN: usize = 0;

const HELP: &str = "\
peers                    who is there, and where
groups                   all groups
help                     this list
quit                     stop the server";

/// Runs a server until it is told to stop.
///
/// # Errors
/// If it cannot be started or cannot go on.
pub(crate) fn run(port: u16, options: Options) -> Result<ExitCode, Failure> {
    let mut setup = ServerSetup::new(port);
    setup.listen = options.listen;
    setup.data = data::directory(&options)?;
    setup.config = options.server_config.clone();
    let mut server = ServerLoop::new(setup)?;
    let mut operator = Operator {
        input: OperatorInput::None,
        output: Output::start(io::stdout()).map_err(Failure::Input)?,
        address: server.event_loop().local_address(),
        awaited: false,
        metrics: None,
    };
    if let Some(address) = options.metrics {
        let metrics = Metrics::serve(address, server.event_loop().waker());
        let failed = |error| Failure::Metrics(address, error);
        operator.metrics = Some(metrics.map_err(failed)?);
    }
    let address = operator.address;
    operator
        .output
        .show(format!("[Server started on {address}.]"));
    if io::stdin().is_terminal() {
        let terminal = OperatorTerminal::new().map_err(Failure::Input)?;
        // A terminal that cannot be watched is none to read commands from.
        if server
            .event_loop()
            .register(terminal.descriptor(), STDIN)
            .is_ok()
        {
            operator.input = OperatorInput::Terminal(terminal);
        }
    } else {
        let lines = Lines::read(io::stdin(), server.event_loop().waker());
        operator.input = OperatorInput::Lines(lines.map_err(Failure::Input)?);
    }
    let result = server.run(&mut operator);
    operator.output.finish();
    result?;
    Ok(ExitCode::SUCCESS)
}

/// Where commands come from. The end of it changes nothing.
enum OperatorInput {
    None,
    Lines(Lines),
    Terminal(OperatorTerminal),
}

impl OperatorInput {
    /// The next line, if there is one.
    fn next(&mut self) -> Option<String> {
        match self {
            Self::None => None,
            Self::Lines(lines) => match lines.next()? {
                Input::Line(line) => Some(line.text),
                Input::End => {
                    *self = Self::None;
                    None
                }
            },
            Self::Terminal(terminal) => terminal.next_line(),
        }
    }
}

struct Operator {
    input: OperatorInput,
    output: Output,
    address: SocketAddr,
    /// A command has no answer yet: the next one waits for it, so that answers come in order.
    awaited: bool,
    metrics: Option<Metrics>,
}

impl Operator {
    /// Reads the configuration again: limits and what is logged.
    fn reload(&mut self, control: &mut Control<'_, Server>) {
        let line = match Arguments::from_command_line() {
            Ok(Arguments { options, .. }) => {
                log::set_level(options.log_level);
                control.machine.set_config(options.server_config);
                "[Configuration read again.]".to_owned()
            }
            Err(failure) => failure.to_string(),
        };
        self.output.show(line);
    }

    fn obey(&mut self, control: &mut Control<'_, Server>, line: &str) {
        let mut words = line.split_whitespace();
        let Some(word) = words.next() else {
            return;
        };
        let name = word.strip_prefix('/').unwrap_or(word);
        let command = match name {
            "peers" => Some(Command::Peers),
            "groups" => Some(Command::Groups),
            "quit" => Some(Command::Stop),
            "help" => None,
            _ => {
                let word = Neutral(word);
                self.output
                    .show(format!("[Invalid command: {word}. Type help.]"));
                return;
            }
        };
        match command {
            _ if words.next().is_some() => self.output.show(format!("[Usage: {name}]")),
            Some(command) => {
                self.awaited = true;
                control.machine.handle_command(control.now, command);
            }
            None => self.output.show(HELP.into()),
        }
    }
}

impl Frontend<Server> for Operator {
    fn event(&mut self, _control: &mut Control<'_, Server>, event: Event) {
        match event {
            Event::Peers { .. } => {
                self.awaited = false;
                let address = self.address;
                self.output.show(format!("SERVER @ {address} is ONLINE"));
            }
            Event::Groups { .. } => self.awaited = false,
            _ => {}
        }
        self.output
            .show(English::new(&event, &local_time).to_string());
    }

    fn readable(&mut self, _control: &mut Control<'_, Server>, _source: usize) {
        if let OperatorInput::Terminal(terminal) = &mut self.input {
            terminal.wake();
        }
    }

    fn signal(&mut self, control: &mut Control<'_, Server>, signal: i32) {
        if signal == SIGHUP {
            self.reload(control);
        }
    }

    fn turn(&mut self, control: &mut Control<'_, Server>) {
        if let Some(metrics) = &self.metrics {
            metrics.turn(control);
        }
        while !self.awaited {
            match self.input.next() {
                Some(line) => self.obey(control, &line),
                None => return,
            }
        }
    }
}
