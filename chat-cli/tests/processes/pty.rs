//! A terminal with a program in it, and what it shows.

use std::{
    fs::File,
    io::{Read, Write},
    process::{Child, Command, Stdio},
    sync::{Arc, Condvar, Mutex},
    thread,
    time::Duration,
};

use rustix::{
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{Winsize, tcsetwinsize},
};

use super::support::signal;

/// What has not been shown in this time is not shown.
const PATIENCE: Duration = Duration::from_secs(60);

/// A terminal, and who sits in front of it. Dropping it hangs up.
pub(crate) struct Terminal {
    program: Child,
    keyboard: File,
    shown: Arc<Shown>,
}

struct Shown {
    screen: Mutex<vt100::Parser>,
    changed: Condvar,
}

impl Terminal {
    /// Starts the program in a terminal.
    pub(crate) fn start(mut command: Command, rows: u16, columns: u16) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        tcsetwinsize(&master, size(rows, columns)).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
        let open = || Stdio::from(File::options().read(true).write(true).open(&name).unwrap());
        command.stdin(open()).stdout(open()).stderr(open());
        let program = command.spawn().unwrap();
        // It holds the program's side of the terminal open.
        drop(command);
        let keyboard = File::from(master);
        let shown = Arc::new(Shown {
            screen: Mutex::new(vt100::Parser::new(rows, columns, 0)),
            changed: Condvar::new(),
        });
        let (mut output, to) = (keyboard.try_clone().unwrap(), Arc::clone(&shown));
        thread::spawn(move || {
            let mut bytes = [0; 4_096];
            // The end is an error: nobody has the other side open.
            while let Ok(length @ 1..) = output.read(&mut bytes) {
                to.screen.lock().unwrap().process(&bytes[..length]);
                to.changed.notify_all();
            }
        });
        Self {
            program,
            keyboard,
            shown,
        }
    }

    /// Presses keys.
    pub(crate) fn press(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
    }

    /// Changes the size, and tells the program, as its own terminal would.
    pub(crate) fn resize(&mut self, rows: u16, columns: u16) {
        let mut screen = self.shown.screen.lock().unwrap();
        screen.screen_mut().set_size(rows, columns);
        drop(screen);
        tcsetwinsize(&self.keyboard, size(rows, columns)).unwrap();
        signal(&self.program, "WINCH");
    }

    /// Waits until the screen is as it should be.
    #[track_caller]
    pub(crate) fn wait(&self, is_it: impl Fn(&vt100::Screen) -> bool) {
        let screen = self.shown.screen.lock().unwrap();
        let changed = &self.shown.changed;
        let is_not = |parser: &mut vt100::Parser| !is_it(parser.screen());
        let (screen, waited) = changed
            .wait_timeout_while(screen, PATIENCE, is_not)
            .unwrap();
        assert!(!waited.timed_out(), "{}", screen.screen().contents());
    }

    /// Waits until a row is this.
    #[track_caller]
    pub(crate) fn shows(&self, row: &str) {
        self.wait(|screen| rows(screen).iter().any(|is| is == row));
    }

    /// Waits until the last row that is not empty is this, with the cursor in that column.
    #[track_caller]
    pub(crate) fn shows_last(&self, row: &str, column: u16) {
        self.wait(|screen| {
            let rows = rows(screen);
            let at = (rows.len() as u16 - 1, column);
            rows.last().is_some_and(|is| is == row) && screen.cursor_position() == at
        });
    }

    /// The colour of the first character that is this.
    pub(crate) fn color(&self, character: &str) -> vt100::Color {
        let parser = self.shown.screen.lock().unwrap();
        let screen = parser.screen();
        let (rows, columns) = screen.size();
        let cells = (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column)));
        let mut cells = cells.filter_map(|(row, column)| screen.cell(row, column));
        cells
            .find(|cell| cell.contents() == character)
            .unwrap()
            .fgcolor()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

/// The rows of a screen, to the last that is not empty.
pub(crate) fn rows(screen: &vt100::Screen) -> Vec<String> {
    let mut rows: Vec<String> = screen.rows(0, screen.size().1).collect();
    while rows.last().is_some_and(String::is_empty) {
        rows.pop();
    }
    rows
}

fn size(rows: u16, columns: u16) -> Winsize {
    Winsize {
        ws_row: rows,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    }
}
