//! The configuration file: TOML with the names of the options, and the limits of a server.
//!
//! What it says is a default of the command line, so that clap itself sees to it that the
//! environment and the command line count more.

use std::{
    fs,
    num::{NonZeroU16, NonZeroU32, NonZeroU64, NonZeroUsize},
    path::{Path, PathBuf},
};

use chat_core::{config::ServerConfig, time::Duration};
use clap::Command;
use etcetera::BaseStrategy;
use serde::Deserialize;
use toml::{Table, Value};

use crate::failure::Failure;

/// The options that a file cannot set.
const NOT_IN_FILE: [&str; 3] = ["config", "help", "version"];
const DAY: u64 = 24 * 3_600;

/// What a configuration file says.
#[derive(Debug, Default)]
pub(crate) struct ConfigFile {
    /// Where it is, if there is one.
    pub(super) path: Option<PathBuf>,
    /// Options by their long names.
    options: Vec<(String, String)>,
    limits: Limits,
}

/// The table `[limits]`; what it does not name has its default.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Limits {
    users: Option<NonZeroUsize>,
    groups: Option<NonZeroUsize>,
    mailbox: Option<NonZeroU64>,
    group_log: Option<NonZeroU64>,
    keep_days: Option<NonZeroU16>,
    requests_per_second: Option<NonZeroU32>,
}

impl ConfigFile {
    /// Reads the file that was named, or the one in its usual place, if it is there.
    ///
    /// # Errors
    /// If it cannot be read, is no TOML, or says what nobody understands.
    pub(super) fn read(named: Option<&Path>, command: &Command) -> Result<Self, Failure> {
        let path = match named {
            Some(path) => path.to_owned(),
            None => match usual_place().filter(|path| path.exists()) {
                Some(path) => path,
                None => return Ok(Self::default()),
            },
        };
        let wrong = |why: String| Failure::Config(path.display().to_string(), why);
        let text = fs::read_to_string(&path).map_err(|error| wrong(error.to_string()))?;
        let (options, limits) = parse(&text, command).map_err(wrong)?;
        let file = Self {
            path: Some(path.clone()),
            options,
            limits,
        };
        // Each value must be one that the option takes; any command will do for that.
        let parsed = file
            .as_defaults(command.clone())
            .try_get_matches_from(["chat-cli", "tour"]);
        match parsed {
            Ok(_) => Ok(file),
            Err(error) => {
                let why = error.to_string();
                let why = why.lines().next().unwrap_or_default();
                Err(wrong(why.trim_start_matches("error: ").to_owned()))
            }
        }
    }

    /// The command line with what the file says as its defaults.
    pub(super) fn as_defaults(&self, command: Command) -> Command {
        self.options.iter().fold(command, |command, (name, value)| {
            let argument = command
                .get_arguments()
                .find(|it| it.get_long() == Some(name));
            match argument.map(|argument| argument.get_id().clone()) {
                Some(id) => command.mut_arg(id, |argument| argument.default_value(value.clone())),
                None => command,
            }
        })
    }

    /// Whether it sets an option.
    pub(super) fn sets(&self, option: &str) -> bool {
        self.options.iter().any(|(name, _)| name == option)
    }

    /// The limits of a server.
    pub(super) fn server_config(&self) -> ServerConfig {
        let (limits, mut config) = (self.limits, ServerConfig::default());
        set(&mut config.max_names, limits.users.map(NonZeroUsize::get));
        set(&mut config.max_groups, limits.groups.map(NonZeroUsize::get));
        set(&mut config.max_mailbox, limits.mailbox.map(NonZeroU64::get));
        let group_log = limits.group_log.map(NonZeroU64::get);
        set(&mut config.max_group_log, group_log);
        let days = limits.keep_days.map(|days| u64::from(days.get()));
        let expiry = days.map(|days| Duration::from_secs(days * DAY));
        set(&mut config.expiry, expiry);
        let requests = limits.requests_per_second.map(NonZeroU32::get);
        set(&mut config.requests_per_second, requests);
        config
    }
}

fn set<T>(value: &mut T, other: Option<T>) {
    if let Some(other) = other {
        *value = other;
    }
}

