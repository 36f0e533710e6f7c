//! The line that is being typed: keys change it, and it can be shown in a row of any width.
//!
//! Pure: it reads no terminal and writes none.

use chat_core::{config::MAX_TEXT_BYTES, text::Neutral};
use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use super::history::History;

/// What is typed past this length is dropped: the longest message with a command before it.
const MAX_BYTES: usize = MAX_TEXT_BYTES + 1_024;

/// What a key has led to, besides a change of the line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Nothing but that.
    Edited,
    /// A line is complete.
    Line(String),
    /// Tab: the word before the cursor is to be completed.
    Complete,
    /// The screen is to be cleared.
    Clear,
    /// Ctrl-C.
    Interrupt,
    /// Ctrl-Z.
    Suspend,
    /// Ctrl-D on an empty line.
    EndOfInput,
}

/// A row of the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    /// What is in it.
    pub(crate) text: String,
    /// The column of the cursor, from 0.
    pub(crate) cursor: u16,
}

/// A line editor with the usual keys.
#[derive(Debug, Default)]
pub(crate) struct Editor {
    text: String,
    /// A byte index in `text`, between two characters as a person sees them.
    cursor: usize,
    history: History,
    search: Option<Search>,
}

/// A search among the lines typed before, while it goes on.
#[derive(Debug, Default)]
struct Search {
    wanted: String,
    /// Which line was found, counted back from the last.
    back: usize,
    /// What was being typed when it began.
    draft: String,
}

impl Editor {
    /// Takes a key.
    pub(crate) fn key(&mut self, key: KeyEvent) -> Outcome {
        if key.kind == KeyEventKind::Release {
            return Outcome::Edited;
        }
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        let alt = key.modifiers.contains(KeyModifiers::ALT);
        if self.search.is_some() && self.search_key(key.code, control) {
            return Outcome::Edited;
        }
        match key.code {
            KeyCode::Tab => return Outcome::Complete,
            KeyCode::Char(c) if control && !alt => return self.control_key(c.to_ascii_lowercase()),
            KeyCode::Char(c) if alt && !control => self.alt_key(c.to_ascii_lowercase()),
            KeyCode::Char(c) => self.insert(c.encode_utf8(&mut [0; 4])),
            KeyCode::Enter => return self.enter(),
            KeyCode::Backspace if alt || control => self.delete_to(self.previous_word()),
            KeyCode::Backspace => self.delete_to(self.previous()),
            KeyCode::Delete => self.delete_to(self.next()),
            KeyCode::Left if control || alt => self.cursor = self.previous_word(),
            KeyCode::Right if control || alt => self.cursor = self.next_word(),
            KeyCode::Left => self.cursor = self.previous(),
            KeyCode::Right => self.cursor = self.next(),
            KeyCode::Home => self.cursor = 0,
            KeyCode::End => self.cursor = self.text.len(),
            KeyCode::Up => self.recall(History::older),
            KeyCode::Down => self.recall(History::newer),
            _ => {}
        }
        Outcome::Edited
    }

    fn control_key(&mut self, c: char) -> Outcome {
        match c {
            'c' => return Outcome::Interrupt,
            'z' => return Outcome::Suspend,
            'l' => return Outcome::Clear,
            'd' if self.text.is_empty() => return Outcome::EndOfInput,
            'j' | 'm' => return self.enter(),
            'd' => self.delete_to(self.next()),
            'h' => self.delete_to(self.previous()),
            'w' => self.delete_to(self.previous_word()),
            'u' => self.delete_to(0),
            'k' => self.delete_to(self.text.len()),
            'a' => self.cursor = 0,
            'e' => self.cursor = self.text.len(),
            'b' => self.cursor = self.previous(),
            'f' => self.cursor = self.next(),
            'p' => self.recall(History::older),
            'n' => self.recall(History::newer),
            'i' => return Outcome::Complete,
            'r' => {
                self.search = Some(Search {
                    draft: self.text.clone(),
                    ..Search::default()
                });
            }
            _ => {}
        }
        Outcome::Edited
    }

    /// Takes a key during a search. Gives whether it belongs to that; any other one ends the search
    /// with the line that was found, which it then changes.
    fn search_key(&mut self, code: KeyCode, control: bool) -> bool {
        let Some(search) = &mut self.search else {
            return false;
        };
        match code {
            KeyCode::Char('r') if control => search.back += 1,
            KeyCode::Char('g') if control => {
                let draft = std::mem::take(&mut search.draft);
                self.search = None;
                self.replace(draft);
                return true;
            }
            KeyCode::Backspace => {
                search.wanted.pop();
                search.back = 0;
            }
            KeyCode::Char(c) if !control => search.wanted.push(c),
            _ => {
                self.search = None;
                return false;
            }
        }
        match self.history.find(&search.wanted, search.back) {
            Some((back, line)) => {
                search.back = back;
                let line = line.to_owned();
                self.replace(line);
            }
            None => search.back = search.back.saturating_sub(1),
        }
        true
    }

