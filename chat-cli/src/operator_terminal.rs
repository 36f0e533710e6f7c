//! The terminal that a server was started in.
//!
//! Only a process in the foreground may read its terminal: one in the background would be stopped
//! for it (SIGTTIN). A server serves in the background as well, so it looks first.

use std::{
    fs::File,
    io::{self, Read},
    os::fd::{AsFd, BorrowedFd},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::getpgrp,
    termios::tcgetpgrp,
};

use crate::lines::Splitter;

/// So many bytes are read at once.
const CHUNK_BYTES: usize = 4 << 10;

/// The terminal on stdin, which hands over whole lines.
pub(crate) struct OperatorTerminal {
    terminal: File,
    splitter: Splitter,
    /// What was read last, of which a part is used.
    chunk: Vec<u8>,
    used: usize,
    filled: usize,
    /// There may be something to read.
    ready: bool,
    ended: bool,
}

impl OperatorTerminal {
    /// The terminal on stdin.
    ///
    /// # Errors
    /// If the system has no descriptor left.
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self {
            terminal: io::stdin().as_fd().try_clone_to_owned()?.into(),
            splitter: Splitter::default(),
            chunk: vec![0; CHUNK_BYTES],
            used: 0,
            filled: 0,
            ready: true,
            ended: false,
        })
    }

    /// What is to be watched for input.
    pub(crate) fn descriptor(&self) -> BorrowedFd<'_> {
        self.terminal.as_fd()
    }

    /// Something has come to be read.
    pub(crate) fn wake(&mut self) {
        self.ready = true;
    }

    /// The next line that can be read without waiting; none in the background.
    pub(crate) fn next_line(&mut self) -> Option<String> {
        loop {
            let mut rest = &self.chunk[self.used..self.filled];
            let line = self.splitter.next_line(&mut rest);
            self.used = self.filled - rest.len();
            if let Some(line) = line {
                return Some(line.text);
            }
            if self.ended || !self.ready || !self.is_in_foreground() {
                return None;
            }
            self.ready = self.is_readable();
            if !self.ready {
                return None;
            }
            self.used = 0;
            self.filled = match self.terminal.read(&mut self.chunk) {
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                    self.filled = 0;
                    continue;
                }
                Err(_) => 0,
            };
            // Ctrl-D or a terminal that is gone: the end of input changes nothing.
            self.ended = self.filled == 0;
        }
    }

    fn is_in_foreground(&self) -> bool {
        tcgetpgrp(&self.terminal).is_ok_and(|group| group == getpgrp())
    }

    fn is_readable(&self) -> bool {
        let mut descriptors = [PollFd::new(&self.terminal, PollFlags::IN)];
        let now = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        poll(&mut descriptors, Some(&now)).is_ok_and(|ready| ready > 0)
    }
}
