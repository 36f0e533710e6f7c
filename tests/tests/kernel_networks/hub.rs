//! A network segment in user space that treats its frames badly.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
    fs::{File, OpenOptions},
    io::{Read, Write},
    os::unix::fs::OpenOptionsExt,
    process,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
};

use chat_mio::Clock;
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::OFlags,
    ioctl::{Updater, ioctl},
};
use tests::random::{Random, Stream};

use crate::{
    namespace::{Namespace, number, run},
    segment::{Segment, bring_up},
};

/// What happens to the datagrams: in how many of 1,000, and for how long.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Treatment {
    pub(crate) lost: u32,
    pub(crate) doubled: u32,
    /// They are held back for so long that others overtake them.
    pub(crate) overtaken: u32,
    /// One bit is turned, behind the back of UDP's checksum.
    pub(crate) damaged: u32,
    pub(crate) delay_micros: u64,
    pub(crate) jitter_micros: u64,
}

impl Treatment {
    /// About a third of the datagrams does not arrive as it was sent.
    pub(crate) const BAD: Self = Self {
        lost: 100,
        doubled: 100,
        overtaken: 100,
        damaged: 100,
        delay_micros: 10_000,
        jitter_micros: 20_000,
    };
}

/// How many datagrams were treated so.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counters {
    pub(crate) passed: u64,
    pub(crate) lost: u64,
    pub(crate) doubled: u64,
    pub(crate) overtaken: u64,
    pub(crate) damaged: u64,
}

/// How much later than others one is that is overtaken.
const HELD_BACK_MICROS: u64 = 100_000;
/// How much later the second copy comes.
const COPY_MICROS: u64 = 5_000;
/// The longest sleep: by then a new leg is noticed.
const NAP_MICROS: u64 = 10_000;
/// The head of an Ethernet frame with IPv4 and UDP.
const HEAD_BYTES: usize = 14 + 20 + 8;

/// A switch whose legs are TAP devices.
pub(crate) struct Hub {
    legs: Arc<Mutex<Vec<File>>>,
    counters: Arc<Mutex<Counters>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Hub {
    pub(crate) fn new(treatment: Treatment) -> Self {
        let legs = Arc::new(Mutex::new(Vec::new()));
        let counters = Arc::new(Mutex::new(Counters::default()));
        let stop = Arc::new(AtomicBool::new(false));
        let mut switch = Switch {
            legs: Arc::clone(&legs),
            counters: Arc::clone(&counters),
            treatment,
            clock: Clock::new(),
            addresses: BTreeMap::new(),
            waiting: BinaryHeap::new(),
            draws: 0,
        };
        let stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                switch.turn();
            }
        });
        Self {
            legs,
            counters,
            stop,
            thread: Some(thread),
        }
    }

    pub(crate) fn counters(&self) -> Counters {
        *self.counters.lock().expect("no panic")
    }
}

impl Segment for Hub {
    fn plug(&self, host: &Namespace, address: &str) {
        // Unique on this machine, until it is moved and renamed.
        let name = format!("ct{}-{}", process::id(), number());
        let leg = tap(&name);
        run(&["ip", "link", "set", &name, "netns", host.name()]);
        host.ip(&format!("link set {name} name v0"));
        self.legs.lock().expect("no panic").push(leg);
        bring_up(host, address);
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // If it has panicked, the test has failed for want of a network.
            let _ = thread.join();
        }
    }
}

/// The `ifreq` of `TUNSETIFF`.
#[repr(C)]
struct InterfaceRequest {
    name: [u8; 16],
    flags: u16,
    padding: [u8; 22],
}

const TUNSETIFF: u32 = 0x4004_54ca;
const IFF_TAP: u16 = 0x0002;
const IFF_NO_PI: u16 = 0x1000;

/// Makes a network interface whose other side is a file of Ethernet frames.
fn tap(name: &str) -> File {
    let mut request = InterfaceRequest {
        name: [0; 16],
        flags: IFF_TAP | IFF_NO_PI,
        padding: [0; 22],
    };
    assert!(name.len() < request.name.len(), "{name}");
    request.name[..name.len()].copy_from_slice(name.as_bytes());
    let nonblocking = i32::try_from(OFlags::NONBLOCK.bits()).expect("a flag");
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(nonblocking)
        .open("/dev/net/tun")
        .expect("/dev/net/tun");
    // SAFETY: TUNSETIFF reads and writes one `ifreq`, which is what `InterfaceRequest` is.
    unsafe { ioctl(&file, Updater::<TUNSETIFF, _>::new(&mut request)) }.expect("a TAP device");
    assert_eq!(request.padding, [0; 22]);
    file
}

