//! The command line: one meaning, however it is spelled.
//!
//! `server` and `client` are subcommands with the flags `-s` and `-c` as other names, and what they
//! take may be given by position or by option. What is wrong with a value is said in a fixed line.

mod config_file;
mod printed;

use std::{
    env,
    net::{IpAddr, SocketAddr},
    path::PathBuf,
};

use chat_core::{
    config::{PORTS, ServerConfig},
    id::Fingerprint,
    name::Name,
    text::Neutral,
};
use clap::{ArgMatches, Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use crate::{
    address::ServerAddress,
    failure::Failure,
    terminal::{Look, Theme},
};
use config_file::ConfigFile;

const SERVER_USAGE: &str = "\
chat-cli server [OPTIONS] <PORT>
       chat-cli server [OPTIONS] -p <PORT>
       chat-cli -s <PORT> [OPTIONS]";

const CLIENT_USAGE: &str = "\
chat-cli client [OPTIONS] <NAME> <SERVER-IP> <SERVER-PORT> [CLIENT-PORT]
       chat-cli client [OPTIONS] -n <NAME> -i <SERVER-IP> -p <SERVER-PORT> [-c <CLIENT-PORT>]
       chat-cli -c <NAME> <SERVER-IP> <SERVER-PORT> [CLIENT-PORT] [OPTIONS]";

const SEND_HELP: &str = "\
Without a message, it is what comes on standard input, without the last line break.

Exit codes: 0 the recipient has it, 3 the server keeps it for the recipient, 4 it is kept here until
this user is online again, 1 it was not sent, 2 wrong usage.";

/// A chat that keeps working when the server does not: messages go directly from client to client.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true)]
struct CommandLine {
    #[command(subcommand)]
    form: Form,
    #[command(flatten)]
    options: RawOptions,
}

#[derive(Debug, Subcommand)]
enum Form {
    /// Run a server.
    #[command(short_flag = 's', override_usage = SERVER_USAGE)]
    Server(ServerForm),
    /// Run the client of one user.
    #[command(short_flag = 'c', override_usage = CLIENT_USAGE)]
    Client(ClientForm),
    /// Send one message; the exit code tells what became of it.
    #[command(after_help = SEND_HELP)]
    Send(SendForm),
    /// Take part in a chat over a bad network inside this program: no ports, no files.
    Demo {
        /// What happens to datagrams follows from this number
        #[arg(long, value_name = "N", default_value_t = 1)]
        seed: u64,
    },
    /// Show the main job on this machine: a server, three users, a crash; ends by itself.
    Tour,
    /// Look for what may be wrong here: disk, keys, clock, sockets, and the way to a server.
    Doctor {
        /// The address of a server: IPv4, IPv6, or a name that resolves
        #[arg(value_name = "SERVER-IP", requires = "port")]
        server: Option<String>,
        /// The server's port
        #[arg(value_name = "SERVER-PORT", allow_negative_numbers = true)]
        port: Option<String>,
        /// Another server, or a client that is online: tells what kind of NAT is on the way
        #[arg(long, value_name = "IP:PORT", requires = "server")]
        also: Option<SocketAddr>,
    },
    /// Show a user's identity, or take it to another machine.
    Identity {
        #[command(subcommand)]
        form: IdentityForm,
    },
    /// What the program is configured to do.
    Config {
        #[command(subcommand)]
        form: ConfigForm,
    },
    /// Print a script that completes this program's command line in a shell.
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the manual page: chat-cli manual | man -l -
    Manual,
}

#[derive(Debug, Subcommand)]
enum ConfigForm {
    /// Print every option and limit with its value and where it comes from, as a configuration file.
    Show,
}

/// What is to be done with an identity.
#[derive(Debug, PartialEq, Eq, Subcommand)]
pub(crate) enum IdentityForm {
    /// Print the fingerprint
    Show {
        /// The user's name
        name: Name,
    },
    /// Print the identity under a passphrase, which is asked for (or is CHAT_PASSPHRASE)
    Export {
        /// The user's name
        name: Name,
        /// As 24 words, without a passphrase
        #[arg(long)]
        words: bool,
    },
    /// Take an identity from standard input: what was exported, or 24 words
    Import {
        /// The user's name
        name: Name,
    },
}

#[derive(Debug, Args)]
struct ServerForm {
    /// The port to listen on, 1024 to 65535
    #[arg(
        value_name = "PORT",
        required_unless_present = "port_option",
        allow_negative_numbers = true
    )]
    port: Option<String>,
    /// The same as an option
    #[arg(
        short = 'p',
        long = "port",
        value_name = "PORT",
        conflicts_with = "port",
        allow_negative_numbers = true
    )]
    port_option: Option<String>,
}

