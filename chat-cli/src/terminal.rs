//! The terminal: a prompt with the line that is being typed, and above it what has come in.
//!
//! The prompt and the line take one row. Whatever is to be shown first erases that row; the row is
//! drawn again once, when everything is shown.

mod completion;
mod editor;
mod history;
mod look;
mod painter;

use std::{
    io::{self, IsTerminal, Write},
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use crossterm::{
    cursor::MoveToColumn,
    event::{self, DisableBracketedPaste, EnableBracketedPaste, Event},
    execute, queue,
    terminal::{self, Clear, ClearType},
};

use chat_core::time::WallTime;
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
};

use completion::{Completion, complete};
use editor::{Editor, Outcome};
pub(crate) use look::{Kind, Look, Theme};
use painter::Painter;

use crate::local_time::time_of_day;

/// The terminal is in raw mode, in which it does not begin a row by itself.
static RAW: AtomicBool = AtomicBool::new(false);
/// Something was written to stderr while the row was on the screen.
static DISTURBED: AtomicBool = AtomicBool::new(false);

/// What the user has done.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Typed {
    Line(String),
    /// The word before the cursor is to be completed.
    Complete,
    Interrupt,
    Suspend,
    EndOfInput,
}

/// The terminal in raw mode; dropping this restores it.
pub(crate) struct Terminal {
    editor: Editor,
    painter: Painter,
    look: Look,
}

impl Terminal {
    /// Takes over the terminal; it is restored also when the program panics.
    ///
    /// # Errors
    /// Of the system.
    pub(crate) fn start(look: Look) -> io::Result<Self> {
        let report = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            restore();
            report(panic);
        }));
        take_over()?;
        Ok(Self {
            editor: Editor::default(),
            painter: Painter::default(),
            look,
        })
    }

    /// The next thing that the user has done, if anything.
    ///
    /// # Errors
    /// If the terminal is gone.
    pub(crate) fn read(&mut self) -> io::Result<Option<Typed>> {
        // Reading a terminal that has hung up, crossterm never returns.
        loop {
            if has_hung_up()? {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if !event::poll(Duration::ZERO)? {
                return Ok(None);
            }
            let event = event::read()?;
            self.painter.invalidate();
            let typed = match event {
                Event::Key(key) => self.outcome_of(key)?,
                Event::Paste(text) => {
                    self.editor.paste(&text);
                    None
                }
                _ => None,
            };
            if typed.is_some() {
                return Ok(typed);
            }
        }
    }

    fn outcome_of(&mut self, key: event::KeyEvent) -> io::Result<Option<Typed>> {
        Ok(match self.editor.key(key) {
            Outcome::Edited => None,
            Outcome::Complete => Some(Typed::Complete),
            Outcome::Clear => {
                execute!(
                    io::stdout(),
                    Clear(ClearType::All),
                    crossterm::cursor::MoveTo(0, 0)
                )?;
                None
            }
            Outcome::Line(line) => {
                // All of it stays on the screen, however long it is.
                self.painter.print_entered(&mut io::stdout(), &line)?;
                Some(Typed::Line(line))
            }
            Outcome::Interrupt => Some(Typed::Interrupt),
            Outcome::Suspend => Some(Typed::Suspend),
            Outcome::EndOfInput => Some(Typed::EndOfInput),
        })
    }

    /// The line up to the cursor.
    pub(crate) fn before_cursor(&self) -> &str {
        self.editor.before_cursor()
    }

    /// Completes the word before the cursor to one of these, or shows what it can become.
    ///
    /// # Errors
    /// If the terminal is gone.
    pub(crate) fn complete(&mut self, words: impl IntoIterator<Item = String>) -> io::Result<()> {
        let before = self.editor.before_cursor();
        let word = before
            .rsplit(char::is_whitespace)
            .next()
            .unwrap_or_default();
        match complete(word, words) {
            Completion::Nothing => Ok(()),
            Completion::Becomes(word) => {
                self.editor.replace_word(&word);
                self.painter.invalidate();
                Ok(())
            }
            Completion::Choice(words) => self.print(&words.join("  ")),
        }
    }

    /// Shows the lines of an event above the row.
    ///
    /// # Errors
    /// If the terminal is gone.
    pub(crate) fn print_event(&mut self, kind: Kind, now: WallTime, lines: &str) -> io::Result<()> {
        let stdout = &mut io::stdout().lock();
        if self.look.rings(kind) {
            self.painter.ring();
        }
        let time = self.look.timestamps.then(|| time_of_day(now));
        let color = self.look.color(kind);
        self.painter
            .print_styled(stdout, lines, color, time.as_deref())
    }

    /// Shows lines above the row.
    ///
    /// # Errors
    /// If the terminal is gone.
    pub(crate) fn print(&mut self, lines: &str) -> io::Result<()> {
        self.painter.print(&mut io::stdout().lock(), lines)
    }

    /// Draws the row, if anything has changed, and shows everything.
    ///
    /// # Errors
    /// If the terminal is gone.
    pub(crate) fn draw(&mut self, prompt: &str) -> io::Result<()> {
        if DISTURBED.swap(false, Ordering::Relaxed) {
            self.painter.invalidate();
        }
        let (width, _) = terminal::size().unwrap_or((80, 24));
        let stdout = &mut io::stdout().lock();
        self.painter.draw(stdout, &self.editor, prompt, width)
    }

    /// The screen has another size, or was used by another program.
    pub(crate) fn redraw(&mut self) {
        self.painter.invalidate();
    }

    /// Gives the terminal back while the program is stopped; [`Self::resume`] takes it again.
    pub(crate) fn suspend(&mut self) {
        restore();
    }

    /// Takes over the terminal again.
    ///
    /// # Errors
    /// Of the system.
    pub(crate) fn resume(&mut self) -> io::Result<()> {
        self.painter.invalidate();
        take_over()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        restore();
    }
}

