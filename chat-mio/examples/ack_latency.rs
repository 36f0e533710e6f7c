//! How long it takes until a direct message is acknowledged: from the command that sends it to
//! `[Message received by bob.]`, on loopback, with stores on disk, one message at a time.
//!
//! ```text
//! cargo run --release -p chat-mio --example ack_latency [messages]
//! ```
//! The baseline is what nobody can do without, measured in the same run: one bare UDP round trip
//! between two threads, and one `write` + `fdatasync` of 4 KiB (bob keeps a message before he
//! acknowledges it).

use std::{
    error::Error,
    io::{Seek, SeekFrom, Write},
    net::{SocketAddr, UdpSocket},
    path::Path,
    sync::mpsc::{Receiver, Sender, channel},
    thread,
    time::Duration,
};

use chat_core::{
    client::{self, Client, Command},
    server::{self, Server},
};
use chat_mio::{ClientLoop, ClientSetup, Clock, Control, Frontend, ServerLoop, ServerSetup, Waker};

/// Messages before the measurement: so many that the stores' write-ahead logs have their size.
const WARM_UP: usize = 300;
/// The pause before each message: nothing else goes on.
const PAUSE: Duration = Duration::from_millis(3);

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> Result<()> {
    let messages = match std::env::args().nth(1) {
        Some(count) => count.parse()?,
        None => 1_000,
    };
    let directory = tempfile::tempdir_in(".")?;
    let ping = Spread::of(udp_round_trips(messages)?);
    let sync = Spread::of(syncs(directory.path(), messages)?);
    let ack = Spread::of(acks(directory.path(), messages)?);
    println!("bare UDP round trip     {ping}");
    println!("write and fdatasync     {sync}");
    println!("acknowledged message    {ack}");
    let floor = ping.median + sync.median;
    println!(
        "ratio of the medians    {:.2} (acknowledged / (round trip + fdatasync))",
        ack.median as f64 / floor as f64
    );
    Ok(())
}

/// Microseconds.
struct Spread {
    median: u64,
    p99: u64,
}

impl Spread {
    fn of(mut micros: Vec<u64>) -> Self {
        micros.sort_unstable();
        let at = |percent: usize| micros.get(micros.len() * percent / 100).copied();
        Self {
            median: at(50).unwrap_or_default(),
            p99: at(99).unwrap_or_default(),
        }
    }
}

impl std::fmt::Display for Spread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "p50 {:>6} µs   p99 {:>6} µs", self.median, self.p99)
    }
}

fn micros(clock: &Clock) -> u64 {
    clock.now().instant.as_micros()
}

fn udp_round_trips(count: usize) -> Result<Vec<u64>> {
    let (ours, theirs) = (
        UdpSocket::bind("127.0.0.1:0")?,
        UdpSocket::bind("127.0.0.1:0")?,
    );
    ours.connect(theirs.local_addr()?)?;
    theirs.connect(ours.local_addr()?)?;
    thread::spawn(move || {
        let mut buffer = [0; 256];
        while let Ok(length) = theirs.recv(&mut buffer) {
            let _ = theirs.send(&buffer[..length]);
        }
    });
    let clock = Clock::new();
    let mut buffer = [0; 256];
    (0..count)
        .map(|_| {
            thread::sleep(PAUSE);
            let sent = micros(&clock);
            ours.send(&[0; 128])?;
            ours.recv(&mut buffer)?;
            Ok(micros(&clock) - sent)
        })
        .collect()
}

fn syncs(directory: &Path, count: usize) -> Result<Vec<u64>> {
    const BLOCK: [u8; 4_096] = [0; 4_096];
    const BLOCKS: usize = 1_000;
    let mut file = std::fs::File::create(directory.join("sync"))?;
    for _ in 0..BLOCKS {
        file.write_all(&BLOCK)?;
    }
    file.sync_all()?;
    let clock = Clock::new();
    (0..count)
        .map(|number| {
            thread::sleep(PAUSE);
            let started = micros(&clock);
            // Written over, as a write-ahead log is, so that only data are to be synced.
            let place = (number % BLOCKS * BLOCK.len()) as u64;
            file.seek(SeekFrom::Start(place))?;
            file.write_all(&BLOCK)?;
            file.sync_data()?;
            Ok(micros(&clock) - started)
        })
        .collect()
}