/// The limits of a configuration, as the table that sets them.
pub(super) fn limits_table(config: &ServerConfig) -> String {
    format!(
        "[limits]\n\
         users = {}\n\
         groups = {}\n\
         mailbox = {}\n\
         group-log = {}\n\
         keep-days = {}\n\
         requests-per-second = {}\n",
        config.max_names,
        config.max_groups,
        config.max_mailbox,
        config.max_group_log,
        config.expiry.as_secs() / DAY,
        config.requests_per_second,
    )
}

/// The long names of the options that a file can set.
pub(super) fn options(command: &Command) -> impl Iterator<Item = &str> {
    command
        .get_arguments()
        .filter_map(|argument| argument.get_long())
        .filter(|name| !NOT_IN_FILE.contains(name))
}

fn usual_place() -> Option<PathBuf> {
    let strategy = etcetera::choose_base_strategy().ok()?;
    Some(strategy.config_dir().join("chat").join("config.toml"))
}

fn parse(text: &str, command: &Command) -> Result<(Vec<(String, String)>, Limits), String> {
    let at = |error: toml::de::Error| {
        let line = error
            .span()
            .map(|span| 1 + text[..span.start].matches('\n').count());
        let line = line.map_or_else(String::new, |line| format!("line {line}: "));
        format!("{line}{}", error.message())
    };
    #[derive(Deserialize)]
    struct File {
        #[serde(default)]
        limits: Limits,
        #[serde(flatten)]
        options: Table,
    }
    let file: File = toml::from_str(text).map_err(at)?;
    let option = |(name, value): (String, Value)| {
        if !options(command).any(|known| known == name) {
            let known: Vec<_> = options(command).collect();
            let known = known.join(", ");
            return Err(format!("there is no option {name:?}; there are {known}"));
        }
        match value {
            Value::String(text) => Ok((name, text)),
            Value::Boolean(value) => Ok((name, value.to_string())),
            Value::Integer(value) => Ok((name, value.to_string())),
            _ => Err(format!("the value of {name:?} is to be a text")),
        }
    };
    let options = file
        .options
        .into_iter()
        .map(option)
        .collect::<Result<_, _>>()?;
    Ok((options, file.limits))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::arguments::CommandLine;

    fn read(text: &str) -> Result<ConfigFile, Failure> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("config.toml");
        fs::write(&path, text).unwrap();
        ConfigFile::read(Some(&path), &CommandLine::command())
    }

    fn wrong(text: &str) -> String {
        read(text).unwrap_err().to_string()
    }

    #[test]
    fn options_and_limits_are_read() {
        let file =
            read("log-level = \"info\"\nephemeral = true\n[limits]\nusers = 7\nkeep-days = 2");
        let file = file.unwrap();
        assert!(file.sets("log-level") && file.sets("ephemeral") && !file.sets("data"));
        let config = file.server_config();
        assert_eq!(config.max_names, 7);
        assert_eq!(config.expiry, Duration::from_secs(2 * DAY));
        assert_eq!(config.max_groups, ServerConfig::default().max_groups);
    }

    #[test]
    fn the_limits_that_are_shown_can_be_read_again() {
        let shown = limits_table(&read("[limits]\nmailbox = 3").unwrap().server_config());
        assert_eq!(limits_table(&read(&shown).unwrap().server_config()), shown);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        for (text, part) in [
            (
                "log-level = \"loud\"",
                "invalid value 'loud' for '--log-level",
            ),
            (
                "colour = 1",
                "there is no option \"colour\"; there are data,",
            ),
            ("config = \"x\"", "there is no option \"config\""),
            ("data = [1]", "is to be a text"),
            ("x = \n", "line 1: "),
            (
                "\n[limits]\nusers = 0",
                "line 3: invalid value: integer `0`",
            ),
            ("[limits]\nuser = 1", "unknown field `user`"),
        ] {
            let wrong = wrong(text);
            assert!(wrong.contains("config.toml"), "{wrong}");
            assert!(wrong.contains(part), "{wrong}");
        }
    }

    #[test]
    fn a_file_that_was_named_must_be_there() {
        let missing = Path::new("/nonexistent/config.toml");
        let wrong = ConfigFile::read(Some(missing), &CommandLine::command()).unwrap_err();
        assert!(wrong.to_string().contains("No such file"), "{wrong}");
    }
}
