use std::{
    collections::VecDeque,
    io::{Read, Write},
    net::UdpSocket,
    os::fd::AsFd,
    os::unix::net::UnixStream,
};

use chat_core::{
    id::MessageId,
    store::{Limit, Log, MemoryStore, OperationId, StoreEvent, StoreOperation},
    time::WallTime,
};

use super::*;

/// Keeps every datagram, then shows it and sends it back. A datagram `end` ends it.
#[derive(Default)]
struct Echo {
    operations: VecDeque<(OperationId, StoreOperation)>,
    waiting: VecDeque<(Path, Vec<u8>)>,
    replies: VecDeque<(Path, Vec<u8>)>,
    events: VecDeque<Vec<u8>>,
    received: u64,
    timer: Option<Instant>,
    left: u32,
}

impl Machine for Echo {
    type Event = Vec<u8>;
    type End = u64;

    fn end(event: &Vec<u8>) -> Option<u64> {
        (event == b"end").then_some(7)
    }

    fn store_of(&self) -> Option<PublicKey> {
        Some(PublicKey([0; 32]))
    }

    fn leave(&mut self, _now: Now) {
        self.left += 1;
    }

    fn handle_datagram(&mut self, _now: Now, path: Path, datagram: &mut [u8]) {
        self.received += 1;
        self.waiting.push_back((path, datagram.to_vec()));
        let operation = StoreOperation::Append {
            log: Log::Channel,
            id: MessageId::derive(b"echo", &[&self.received.to_le_bytes()]),
            received: WallTime::from_micros(0),
            bytes: Arc::from([]),
            limit: Limit::Refuse(u64::MAX),
        };
        self.operations
            .push_back((OperationId(self.received), operation));
    }

    fn handle_timeout(&mut self, now: Now) {
        if self.timer.is_some_and(|at| at <= now.instant) {
            self.timer = None;
            self.events.push_back(b"timer".to_vec());
        }
    }

    fn handle_stored(&mut self, _now: Now, event: StoreEvent) {
        assert!(matches!(event, StoreEvent::Appended { .. }));
        let (path, datagram) = self.waiting.pop_front().expect("one is kept for each");
        self.events.push_back(datagram.clone());
        self.replies.push_back((path, datagram));
    }

    fn poll_transmit(&mut self, _now: Now, buffer: &mut Vec<u8>) -> Option<Path> {
        let (path, datagram) = self.replies.pop_front()?;
        buffer.clear();
        buffer.extend_from_slice(&datagram);
        Some(path)
    }

    fn poll_persist(&mut self) -> Option<(OperationId, StoreOperation)> {
        self.operations.pop_front()
    }

    fn poll_event(&mut self) -> Option<Vec<u8>> {
        self.events.pop_front()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let idle = self.operations.is_empty() && self.replies.is_empty() && self.events.is_empty();
        if idle {
            self.timer
        } else {
            Some(Instant::ZERO)
        }
    }
}

type Do<'a> = Box<dyn FnMut(&mut Control<'_, Echo>) + 'a>;

/// Notes what it is told, and does one thing in each turn.
struct Notes<'a> {
    lines: Vec<String>,
    input: Option<UnixStream>,
    each_turn: Do<'a>,
}

impl<'a> Notes<'a> {
    fn new(each_turn: impl FnMut(&mut Control<'_, Echo>) + 'a) -> Self {
        Self {
            lines: Vec::new(),
            input: None,
            each_turn: Box::new(each_turn),
        }
    }
}

impl Frontend<Echo> for Notes<'_> {
    fn event(&mut self, _control: &mut Control<'_, Echo>, event: Vec<u8>) {
        self.lines
            .push(String::from_utf8_lossy(&event).into_owned());
    }

    fn readable(&mut self, control: &mut Control<'_, Echo>, source: usize) {
        let mut bytes = [0; 16];
        let length = self.input.as_mut().unwrap().read(&mut bytes).unwrap();
        self.lines.push(format!("source {source}"));
        control.machine.events.push_back(bytes[..length].to_vec());
    }

    fn signal(&mut self, control: &mut Control<'_, Echo>, signal: i32) {
        self.lines.push(format!("signal {signal}"));
        end(control);
    }

    fn turn(&mut self, control: &mut Control<'_, Echo>) {
        (self.each_turn)(control);
    }
}

fn end(control: &mut Control<'_, Echo>) {
    control.machine.events.push_back(b"end".to_vec());
}

const PATIENCE: Patience = Patience {
    after_leave: Duration::from_millis(1),
    hangup_leaves: true,
};

