//! The user of a client: commands come from a terminal or a pipe, events go to the screen.

use std::{
    collections::{BTreeSet, VecDeque},
    io,
    process::ExitCode,
};

use chat_core::{
    client::{Client, Command, Event},
    name::Name,
    text::English,
    time::Duration,
};
use chat_mio::{Control, Frontend, HistoryFiles};
use signal_hook::{
    consts::{SIGCONT, SIGTSTP, SIGWINCH},
    low_level::emulate_default_handler,
};

use super::{archive::Archive, delivery::Delivery};
use crate::{
    arguments::Options,
    commands::{self, Entered, Expected, Line},
    failure::Failure,
    json,
    lines::{Input, Lines},
    local_time::local_time,
    screen::Screen,
    terminal::{self, Kind, Typed},
};

/// So many commands wait here at most, after those that wait in the client.
const MAX_WAITING: usize = 64;

/// Where commands come from.
pub(crate) enum Source {
    Lines(Lines),
    /// There is none.
    None,
    /// The terminal that is the screen.
    Terminal,
}

/// The user's side of a client.
pub(crate) struct User {
    screen: Screen,
    source: Source,
    /// Commands that the client has not taken yet, in order.
    waiting: VecDeque<Command>,
    /// The end of input was reached, or asked for.
    finished: bool,
    /// Nobody sees the screen any more.
    closed: bool,
    /// What was to be seen could not be written, although somebody wants it.
    failed: bool,
    ephemeral: bool,
    /// It is a program: commands and events are JSON.
    json: bool,
    delivery: Delivery,
    archive: Archive,
    /// The groups that were shown.
    groups: BTreeSet<Name>,
}

impl User {
    pub(crate) fn new(screen: Screen, source: Source, options: &Options) -> Self {
        Self {
            screen,
            source,
            waiting: VecDeque::new(),
            finished: false,
            closed: false,
            failed: false,
            ephemeral: options.ephemeral,
            json: options.json,
            delivery: Delivery::new(),
            archive: Archive::new(),
            groups: BTreeSet::new(),
        }
    }

    /// Waits until the user has done something on the terminal, but not longer than `timeout`.
    ///
    /// # Errors
    /// Of the system.
    pub(crate) fn wait(&self, timeout: Duration) -> io::Result<()> {
        match self.source {
            Source::Terminal => terminal::wait(timeout),
            Source::Lines(_) | Source::None => Ok(()),
        }
    }

    /// Whether a line has been begun on the terminal.
    pub(crate) fn is_typing(&self) -> bool {
        match &self.screen {
            Screen::Terminal(terminal) => !terminal.before_cursor().is_empty(),
            Screen::Pipe => false,
        }
    }

    /// Enters a line as if the user had typed it, and shows it.
    pub(crate) fn enter(&mut self, control: &mut Control<'_, Client>, line: &str) {
        let row = format!("{}{line}", prompt(control.machine));
        self.show(control, &row);
        self.typed(control, Typed::Line(line.into()));
    }

    /// Gives one command and then leaves.
    pub(super) fn do_only(&mut self, command: Command) {
        self.finished = true;
        self.waiting.extend([command, Command::Finish]);
    }

    /// What became of the first message, as an exit code.
    pub(super) fn delivery(&self) -> ExitCode {
        self.delivery.exit_code(self.ephemeral)
    }

    /// Whether the output could not be written.
    pub(super) const fn has_failed(&self) -> bool {
        self.failed
    }

    fn parse(&mut self, line: &Line) -> Option<Command> {
        let entered = match self.json {
            true => json::parse(line),
            false => commands::parse(line),
        };
        Some(match entered? {
            Entered::Command(command) => command,
            Entered::Local(local) => self.archive.wait(local),
        })
    }

    /// From here on this is the user's history.
    pub(super) fn keep_history(&mut self, files: Option<HistoryFiles>) {
        self.archive.belongs_to(files);
    }

