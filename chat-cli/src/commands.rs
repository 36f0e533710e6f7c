//! What the user types, as commands.
//!
//! What is wrong with a line is known here, but is said when its turn comes: as
//! [`Command::Note`], in order with the answers to the lines before it.

use std::path::PathBuf;

use chat_core::{client::Command, config::MAX_TEXT_BYTES, name::Name, text::Neutral};

/// One line of input.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Line {
    /// Its beginning, without the line break.
    pub(crate) text: String,
    /// How many bytes follow that were not kept.
    pub(crate) cut: usize,
}

impl Line {
    /// A line that is all there.
    pub(crate) fn whole(text: String) -> Self {
        Self { text, cut: 0 }
    }
}

/// What a line asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Entered {
    /// Something of the client.
    Command(Command),
    /// Something that needs no client.
    Local(Local),
}

/// A command that reads the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Local {
    /// The last messages, with one user or group or all.
    History { with: Option<Name> },
    /// The last messages with these words.
    Search { text: String },
    /// All messages, into a file.
    Export { file: PathBuf },
}

/// The command words with their arguments and what they do: the order is that of `help`.
const USAGE: [(&str, &str, &str); 18] = [
    ("send", "<name> <message>", "a direct message"),
    (
        "send_all",
        "<message>",
        "to everyone, in a group to the group",
    ),
    ("send_group", "<message>", "to the group"),
    ("create_group", "<g>", "create a group, without joining it"),
    ("list_groups", "", "all groups"),
    ("join_group", "<g>", "join a group"),
    ("list_members", "", "the members of the group"),
    ("leave_group", "", "leave the group"),
    ("peers", "", "who is there, and where"),
    ("pending", "", "your messages that nobody has yet"),
    ("verify", "<name> [yes]", "compare keys with a user"),
    ("history", "[name]", "what was said, with a user or group"),
    ("search", "<text>", "messages with these words"),
    ("export", "<file>", "write all that was said to a file"),
    ("dereg", "[name]", "go offline, stay running"),
    ("reg", "[name]", "go online again, or as another user"),
    ("help", "", "this list"),
    ("quit", "", "leave"),
];

/// What the word at the end of a line is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expected {
    Command,
    User,
    Group,
    UserOrGroup,
    /// Anything.
    Text,
}

/// What the last word of the beginning of a line is to be.
pub(crate) fn expected(before: &str) -> Expected {
    let Some((word, rest)) = before.trim_start().split_once(char::is_whitespace) else {
        return Expected::Command;
    };
    if rest.trim_start().contains(char::is_whitespace) {
        return Expected::Text;
    }
    match without_slash(word) {
        "send" | "reg" | "dereg" | "verify" => Expected::User,
        "join_group" => Expected::Group,
        "history" => Expected::UserOrGroup,
        _ => Expected::Text,
    }
}

/// The words of the commands.
pub(crate) fn words() -> impl Iterator<Item = &'static str> {
    USAGE.iter().map(|(word, _, _)| *word)
}

/// The command that `line` is, none for an empty line.
pub(crate) fn parse(line: &Line) -> Option<Entered> {
    let (word, rest) = split_word(&line.text);
    if word.is_empty() {
        return None;
    }
    let name = without_slash(word);
    let Some((_, arguments, _)) = USAGE.iter().find(|(known, _, _)| *known == name) else {
        let word = Neutral(word);
        let note = note(format!("[Invalid command: {word}. Type help.]"));
        return Some(Entered::Command(note));
    };
    if let Some(local) = local(name, rest) {
        let whole = local.filter(|_| line.cut == 0).map(Entered::Local);
        let usage = || Entered::Command(note(format!("[Usage: {}]", usage_line(name, arguments))));
        return Some(whole.unwrap_or_else(usage));
    }
    let command = match name {
        "send" => send(rest, line.cut),
        "send_all" => message(rest, line.cut, |text| Command::SendAll { text }),
        "send_group" => message(rest, line.cut, |text| Command::SendGroup { text }),
        "create_group" => one_name(rest, |group| Command::CreateGroup { group }),
        "join_group" => one_name(rest, |group| Command::JoinGroup { group }),
        "verify" => verify(rest),
        "dereg" => optional_name(rest, |name| Command::Deregister { name }),
        "reg" => optional_name(rest, |name| Command::Register { name }),
        "list_groups" => nothing(rest, Command::ListGroups),
        "list_members" => nothing(rest, Command::ListMembers),
        "leave_group" => nothing(rest, Command::LeaveGroup),
        "peers" => nothing(rest, Command::Peers),
        "pending" => nothing(rest, Command::Pending),
        "quit" => nothing(rest, Command::Quit),
        _ => nothing(rest, note(help())),
    };
    // Whatever the rest of the line was, a command without it is not what was typed.
    let command = command.and_then(|command| match line.cut {
        0 => Ok(command),
        _ => Err(Wrong::Arguments),
    });
    let command = command.unwrap_or_else(|wrong| match wrong {
        Wrong::Arguments => note(format!("[Usage: {}]", usage_line(name, arguments))),
        Wrong::Name(name) => note(format!("[Invalid name: {}.]", Neutral(name))),
        Wrong::Length(length) => note(format!(
            "[Message too long: {length} bytes, the limit is {MAX_TEXT_BYTES}.]"
        )),
    });
    Some(Entered::Command(command))
}