/// Runs a server, bob, and alice, who sends.
fn acks(directory: &Path, count: usize) -> Result<Vec<u64>> {
    let (address, addresses) = channel();
    let data = directory.to_owned();
    thread::spawn(move || serve(&data, &address));
    let server = addresses.recv()?;
    let (bob_is_there, ready) = channel();
    let data = directory.to_owned();
    thread::spawn(move || -> Result<()> {
        let mut bob = start("bob", server, &data)?;
        bob.run(&mut Bob { bob_is_there })?;
        Ok(())
    });
    ready.recv()?;
    let mut alice = start("alice", server, directory)?;
    let waker = alice.event_loop().waker();
    let (tick, ticks) = channel();
    thread::spawn(move || keep_ticking(&tick, &waker));
    let mut sender = Alice {
        ticks,
        clock: Clock::new(),
        registered: false,
        sent: None,
        left: count + WARM_UP,
        times: Vec::new(),
    };
    alice.run(&mut sender)?;
    Ok(sender.times.split_off(WARM_UP.min(sender.times.len())))
}

fn serve(data: &Path, address: &Sender<SocketAddr>) -> Result<()> {
    let mut setup = ServerSetup::new(0);
    setup.data = Some(data.to_owned());
    setup.listen = Some([127, 0, 0, 1].into());
    let mut server = ServerLoop::new(setup)?;
    address.send(server.event_loop().local_address())?;
    server.run(&mut Silent)?;
    Ok(())
}

fn start(name: &str, server: SocketAddr, data: &Path) -> Result<ClientLoop> {
    let mut setup = ClientSetup::new(name.parse()?, server);
    setup.data = Some(data.to_owned());
    setup.listen = Some([127, 0, 0, 1].into());
    Ok(ClientLoop::new(setup)?)
}

fn keep_ticking(tick: &Sender<()>, waker: &Waker) {
    while tick.send(()).is_ok() && waker.wake().is_ok() {
        thread::sleep(PAUSE);
    }
}

struct Silent;

impl Frontend<Server> for Silent {
    fn event(&mut self, _control: &mut Control<'_, Server>, _event: server::Event) {}
}

struct Bob {
    bob_is_there: Sender<()>,
}

impl Frontend<Client> for Bob {
    fn event(&mut self, _control: &mut Control<'_, Client>, event: client::Event) {
        if matches!(event, client::Event::Registered { .. }) {
            // Alice may be gone already.
            let _ = self.bob_is_there.send(());
        }
    }
}

struct Alice {
    ticks: Receiver<()>,
    clock: Clock,
    registered: bool,
    sent: Option<u64>,
    left: usize,
    times: Vec<u64>,
}

impl Frontend<Client> for Alice {
    fn event(&mut self, _control: &mut Control<'_, Client>, event: client::Event) {
        match event {
            client::Event::TableUpdated => self.registered = true,
            client::Event::Received { .. } => {
                if let Some(sent) = self.sent.take() {
                    self.times.push(micros(&self.clock) - sent);
                }
            }
            client::Event::NoAck { .. } => println!("a message was not acknowledged in time"),
            _ => {}
        }
    }

    fn turn(&mut self, control: &mut Control<'_, Client>) {
        let tick = self.ticks.try_iter().count() > 0;
        if !tick || !self.registered || self.sent.is_some() {
            return;
        }
        let command = match self.left.checked_sub(1) {
            Some(left) => {
                self.left = left;
                self.sent = Some(micros(&self.clock));
                Command::Send {
                    to: "bob".parse().expect("a name"),
                    text: "x".repeat(64),
                }
            }
            None => {
                self.registered = false;
                Command::Quit
            }
        };
        let taken = control.machine.handle_command(control.now, command);
        taken.expect("one command at a time is not too many");
    }
}