    fn replace(&mut self, line: String) {
        self.cursor = line.len();
        self.text = line;
    }

    /// The line up to the cursor.
    pub(crate) fn before_cursor(&self) -> &str {
        &self.text[..self.cursor]
    }

    /// The word before the cursor becomes another one.
    pub(crate) fn replace_word(&mut self, word: &str) {
        let mut before = self.before_cursor().char_indices();
        let blank = before.rfind(|(_, c)| c.is_whitespace());
        self.delete_to(blank.map_or(0, |(at, c)| at + c.len_utf8()));
        self.insert(word);
    }

    fn alt_key(&mut self, c: char) {
        match c {
            'b' => self.cursor = self.previous_word(),
            'f' => self.cursor = self.next_word(),
            'd' => self.delete_to(self.next_word()),
            _ => {}
        }
    }

    /// Takes what was pasted, as part of one line: line breaks stay in it, except at its end.
    pub(crate) fn paste(&mut self, text: &str) {
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        self.insert(text.trim_end_matches('\n'));
    }

    fn insert(&mut self, text: &str) {
        let mut fits = text.len().min(MAX_BYTES.saturating_sub(self.text.len()));
        while !text.is_char_boundary(fits) {
            fits -= 1;
        }
        self.text.insert_str(self.cursor, &text[..fits]);
        // An accent joins the character before it: the cursor stays between two of them.
        let wanted = self.cursor + fits;
        let mut begins = self.text.grapheme_indices(true).map(|(at, _)| at);
        let end = self.text.len();
        self.cursor = begins.find(|at| *at >= wanted).unwrap_or(end);
    }

    fn enter(&mut self) -> Outcome {
        let line = std::mem::take(&mut self.text);
        self.cursor = 0;
        self.history.add(&line);
        Outcome::Line(line)
    }

    fn recall(&mut self, step: fn(&mut History, &str) -> Option<String>) {
        if let Some(line) = step(&mut self.history, &self.text) {
            self.replace(line);
        }
    }

    /// Deletes what is between the cursor and `to`.
    fn delete_to(&mut self, to: usize) {
        let (from, to) = (self.cursor.min(to), self.cursor.max(to));
        self.text.replace_range(from..to, "");
        self.cursor = from;
    }

    fn previous(&self) -> usize {
        let before = self.text[..self.cursor].graphemes(true).next_back();
        self.cursor - before.map_or(0, str::len)
    }

    fn next(&self) -> usize {
        let after = self.text[self.cursor..].graphemes(true).next();
        self.cursor + after.map_or(0, str::len)
    }

    fn previous_word(&self) -> usize {
        let before = self.text[..self.cursor].trim_end();
        before
            .char_indices()
            .rfind(|(_, c)| c.is_whitespace())
            .map_or(0, |(at, c)| at + c.len_utf8())
    }

    fn next_word(&self) -> usize {
        let after = &self.text[self.cursor..];
        let blanks = after.len() - after.trim_start().len();
        let word = after[blanks..].find(char::is_whitespace);
        self.cursor + word.map_or(after.len(), |length| blanks + length)
    }

    /// The row that shows this line after `prompt` on a screen of `width` columns: the part of it
    /// around the cursor, if it is longer than that.
    pub(crate) fn render(&self, prompt: &str, width: u16) -> Row {
        // The last column stays free: a terminal wraps when it is written.
        let width = usize::from(width.max(2)) - 1;
        let search = self.search.as_ref();
        let searching = search.map(|search| format!("(search: {}) ", Neutral(&search.wanted)));
        let prompt = searching.as_deref().unwrap_or(prompt);
        let prompt = if prompt.width() + 2 <= width {
            prompt
        } else {
            ""
        };
        let room = width - prompt.width();
        let cells: Vec<(usize, String, usize)> = self
            .text
            .grapheme_indices(true)
            .map(|(at, grapheme)| {
                let shown = Neutral(grapheme).to_string();
                let columns = shown.width();
                (at, shown, columns)
            })
            .collect();
        let before = cells
            .iter()
            .take_while(|(at, ..)| *at < self.cursor)
            .count();
        let mut cursor: usize = cells[..before].iter().map(|(.., columns)| columns).sum();
        let mut first = 0;
        while cursor > room.saturating_sub(1) && first < before {
            cursor -= cells[first].2;
            first += 1;
        }
        let (mut text, mut used) = (String::from(prompt), 0);
        for (_, shown, columns) in &cells[first..] {
            used += columns;
            if used > room {
                break;
            }
            text.push_str(shown);
        }
        let cursor = u16::try_from(prompt.width() + cursor).unwrap_or(u16::MAX);
        Row { text, cursor }
    }
}

#[cfg(test)]
mod tests;