fn event_loop(signals: &[i32]) -> EventLoop<Echo> {
    let socket = Socket::bind(Some([127, 0, 0, 1].into()), 0).unwrap();
    let parts = Parts::new(socket, signals).unwrap();
    let open: OpenStore = Box::new(|_, _| Ok(Box::new(MemoryStore::new())));
    EventLoop::new(parts, Echo::default(), open, PATIENCE)
}

fn peer(event_loop: &EventLoop<Echo>) -> UdpSocket {
    let peer = UdpSocket::bind(("127.0.0.1", 0)).unwrap();
    peer.connect(event_loop.local_address()).unwrap();
    peer
}

#[test]
fn what_arrives_is_kept_then_shown_and_answered() {
    let mut event_loop = event_loop(&[]);
    let peer = peer(&event_loop);
    for datagram in [&b"one"[..], b"two", b"end"] {
        peer.send(datagram).unwrap();
    }
    let mut notes = Notes::new(|_| ());
    assert_eq!(event_loop.run(&mut notes).unwrap(), Some(7));
    assert_eq!(notes.lines, ["one", "two", "end"]);
    for datagram in [&b"one"[..], b"two", b"end"] {
        let mut buffer = [0; 16];
        let length = peer.recv(&mut buffer).unwrap();
        assert_eq!(&buffer[..length], datagram);
    }
}

#[test]
fn a_timer_a_source_and_another_thread_are_served_although_the_socket_is_flooded() {
    let mut event_loop = event_loop(&[]);
    let peer = peer(&event_loop);
    let (mut ours, theirs) = UnixStream::pair().unwrap();
    event_loop.register(theirs.as_fd(), 3).unwrap();
    ours.write_all(b"typed").unwrap();
    let machine = event_loop.control();
    machine.machine.timer = Some(machine.now.instant + Duration::from_millis(5));
    let (sender, commands) = std::sync::mpsc::channel();
    let waker = event_loop.waker();
    let flood = std::thread::spawn(move || {
        for number in 0..20_000_u32 {
            // The kernel may have no room; a flood does not care.
            let _ = peer.send(&number.to_le_bytes());
            if number == 10_000 {
                sender.send(()).unwrap();
                waker.wake().unwrap();
            }
        }
    });
    let mut woken = false;
    let mut notes = Notes::new(|control| {
        // Only what is looked at here is of interest.
        control.machine.replies.clear();
        control
            .machine
            .events
            .retain(|event| event == b"timer" || event == b"typed");
        woken |= commands.try_recv().is_ok();
        if woken && control.machine.timer.is_none() {
            end(control);
        }
    });
    notes.input = Some(theirs);
    event_loop.run(&mut notes).unwrap();
    flood.join().unwrap();
    for expected in ["source 3", "typed", "timer"] {
        assert!(notes.lines.iter().any(|line| line == expected));
    }
}

#[test]
fn a_signal_reaches_the_frontend() {
    use signal_hook::{consts::SIGUSR1, low_level::raise};
    let mut event_loop = event_loop(&[SIGUSR1]);
    raise(SIGUSR1).unwrap();
    let mut notes = Notes::new(|_| ());
    event_loop.run(&mut notes).unwrap();
    assert_eq!(notes.lines[0], format!("signal {SIGUSR1}"));
}

#[test]
fn a_blocked_socket_keeps_its_datagrams_and_holds_up_no_event() {
    let mut event_loop = event_loop(&[]);
    let peer = peer(&event_loop);
    let path = Path::to(peer.local_addr().unwrap());
    let replies = [(path, b"first".to_vec()), (path, b"second one".to_vec())];
    event_loop.machine.replies.extend(replies);
    event_loop.machine.events.push_back(b"shown".to_vec());
    event_loop.blocked = true;
    let mut notes = Notes::new(|_| ());
    event_loop.turn(&mut notes).unwrap();
    assert_eq!(notes.lines, ["shown"]);
    assert_eq!(event_loop.socket_counters().sent, 0);

    // The system tells that the socket can be written; what waits goes out, in order.
    event_loop.watch_writable(true);
    let mut notes = Notes::new(|control| {
        if control.machine.replies.is_empty() {
            end(control);
        }
    });
    event_loop.run(&mut notes).unwrap();
    for expected in [&b"first"[..], b"second one"] {
        let mut buffer = [0; 16];
        let length = peer.recv(&mut buffer).unwrap();
        assert_eq!(&buffer[..length], expected);
    }
}

#[test]
fn a_machine_that_does_not_leave_is_not_waited_for() {
    let mut event_loop = event_loop(&[]);
    event_loop.leave(false);
    assert_eq!(event_loop.run(&mut Notes::new(|_| ())).unwrap(), None);
    assert_eq!(event_loop.machine().left, 1);
}

