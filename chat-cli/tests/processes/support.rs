//! Processes that do not outlive their test.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::UdpSocket,
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Output, Stdio},
    sync::mpsc::{Receiver, Sender, channel},
    thread,
    time::Duration,
};

/// A line that has not come in this time does not come.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running server or client.
pub(crate) struct Process {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Option<Reader>,
}

/// Reads lines when asked to, without waiting for ever.
struct Reader {
    ask: Sender<()>,
    lines: Receiver<String>,
}

impl Reader {
    fn new(stdout: ChildStdout) -> Self {
        let (ask, asked) = channel::<()>();
        let (answer, lines) = channel();
        thread::spawn(move || {
            let mut stdout = BufReader::new(stdout);
            for () in asked {
                let mut line = String::new();
                let length = stdout.read_line(&mut line).unwrap();
                if length == 0 || answer.send(line).is_err() {
                    return;
                }
            }
        });
        Self { ask, lines }
    }

    /// The next line, none at the end.
    fn next(&self) -> Option<String> {
        // At the end, nobody is there to be asked.
        let _ = self.ask.send(());
        match self.lines.recv_timeout(PATIENCE) {
            Ok(line) => Some(line),
            Err(error) => {
                let ended = std::sync::mpsc::RecvTimeoutError::Disconnected;
                assert_eq!(error, ended, "no line has come");
                None
            }
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The program with `arguments`, keeping its things in `data`.
pub(crate) fn chat(data: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chat-cli"));
    command.args(arguments).arg("--data").arg(data);
    command
}

/// Runs it with nothing to read until it ends.
pub(crate) fn output(mut command: Command) -> Output {
    command.stdin(Stdio::null()).output().unwrap()
}

/// A port that nobody uses, as far as can be known.
pub(crate) fn free_port() -> String {
    let socket = UdpSocket::bind("[::]:0").unwrap();
    socket.local_addr().unwrap().port().to_string()
}

/// A server on 127.0.0.1 that has started.
pub(crate) fn server(data: &Path, port: &str) -> Process {
    let mut server = Process::start(chat(data, &["server", port, "--listen", "127.0.0.1"]));
    server.read_until(&format!("[Server started on 127.0.0.1:{port}.]"));
    server
}

/// A client of that server that has registered for the first time.
pub(crate) fn client(data: &Path, name: &str, port: &str) -> Process {
    let mut client = Process::start(chat(data, &["client", name, "127.0.0.1", port]));
    client.read_until("[Welcome, You are registered.]");
    client
}

/// Sends a signal by its name.
pub(crate) fn signal(child: &Child, name: &str) {
    let (signal, id) = (format!("-{name}"), child.id().to_string());
    let status = Command::new("kill").args([signal, id]).status();
    assert!(status.unwrap().success());
}

impl Process {
    /// Starts it in pipes.
    pub(crate) fn start(mut command: Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        Self {
            stdin: child.stdin.take(),
            stdout: child.stdout.take().map(Reader::new),
            child,
        }
    }

    /// Types what may be several lines, or none that is complete.
    pub(crate) fn write(&mut self, bytes: &[u8]) {
        self.stdin.as_mut().unwrap().write_all(bytes).unwrap();
    }

    pub(crate) fn end_input(&mut self) {
        self.stdin = None;
    }

    pub(crate) fn close_output(&mut self) {
        self.stdout = None;
    }

    /// The next line of stdout.
    pub(crate) fn read_line(&mut self) -> String {
        let line = self.stdout.as_ref().unwrap().next();
        let line = line.expect("the output has not ended");
        line.trim_end_matches('\n').into()
    }

    /// Reads lines until this one has come.
    pub(crate) fn read_until(&mut self, expected: &str) {
        while self.read_line() != expected {}
    }

    pub(crate) fn read_until_prefix(&mut self, prefix: &str) {
        while !self.read_line().starts_with(prefix) {}
    }

    /// Sends a signal by its name.
    pub(crate) fn signal(&mut self, name: &str) {
        signal(&self.child, name);
    }

    /// Waits for the end: the exit code, what is left of stdout, and stderr.
    pub(crate) fn finish(mut self) -> (ExitStatus, String, String) {
        let (mut stdout, mut stderr) = (String::new(), String::new());
        if let Some(rest) = self.stdout.take() {
            stdout.extend(std::iter::from_fn(|| rest.next()));
        }
        let errors = self.child.stderr.as_mut().unwrap();
        errors.read_to_string(&mut stderr).unwrap();
        (self.child.wait().unwrap(), stdout, stderr)
    }
}
