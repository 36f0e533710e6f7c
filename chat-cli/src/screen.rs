//! Where a client's events are shown: a terminal with a prompt, or a pipe.

use std::io::{self, Write};

use chat_core::time::WallTime;

use crate::terminal::{self, Kind, Terminal};

/// Where events are shown.
pub(crate) enum Screen {
    /// One event a line, flushed at once.
    Pipe,
    /// Above the line that is being typed.
    Terminal(Terminal),
}

impl Screen {
    /// Shows the lines of an event.
    ///
    /// # Errors
    /// If nobody sees them any more.
    pub(crate) fn show(&mut self, kind: Kind, now: WallTime, lines: &str) -> io::Result<()> {
        match self {
            Self::Pipe => {
                let mut stdout = io::stdout().lock();
                stdout.write_all(format!("{lines}\n").as_bytes())?;
                stdout.flush()
            }
            Self::Terminal(terminal) => terminal.print_event(kind, now, lines),
        }
    }

    /// Shows a line on stderr. If nobody sees it, there is nothing to be done about that.
    pub(crate) fn show_error(&mut self, line: &str) {
        let _ = terminal::write_stderr(format!("{line}\n").as_bytes());
    }
}
