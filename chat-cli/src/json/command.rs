//! Commands, as JSON.
//!
//! What is wrong with a line is said when its turn comes, in order with the answers to the lines
//! before it, as with commands that are typed.

use chat_core::{client::Command, config::MAX_TEXT_BYTES, name::Name, text::Neutral};
use serde::{Deserialize, Deserializer};

use crate::commands::{Entered, Line, Local};

/// A command, by its word among those that are typed.
#[derive(Debug, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case", deny_unknown_fields)]
enum Request {
    Send {
        #[serde(deserialize_with = "name")]
        to: Name,
        text: String,
    },
    SendAll {
        text: String,
    },
    SendGroup {
        text: String,
    },
    CreateGroup {
        #[serde(deserialize_with = "name")]
        group: Name,
    },
    JoinGroup {
        #[serde(deserialize_with = "name")]
        group: Name,
    },
    ListGroups,
    ListMembers,
    LeaveGroup,
    Peers,
    Pending,
    History {
        #[serde(default, deserialize_with = "optional_name")]
        with: Option<Name>,
    },
    Search {
        text: String,
    },
    Verify {
        #[serde(deserialize_with = "name")]
        name: Name,
        #[serde(default)]
        compared: bool,
    },
    Dereg,
    Reg,
    Quit,
}

/// The command that `line` is, none for an empty line.
pub(crate) fn parse(line: &Line) -> Option<Entered> {
    if line.text.trim().is_empty() {
        return None;
    }
    if line.cut > 0 {
        return Some(note("the line is too long".into()));
    }
    Some(match serde_json::from_str(&line.text) {
        Ok(request) => entered(request),
        Err(error) => note(Neutral(&error.to_string()).to_string()),
    })
}

fn note(text: String) -> Entered {
    Entered::Command(Command::Note(text))
}

fn entered(request: Request) -> Entered {
    let command = match request {
        Request::History { with } => return Entered::Local(Local::History { with }),
        Request::Search { text } => return Entered::Local(Local::Search { text }),
        Request::Verify { name, compared } => Command::Verify { name, compared },
        Request::Send { to, text } => Command::Send { to, text },
        Request::SendAll { text } => Command::SendAll { text },
        Request::SendGroup { text } => Command::SendGroup { text },
        Request::CreateGroup { group } => Command::CreateGroup { group },
        Request::JoinGroup { group } => Command::JoinGroup { group },
        Request::ListGroups => Command::ListGroups,
        Request::ListMembers => Command::ListMembers,
        Request::LeaveGroup => Command::LeaveGroup,
        Request::Peers => Command::Peers,
        Request::Pending => Command::Pending,
        Request::Dereg => Command::Deregister { name: None },
        Request::Reg => Command::Register { name: None },
        Request::Quit => Command::Quit,
    };
    Entered::Command(checked(command))
}

/// A message has something to say, and is no longer than a message may be.
fn checked(command: Command) -> Command {
    let length = match &command {
        Command::Send { text, .. } | Command::SendAll { text } | Command::SendGroup { text } => {
            text.len()
        }
        _ => return command,
    };
    match length {
        0 => Command::Note("the text is empty".into()),
        1..=MAX_TEXT_BYTES => command,
        _ => Command::Note(format!(
            "the text is too long: {length} bytes, the limit is {MAX_TEXT_BYTES}"
        )),
    }
}

fn optional_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Name>, D::Error> {
    name(deserializer).map(Some)
}

fn name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Name, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse()
        .map_err(|_| serde::de::Error::custom(format!("invalid name `{text}`")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(text: &str) -> Command {
        match parse(&Line::whole(text.into())).unwrap() {
            Entered::Command(command) => command,
            Entered::Local(local) => panic!("{text} is {local:?}"),
        }
    }

    #[test]
    fn the_history_is_read_without_the_client() {
        let local = |text: &str| match parse(&Line::whole(text.into())) {
            Some(Entered::Local(local)) => local,
            other => panic!("{text} is {other:?}"),
        };
        let with = Some("bob".parse().unwrap());
        assert_eq!(
            local(r#"{"command":"history"}"#),
            Local::History { with: None }
        );
        assert_eq!(
            local(r#"{"command":"history","with":"bob"}"#),
            Local::History { with }
        );
        let text = "two words".into();
        assert_eq!(
            local(r#"{"command":"search","text":"two words"}"#),
            Local::Search { text }
        );
    }

    #[test]
    fn every_command_has_an_object() {
        let to: Name = "bob".parse().unwrap();
        let group: Name = "g".parse().unwrap();
        let text = || "hi".to_owned();
        for (line, expected) in [
            (
                r#"{"command":"send","to":"bob","text":"hi"}"#,
                Command::Send { to, text: text() },
            ),
            (
                r#"{"command":"send_all","text":"hi"}"#,
                Command::SendAll { text: text() },
            ),
            (
                r#"{"command":"send_group","text":"hi"}"#,
                Command::SendGroup { text: text() },
            ),
            (
                r#"{"command":"create_group","group":"g"}"#,
                Command::CreateGroup {
                    group: group.clone(),
                },
            ),
            (
                r#"{"command":"join_group","group":"g"}"#,
                Command::JoinGroup { group },
            ),
            (r#"{"command":"list_groups"}"#, Command::ListGroups),
            (r#"{"command":"list_members"}"#, Command::ListMembers),
            (r#"{"command":"leave_group"}"#, Command::LeaveGroup),
            (r#"{"command":"peers"}"#, Command::Peers),
            (r#"{"command":"pending"}"#, Command::Pending),
            (
                r#"{"command":"verify","name":"bob"}"#,
                Command::Verify {
                    name: "bob".parse().unwrap(),
                    compared: false,
                },
            ),
            (r#"{"command":"dereg"}"#, Command::Deregister { name: None }),
            (r#"{"command":"reg"}"#, Command::Register { name: None }),
            (r#" {"command":"quit"} "#, Command::Quit),
        ] {
            assert_eq!(command(line), expected);
        }
        assert_eq!(parse(&Line::whole(" ".into())), None);
    }

    #[test]
    fn what_is_wrong_is_said_in_order() {
        let long = "x".repeat(MAX_TEXT_BYTES + 1);
        for (line, said) in [
            ("send bob hi", "expected value"),
            (r#"{"command":"fly"}"#, "unknown variant `fly`"),
            (r#"{"command":"send","to":"bob"}"#, "missing field `text`"),
            (
                r#"{"command":"send","to":"a/b","text":"x"}"#,
                "invalid name `a/b`",
            ),
            (r#"{"command":"send_all","text":""}"#, "the text is empty"),
            (
                &format!(r#"{{"command":"send_all","text":"{long}"}}"#),
                "the text is too long: 65537 bytes",
            ),
        ] {
            let Command::Note(note) = command(line) else {
                panic!("{line} is a command");
            };
            assert!(note.contains(said), "{note}");
        }
        let (text, cut) = (r#"{"command":"quit"}"#.into(), 1);
        assert!(matches!(
            parse(&Line { text, cut }),
            Some(Entered::Command(Command::Note(_)))
        ));
    }
}