#[derive(Debug, Args)]
struct ClientForm {
    /// The user's name: 1 to 32 letters, digits, '_', '-', '.'
    #[arg(value_name = "NAME", required_unless_present = "name_option")]
    name: Option<String>,
    /// The server's address: IPv4, IPv6, or a name that resolves
    #[arg(value_name = "SERVER-IP", required_unless_present = "server_option")]
    server: Option<String>,
    /// The server's port
    #[arg(
        value_name = "SERVER-PORT",
        required_unless_present = "port_option",
        allow_negative_numbers = true
    )]
    port: Option<String>,
    /// The port of this client; any free one if it is left out
    #[arg(value_name = "CLIENT-PORT", allow_negative_numbers = true)]
    client_port: Option<String>,
    /// The user's name as an option
    #[arg(
        short = 'n',
        long = "name",
        value_name = "NAME",
        conflicts_with = "name"
    )]
    name_option: Option<String>,
    /// The server's address as an option
    #[arg(
        short = 'i',
        long = "server",
        value_name = "SERVER-IP",
        conflicts_with = "server"
    )]
    server_option: Option<String>,
    /// The server's port as an option
    #[arg(
        short = 'p',
        long = "port",
        value_name = "SERVER-PORT",
        conflicts_with = "port",
        allow_negative_numbers = true
    )]
    port_option: Option<String>,
    /// The client's port as an option
    #[arg(
        short = 'c',
        long = "client-port",
        value_name = "CLIENT-PORT",
        conflicts_with = "client_port",
        allow_negative_numbers = true
    )]
    client_port_option: Option<String>,
    /// One JSON object a line: commands on stdin, events on stdout
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct SendForm {
    /// The sender's name
    #[arg(value_name = "NAME")]
    name: String,
    /// The server's address: IPv4, IPv6, or a name that resolves
    #[arg(value_name = "SERVER-IP")]
    server: String,
    /// The server's port
    #[arg(value_name = "SERVER-PORT", allow_negative_numbers = true)]
    port: String,
    /// The recipient's name
    #[arg(value_name = "TO")]
    to: String,
    /// The message; several words are joined by blanks
    #[arg(value_name = "MESSAGE")]
    message: Vec<String>,
    /// One JSON object a line: events on stdout
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct RawOptions {
    /// Take defaults from this file [default: chat/config.toml in the user's configuration]
    #[arg(long, value_name = "FILE", global = true, env = "CHAT_CONFIG")]
    config: Option<PathBuf>,
    /// Keep everything below this directory [default: the user's data directory]
    #[arg(long, value_name = "DIR", global = true, env = "CHAT_DATA")]
    data: Option<PathBuf>,
    /// Keep nothing on disk
    #[arg(long, global = true)]
    ephemeral: bool,
    /// Listen on this address only [default: all addresses, IPv4 and IPv6]
    #[arg(long, value_name = "IP", global = true, env = "CHAT_LISTEN")]
    listen: Option<String>,
    /// The fingerprint that the server's key must have
    #[arg(
        long,
        value_name = "FINGERPRINT",
        global = true,
        env = "CHAT_SERVER_KEY"
    )]
    server_key: Option<Fingerprint>,
    /// Leave without telling the server
    #[arg(long, global = true)]
    silent_exit: bool,
    /// A server's metrics for Prometheus are at http://ADDRESS/metrics
    #[arg(long, value_name = "ADDRESS", global = true, env = "CHAT_METRICS")]
    metrics: Option<SocketAddr>,
    /// The colours of a client's terminal; none if NO_COLOR is set
    #[arg(
        long,
        value_name = "THEME",
        default_value = "dark",
        global = true,
        env = "CHAT_THEME"
    )]
    theme: Theme,
    /// On a terminal, begin each event with the time
    #[arg(long, global = true)]
    timestamps: bool,
    /// Do not ring the terminal's bell when a message comes
    #[arg(long, global = true)]
    no_bell: bool,
    /// How the log on stderr is written
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "text",
        global = true,
        env = "CHAT_LOG_FORMAT"
    )]
    log_format: LogFormat,
    /// What is logged on stderr
    #[arg(
        long,
        value_name = "LEVEL",
        default_value = "warn",
        global = true,
        env = "CHAT_LOG_LEVEL"
    )]
    log_level: LogLevel,
}

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object a line.
    Json,
}

/// The least severe level that is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogLevel {
    Off,
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

/// What the command line asks for, checked.
#[derive(Debug)]
pub(crate) struct Arguments {
    pub(crate) mode: Mode,
    pub(crate) options: Options,
}

/// What to run.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Server {
        port: u16,
    },
    Client {
        name: Name,
        server: ServerAddress,
        /// Zero: any free port.
        client_port: u16,
    },
    Send {
        name: Name,
        server: ServerAddress,
        to: Name,
        /// What to send, if it is not on standard input.
        message: Option<String>,
    },
    Identity(IdentityForm),
    Doctor {
        server: Option<ServerAddress>,
        also: Option<SocketAddr>,
    },
    Demo {
        seed: u64,
    },
    Tour,
    /// Print this, and nothing else.
    Print(Vec<u8>),
}

