//! The server for people: its events on stdout, the operator's commands from stdin.

use std::{
    io::{self, IsTerminal},
    net::SocketAddr,
    path::PathBuf,
    process::ExitCode,
    thread,
};

use chat_core::{
    name::Name,
    server::{Command, Event, Server},
    text::{English, Neutral},
};
use chat_mio::{Control, Frontend, ServerLoop, ServerSetup};
use signal_hook::consts::SIGHUP;

use crate::{
    arguments::{Arguments, Options},
    commands::{split_word, without_slash},
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
kick <name>              log a client out
ban <name>               log a client out and do not let it in again
unban <name>             let it in again
bans                     who is banned
delete <name>            remove a user, its mail and its memberships
backup <directory>       copy everything that is kept, into a new directory
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
    let data = setup.data.clone();
    setup.config = options.server_config.clone();
    let mut server = ServerLoop::new(setup)?;
    let mut operator = Operator {
        input: OperatorInput::None,
        output: Output::start(io::stdout()).map_err(Failure::Input)?,
        address: server.event_loop().local_address(),
        awaited: false,
        metrics: None,
        data,
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
    /// Where everything is kept, if it is.
    data: Option<PathBuf>,
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
        let Some(parsed) = parse(line) else { return };
        match parsed {
            Ok(Order::Command(command)) => {
                self.awaited = true;
                control.machine.handle_command(control.now, command);
            }
            Ok(Order::BackUp(to)) => self.back_up(to),
            Ok(Order::Help) => self.output.show(HELP.into()),
            Err(why) => self.output.show(why),
        }
    }

    /// Copies what is kept, in a thread of its own.
    fn back_up(&mut self, to: PathBuf) {
        let Some(data) = self.data.clone() else {
            return self.output.show("[Nothing is kept on disk.]".into());
        };
        let (port, shown) = (self.address.port(), self.output.remote());
        let work = move || {
            let line = match chat_mio::back_up(&data, port, &to) {
                Ok(()) => format!("[Backup written to {}.]", to.display()),
                Err(error) => format!("[The backup failed: {error}.]"),
            };
            shown.show(line);
        };
        if let Err(error) = thread::Builder::new().name("backup".into()).spawn(work) {
            self.output.show(format!("[The backup failed: {error}.]"));
        }
    }
}

/// What an operator wants.
enum Order {
    Command(Command),
    BackUp(PathBuf),
    Help,
}

/// The order of a line, none for an empty one; or what is wrong with it, for the operator.
fn parse(line: &str) -> Option<Result<Order, String>> {
    let (word, rest) = split_word(line);
    if word.is_empty() {
        return None;
    }
    let word = without_slash(word);
    let rest = rest.trim();
    let about = |order: fn(Name) -> Command| match rest.parse() {
        Ok(name) => Ok(Order::Command(order(name))),
        Err(_) if rest.is_empty() || rest.contains(char::is_whitespace) => {
            Err(format!("[Usage: {word} <name>]"))
        }
        Err(_) => Err(format!("[Invalid name: {}.]", Neutral(rest))),
    };
    let plain = |order| match rest {
        "" => Ok(order),
        _ => Err(format!("[Usage: {word}]")),
    };
    Some(match word {
        "peers" => plain(Order::Command(Command::Peers)),
        "groups" => plain(Order::Command(Command::Groups)),
        "bans" => plain(Order::Command(Command::Bans)),
        "quit" => plain(Order::Command(Command::Stop)),
        "help" => plain(Order::Help),
        "kick" => about(|name| Command::Kick { name }),
        "ban" => about(|name| Command::Ban { name }),
        "unban" => about(|name| Command::Unban { name }),
        "delete" => about(|name| Command::Delete { name }),
        "backup" if rest.is_empty() => Err("[Usage: backup <directory>]".to_owned()),
        "backup" => Ok(Order::BackUp(rest.into())),
        _ => Err(format!("[Invalid command: {}. Type help.]", Neutral(word))),
    })
}

impl Frontend<Server> for Operator {
    fn event(&mut self, _control: &mut Control<'_, Server>, event: Event) {
        match event {
            Event::Peers { .. } => {
                self.awaited = false;
                let address = self.address;
                self.output.show(format!("SERVER @ {address} is ONLINE"));
            }
            Event::Groups { .. }
            | Event::Kicked { .. }
            | Event::Banned { .. }
            | Event::Unbanned { .. }
            | Event::Bans { .. }
            | Event::Deleted { .. }
            | Event::NoSuchClient { .. }
            | Event::NotOnline { .. } => self.awaited = false,
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
