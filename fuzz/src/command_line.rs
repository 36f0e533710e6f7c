//! Lines that a user types.

#[expect(dead_code, reason = "the program's own module, of which the tests use more")]
#[path = "../../chat-cli/src/commands.rs"]
mod commands;

use chat_core::client::Command;

use self::commands::{Entered, Line, Local, parse};

/// Any line is a command, a note that does no harm, or nothing; a command that is written as a
/// line again is the same command. The first byte says how much of the line was cut off: then it is
/// never a command.
pub fn target(bytes: &[u8]) {
    let Some((cut, bytes)) = bytes.split_first() else {
        return;
    };
    let Ok(text) = core::str::from_utf8(bytes) else {
        return;
    };
    let cut = usize::from(cut.saturating_sub(127)) << 9;
    let line = Line {
        text: text.to_owned(),
        cut,
    };
    match parse(&line) {
        None => assert!(text.trim().is_empty()),
        Some(Entered::Command(Command::Note(note))) => {
            let harmful = |c: char| c.is_control() && c != '\n';
            assert!(!note.contains(harmful), "{note:?}");
        }
        Some(entered) => {
            assert_eq!(cut, 0, "{entered:?} is not all that was typed");
            let text = match &entered {
                Entered::Command(command) => typed(command).expect("a typed line is one of these"),
                Entered::Local(local) => typed_local(local),
            };
            assert_eq!(parse(&Line { text, cut: 0 }), Some(entered));
        }
    }
}

/// A command as a line.
fn typed(command: &Command) -> Option<String> {
    Some(match command {
        Command::Register { name: None } => "reg".into(),
        Command::Register { name: Some(name) } => format!("reg {name}"),
        Command::Send { to, text } => format!("send {to} {text}"),
        Command::SendAll { text } => format!("send_all {text}"),
        Command::SendGroup { text } => format!("send_group {text}"),
        Command::CreateGroup { group } => format!("create_group {group}"),
        Command::ListGroups => "list_groups".into(),
        Command::JoinGroup { group } => format!("join_group {group}"),
        Command::ListMembers => "list_members".into(),
        Command::LeaveGroup => "leave_group".into(),
        Command::Peers => "peers".into(),
        Command::Pending => "pending".into(),
        Command::Deregister { name: None } => "dereg".into(),
        Command::Deregister { name: Some(name) } => format!("dereg {name}"),
        Command::Verify {
            name,
            compared: false,
        } => format!("verify {name}"),
        Command::Verify { name, .. } => format!("verify {name} yes"),
        Command::Quit => "quit".into(),
        _ => return None,
    })
}

/// A command that reads the history, as a line.
fn typed_local(local: &Local) -> String {
    match local {
        Local::History { with: None } => "history".into(),
        Local::History { with: Some(name) } => format!("history {name}"),
        Local::Search { text } => format!("search {text}"),
        Local::Export { file } => format!("export {}", file.display()),
    }
}