#[test]
fn only_a_second_interrupt_hurries() {
    let mut event_loop = event_loop(&[]);
    event_loop.leave(true);
    let stop_at = event_loop.stop_at;
    event_loop.leave(false);
    assert_eq!(
        (event_loop.machine().left, event_loop.stop_at),
        (1, stop_at)
    );
    event_loop.leave(true);
    assert_eq!(event_loop.machine().left, 2);
    assert!(event_loop.stop_at < stop_at);
}

#[test]
fn a_store_that_cannot_be_opened_ends_the_loop() {
    let mut event_loop = event_loop(&[]);
    event_loop.open = Box::new(|_, _| Err(DirectoryError::InUse { path: "x".into() }));
    let error = event_loop.run(&mut Notes::new(|_| ())).unwrap_err();
    assert!(matches!(
        error,
        RunError::Directory(DirectoryError::InUse { .. })
    ));
}

/// Does `before` before each batch.
struct Slow<F> {
    store: MemoryStore,
    before: F,
}

impl<F: FnMut()> Store for Slow<F> {
    fn handle(&mut self, now: Now, operations: &mut Vec<(OperationId, StoreOperation)>) {
        (self.before)();
        Store::handle(&mut self.store, now, operations);
    }

    fn handle_timeout(&mut self, _now: Now) {}

    /// Asked when the events were reported: the end of the batch comes later than they do.
    fn poll_timeout(&self) -> Option<Instant> {
        std::thread::sleep(std::time::Duration::from_millis(5));
        None
    }

    fn poll_event(&mut self) -> Option<StoreEvent> {
        self.store.poll_event()
    }
}

fn slow_event_loop(before: impl FnMut() + Send + 'static) -> EventLoop<Echo> {
    let mut event_loop = event_loop(&[]);
    let mut store = Some(Slow {
        store: MemoryStore::new(),
        before,
    });
    event_loop.open = Box::new(move |_, _| Ok(Box::new(store.take().unwrap())));
    event_loop
}

#[test]
fn a_slow_store_holds_up_no_datagram() {
    let (gate, held) = std::sync::mpsc::channel::<()>();
    let mut event_loop = slow_event_loop(move || {
        let opened = held.recv_timeout(std::time::Duration::from_secs(60));
        assert!(opened != Err(std::sync::mpsc::RecvTimeoutError::Timeout));
    });
    let peer = peer(&event_loop);
    peer.send(b"one").unwrap();
    let (mut gate, mut sent) = (Some(gate), 1);
    let mut notes = Notes::new(|control| match control.machine.received {
        1 if sent == 1 => {
            peer.send(b"end").unwrap();
            sent = 2;
        }
        2 => gate = None,
        _ => {}
    });
    assert_eq!(event_loop.run(&mut notes).unwrap(), Some(7));
    assert_eq!(notes.lines, ["one", "end"]);
}

#[test]
fn what_a_store_has_is_known_before_anything_is_typed() {
    let mut event_loop = slow_event_loop(|| ());
    let peer = peer(&event_loop);
    let (path, now) = (
        Path::to(peer.local_addr().unwrap()),
        event_loop.control().now,
    );
    event_loop.machine.handle_datagram(now, path, &mut [0]);
    let mut notes = Notes::new(|control| {
        assert!(control.machine.waiting.is_empty());
        end(control);
    });
    event_loop.run(&mut notes).unwrap();
}

#[test]
fn what_is_to_be_kept_at_the_end_is_kept() {
    let (kept, batches) = std::sync::mpsc::channel();
    let mut event_loop = slow_event_loop(move || {
        std::thread::sleep(std::time::Duration::from_millis(20));
        kept.send(()).unwrap();
    });
    let peer = peer(&event_loop);
    let path = Path::to(peer.local_addr().unwrap());
    let mut notes = Notes::new(|control| {
        if control.machine.received < 2 {
            let now = control.now;
            control.machine.handle_datagram(now, path, &mut [0]);
            end(control);
        }
    });
    assert_eq!(event_loop.run(&mut notes).unwrap(), Some(7));
    assert_eq!(event_loop.machine().waiting.len(), 0);
    assert_eq!(batches.try_iter().count(), 2);
    let counters = event_loop.control().store;
    assert_eq!(counters.batches, 2);
    assert!(counters.busy >= Duration::from_millis(40));
}

#[test]
#[should_panic(expected = "no disk")]
fn a_store_that_panics_ends_the_loop() {
    let mut event_loop = slow_event_loop(|| panic!("no disk"));
    peer(&event_loop).send(b"one").unwrap();
    let _ = event_loop.run(&mut Notes::new(|_| ()));
}
