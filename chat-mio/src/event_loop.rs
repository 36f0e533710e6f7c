//! One thread, one loop: wait; receive a batch; feed; hand the store what is to persist; report
//! what came of it; show; send a batch.
//!
//! Each turn does a bounded amount of each, so that a flood on the socket holds up neither
//! commands nor signals nor timers, a blocked socket holds up nothing but datagrams, and a slow
//! disk nothing but what waits for it.

use std::{
    io,
    os::fd::{AsRawFd, BorrowedFd},
    sync::Arc,
};

use chat_core::{
    id::{Path, PublicKey},
    machine::Machine,
    time::{Duration, Instant, Now},
};
use mio::{Events, Interest, Poll, Token, Waker, unix::SourceFd};

use crate::{
    batch::Batch,
    clock::{Clock, is_due},
    directory::DirectoryError,
    signals::Signals,
    socket::{Sent, Socket, SocketCounters},
    store::Store,
    store_thread::{StoreCounters, StoreThread},
};

const SOCKET: Token = Token(0);
const WAKER: Token = Token(1);
const SIGNALS: Token = Token(2);
/// The sources of the frontend are numbered from here.
const FIRST_SOURCE: usize = 16;

/// In one turn, datagrams are received for this long at most (and one batch in any case).
const RECEIVE_TIME: Duration = Duration::from_millis(5);
/// In one turn, so many datagrams are sent at most.
const MAX_SENT: usize = 2_048;
/// In one turn, the machine is told of so many events of the store at most.
const MAX_STORED: usize = 4_096;
/// While the socket is blocked, or the store has all it takes, and nothing happens, a turn takes
/// this long.
const BLOCKED_WAIT: Duration = Duration::from_millis(1);

/// What a program around the loop does: shows events, reads its own sources of input.
///
/// Everything runs in the loop's thread, so nothing here may wait for long.
pub trait Frontend<M: Machine> {
    /// Shows an event.
    fn event(&mut self, control: &mut Control<'_, M>, event: M::Event);

    /// A registered source can be read. It must be read until nothing is left: it is reported
    /// again only when more comes.
    fn readable(&mut self, _control: &mut Control<'_, M>, _source: usize) {}

    /// A signal has come. SIGINT, SIGTERM and SIGHUP do what they ought to without help.
    fn signal(&mut self, _control: &mut Control<'_, M>, _signal: i32) {}

    /// Once in each turn, after all events were shown: the place to flush output, to hand in
    /// commands that other threads have queued (wake the loop by [`EventLoop::waker`]), and those
    /// that were refused as too many.
    fn turn(&mut self, _control: &mut Control<'_, M>) {}
}

/// The machine in the hands of a frontend.
pub struct Control<'a, M> {
    /// The machine.
    pub machine: &'a mut M,
    /// The time to hand to it.
    pub now: Now,
    /// What the socket has counted.
    pub socket: SocketCounters,
    /// What the store has done.
    pub store: StoreCounters,
}

/// Why a loop ended early.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The system's readiness queue failed.
    #[error("waiting for events failed: {0}")]
    Poll(io::Error),
    /// The system has no thread for the store.
    #[error("the thread of the store cannot be started: {0}")]
    Thread(io::Error),
    /// What is to be remembered cannot be read or written.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
}

/// Opens the store of a server, once its key is known.
pub(crate) type OpenStore =
    Box<dyn FnMut(PublicKey, Now) -> Result<Box<dyn Store + Send>, DirectoryError>>;

/// What stops the loop although the machine has not ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Patience {
    /// A machine that was asked to leave by a signal has this long.
    pub(crate) after_leave: Duration,
    /// SIGHUP asks to leave as well.
    pub(crate) hangup_leaves: bool,
}

/// The loop around one machine, its socket and its store.
pub struct EventLoop<M: Machine> {
    poll: Poll,
    events: Events,
    waker: Arc<Waker>,
    signals: Signals,
    clock: Clock,
    socket: Socket,
    /// Datagrams may be left in the socket.
    readable: bool,
    /// The kernel's send buffer is full.
    blocked: bool,
    batch: Batch,
    /// The datagram that did not fit into `batch`.
    next: Option<Path>,
    buffer: Vec<u8>,
    open: OpenStore,
    store: Option<StoreThread>,
    machine: M,
    end: Option<M::End>,
    patience: Patience,
    /// When the loop stops whether or not the machine has ended.
    stop_at: Option<Instant>,
}

/// What is needed for a loop besides the machine.
pub(crate) struct Parts {
    pub(crate) poll: Poll,
    pub(crate) waker: Arc<Waker>,
    pub(crate) signals: Signals,
    pub(crate) clock: Clock,
    pub(crate) socket: Socket,
}

impl Parts {
    /// Binds everything to one queue of events.
    pub(crate) fn new(mut socket: Socket, signals: &[i32]) -> io::Result<Self> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
        let signals = Signals::new(poll.registry(), SIGNALS, signals)?;
        socket.register(poll.registry(), SOCKET)?;
        Ok(Self {
            poll,
            waker,
            signals,
            clock: Clock::new(),
            socket,
        })
    }
}