/// The options that every form takes.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) data: Option<PathBuf>,
    pub(crate) ephemeral: bool,
    pub(crate) listen: Option<IpAddr>,
    pub(crate) server_key: Option<Fingerprint>,
    pub(crate) silent_exit: bool,
    pub(crate) json: bool,
    pub(crate) metrics: Option<SocketAddr>,
    pub(crate) look: Look,
    /// The limits of a server.
    pub(crate) server_config: ServerConfig,
    pub(crate) log_format: LogFormat,
    pub(crate) log_level: LogLevel,
}

impl Arguments {
    /// Reads the command line of this process, the environment and the configuration file; clap
    /// itself answers help, version and wrong usage, and exits.
    ///
    /// # Errors
    /// With the fixed line for a port, name or address that is none, and if the configuration file
    /// cannot be used.
    pub(crate) fn from_command_line() -> Result<Self, Failure> {
        let named = CommandLine::parse().options.config;
        let command = CommandLine::command();
        let file = ConfigFile::read(named.as_deref(), &command)?;
        let matches = file.as_defaults(command).get_matches();
        let line = CommandLine::from_arg_matches(&matches);
        let line = line.unwrap_or_else(|error| error.exit());
        Self::check(line, &file, &matches)
    }

    fn check(line: CommandLine, file: &ConfigFile, matches: &ArgMatches) -> Result<Self, Failure> {
        let CommandLine { form, options } = line;
        let json = match &form {
            Form::Client(form) => form.json,
            Form::Send(form) => form.json,
            _ => false,
        };
        let listen = options.listen.map(|ip| ip.parse()).transpose();
        let options = Options {
            data: options.data,
            ephemeral: options.ephemeral,
            listen: listen.map_err(|_| Failure::InvalidAddress)?,
            server_key: options.server_key,
            silent_exit: options.silent_exit,
            json,
            metrics: options.metrics,
            look: Look {
                // https://no-color.org
                theme: match env::var_os("NO_COLOR") {
                    Some(set) if !set.is_empty() => Theme::None,
                    _ => options.theme,
                },
                timestamps: options.timestamps,
                bell: !options.no_bell,
            },
            server_config: file.server_config(),
            log_format: options.log_format,
            log_level: options.log_level,
        };
        let mode = match form {
            Form::Server(form) => Mode::Server {
                port: port(given(form.port, form.port_option))?,
            },
            Form::Client(form) => client(form)?,
            Form::Send(form) => send(form)?,
            Form::Demo { seed } => Mode::Demo { seed },
            Form::Tour => Mode::Tour,
            Form::Identity { form } => Mode::Identity(form),
            Form::Doctor {
                server: host,
                port,
                also,
            } => Mode::Doctor {
                also,
                server: match (host, port.map(self::port).transpose()?) {
                    (Some(host), Some(port)) => Some(self::server(&host, port)?),
                    _ => None,
                },
            },
            Form::Config {
                form: ConfigForm::Show,
            } => Mode::Print(printed::configuration(file, matches)),
            Form::Completions { shell } => Mode::Print(printed::completions(shell)),
            Form::Manual => Mode::Print(printed::manual().map_err(Failure::Output)?),
        };
        Ok(Self { mode, options })
    }
}

fn client(form: ClientForm) -> Result<Mode, Failure> {
    let name = given(form.name, form.name_option);
    let server_port = port(given(form.port, form.port_option))?;
    let client_port = form.client_port.or(form.client_port_option);
    let client_port = client_port.map_or(Ok(0), port)?;
    let host = given(form.server, form.server_option);
    Ok(Mode::Client {
        name: user(&name)?,
        server: server(&host, server_port)?,
        client_port,
    })
}

fn send(form: SendForm) -> Result<Mode, Failure> {
    let server_port = port(form.port)?;
    let message = form.message.join(" ");
    Ok(Mode::Send {
        name: user(&form.name)?,
        server: server(&form.server, server_port)?,
        to: user(&form.to)?,
        message: (!message.is_empty()).then_some(message),
    })
}

fn user(name: &str) -> Result<Name, Failure> {
    let invalid = |_| Failure::InvalidName(Neutral(name).to_string());
    name.parse().map_err(invalid)
}

fn server(host: &str, port: u16) -> Result<ServerAddress, Failure> {
    ServerAddress::resolve(host, port).ok_or(Failure::InvalidAddress)
}

/// The value that was given, by position or as an option: clap has seen to it that one was.
fn given(position: Option<String>, option: Option<String>) -> String {
    position.or(option).unwrap_or_default()
}

fn port(text: String) -> Result<u16, Failure> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let port = text.parse().ok().filter(|port| PORTS.contains(port));
    port.filter(|_| is_number).ok_or(Failure::InvalidPort)
}

#[cfg(test)]
mod tests;
