//! What happened, for people to read: virtual time, node, line.

use std::fmt::Write as _;

use chat_core::{text::Neutral, time::Instant};

/// The record of one run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Transcript {
    entries: Vec<Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    at: Instant,
    node: String,
    kind: Kind,
    text: String,
}

/// What an entry says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Something happened to the node.
    Happened,
    /// A line was typed into it.
    Typed,
    /// It showed a line.
    Shown,
}

impl Kind {
    const fn mark(self) -> char {
        match self {
            Self::Happened => '*',
            Self::Typed => '>',
            Self::Shown => ' ',
        }
    }
}

impl Transcript {
    /// Adds an entry.
    pub fn add(&mut self, at: Instant, node: &str, kind: Kind, text: &str) {
        self.entries.push(Entry {
            at,
            node: node.to_owned(),
            kind,
            text: abbreviated(&Neutral(text).to_string()),
        });
    }

    /// One line an entry: seconds, node, mark, text.
    pub fn render(&self) -> String {
        self.render_last(self.entries.len())
    }

    /// The last `count` entries.
    pub fn render_last(&self, count: usize) -> String {
        let skipped = self.entries.len().saturating_sub(count);
        self.entries
            .iter()
            .skip(skipped)
            .fold(String::new(), |mut text, entry| {
                let micros = entry.at.as_micros();
                let (seconds, rest) = (micros / 1_000_000, micros % 1_000_000);
                let (node, mark) = (&entry.node, entry.kind.mark());
                writeln!(
                    text,
                    "{seconds:>4}.{rest:06} {node:<8}{mark} {}",
                    entry.text
                )
                .expect("writing to a string does not fail");
                text
            })
    }
}

/// Long runs of one pattern tell a reader nothing: only their length does.
fn abbreviated(text: &str) -> String {
    if text.len() <= 400 {
        return text.to_owned();
    }
    let cut = (0..=100).rev().find(|at| text.is_char_boundary(*at));
    format!("{}… ({} bytes)", &text[..cut.unwrap_or(0)], text.len())
}
