//! Input that is no terminal: a thread reads it, the loop takes the lines.

use std::{
    io::{ErrorKind, Read},
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, TryRecvError, sync_channel},
    },
    thread,
};

use chat_core::config::MAX_TEXT_BYTES;
use chat_mio::Waker;

use crate::commands::Line;

/// So much of a line is kept: the longest message with a command before it. What follows is
/// counted and dropped.
const MAX_LINE_BYTES: usize = MAX_TEXT_BYTES + 1_024;
/// So many lines are read ahead; the reader waits when they are not taken.
const MAX_LINES_AHEAD: usize = 64;
/// So many bytes are read at once.
const CHUNK_BYTES: usize = 16 << 10;

/// What comes from the input.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Input {
    Line(Line),
    End,
}

/// The lines of an input, read by a thread of their own: a file or `/dev/null` cannot be polled.
pub(crate) struct Lines {
    receiver: Receiver<Line>,
    ended: bool,
    waker: Arc<Waker>,
}

impl Lines {
    /// Starts to read; the loop is woken when there is something to take.
    pub(crate) fn read(
        input: impl Read + Send + 'static,
        waker: Arc<Waker>,
    ) -> std::io::Result<Self> {
        let (sender, receiver) = sync_channel(MAX_LINES_AHEAD);
        let ours = Arc::clone(&waker);
        thread::Builder::new().name("input".into()).spawn(move || {
            read_lines(input, &sender, &waker);
            drop(sender);
            wake(&waker);
        })?;
        Ok(Self {
            receiver,
            ended: false,
            waker: ours,
        })
    }

    /// Wakes the loop although no line may come: some were left.
    pub(crate) fn wake(&self) {
        wake(&self.waker);
    }

    /// The next line, or once the end; none if there is nothing yet or the end was told.
    pub(crate) fn next(&mut self) -> Option<Input> {
        if self.ended {
            return None;
        }
        match self.receiver.try_recv() {
            Ok(line) => Some(Input::Line(line)),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => {
                self.ended = true;
                Some(Input::End)
            }
        }
    }
}

/// Everything that the input has, without the last line break: one message, up to more than is
/// allowed.
///
/// # Errors
/// If it cannot be read.
pub(crate) fn read_message(input: impl Read) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    input.take(MAX_LINE_BYTES as u64).read_to_end(&mut bytes)?;
    let mut text = String::from_utf8_lossy(&bytes).into_owned();
    if text.ends_with('\n') {
        text.pop();
    }
    Ok(text)
}

/// Reads until the end, an error, or until nobody takes the lines.
fn read_lines(mut input: impl Read, sender: &SyncSender<Line>, waker: &Waker) {
    let mut splitter = Splitter::default();
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let length = match input.read(&mut chunk) {
            Ok(0) => break,
            Ok(length) => length,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => {
                tracing::debug!(%error, "the input cannot be read any further");
                break;
            }
        };
        let mut rest = &chunk[..length];
        while let Some(line) = splitter.next_line(&mut rest) {
            if sender.send(line).is_err() {
                return;
            }
            wake(waker);
        }
    }
    if let Some(line) = splitter.last_line() {
        // Nobody takes it: nothing to do about that.
        let _ = sender.send(line);
    }
}

fn wake(waker: &Waker) {
    if let Err(error) = waker.wake() {
        tracing::warn!(%error, "the loop cannot be woken");
    }
}

/// Cuts bytes into lines, in bounded memory.
#[derive(Debug, Default)]
pub(crate) struct Splitter {
    kept: Vec<u8>,
    /// Bytes of the line after those that are kept.
    cut: usize,
}

