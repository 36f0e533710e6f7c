//! What is made from the command line's own description: completions and the manual page.

use std::io;

use clap::{ArgMatches, CommandFactory, parser::ValueSource};
use clap_complete::{Shell, generate};
use clap_mangen::Man;

use super::{
    CommandLine,
    config_file::{self, ConfigFile},
};

/// The script that completes the command line in a shell.
pub(super) fn completions(shell: Shell) -> Vec<u8> {
    let mut script = Vec::new();
    let mut command = CommandLine::command();
    let name = command.get_name().to_owned();
    generate(shell, &mut command, name, &mut script);
    script
}

/// The manual page, for `man`, with what each subcommand takes.
///
/// # Errors
/// If clap cannot write it.
pub(super) fn manual() -> io::Result<Vec<u8>> {
    let mut page = Vec::new();
    let mut command = CommandLine::command();
    command.build();
    Man::new(command.clone()).render(&mut page)?;
    for subcommand in command.get_subcommands().filter(|it| !it.is_hide_set()) {
        let name = subcommand.get_name();
        page.extend_from_slice(format!(".SH {}\n", name.to_uppercase()).as_bytes());
        let man = Man::new(subcommand.clone());
        man.render_description_section(&mut page)?;
        man.render_synopsis_section(&mut page)?;
        man.render_options_section(&mut page)?;
    }
    Ok(page)
}

/// Every option and limit with its value and where that comes from, as a configuration file.
pub(super) fn configuration(file: &ConfigFile, matches: &ArgMatches) -> Vec<u8> {
    let mut matches = matches;
    while let Some((_, inner)) = matches.subcommand() {
        matches = inner;
    }
    let mut text = match &file.path {
        Some(path) => format!("# The configuration file is {}.\n", path.display()),
        None => "# There is no configuration file.\n".to_owned(),
    };
    let command = CommandLine::command();
    for name in config_file::options(&command) {
        let id = name.replace('-', "_");
        let value = matches
            .get_raw(&id)
            .and_then(|mut values| values.next_back());
        let Some(value) = value else {
            text.push_str(&format!("# {name} is not set\n"));
            continue;
        };
        let value = match value.to_string_lossy().as_ref() {
            flag @ ("true" | "false") => flag.to_owned(),
            value => toml::Value::from(value).to_string(),
        };
        let source = match matches.value_source(&id) {
            Some(ValueSource::CommandLine) => "command line",
            Some(ValueSource::EnvVariable) => "environment",
            _ if file.sets(name) => "file",
            _ => "default",
        };
        text.push_str(&format!("{name} = {value}  # {source}\n"));
    }
    text.push('\n');
    text.push_str(&config_file::limits_table(&file.server_config()));
    text.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shell_has_a_script_that_names_the_commands() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let script = String::from_utf8(completions(shell)).unwrap();
            for word in ["server", "client", "send", "ephemeral"] {
                assert!(script.contains(word), "{shell}: {word}");
            }
        }
    }

    #[test]
    fn the_manual_page_describes_every_command() {
        let page = String::from_utf8(manual().unwrap()).unwrap();
        assert!(page.starts_with(".ie"), "{}", &page[..40]);
        for text in [
            ".TH chat-cli",
            ".SH SERVER",
            ".SH CLIENT",
            ".SH SEND",
            "SERVER\\-PORT",
        ] {
            assert!(page.contains(text), "{text}");
        }
    }
}
