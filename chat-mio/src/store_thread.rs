//! A store on a thread of its own: a slow disk holds up neither datagrams nor the user.
//!
//! The store has one batch at a time; what is to be kept meanwhile makes the next one.

use std::{
    io,
    sync::{
        Arc,
        mpsc::{self, Receiver, SyncSender, TryRecvError},
    },
    thread::{self, JoinHandle},
    vec,
};

use chat_core::{
    store::{OperationId, StoreEvent, StoreOperation},
    time::{Duration, Instant, Now},
};
use mio::Waker;

use crate::{
    clock::{Clock, is_due},
    store::{MAX_BATCH, Store},
};

/// A report has at most so many events: a large table is not in memory as a whole.
const MAX_REPORTED: usize = 256;
/// So many reports wait to be read before the store waits.
const MAX_REPORTS: usize = 4;

type Operations = Vec<(OperationId, StoreOperation)>;
type Channels = (SyncSender<(Now, Operations)>, Receiver<Report>);

/// What the store has done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoreCounters {
    /// Batches that it has done. What is in one becomes durable together.
    pub batches: u64,
    /// The time that all of them took it, the disk's included.
    pub busy: Duration,
}

enum Report {
    Events(Vec<StoreEvent>),
    /// The batch is done. Its vector takes the next one.
    Done {
        emptied: Operations,
        timeout: Option<Instant>,
        took: Duration,
    },
}

/// The loop's end of the thread.
pub(crate) struct StoreThread {
    /// What the next batch will be.
    queue: Operations,
    /// Here while the store has no batch.
    spare: Option<Operations>,
    /// When the store has something to do by itself.
    timeout: Option<Instant>,
    events: vec::IntoIter<StoreEvent>,
    counters: StoreCounters,
    /// Both are there until the end.
    channels: Option<Channels>,
    thread: Option<JoinHandle<()>>,
}

impl StoreThread {
    /// Starts the thread, which wakes the loop whenever it has something to report.
    ///
    /// # Errors
    /// Of the system, if it has no thread to give.
    pub(crate) fn start(
        store: Box<dyn Store + Send>,
        clock: Clock,
        waker: Arc<Waker>,
    ) -> io::Result<Self> {
        let (to_store, batches) = mpsc::sync_channel(1);
        let (reports, from_store) = mpsc::sync_channel(MAX_REPORTS);
        let timeout = store.poll_timeout();
        let worker = Worker {
            store,
            clock,
            reports,
            bell: Bell(waker),
        };
        let thread = thread::Builder::new()
            .name("store".into())
            .spawn(move || worker.run(&batches))?;
        Ok(Self {
            queue: Vec::with_capacity(MAX_BATCH),
            spare: Some(Vec::with_capacity(MAX_BATCH)),
            timeout,
            events: Vec::new().into_iter(),
            counters: StoreCounters::default(),
            channels: Some((to_store, from_store)),
            thread: Some(thread),
        })
    }

    /// What the store has done.
    pub(crate) fn counters(&self) -> StoreCounters {
        self.counters
    }

    /// Whether the next batch has room for more operations.
    pub(crate) fn has_room(&self) -> bool {
        self.queue.len() < MAX_BATCH
    }

    /// The store is to do this, after everything before it.
    pub(crate) fn push(&mut self, operation: (OperationId, StoreOperation)) {
        self.queue.push(operation);
    }

    /// Hands the store what is queued, and lets it do what is due, if it has nothing to do.
    pub(crate) fn advance(&mut self, now: Now) {
        if self.queue.is_empty() && !is_due(self.timeout, now) {
            return;
        }
        let Some(spare) = self.spare.take() else {
            return;
        };
        let batch = std::mem::replace(&mut self.queue, spare);
        self.timeout = None;
        let to_store = self.channels.as_ref().map(|(to_store, _)| to_store);
        if to_store.is_none_or(|to_store| to_store.send((now, batch)).is_err()) {
            self.end();
        }
    }

    /// When [`Self::advance`] has something to do although nothing was pushed.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.timeout
    }

    /// What has come of operations.
    pub(crate) fn poll_event(&mut self) -> Option<StoreEvent> {
        loop {
            if let Some(event) = self.events.next() {
                return Some(event);
            }
            match self.channels.as_ref()?.1.try_recv() {
                Ok(report) => self.read(report),
                Err(TryRecvError::Empty) => return None,
                Err(TryRecvError::Disconnected) => self.end(),
            }
        }
    }

    /// Waits until there is something to be polled, or to be handed over. `false`: nothing comes.
    pub(crate) fn wait(&mut self) -> bool {
        if self.events.len() > 0 {
            return true;
        }
        if self.spare.is_some() {
            return false;
        }
        match self.channels.as_ref().map(|(_, reports)| reports.recv()) {
            Some(Ok(report)) => self.read(report),
            Some(Err(_)) | None => self.end(),
        }
        self.thread.is_some()
    }

    fn read(&mut self, report: Report) {
        match report {
            Report::Events(events) => self.events = events.into_iter(),
            Report::Done {
                emptied,
                timeout,
                took,
            } => {
                self.spare = Some(emptied);
                self.timeout = timeout;
                self.counters.batches += 1;
                self.counters.busy += took;
            }
        }
    }

    /// Ends the thread after the batch that it has; a panic there is one here.
    fn end(&mut self) {
        self.channels = None;
        if let Some(Err(panic)) = self.thread.take().map(JoinHandle::join)
            && !thread::panicking()
        {
            std::panic::resume_unwind(panic);
        }
    }
}

impl Drop for StoreThread {
    fn drop(&mut self) {
        self.end();
    }
}

/// The thread's end.
struct Worker {
    store: Box<dyn Store + Send>,
    clock: Clock,
    reports: SyncSender<Report>,
    /// Dropped after `reports`: the loop that it wakes sees that nothing more comes.
    bell: Bell,
}

/// Wakes the loop, at last when it is dropped.
struct Bell(Arc<Waker>);

impl Bell {
    fn ring(&self) {
        if let Err(error) = self.0.wake() {
            tracing::error!(%error, "the loop cannot be woken");
        }
    }
}

impl Drop for Bell {
    fn drop(&mut self) {
        self.ring();
    }
}

impl Worker {
    fn run(mut self, batches: &Receiver<(Now, Operations)>) {
        while let Ok((now, mut operations)) = batches.recv() {
            let started = self.clock.now().instant;
            if is_due(self.store.poll_timeout(), now) {
                self.store.handle_timeout(now);
            }
            let mut is_read = self.report_events();
            while is_read && !operations.is_empty() {
                self.store.handle(now, &mut operations);
                is_read = self.report_events();
            }
            let done = Report::Done {
                emptied: operations,
                timeout: self.store.poll_timeout(),
                took: self.clock.now().instant.saturating_since(started),
            };
            if !is_read || !self.report(done) {
                return;
            }
        }
    }

    /// `false`: nobody reads them.
    fn report_events(&mut self) -> bool {
        loop {
            let events: Vec<_> = std::iter::from_fn(|| self.store.poll_event())
                .take(MAX_REPORTED)
                .collect();
            if events.is_empty() {
                return true;
            }
            if !self.report(Report::Events(events)) {
                return false;
            }
        }
    }

    fn report(&self, report: Report) -> bool {
        let is_read = self.reports.send(report).is_ok();
        self.bell.ring();
        is_read
    }
}
