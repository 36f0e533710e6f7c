//! What is typed into a client, as the commands of the core, and back.

use chat_core::{client::Command, name::Name};

/// The command that a line means, or what is to be shown instead.
///
/// # Errors
/// The line that tells what is wrong.
pub fn parse(line: &str) -> Result<Command, String> {
    let line = line.strip_prefix('/').unwrap_or(line);
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    let usage = || format!("[Usage: {word} …]");
    let name = || rest.parse::<Name>().map_err(|_| usage());
    let optional = || (!rest.is_empty()).then(name).transpose();
    let text = rest.to_owned();
    Ok(match word {
        "reg" => Command::Register { name: optional()? },
        "send" => {
            let (to, text) = rest.split_once(' ').ok_or_else(usage)?;
            Command::Send {
                to: to.parse().map_err(|_| usage())?,
                text: text.to_owned(),
            }
        }
        "send_all" => Command::SendAll { text },
        "send_group" => Command::SendGroup { text },
        "create_group" => Command::CreateGroup { group: name()? },
        "list_groups" => Command::ListGroups,
        "join_group" => Command::JoinGroup { group: name()? },
        "list_members" => Command::ListMembers,
        "pending" => Command::Pending,
        "leave_group" => Command::LeaveGroup,
        "peers" => Command::Peers,
        "dereg" => Command::Deregister { name: optional()? },
        "quit" => Command::Quit,
        _ => return Err(format!("[Invalid command: {word}. Type help.]")),
    })
}

/// The line that means a command.
pub fn line(command: &Command) -> String {
    match command {
        Command::Register { name: None } => "reg".to_owned(),
        Command::Register { name: Some(name) } => format!("reg {name}"),
        Command::Send { to, text } => format!("send {to} {text}"),
        Command::SendAll { text } => format!("send_all {text}"),
        Command::SendGroup { text } => format!("send_group {text}"),
        Command::CreateGroup { group } => format!("create_group {group}"),
        Command::ListGroups => "list_groups".to_owned(),
        Command::JoinGroup { group } => format!("join_group {group}"),
        Command::ListMembers => "list_members".to_owned(),
        Command::Pending => "pending".to_owned(),
        Command::LeaveGroup => "leave_group".to_owned(),
        Command::Peers => "peers".to_owned(),
        Command::Deregister { name: None } => "dereg".to_owned(),
        Command::Deregister { name: Some(name) } => format!("dereg {name}"),
        Command::Note(line) => format!("what is answered by {line}"),
        Command::Quit => "quit".to_owned(),
        _ => "the end of input".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_the_rest_of_the_line_verbatim() {
        let command = parse("send y  two  spaces ").unwrap();
        let (to, text) = ("y".parse().unwrap(), " two  spaces ".to_owned());
        assert_eq!(command, Command::Send { to, text });
    }

    #[test]
    fn a_command_is_written_as_it_is_typed() {
        for typed in ["send y  hi ", "reg", "dereg x", "join_group g", "quit"] {
            assert_eq!(line(&parse(typed).unwrap()), typed);
        }
    }

    #[test]
    fn an_unknown_word_is_told() {
        assert_eq!(
            parse("frobnicate now"),
            Err("[Invalid command: frobnicate. Type help.]".to_owned())
        );
    }
}
