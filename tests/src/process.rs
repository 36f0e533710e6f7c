//! The real program as a child process, with pipes.

use std::{
    env,
    io::{BufRead, BufReader, Read, Write},
    net::UdpSocket,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    sync::{
        OnceLock,
        mpsc::{Receiver, RecvTimeoutError, channel},
    },
    thread,
    time::Duration,
};

/// A line or an end that has not come after this time will not come. Nothing is decided by a
/// shorter time.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// As by Ctrl-C.
    Interrupt,
    /// SIGTERM.
    Terminate,
    /// A closed window.
    HangUp,
    /// SIGSTOP.
    Stop,
    /// SIGCONT.
    Continue,
}

impl Signal {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Interrupt => "-INT",
            Self::Terminate => "-TERM",
            Self::HangUp => "-HUP",
            Self::Stop => "-STOP",
            Self::Continue => "-CONT",
        }
    }
}

/// A running program.
pub struct Process {
    child: Child,
    input: Option<ChildStdin>,
    output: Receiver<String>,
    errors: Receiver<String>,
}

impl Process {
    /// Starts `chat-cli` with these arguments.
    ///
    /// # Panics
    /// If it cannot be built or started.
    pub fn start<I, S>(arguments: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: AsRef<std::ffi::OsStr>,
    {
        let mut command = Command::new(program());
        Self::spawn(command.args(arguments))
    }

    /// Starts `command`, which becomes `chat-cli`.
    ///
    /// # Panics
    /// If it cannot be started.
    pub fn spawn(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("chat-cli starts");
        let output = lines_of(child.stdout.take().expect("a pipe"));
        let errors = lines_of(child.stderr.take().expect("a pipe"));
        Self {
            input: child.stdin.take(),
            child,
            output,
            errors,
        }
    }

    /// Types a line. A program that has ended does not mind.
    pub fn type_line(&mut self, line: &str) {
        if let Some(input) = &mut self.input {
            // The program may end while the line is written: then its exit code tells.
            let _ = input.write_all(format!("{line}\n").as_bytes());
        }
    }

    /// Ends the input.
    pub fn end_input(&mut self) {
        self.input = None;
    }

    /// The next line on stdout, if one comes in time.
    pub fn next_line(&mut self) -> Option<String> {
        self.output.recv_timeout(PATIENCE).ok()
    }

    /// The next line on stdout, if it has come.
    pub fn next_line_that_waits(&mut self) -> Option<String> {
        self.output.try_recv().ok()
    }

    /// Skips lines up to this one.
    ///
    /// # Panics
    /// If it does not come in time.
    pub fn wait_for(&mut self, line: &str) {
        self.wait_until(line, |found| found == line);
    }

    /// Skips lines up to one that begins so, and gives it.
    ///
    /// # Panics
    /// If it does not come in time.
    pub fn wait_for_prefix(&mut self, prefix: &str) -> String {
        self.wait_until(prefix, |found| found.starts_with(prefix))
    }

    /// Skips lines up to one for which `is_it` holds, and gives it.
    ///
    /// # Panics
    /// If it does not come in time.
    pub fn wait_until(&mut self, what: &str, mut is_it: impl FnMut(&str) -> bool) -> String {
        let mut skipped = Vec::new();
        while let Some(found) = self.next_line() {
            if is_it(&found) {
                return found;
            }
            skipped.push(found);
        }
        let errors: Vec<String> = self.errors.try_iter().collect();
        panic!("no {what:?}; shown: {skipped:#?}, on stderr: {errors:#?}");
    }

    /// Sends a signal.
    ///
    /// # Panics
    /// If there is no shell.
    pub fn signal(&self, signal: Signal) {
        let command = format!("kill {} {}", signal.as_str(), self.child.id());
        Command::new("sh")
            .args(["-c", &command])
            .status()
            .expect("a shell");
    }

    /// Ends the program without warning; what it has shown can still be read.
    pub fn kill(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.input = None;
    }

    /// Waits for the end: everything that was still on stdout, and how it ended.
    ///
    /// # Panics
    /// If it does not end in time.
    pub fn wait(&mut self) -> (Vec<String>, ExitStatus) {
        let mut rest = Vec::new();
        loop {
            match self.output.recv_timeout(PATIENCE) {
                Ok(line) => rest.push(line),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("no end; shown: {rest:#?}"),
            }
        }
        (rest, self.child.wait().expect("the child is ours"))
    }

    /// Everything on stderr, once the program has ended.
    pub fn errors(&mut self) -> Vec<String> {
        self.errors.iter().collect()
    }

    /// Whether the program runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

fn lines_of(pipe: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let mut pipe = BufReader::new(pipe);
        let mut bytes = Vec::new();
        // Without its end it is no line: the program was killed while it wrote.
        while pipe.read_until(b'\n', &mut bytes).is_ok() && bytes.pop() == Some(b'\n') {
            let line = String::from_utf8_lossy(&bytes).into_owned();
            bytes.clear();
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

/// The path of `chat-cli`, which is built if it is not up to date.
///
/// # Panics
/// If it cannot be built.
pub fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut build = Command::new(cargo);
        build.args(["build", "--quiet", "--package", "chat-cli"]);
        let profile = profile_directory();
        if profile.ends_with("release") {
            build.arg("--release");
        }
        build.current_dir(env!("CARGO_MANIFEST_DIR"));
        build.env(
            "CARGO_TARGET_DIR",
            profile.parent().expect("a target directory"),
        );
        let status = build.status().expect("cargo runs");
        assert!(status.success(), "chat-cli cannot be built");
        profile.join(format!("chat-cli{}", env::consts::EXE_SUFFIX))
    })
}

/// `target/debug`, from `target/debug/deps/<this test>`.
fn profile_directory() -> PathBuf {
    let test = env::current_exe().expect("a test has a path");
    let directory = test.ancestors().nth(2).expect("it is two levels down");
    directory.to_owned()
}

/// A UDP port of the loopback interface that was free a moment ago.
///
/// # Panics
/// If there is none.
pub fn free_port() -> u16 {
    let socket = UdpSocket::bind(("127.0.0.1", 0)).expect("a free port");
    socket.local_addr().expect("it is bound").port()
}