impl Splitter {
    /// The next complete line, of what was there before and the beginning of `bytes`, from which
    /// what was used is taken away.
    pub(crate) fn next_line(&mut self, bytes: &mut &[u8]) -> Option<Line> {
        let end = bytes.iter().position(|byte| *byte == b'\n');
        let part = &bytes[..end.unwrap_or(bytes.len())];
        let fits = part.len().min(MAX_LINE_BYTES - self.kept.len());
        self.kept.extend_from_slice(&part[..fits]);
        self.cut += part.len() - fits;
        *bytes = &bytes[end.map_or(bytes.len(), |end| end + 1)..];
        end.map(|_| self.take())
    }

    /// What is left at the end of the input.
    pub(crate) fn last_line(&mut self) -> Option<Line> {
        (!self.kept.is_empty()).then(|| self.take())
    }

    /// The line, as valid UTF-8: what is not becomes replacement characters.
    fn take(&mut self) -> Line {
        let mut bytes = std::mem::take(&mut self.kept);
        let cut = std::mem::take(&mut self.cut);
        if cut == 0 && bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
        let text = String::from_utf8(bytes)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
        Line { text, cut }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(chunks: &[&[u8]]) -> Vec<Line> {
        let (mut splitter, mut lines) = (Splitter::default(), Vec::new());
        for mut chunk in chunks.iter().copied() {
            while let Some(line) = splitter.next_line(&mut chunk) {
                lines.push(line);
            }
            assert!(chunk.is_empty());
        }
        lines.extend(splitter.last_line());
        lines
    }

    fn texts(chunks: &[&[u8]]) -> Vec<String> {
        split(chunks).into_iter().map(|line| line.text).collect()
    }

    #[test]
    fn lines_are_cut_wherever_the_chunks_end() {
        assert_eq!(texts(&[b"one\ntwo\n"]), ["one", "two"]);
        assert_eq!(texts(&[b"o", b"ne\nt", b"", b"wo", b"\n"]), ["one", "two"]);
        assert_eq!(texts(&[b"\n\nx\n"]), ["", "", "x"]);
        assert!(texts(&[]).is_empty());
    }

    #[test]
    fn the_last_line_may_lack_a_line_break() {
        assert_eq!(texts(&[b"one\ntwo"]), ["one", "two"]);
    }

    #[test]
    fn a_carriage_return_before_the_line_break_is_part_of_it() {
        assert_eq!(texts(&[b"one\r\ntwo\r", b"\n\r\n"]), ["one", "two", ""]);
        assert_eq!(texts(&[b"a\rb\n"]), ["a\rb"]);
    }

    #[test]
    fn what_is_no_utf8_becomes_replacement_characters() {
        assert_eq!(
            texts(&[b"send y \xff\xfe!\n"]),
            ["send y \u{fffd}\u{fffd}!"]
        );
    }

    #[test]
    fn a_character_may_be_split_between_chunks() {
        assert_eq!(texts(&["é".as_bytes()[..1].as_ref(), b"\xa9\n"]), ["é"]);
    }

    #[test]
    fn an_endless_line_is_counted_not_kept() {
        let chunk = vec![b'x'; 1 << 20];
        let lines = split(&[&chunk, &chunk, b"\nquit\n"]);
        assert_eq!(lines[0].text.len(), MAX_LINE_BYTES);
        assert_eq!(lines[0].cut, (2 << 20) - MAX_LINE_BYTES);
        assert_eq!(lines[1], Line::whole("quit".into()));
    }

    #[test]
    fn the_end_comes_once_after_all_lines() {
        let poll = mio::Poll::new().unwrap();
        let waker = Arc::new(Waker::new(poll.registry(), mio::Token(0)).unwrap());
        let mut lines = Lines::read(&b"one\ntwo"[..], waker).unwrap();
        let mut taken = Vec::new();
        while taken.last() != Some(&Input::End) {
            taken.extend(lines.next());
            thread::yield_now();
        }
        let line = |text: &str| Input::Line(Line::whole(text.into()));
        assert_eq!(taken, [line("one"), line("two"), Input::End]);
        assert_eq!(lines.next(), None);
    }
}