struct Switch {
    legs: Arc<Mutex<Vec<File>>>,
    counters: Arc<Mutex<Counters>>,
    treatment: Treatment,
    clock: Clock,
    /// On which leg each Ethernet address is.
    addresses: BTreeMap<[u8; 6], usize>,
    /// By time, leg and content.
    waiting: BinaryHeap<Reverse<(u64, usize, Vec<u8>)>>,
    draws: u64,
}

impl Switch {
    fn turn(&mut self) {
        let legs = Arc::clone(&self.legs);
        let legs = legs.lock().expect("no panic");
        let next = self.waiting.peek().map_or(u64::MAX, |Reverse(it)| it.0);
        let nap = next.saturating_sub(self.now()).min(NAP_MICROS);
        let nap = Timespec {
            tv_sec: 0,
            tv_nsec: i64::try_from(nap * 1_000).expect("it is short"),
        };
        let mut watched: Vec<_> = legs
            .iter()
            .map(|leg| PollFd::new(leg, PollFlags::IN))
            .collect();
        // If it fails, nothing can be read either.
        let _ = poll(&mut watched, Some(&nap));
        let mut buffer = [0; 4_096];
        for (number, mut leg) in legs.iter().enumerate() {
            while let Ok(length) = leg.read(&mut buffer) {
                self.take(number, legs.len(), &buffer[..length]);
            }
        }
        while let Some(Reverse((at, leg, frame))) = self.waiting.pop() {
            if at > self.now() {
                self.waiting.push(Reverse((at, leg, frame)));
                return;
            }
            // An interface that is down takes nothing.
            let _ = (&legs[leg]).write(&frame);
        }
    }

    fn now(&self) -> u64 {
        self.clock.now().instant.as_micros()
    }

    /// A frame has come in on `from`.
    fn take(&mut self, from: usize, legs: usize, frame: &[u8]) {
        let Some((to, rest)) = frame.split_first_chunk::<6>() else {
            return;
        };
        if let Some((by, _)) = rest.split_first_chunk::<6>() {
            self.addresses.insert(*by, from);
        }
        match self.addresses.get(to) {
            Some(leg) => self.pass(*leg, frame.to_vec()),
            None => (0..legs)
                .filter(|leg| *leg != from)
                .for_each(|leg| self.pass(leg, frame.to_vec())),
        }
    }

    fn pass(&mut self, leg: usize, mut frame: Vec<u8>) {
        let treatment = self.treatment;
        let mut at = self.now() + treatment.delay_micros;
        at += self.draw(treatment.jitter_micros.max(1), Stream::Jitter);
        let is_udp =
            frame.len() > HEAD_BYTES && frame[12..15] == [0x08, 0x00, 0x45] && frame[23] == 17;
        if is_udp {
            let counters = Arc::clone(&self.counters);
            let mut counters = counters.lock().expect("no panic");
            if self.chance(treatment.lost, Stream::Loss) {
                counters.lost += 1;
                return;
            }
            counters.passed += 1;
            if self.chance(treatment.overtaken, Stream::Reordering) {
                counters.overtaken += 1;
                at += HELD_BACK_MICROS;
            }
            if self.chance(treatment.doubled, Stream::Duplication) {
                counters.doubled += 1;
                let copy = (at + COPY_MICROS, leg, frame.clone());
                self.waiting.push(Reverse(copy));
            }
            if self.chance(treatment.damaged, Stream::Corruption) {
                counters.damaged += 1;
                self.damage(&mut frame);
            }
        }
        self.waiting.push(Reverse((at, leg, frame)));
    }

    fn damage(&mut self, frame: &mut [u8]) {
        let bits = (frame.len() - HEAD_BYTES) as u64 * 8;
        let bit = usize::try_from(self.draw(bits, Stream::Corruption)).expect("it is in there");
        frame[HEAD_BYTES + bit / 8] ^= 1 << (bit % 8);
        // No checksum: otherwise the kernel would drop it, and nobody would see it.
        frame[HEAD_BYTES - 2..HEAD_BYTES].fill(0);
    }

    fn draw(&mut self, limit: u64, stream: Stream) -> u64 {
        self.draws += 1;
        Random::new(1).below(limit, stream, 0, self.draws)
    }

    fn chance(&mut self, per_mille: u32, stream: Stream) -> bool {
        self.draw(1_000, stream) < u64::from(per_mille)
    }
}
