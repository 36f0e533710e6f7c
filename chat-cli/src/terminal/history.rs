//! The lines that were typed before.

use std::collections::VecDeque;

/// As many lines are remembered; the oldest goes first.
const MAX_LINES: usize = 500;

/// Earlier lines, and which of them is shown.
#[derive(Debug, Default)]
pub(crate) struct History {
    lines: VecDeque<String>,
    /// How many lines back the shown one is; zero: the one that is being typed.
    back: usize,
    /// The line that is being typed, while an earlier one is shown.
    draft: String,
}

impl History {
    /// Remembers a line, unless it is blank or the same as the last one.
    pub(crate) fn add(&mut self, line: &str) {
        self.back = 0;
        self.draft.clear();
        if line.trim().is_empty() || self.lines.back().is_some_and(|last| last == line) {
            return;
        }
        if self.lines.len() == MAX_LINES {
            self.lines.pop_front();
        }
        self.lines.push_back(line.into());
    }

    /// The last line with this text in it, at least so many lines back: how many, and the line.
    pub(crate) fn find(&self, text: &str, back: usize) -> Option<(usize, &str)> {
        let mut lines = self.lines.iter().rev().enumerate().skip(back);
        let (back, line) = lines.find(|(_, line)| line.contains(text))?;
        Some((back, line))
    }

    /// The line before the shown one, if there is any. `shown` is kept if it is the draft.
    pub(crate) fn older(&mut self, shown: &str) -> Option<String> {
        let at = self.lines.len().checked_sub(self.back + 1)?;
        if self.back == 0 {
            self.draft = shown.into();
        }
        self.back += 1;
        self.lines.get(at).cloned()
    }

    /// The line after the shown one, at last the draft.
    pub(crate) fn newer(&mut self, _shown: &str) -> Option<String> {
        self.back = self.back.checked_sub(1)?;
        if self.back == 0 {
            return Some(std::mem::take(&mut self.draft));
        }
        self.lines.get(self.lines.len() - self.back).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_draft_comes_back_after_the_newest_line() {
        let mut history = History::default();
        history.add("one");
        history.add("two");
        assert_eq!(history.older("draft").as_deref(), Some("two"));
        assert_eq!(history.older("two").as_deref(), Some("one"));
        assert_eq!(history.older("one"), None);
        assert_eq!(history.newer("one").as_deref(), Some("two"));
        assert_eq!(history.newer("two").as_deref(), Some("draft"));
        assert_eq!(history.newer("draft"), None);
    }

    #[test]
    fn blank_lines_and_repetitions_are_not_kept() {
        let mut history = History::default();
        for line in ["one", "one", " ", ""] {
            history.add(line);
        }
        assert_eq!(history.older("").as_deref(), Some("one"));
        assert_eq!(history.older("one"), None);
    }

    #[test]
    fn the_oldest_line_is_forgotten_at_the_limit() {
        let mut history = History::default();
        for number in 0..=MAX_LINES {
            history.add(&number.to_string());
        }
        let mut oldest = None;
        while let Some(line) = history.older("") {
            oldest = Some(line);
        }
        assert_eq!(oldest.as_deref(), Some("1"));
    }
}
