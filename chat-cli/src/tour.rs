//! `chat-cli tour`: the main job on this machine, with real processes, in a quarter of a minute.
//!
//! It starts this same program as a server and three clients on loopback, types for them, shows
//! what they print, kills the server on the way, and removes its files at the end.

use std::{
    fs,
    io::{self, BufRead, BufReader, Write},
    net::UdpSocket,
    path::PathBuf,
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    thread,
    time::Duration,
};

/// How long a step may take before the tour gives up.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two chapters: for the reader, and for the table to reach everyone.
const PAUSE: Duration = Duration::from_secs(1);

/// Why the tour could not go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TourError {
    /// The system refused something.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// A process did not print what it should.
    #[error("{who} should have shown \"{line}\"")]
    Missing {
        /// Who.
        who: &'static str,
        /// What.
        line: &'static str,
    },
}

/// Shows the main job.
pub(crate) fn run() -> Result<(), TourError> {
    let mut tour = Tour::new()?;
    tour.meet()?;
    tour.talk()?;
    tour.leave_and_return()?;
    tour.group()?;
    tour.without_server()?;
    tour.part()
}

/// A process and where its input goes.
struct Actor {
    who: &'static str,
    child: Child,
    input: ChildStdin,
}

struct Tour {
    actors: Vec<Actor>,
    lines: Receiver<(&'static str, String)>,
    /// What was printed and not waited for yet.
    unmatched: Vec<(&'static str, String)>,
    printed: Sender<(&'static str, String)>,
    data: PathBuf,
    port: u16,
}

impl Tour {
    fn new() -> io::Result<Self> {
        let port = UdpSocket::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let data = std::env::temp_dir().join(format!("chat-tour-{}", std::process::id()));
        let (printed, lines) = channel();
        Ok(Self {
            actors: Vec::new(),
            lines,
            unmatched: Vec::new(),
            printed,
            data,
            port,
        })
    }

    fn meet(&mut self) -> Result<(), TourError> {
        say("A server and three people, each a process of this program, on loopback.");
        self.start_server()?;
        for who in ["alice", "bob", "carol"] {
            self.start_client(who)?;
            self.sees(who, "[Welcome, You are registered.]")?;
        }
        Ok(())
    }

    fn talk(&mut self) -> Result<(), TourError> {
        say("Alice writes to Bob: from her process to his, encrypted, past the server.");
        self.types("alice", "send bob Hello Bob!")?;
        self.sees("bob", "alice: Hello Bob!")?;
        self.sees("alice", "[Message received by bob.]")
    }

    fn leave_and_return(&mut self) -> Result<(), TourError> {
        say("Carol leaves. What Alice writes is sealed to Carol's key and kept by the server.");
        self.types("carol", "dereg")?;
        self.sees("carol", "[You are Offline. Bye.]")?;
        self.types("alice", "send carol See you tomorrow?")?;
        self.sees("alice", "received by the server and saved.]")?;
        say("Carol comes back and gets her mail; Alice is told.");
        self.types("carol", "reg")?;
        self.sees("carol", "See you tomorrow?")?;
        self.sees("alice", "received by carol.]")
    }

    fn group(&mut self) -> Result<(), TourError> {
        say("A group.");
        self.types("alice", "create_group crew")?;
        self.sees("alice", "[Group crew created by Server.]")?;
        for who in ["alice", "bob"] {
            self.types(who, "join_group crew")?;
            self.sees(who, "[Entered group crew successfully.]")?;
        }
        self.types("bob", "send_group Dinner at eight.")?;
        self.sees("alice", "[Group_Message bob: Dinner at eight.]")?;
        for who in ["alice", "bob"] {
            self.types(who, "leave_group")?;
            self.sees(who, "[Leave group chat crew.]")?;
        }
        Ok(())
    }

    fn without_server(&mut self) -> Result<(), TourError> {
        say("The server is killed (kill -9). People go on talking.");
        self.kill("server")?;
        self.types("bob", "send carol Still there?")?;
        self.sees("carol", "bob: Still there?")?;
        self.sees("bob", "[Message received by carol.]")?;
        say("The server starts again, with everything it had promised to keep.");
        self.start_server()?;
        self.types("carol", "list_groups")?;
        self.sees("carol", "crew")
    }

    fn part(&mut self) -> Result<(), TourError> {
        say("Everyone leaves.");
        for who in ["alice", "bob", "carol", "server"] {
            self.types(who, "quit")?;
            if let Some(at) = self.actors.iter().position(|actor| actor.who == who) {
                self.actors.remove(at).child.wait()?;
            }
        }
        while let Ok((who, line)) = self.lines.try_recv() {
            show(who, &line);
        }
        let start = "chat-cli server 5000, then: chat-cli client <name> <server-ip> 5000";
        say(&format!("That was the tour. To talk for real: {start}"));
        Ok(())
    }

    fn start_server(&mut self) -> Result<(), TourError> {
        let port = self.port.to_string();
        self.start("server", &["server", &port, "--listen", "127.0.0.1"])?;
        self.sees("server", "[Server started on ")
    }

    fn start_client(&mut self, who: &'static str) -> io::Result<()> {
        let port = self.port.to_string();
        self.start(who, &["client", who, "127.0.0.1", &port])
    }

    /// Starts this program again; what it prints comes as lines of `who`.
    fn start(&mut self, who: &'static str, arguments: &[&str]) -> io::Result<()> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(arguments)
            .arg("--data")
            .arg(&self.data)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let pipes = child.stdin.take().zip(child.stdout.take());
        let (input, output) = pipes.expect("both were asked for");
        let printed = self.printed.clone();
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if printed.send((who, line)).is_err() {
                    return;
                }
            }
        });
        self.actors.push(Actor { who, child, input });
        Ok(())
    }

    fn types(&mut self, who: &str, line: &str) -> io::Result<()> {
        show(who, &format!(">>> {line}"));
        match self.actors.iter_mut().find(|actor| actor.who == who) {
            Some(actor) => writeln!(actor.input, "{line}"),
            None => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// Shows everything that is printed until `who` has printed a line with `part` in it.
    fn sees(&mut self, who: &'static str, part: &'static str) -> Result<(), TourError> {
        let is_it = |(from, line): &(&str, String)| *from == who && line.contains(part);
        while !self.unmatched.iter().any(is_it) {
            match self.lines.recv_timeout(PATIENCE) {
                Ok((from, line)) => {
                    show(from, &line);
                    self.unmatched.push((from, line));
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    return Err(TourError::Missing { who, line: part });
                }
            }
        }
        // A later step waits for what comes after this line.
        if let Some(at) = self.unmatched.iter().position(is_it) {
            let mut index = 0;
            self.unmatched.retain(|(from, _)| {
                index += 1;
                index > at + 1 || *from != who
            });
        }
        Ok(())
    }

    fn kill(&mut self, who: &str) -> io::Result<()> {
        if let Some(at) = self.actors.iter().position(|actor| actor.who == who) {
            let mut actor = self.actors.remove(at);
            actor.child.kill()?;
            actor.child.wait()?;
        }
        Ok(())
    }
}

impl Drop for Tour {
    fn drop(&mut self) {
        for actor in &mut self.actors {
            // Whatever ended the tour, nothing of it stays behind.
            let _ = actor.child.kill();
            let _ = actor.child.wait();
        }
        let _ = fs::remove_dir_all(&self.data);
    }
}

fn say(line: &str) {
    thread::sleep(PAUSE);
    let _ = writeln!(io::stdout(), "\n# {line}");
}

fn show(who: &str, line: &str) {
    let _ = writeln!(io::stdout(), "{who:>8} | {line}");
}
