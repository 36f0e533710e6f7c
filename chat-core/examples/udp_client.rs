//! A driver of one's own: a client on a socket of the standard library, without any other crate.
//! Everything is kept in memory, and the user is another one each time.
//!
//! Run it beside a server: `cargo run -p chat-core --example udp_client -- alice 127.0.0.1:5000`.
//! It takes `NAME TEXT` lines from standard input and sends TEXT to NAME.

use std::{
    error::Error,
    fs::File,
    io::{self, Read},
    net::{SocketAddr, UdpSocket},
    sync::mpsc::{self, Receiver},
    thread,
    time::Duration,
};

use chat_core::{
    action::Action,
    client::{Client, Command, Ended, Event, Options},
    crypto::Identity,
    id::Path,
    store::MemoryStore,
    text::English,
    time::{Instant, Now, WallTime},
};

/// While lines may come, they are looked for this often.
const INPUT_INTERVAL: Duration = Duration::from_millis(50);

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(name), Some(server)) = (arguments.next(), arguments.next()) else {
        return Err("usage: udp_client NAME SERVER-IP:PORT".into());
    };
    let server: SocketAddr = server.parse()?;
    let clock = Clock::start();
    // A program that is to be the same user again keeps the seed of its identity.
    let identity = Identity::from_seed(&seed()?);
    let options = Options::new(name.parse()?, identity, Path::to(server), seed()?);
    let any = if server.is_ipv4() {
        "0.0.0.0:0"
    } else {
        "[::]:0"
    };
    let mut driver = Driver {
        client: Client::new(clock.now(), options),
        store: MemoryStore::new(),
        socket: UdpSocket::bind(any)?,
        clock,
        buffer: Vec::new(),
    };
    let lines = read_lines();
    let mut datagram = [0; 2_048];
    loop {
        if let Some(ended) = driver.act()? {
            return match ended {
                Ended::Normally => Ok(()),
                ended => Err(format!("the client ended: {ended:?}").into()),
            };
        }
        driver.take_lines(&lines);
        driver.wait(&mut datagram)?;
    }
}

/// What is around the state machine.
struct Driver {
    client: Client,
    store: MemoryStore,
    socket: UdpSocket,
    clock: Clock,
    buffer: Vec<u8>,
}

impl Driver {
    /// Does everything that the client wants done. How it has ended, if it has.
    fn act(&mut self) -> io::Result<Option<Ended>> {
        let now = self.clock.now();
        while let Some(action) = self.client.poll_action(now, &mut self.buffer) {
            match action {
                // What cannot be sent counts as lost: the protocol sends it again.
                Action::Send(path) => drop(self.socket.send_to(&self.buffer, path.remote)),
                Action::Persist(id, operation) => self.store.handle(id, operation),
                Action::Display(Event::Ended(ended)) => return Ok(Some(ended)),
                Action::Display(event) => {
                    let line = English::new(&event, &|_| "earlier".into()).to_string();
                    if !line.is_empty() {
                        println!("{line}");
                    }
                }
            }
            // A store on a disk would report what is durable, when it is.
            while let Some(event) = self.store.poll_event() {
                self.client.handle_stored(now, event);
            }
        }
        Ok(None)
    }

    /// Hands in what was typed. The end of input leaves.
    fn take_lines(&mut self, lines: &Receiver<Option<String>>) {
        let now = self.clock.now();
        while let Ok(line) = lines.try_recv() {
            let command = match line.as_deref().map(|line| line.split_once(' ')) {
                None => Command::Finish,
                Some(Some((to, text))) => match to.parse() {
                    Ok(to) => Command::Send {
                        to,
                        text: text.into(),
                    },
                    Err(error) => Command::Note(format!("{to:?}: {error}")),
                },
                Some(None) => Command::Note("usage: NAME TEXT".into()),
            };
            if self.client.handle_command(now, command).is_err() {
                println!("Too many commands wait: this one is ignored.");
            }
        }
    }

    /// Waits for a datagram, until something is due or may have been typed.
    fn wait(&mut self, datagram: &mut [u8]) -> io::Result<()> {
        let now = self.clock.now().instant;
        let due = self
            .client
            .poll_timeout()
            .map(|at| at.saturating_since(now));
        let wait = due.unwrap_or(INPUT_INTERVAL).min(INPUT_INTERVAL);
        // Zero would be for ever.
        self.socket
            .set_read_timeout(Some(wait.max(Duration::from_millis(1))))?;
        if let Ok((length, from)) = self.socket.recv_from(datagram) {
            let (now, bytes) = (self.clock.now(), &mut datagram[..length]);
            self.client.handle_datagram(now, Path::to(from), bytes);
        }
        self.client.handle_timeout(self.clock.now());
        Ok(())
    }
}

/// The clocks of the system, as the core wants them.
struct Clock(std::time::Instant);

impl Clock {
    #[expect(clippy::disallowed_methods, reason = "a driver reads the clock")]
    fn start() -> Self {
        Self(std::time::Instant::now())
    }

    fn now(&self) -> Now {
        let wall = std::time::SystemTime::UNIX_EPOCH.elapsed();
        let instant = self.0.elapsed().as_micros() as u64;
        let wall = wall.unwrap_or_default().as_micros() as u64;
        Now::new(Instant::from_micros(instant), WallTime::from_micros(wall))
    }
}

/// Thirty-two bytes that nobody can guess.
fn seed() -> io::Result<[u8; 32]> {
    let mut seed = [0; 32];
    File::open("/dev/urandom")?.read_exact(&mut seed)?;
    Ok(seed)
}

/// The lines of standard input, and `None` for their end.
fn read_lines() -> Receiver<Option<String>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let lines = io::stdin().lines().map_while(Result::ok).map(Some);
        for line in lines.chain([None]) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}