/// Waits until there is something to read, a signal comes, or `timeout` has passed.
///
/// # Errors
/// Of the system.
pub(crate) fn wait(timeout: Duration) -> io::Result<()> {
    match watch(timeout) {
        Err(Errno::INTR) | Ok(_) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Whether there is no terminal any more.
fn has_hung_up() -> io::Result<bool> {
    let state = rustix::io::retry_on_intr(|| watch(Duration::ZERO))?;
    let gone = PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL;
    Ok(state.intersects(gone))
}

/// What there is to know of the terminal, after at most `timeout`.
fn watch(timeout: Duration) -> Result<PollFlags, Errno> {
    let stdin = io::stdin();
    let mut descriptors = [PollFd::new(&stdin, PollFlags::IN)];
    let timeout = Timespec {
        tv_sec: timeout.as_secs().cast_signed(),
        tv_nsec: timeout.subsec_nanos().into(),
    };
    poll(&mut descriptors, Some(&timeout))?;
    Ok(descriptors[0].revents())
}

fn take_over() -> io::Result<()> {
    terminal::enable_raw_mode()?;
    RAW.store(true, Ordering::Relaxed);
    execute!(io::stdout(), EnableBracketedPaste)
}

/// Erases the row and restores the terminal, once. A terminal that is gone needs no restoring.
fn restore() {
    if RAW.swap(false, Ordering::Relaxed) {
        let _ = execute!(
            io::stdout(),
            MoveToColumn(0),
            Clear(ClearType::FromCursorDown),
            DisableBracketedPaste
        );
        let _ = terminal::disable_raw_mode();
    }
}

/// Writes to stderr; if it is the terminal and a row is on it, the row is erased and drawn again
/// later.
///
/// # Errors
/// Of the system.
pub(crate) fn write_stderr(bytes: &[u8]) -> io::Result<()> {
    let mut stderr = io::stderr().lock();
    if !RAW.load(Ordering::Relaxed) || !stderr.is_terminal() {
        return stderr.write_all(bytes);
    }
    queue!(stderr, MoveToColumn(0), Clear(ClearType::FromCursorDown))?;
    for part in bytes.split_inclusive(|byte| *byte == b'\n') {
        match part.strip_suffix(b"\n") {
            Some(line) => {
                stderr.write_all(line)?;
                stderr.write_all(b"\r\n")?;
            }
            None => stderr.write_all(part)?,
        }
    }
    DISTURBED.store(true, Ordering::Relaxed);
    stderr.flush()
}
