//! The user's history: what is shown goes into it, and the commands that read it.

use std::{
    collections::BTreeMap,
    fs::OpenOptions,
    io::{self, BufWriter, Write},
    path::Path,
};

use chat_core::{
    client::{Client, Command, Event},
    conversation::Conversation,
    name::Name,
    text::Neutral,
    time::Now,
};
use chat_mio::{Control, DirectoryError, Fate, History, HistoryFiles, Spoken};

use crate::{commands::Local, json, local_time::local_time};

/// So many messages are shown.
const SHOWN: usize = 50;

/// The history of the user at the server of the client, opened when the server is known.
pub(super) struct Archive {
    files: Option<HistoryFiles>,
    history: Option<History>,
    /// The commands whose turn has not come.
    waiting: BTreeMap<u64, Local>,
    last: u64,
}

impl Archive {
    /// Of nobody yet.
    pub(super) const fn new() -> Self {
        Self {
            files: None,
            history: None,
            waiting: BTreeMap::new(),
            last: 0,
        }
    }

    /// From here on it is the history in these files; if there are none, nothing is kept.
    pub(super) fn belongs_to(&mut self, files: Option<HistoryFiles>) {
        self.files = files;
        self.history = None;
    }

    /// The command for the client that tells when it is the turn of this one.
    pub(super) fn wait(&mut self, local: Local) -> Command {
        self.last += 1;
        self.waiting.insert(self.last, local);
        Command::Local { number: self.last }
    }

    /// Keeps what an event says of messages. What cannot be kept is logged, and chat goes on.
    pub(super) fn see(&mut self, control: &Control<'_, Client>, event: &Event) {
        // Opened by whatever event is the first: to make it takes long on a slow disk, and no
        // message is to wait for it.
        let Some(history) = self.history(control) else {
            return;
        };
        let spoken = spoken(event, control.machine.name(), control.now);
        let kept = match (&spoken, fate(event)) {
            (Some(spoken), _) => history.add(spoken),
            (None, Some((id, fate))) => history.set_fate(id, fate),
            (None, None) => return,
        };
        if let Err(error) = kept {
            self.give_up(&error);
        }
    }

    /// What a command shows whose turn has come, as JSON for programs.
    pub(super) fn answer(
        &mut self,
        control: &Control<'_, Client>,
        number: u64,
        json: bool,
    ) -> String {
        let Some(local) = self.waiting.remove(&number) else {
            return String::new();
        };
        let user = control.machine.name().clone();
        let Some(history) = self.history(control) else {
            return match json {
                true => json::history(None),
                false => "[Nothing is kept on this machine: there is no history.]".into(),
            };
        };
        let answer = if json {
            select(history, &local).map(|messages| json::history(Some(&messages)))
        } else {
            run(history, &user, &local)
        };
        answer.unwrap_or_else(|error| {
            tracing::error!(%error, "the history cannot be read");
            match json {
                true => json::history(None),
                false => format!("[{error}.]"),
            }
        })
    }

    fn history(&mut self, control: &Control<'_, Client>) -> Option<&mut History> {
        if let (None, Some(files), Some(key)) =
            (&self.history, &self.files, control.machine.server_key())
        {
            match files.open(key) {
                Ok(history) => self.history = Some(history),
                Err(error) => self.give_up(&error),
            }
        }
        self.history.as_mut()
    }

    fn give_up(&mut self, error: &DirectoryError) {
        tracing::error!(%error, "the history cannot be kept");
        self.belongs_to(None);
    }
}

/// The message that an event is about, as it is kept.
fn spoken(event: &Event, user: &Name, now: Now) -> Option<Spoken> {
    match event {
        Event::Message {
            id,
            sender,
            conversation,
            stored,
            text,
            ..
        } => Some(Spoken {
            id: *id,
            with: match conversation {
                Conversation::User(_) => Conversation::User(sender.clone()),
                other => other.clone(),
            },
            sender: sender.clone(),
            at: stored.unwrap_or(now.wall),
            fate: Fate::Received,
            text: text.as_str().into(),
        }),
        Event::Queued { id, to, text } => Some(Spoken {
            id: *id,
            with: to.clone(),
            sender: user.clone(),
            at: now.wall,
            fate: Fate::Owed,
            text: text.as_str().into(),
        }),
        _ => None,
    }
}