    /// Shows what is no event of the client.
    pub(crate) fn note(&mut self, control: &mut Control<'_, Client>, line: String) {
        let line = match self.json {
            true => json::line(&Event::Note(line)).unwrap_or_default(),
            false => line,
        };
        self.show(control, &line);
    }

    /// Shows lines of no particular kind, if there are any.
    fn show(&mut self, control: &mut Control<'_, Client>, lines: &str) {
        self.show_as(control, Kind::Plain, lines);
    }

    /// Shows the lines of an event, if it has any.
    fn show_as(&mut self, control: &mut Control<'_, Client>, kind: Kind, lines: &str) {
        if !lines.is_empty() {
            let shown = self.screen.show(kind, control.now.wall, lines);
            self.check(control, shown);
        }
    }

    /// Leaves when the screen is gone.
    fn check(&mut self, control: &mut Control<'_, Client>, result: io::Result<()>) {
        if let Err(error) = result
            && !self.closed
        {
            tracing::debug!(%error, "the output is closed");
            self.closed = true;
            control.machine.leave(control.now);
            // Who closes a pipe has read enough; a terminal that is gone has nobody to tell.
            if matches!(self.screen, Screen::Pipe) && error.kind() != io::ErrorKind::BrokenPipe {
                self.failed = true;
                self.screen.show_error(&Failure::Output(error).to_string());
            }
        }
    }

    /// Reads what there is to read.
    fn read(&mut self, control: &mut Control<'_, Client>) {
        match &mut self.source {
            Source::Lines(_) => self.read_lines(),
            Source::None => {}
            // Keys are always read: Ctrl-C among them has to be seen.
            Source::Terminal => {
                while let (Screen::Terminal(terminal), false) = (&mut self.screen, self.closed) {
                    match terminal.read() {
                        Ok(Some(typed)) => self.typed(control, typed),
                        Ok(None) => return,
                        Err(error) => {
                            // A closed window: SIGHUP, if it comes, makes it quick.
                            tracing::debug!(%error, "the terminal is gone");
                            self.closed = true;
                            self.typed(control, Typed::EndOfInput);
                        }
                    }
                }
            }
        }
    }

    fn read_lines(&mut self) {
        while let Source::Lines(lines) = &mut self.source
            && !self.finished
            && self.waiting.len() < MAX_WAITING
        {
            match lines.next() {
                Some(Input::Line(line)) => {
                    let command = self.parse(&line);
                    self.waiting.extend(command);
                }
                Some(Input::End) => {
                    self.finished = true;
                    self.waiting.push_back(Command::Finish);
                }
                None => return,
            }
        }
    }

    fn typed(&mut self, control: &mut Control<'_, Client>, typed: Typed) {
        match typed {
            Typed::Interrupt => control.machine.leave(control.now),
            Typed::Suspend => {
                if let Screen::Terminal(terminal) = &mut self.screen {
                    terminal.suspend();
                    // Returns when the program is continued.
                    let _ = emulate_default_handler(SIGTSTP);
                    let resumed = terminal.resume();
                    self.check(control, resumed);
                }
            }
            Typed::Complete => self.complete(control),
            _ if self.finished => {}
            Typed::EndOfInput => {
                self.finished = true;
                self.waiting.push_back(Command::Finish);
            }
            Typed::Line(_) if self.waiting.len() >= MAX_WAITING => {
                self.show(control, "[Too many commands wait: this one is ignored.]");
            }
            Typed::Line(line) => {
                let line = Line::whole(line);
                let command = self.parse(&line);
                self.waiting.extend(command);
                if let Some(meant) = commands::meant(&line)
                    && self.waiting.len() < MAX_WAITING
                {
                    let note = format!("[Did you mean {meant}?]");
                    self.waiting.push_back(Command::Note(note));
                }
            }
        }
    }