/// The command that a line with an unknown one was perhaps to be.
pub(crate) fn meant(line: &Line) -> Option<&'static str> {
    let typed = without_slash(split_word(&line.text).0);
    if words().any(|known| known == typed) {
        return None;
    }
    let word = typed.to_lowercase();
    let distance = |known: &str| strsim::damerau_levenshtein(known, &word);
    // A third of it may be wrong.
    let is_near = |(distance, _): &(usize, _)| 3 * distance <= word.chars().count().max(3);
    let nearest = words().map(|known| (distance(known), known)).min();
    nearest.filter(is_near).map(|(_, known)| known)
}

/// The command that reads the history, if the word is one; none inside if its arguments are wrong.
fn local(word: &str, rest: &str) -> Option<Option<Local>> {
    let rest = rest.trim();
    Some(match word {
        "history" if rest.is_empty() => Some(Local::History { with: None }),
        "history" => rest
            .parse()
            .ok()
            .map(|with| Local::History { with: Some(with) }),
        "search" => (!rest.is_empty()).then(|| Local::Search { text: rest.into() }),
        "export" => (!rest.is_empty()).then(|| Local::Export { file: rest.into() }),
        _ => return None,
    })
}

/// What is wrong with a known command.
enum Wrong<'a> {
    Arguments,
    Name(&'a str),
    Length(usize),
}

type Parsed<'a> = Result<Command, Wrong<'a>>;

fn send(rest: &str, cut: usize) -> Parsed<'_> {
    let (name, rest) = split_word(rest);
    if name.is_empty() || (rest.is_empty() && cut == 0) {
        return Err(Wrong::Arguments);
    }
    let to = parse_name(name)?;
    message(rest, cut, |text| Command::Send { to, text })
}

fn message(text: &str, cut: usize, command: impl FnOnce(String) -> Command) -> Parsed<'_> {
    let length = text.len() + cut;
    if length == 0 {
        Err(Wrong::Arguments)
    } else if length > MAX_TEXT_BYTES {
        Err(Wrong::Length(length))
    } else {
        Ok(command(text.into()))
    }
}

fn one_name(rest: &str, command: impl FnOnce(Name) -> Command) -> Parsed<'_> {
    match split_word(rest) {
        ("", _) => Err(Wrong::Arguments),
        (name, rest) if rest.trim().is_empty() => Ok(command(parse_name(name)?)),
        _ => Err(Wrong::Arguments),
    }
}

fn optional_name(rest: &str, command: impl FnOnce(Option<Name>) -> Command) -> Parsed<'_> {
    if rest.trim().is_empty() {
        Ok(command(None))
    } else {
        one_name(rest, |name| command(Some(name)))
    }
}

fn verify(rest: &str) -> Parsed<'_> {
    let (name, answer) = split_word(rest);
    match (name, answer.trim()) {
        ("", _) => Err(Wrong::Arguments),
        (name, answer @ ("" | "yes")) => Ok(Command::Verify {
            name: parse_name(name)?,
            compared: answer == "yes",
        }),
        _ => Err(Wrong::Arguments),
    }
}

fn nothing(rest: &str, command: Command) -> Parsed<'_> {
    if rest.trim().is_empty() {
        Ok(command)
    } else {
        Err(Wrong::Arguments)
    }
}

fn parse_name(text: &str) -> Result<Name, Wrong<'_>> {
    text.parse().map_err(|_| Wrong::Name(text))
}

/// A command's word, which may stand behind a slash.
pub(crate) fn without_slash(word: &str) -> &str {
    word.strip_prefix('/').unwrap_or(word)
}

/// The first word, and what follows after one blank, verbatim.
pub(crate) fn split_word(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    text.split_once(char::is_whitespace).unwrap_or((text, ""))
}

fn usage_line(word: &str, arguments: &str) -> String {
    format!("{word} {arguments}").trim_end().into()
}

fn help() -> String {
    let line = |(word, arguments, meaning): &(&str, &str, &str)| {
        format!("{:24} {meaning}", usage_line(word, arguments))
    };
    USAGE.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn note(text: String) -> Command {
    Command::Note(text)
}

#[cfg(test)]
mod tests;