impl<M: Machine> EventLoop<M> {
    pub(crate) fn new(parts: Parts, machine: M, open: OpenStore, patience: Patience) -> Self {
        Self {
            poll: parts.poll,
            events: Events::with_capacity(64),
            waker: parts.waker,
            signals: parts.signals,
            clock: parts.clock,
            socket: parts.socket,
            readable: true,
            blocked: false,
            batch: Batch::default(),
            next: None,
            buffer: Vec::new(),
            open,
            store: None,
            machine,
            end: None,
            patience,
            stop_at: None,
        }
    }

    /// Goes on with another machine: its own socket, sources and signals, another store.
    pub(crate) fn replace(&mut self, machine: M, open: OpenStore) -> M {
        self.store = None;
        self.open = open;
        self.end = None;
        self.stop_at = None;
        std::mem::replace(&mut self.machine, machine)
    }

    /// The machine.
    pub fn machine(&self) -> &M {
        &self.machine
    }

    /// The machine, to be changed with the time to hand to it.
    pub fn control(&mut self) -> Control<'_, M> {
        Control {
            now: self.clock.now(),
            socket: self.socket.counters(),
            store: self
                .store
                .as_ref()
                .map(StoreThread::counters)
                .unwrap_or_default(),
            machine: &mut self.machine,
        }
    }

    /// Where the socket listens.
    pub fn local_address(&self) -> std::net::SocketAddr {
        self.socket.address()
    }

    /// What the socket has counted.
    pub fn socket_counters(&self) -> SocketCounters {
        self.socket.counters()
    }

    /// Wakes the loop from another thread: [`Frontend::turn`] runs soon after.
    pub fn waker(&self) -> Arc<Waker> {
        Arc::clone(&self.waker)
    }

    /// Watches a file descriptor; [`Frontend::readable`] gets `source`. The caller keeps the
    /// descriptor open until [`Self::deregister`].
    ///
    /// # Errors
    /// Of the system: it cannot watch files, for one.
    pub fn register(&mut self, descriptor: BorrowedFd<'_>, source: usize) -> io::Result<()> {
        self.poll.registry().register(
            &mut SourceFd(&descriptor.as_raw_fd()),
            Token(FIRST_SOURCE + source),
            Interest::READABLE,
        )
    }

    /// Watches a file descriptor no longer.
    ///
    /// # Errors
    /// Of the system: it was not watched.
    pub fn deregister(&mut self, descriptor: BorrowedFd<'_>) -> io::Result<()> {
        self.poll
            .registry()
            .deregister(&mut SourceFd(&descriptor.as_raw_fd()))
    }

    /// Runs until the machine has ended. `None`: it was asked to leave and did not in time.
    ///
    /// # Errors
    /// If the system's readiness queue fails or the store cannot be opened.
    pub fn run(&mut self, frontend: &mut dyn Frontend<M>) -> Result<Option<M::End>, RunError> {
        loop {
            let more = self.turn(frontend)?;
            if self.end.is_some() {
                return Ok(self.end.take());
            }
            if is_due(self.stop_at, self.clock.now()) {
                return Ok(None);
            }
            self.wait(more, frontend)?;
            self.receive();
        }
    }

    /// Does everything that does not wait. `true`: there is more to do.
    ///
    /// Sending comes first after each step that may have made something to send: what need not
    /// wait for the disk does not, and what waited for it waits for nothing else.
    fn turn(&mut self, frontend: &mut dyn Frontend<M>) -> Result<bool, RunError> {
        let now = self.clock.now();
        if is_due(self.machine.poll_timeout(), now) {
            self.machine.handle_timeout(now);
        }
        self.transmit();
        self.open_store()?;
        let mut more = self.persist();
        self.transmit();
        self.show(frontend);
        frontend.turn(&mut self.control());
        if self.end.is_some() {
            self.settle();
        }
        more |= self.transmit();
        Ok(more)
    }

    /// Opens the store as soon as it is known which. What is in it is known to the machine before
    /// anything is shown or typed.
    fn open_store(&mut self) -> Result<(), RunError> {
        if self.store.is_none()
            && let Some(key) = self.machine.store_of()
        {
            let now = self.clock.now();
            let store = (self.open)(key, now)?;
            let thread = StoreThread::start(store, self.clock, self.waker());
            self.store = Some(thread.map_err(RunError::Thread)?);
            self.settle();
        }
        Ok(())
    }

    /// Tells the machine what came of what it wanted to be kept, and hands the store the rest.
    /// `true`: it was told something, and more may follow from it.
    fn persist(&mut self) -> bool {
        let Some(store) = &mut self.store else {
            return false;
        };
        let now = self.clock.now();
        let mut told = 0;
        while told < MAX_STORED
            && let Some(event) = store.poll_event()
        {
            self.machine.handle_stored(now, event);
            told += 1;
        }
        while store.has_room()
            && let Some(operation) = self.machine.poll_persist()
        {
            store.push(operation);
        }
        store.advance(now);
        told > 0
    }

    /// Waits until everything is kept that the machine wants to be kept.
    fn settle(&mut self) {
        loop {
            self.persist();
            if !self.store.as_mut().is_some_and(StoreThread::wait) {
                return;
            }
        }
    }

    fn show(&mut self, frontend: &mut dyn Frontend<M>) {
        while let Some(event) = self.machine.poll_event() {
            if let Some(end) = M::end(&event) {
                self.end = Some(end);
            }
            frontend.event(&mut self.control(), event);
        }
    }

    /// Sends what there is to send, as far as the kernel takes it. `true`: there is more.
    fn transmit(&mut self) -> bool {
        let (now, max_batch) = (self.clock.now(), self.socket.max_batch());
        for _ in 0..MAX_SENT {
            if self.blocked {
                return false;
            }
            if self.next.is_none() {
                self.next = self.machine.poll_transmit(now, &mut self.buffer);
            }
            match self.next {
                Some(path) if self.batch.push(path, &self.buffer, max_batch) => self.next = None,
                Some(_) => self.flush(),
                None => {
                    self.flush();
                    return false;
                }
            }
        }
        self.flush();
        true
    }

    fn flush(&mut self) {
        match self.socket.send(&self.batch) {
            Sent::Yes => self.batch.clear(),
            Sent::Blocked => {
                self.blocked = true;
                self.watch_writable(true);
            }
        }
    }

    fn watch_writable(&mut self, writable: bool) {
        let registry = self.poll.registry();
        if let Err(error) = self.socket.wait_writable(registry, SOCKET, writable) {
            // Without the notice, the next turn tries again.
            tracing::debug!(%error, "the socket cannot be watched");
            self.blocked = false;
        }
    }

    /// Waits for something to happen and tells the frontend of what concerns it.
    fn wait(&mut self, more: bool, frontend: &mut dyn Frontend<M>) -> Result<(), RunError> {
        let mut timeout = if more || self.readable {
            Some(Duration::ZERO)
        } else {
            self.next_timeout()
        };
        let is_full = self.store.as_ref().is_some_and(|store| !store.has_room());
        if self.blocked || is_full {
            // What waits for the socket or the store is due all the time.
            timeout = timeout.map(|timeout| timeout.max(BLOCKED_WAIT));
        }
        match self.poll.poll(&mut self.events, timeout) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                return Err(RunError::Poll(error));
            }
            Err(_) => return Ok(()),
            Ok(()) => {}
        }
        let tokens: Vec<_> = self
            .events
            .iter()
            .map(|event| (event.token(), event.is_readable(), event.is_writable()))
            .collect();
        for (token, readable, writable) in tokens {
            match token {
                SOCKET => {
                    self.readable |= readable;
                    if writable && self.blocked {
                        self.blocked = false;
                        self.watch_writable(false);
                    }
                }
                WAKER => {}
                SIGNALS => self.handle_signals(frontend),
                Token(source) => {
                    let source = source.saturating_sub(FIRST_SOURCE);
                    frontend.readable(&mut self.control(), source);
                }
            }
        }
        Ok(())
    }

    fn next_timeout(&self) -> Option<Duration> {
        let now = self.clock.now().instant;
        [
            self.machine.poll_timeout(),
            self.store.as_ref().and_then(|store| store.poll_timeout()),
            self.stop_at,
        ]
        .into_iter()
        .flatten()
        .min()
        .map(|at| at.saturating_since(now))
    }

    fn handle_signals(&mut self, frontend: &mut dyn Frontend<M>) {
        use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
        for signal in self.signals.pending() {
            frontend.signal(&mut self.control(), signal);
            let leaves = match signal {
                SIGINT | SIGTERM => true,
                SIGHUP => self.patience.hangup_leaves,
                _ => false,
            };
            if leaves {
                self.leave(signal == SIGINT);
            }
        }
    }

    /// Asks the machine to leave. Several signals may have one cause (a closed window), so only
    /// somebody who presses Ctrl-C again is in a hurry.
    fn leave(&mut self, hurry: bool) {
        let now = self.clock.now();
        match self.stop_at {
            None => {
                self.machine.leave(now);
                self.stop_at = Some(now.instant + self.patience.after_leave);
            }
            Some(_) if hurry => {
                self.machine.leave(now);
                self.stop_at = Some(now.instant);
            }
            Some(_) => {}
        }
    }

    /// Feeds the machine what has arrived, for a bounded time.
    fn receive(&mut self) {
        let started = self.clock.now().instant;
        while self.readable {
            let now = self.clock.now();
            if now.instant.saturating_since(started) >= RECEIVE_TIME {
                return;
            }
            let machine = &mut self.machine;
            let received = self
                .socket
                .receive(|path, datagram| machine.handle_datagram(now, path, datagram));
            match received {
                Ok(received) => self.readable = received,
                Err(error) => {
                    tracing::debug!(%error, "receiving failed");
                    self.readable = false;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