/// What has become of which message.
const fn fate(event: &Event) -> Option<(&chat_core::id::MessageId, Fate)> {
    match event {
        Event::Received { id, .. } | Event::SavedReceived { id, .. } => Some((id, Fate::Delivered)),
        Event::Saved { id, .. } | Event::Exists { id, .. } | Event::ReceivedByServer { id } => {
            Some((id, Fate::Saved))
        }
        Event::MailboxFull { id, .. }
        | Event::NoSuchClient { id, .. }
        | Event::Expired { id, .. }
        | Event::NotAMember { id, .. }
        | Event::StoreFailed { id: Some(id) } => Some((id, Fate::Failed)),
        _ => None,
    }
}

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    History(#[from] DirectoryError),
    #[error("{0} cannot be written: {1}")]
    Export(String, io::Error),
}

/// The messages that a command asks for.
fn select(history: &History, local: &Local) -> Result<Vec<Spoken>, Failure> {
    Ok(match local {
        Local::History { with } => history.last(with.as_ref(), SHOWN)?,
        Local::Search { text } => history.search(text, SHOWN)?,
        Local::Export { .. } => Vec::new(),
    })
}

fn run(history: &History, user: &Name, local: &Local) -> Result<String, Failure> {
    let (head, nothing) = match local {
        Local::History { with: Some(with) } => (
            format!("[History with {with}:]"),
            format!("[Nothing was said with {with}.]"),
        ),
        Local::History { with: None } => ("[History:]".into(), "[Nothing was said.]".into()),
        Local::Search { text } => (
            format!("[Found for {}:]", Neutral(text)),
            format!("[Nothing found for {}.]", Neutral(text)),
        ),
        Local::Export { file } => return export(history, user, file),
    };
    let messages = select(history, local)?;
    if messages.is_empty() {
        return Ok(nothing);
    }
    let lines = messages.iter().map(|message| line(user, message));
    let lines: Vec<_> = std::iter::once(head).chain(lines).collect();
    Ok(lines.join("\n"))
}

/// Writes everything to a file that is not there yet.
fn export(history: &History, user: &Name, file: &Path) -> Result<String, Failure> {
    let shown = Neutral(&file.display().to_string()).to_string();
    let failed = |error| Failure::Export(shown.clone(), error);
    let made = OpenOptions::new().write(true).create_new(true).open(file);
    let mut output = BufWriter::new(made.map_err(failed)?);
    let mut written = Ok(());
    let count = history.for_each(|message| {
        if written.is_ok() {
            written = writeln!(output, "{}", line(user, &message));
        }
    })?;
    written.and_then(|()| output.flush()).map_err(failed)?;
    let messages = if count == 1 { "message" } else { "messages" };
    Ok(format!("[{count} {messages} written to {shown}.]"))
}

/// A message, with its time, where it was said, and what became of one of the user's own.
fn line(user: &Name, message: &Spoken) -> String {
    let (at, sender) = (local_time(message.at), &message.sender);
    let said = match &message.with {
        Conversation::User(name) if sender == user => format!("{sender} to {name}"),
        Conversation::User(_) => sender.to_string(),
        Conversation::Group(group) => format!("[{group}] {sender}"),
        Conversation::Channel => format!("[all] {sender}"),
    };
    let fate = match message.fate {
        _ if sender != user => "",
        Fate::Owed => " (pending)",
        Fate::Saved => " (saved)",
        Fate::Failed => " (failed)",
        _ => "",
    };
    format!("{at} {said}{fate}: {}", Neutral(&message.text))
}