    /// Completes the word that is being typed.
    fn complete(&mut self, control: &mut Control<'_, Client>) {
        let Screen::Terminal(terminal) = &mut self.screen else {
            return;
        };
        let users = || control.machine.known_names().map(ToString::to_string);
        let groups = || self.groups.iter().map(ToString::to_string);
        let words: Vec<String> = match commands::expected(terminal.before_cursor()) {
            Expected::Command => commands::words().map(Into::into).collect(),
            Expected::User => users().collect(),
            Expected::Group => groups().collect(),
            Expected::UserOrGroup => users().chain(groups()).collect(),
            Expected::Text => return,
        };
        let completed = terminal.complete(words);
        self.check(control, completed);
    }

    /// Remembers the groups that are shown, for completion.
    fn see_groups(&mut self, event: &Event) {
        match event {
            Event::Groups { names } => self.groups = names.iter().cloned().collect(),
            Event::GroupCreated { group }
            | Event::GroupExists { group }
            | Event::InGroup { group }
            | Event::EnteredGroup { group } => {
                self.groups.insert(group.clone());
            }
            _ => {}
        }
    }

    /// Hands commands to the client, as many as it takes.
    fn hand_over(&mut self, control: &mut Control<'_, Client>) {
        while let Some(command) = self.waiting.front() {
            // A client that has ended takes none; the one that comes after it may.
            if control
                .machine
                .handle_command(control.now, command.clone())
                .is_err()
            {
                return;
            }
            self.waiting.pop_front();
        }
    }

    /// What becomes of messages that are still owed when nothing was kept on disk.
    fn tell_lost(&mut self, control: &mut Control<'_, Client>) {
        let line = match control.machine.owed() {
            _ if !self.ephemeral => return,
            0 => return,
            1 => "[1 message was not delivered and is lost.]".into(),
            owed => format!("[{owed} messages were not delivered and are lost.]"),
        };
        self.show(control, &line);
    }
}

impl Frontend<Client> for User {
    fn event(&mut self, control: &mut Control<'_, Client>, event: Event) {
        self.delivery.see(&event);
        self.archive.see(control, &event);
        self.see_groups(&event);
        if let Event::Local { number } = event {
            let lines = self.archive.answer(control, number, self.json);
            return self.show(control, &lines);
        }
        if self.json {
            if let Some(line) = json::line(&event) {
                self.show(control, &line);
            }
            return;
        }
        let lines = English::new(&event, &local_time).to_string();
        let kind = Kind::of(&event);
        match event {
            Event::ServerTrusted { .. } | Event::ServerKeyChanged { .. } => {
                self.screen.show_error(&lines);
            }
            Event::Ended(_) => self.tell_lost(control),
            _ => self.show_as(control, kind, &lines),
        }
    }

    fn readable(&mut self, control: &mut Control<'_, Client>, _source: usize) {
        self.read(control);
    }

    fn signal(&mut self, control: &mut Control<'_, Client>, signal: i32) {
        if let Screen::Terminal(terminal) = &mut self.screen {
            match signal {
                SIGWINCH => terminal.redraw(),
                SIGCONT => {
                    terminal.suspend();
                    let resumed = terminal.resume();
                    self.check(control, resumed);
                }
                _ => {}
            }
        }
    }

    fn turn(&mut self, control: &mut Control<'_, Client>) {
        self.read(control);
        // One batch in a turn: acks that arrive while a long file is read are not to be late.
        let may_have_left_some = self.waiting.len() >= MAX_WAITING;
        self.hand_over(control);
        if let Source::Lines(lines) = &self.source
            && may_have_left_some
            && self.waiting.is_empty()
        {
            lines.wake();
        }
        if let Screen::Terminal(terminal) = &mut self.screen {
            let drawn = terminal.draw(&prompt(control.machine));
            self.check(control, drawn);
        }
    }
}

/// What stands before the line that is typed: the group, and how much waits behind it.
fn prompt(client: &Client) -> String {
    let unread = client.held();
    match client.group() {
        Some(group) if unread > 0 => format!(">>> ({group}, {unread} unread) "),
        Some(group) => format!(">>> ({group}) "),
        None => ">>> ".into(),
    }
}
