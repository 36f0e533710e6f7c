//! A server's stdout, written by a thread of its own: whoever reads it slowly, or not at all, does
//! not hold up the clients.

use std::{
    io::{self, Write},
    sync::mpsc::{self, Receiver, SyncSender, TrySendError},
    thread,
    time::Duration,
};

/// So many events wait to be written; past it they are dropped, and their number is shown.
const MAX_WAITING: usize = 10_000;
/// So long the last events are waited for at the end.
const FLUSH_TIME: Duration = Duration::from_secs(1);

/// The lines on their way to stdout.
pub(crate) struct Output {
    sender: SyncSender<String>,
    done: Receiver<()>,
    dropped: u64,
}

impl Output {
    /// Starts the thread.
    ///
    /// # Errors
    /// If the system has no thread left.
    pub(crate) fn start(output: impl Write + Send + 'static) -> io::Result<Self> {
        let (sender, receiver) = mpsc::sync_channel(MAX_WAITING);
        let (tell_done, done) = mpsc::channel();
        thread::Builder::new()
            .name("output".into())
            .spawn(move || {
                write_all(output, &receiver);
                // Nobody waits for it unless the server has stopped.
                let _ = tell_done.send(());
            })?;
        Ok(Self {
            sender,
            done,
            dropped: 0,
        })
    }

    /// Shows the lines of an event. A server whose output is closed goes on serving.
    pub(crate) fn show(&mut self, lines: String) {
        if lines.is_empty() {
            return;
        }
        if self.dropped > 0 {
            let notice = format!("[{} lines were not shown.]", self.dropped);
            if self.sender.try_send(notice).is_err() {
                self.dropped += 1;
                return;
            }
            self.dropped = 0;
        }
        if let Err(TrySendError::Full(_)) = self.sender.try_send(lines) {
            self.dropped += 1;
        }
    }

    /// Shows lines from another thread.
    pub(crate) fn remote(&self) -> Remote {
        Remote(self.sender.clone())
    }

    /// Waits for what is not written yet, for a short time.
    pub(crate) fn finish(self) {
        drop(self.sender);
        let _ = self.done.recv_timeout(FLUSH_TIME);
    }
}

/// The output in the hands of another thread.
pub(crate) struct Remote(SyncSender<String>);

impl Remote {
    /// Shows lines; waits while too many others are waiting.
    pub(crate) fn show(&self, lines: String) {
        // A server whose output is closed goes on serving.
        let _ = self.0.send(lines);
    }
}

/// Writes until nothing more can come, or until nobody reads. What a full disk does not take is not
/// shown; what comes when it has room again is.
fn write_all(mut output: impl Write, receiver: &Receiver<String>) {
    let mut is_failing = false;
    for lines in receiver {
        let written = output.write_all(format!("{lines}\n").as_bytes());
        match written.and_then(|()| output.flush()) {
            Ok(()) => is_failing = false,
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                tracing::debug!(%error, "the output is closed");
                break;
            }
            Err(error) => {
                if !is_failing {
                    tracing::error!(%error, "the output cannot be written");
                }
                is_failing = true;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// Stands still while it is locked elsewhere.
    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn each_event_is_a_line() {
        let shared = Shared::default();
        let mut output = Output::start(shared.clone()).unwrap();
        output.show("one".into());
        output.show(String::new());
        output.show("two".into());
        output.finish();
        assert_eq!(*shared.0.lock().unwrap(), b"one\ntwo\n");
    }

    #[test]
    fn an_output_that_stands_still_holds_nobody_up() {
        let shared = Shared::default();
        let still = shared.0.lock().unwrap();
        let mut output = Output::start(shared.clone()).unwrap();
        for _ in 0..MAX_WAITING + 100 {
            output.show("line".into());
        }
        assert!((98..=100).contains(&output.dropped));
        drop(still);
        while output.dropped > 0 {
            output.show("end".into());
            thread::yield_now();
        }
        output.finish();
        let text = String::from_utf8(shared.0.lock().unwrap().clone()).unwrap();
        assert!(text.contains(" lines were not shown.]\nend\n"));
    }

    #[test]
    fn an_output_that_had_no_room_for_a_while_goes_on() {
        struct Full(Shared, u32);
        impl Write for Full {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.1 += 1;
                match self.1 {
                    2 | 3 => Err(io::ErrorKind::StorageFull.into()),
                    _ => self.0.write(bytes),
                }
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let shared = Shared::default();
        let mut output = Output::start(Full(shared.clone(), 0)).unwrap();
        for line in ["one", "two", "three", "four"] {
            output.show(line.into());
        }
        output.finish();
        assert_eq!(*shared.0.lock().unwrap(), b"one\nfour\n");
    }

    #[test]
    fn a_closed_output_is_no_failure() {
        struct Closed;
        impl Write for Closed {
            fn write(&mut self, _bytes: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let mut output = Output::start(Closed).unwrap();
        for _ in 0..10 {
            output.show("line".into());
        }
        output.finish();
    }
}
