//! Untrusted text, made harmless for a terminal.

use core::fmt::{self, Write as _};

/// Shows a text as one line without anything that a terminal obeys: control characters (so escape
/// sequences too), line breaks and bidirectional overrides become visible symbols.
///
/// What joins characters into one (emoji, Persian, accents) is left alone.
#[derive(Debug, Clone, Copy)]
pub struct Neutral<'a>(pub &'a str);

impl fmt::Display for Neutral<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| f.write_char(visible(c)))
    }
}

/// The character that stands for `c` on a screen.
fn visible(c: char) -> char {
    match c {
        '\0'..='\x1f' => char::from_u32(0x2400 + c as u32).unwrap_or(char::REPLACEMENT_CHARACTER),
        '\x7f' => '\u{2421}',
        // Next line, line separator, paragraph separator: the symbol for a new line.
        '\u{85}' | '\u{2028}' | '\u{2029}' => '\u{2424}',
        // The other C1 controls, of which some terminals obey the 8-bit escape sequences.
        '\u{80}'..='\u{9f}'
        // Marks, embeddings, overrides and isolates of the bidirectional algorithm (UAX 9).
        | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        // Deprecated format characters, interlinear annotations.
        | '\u{206a}'..='\u{206f}' | '\u{fff9}'..='\u{fffb}' => char::REPLACEMENT_CHARACTER,
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::{String, ToString};

    use proptest::prelude::*;

    use super::Neutral;

    fn is_harmful(c: char) -> bool {
        let bidirectional = "\u{61c}\u{200e}\u{200f}\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\
            \u{2066}\u{2067}\u{2068}\u{2069}";
        c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') || bidirectional.contains(c)
    }

    #[test]
    fn line_breaks_and_escape_sequences_become_visible_symbols() {
        assert_eq!(
            Neutral("a\r\nb\x1b[2Jc\td\0\x7f\u{9b}2J\u{85}\u{2028}").to_string(),
            "a␍␊b␛[2Jc␉d␀␡\u{fffd}2J␤␤"
        );
        assert_eq!(
            Neutral("evil\u{202e}txt.exe").to_string(),
            "evil\u{fffd}txt.exe"
        );
    }

    #[test]
    fn what_belongs_to_a_script_or_an_emoji_is_left_alone() {
        for text in ["👩‍👩‍👧‍👦 ❤️", "می‌خواهم", "Zoe\u{308} 日本語", ""]
        {
            assert_eq!(Neutral(text).to_string(), text);
        }
    }

    proptest! {
        #[test]
        fn no_text_gets_through_as_more_than_one_harmless_line(text: String) {
            let shown = Neutral(&text).to_string();
            prop_assert!(!shown.contains(is_harmful));
            prop_assert_eq!(shown.lines().count(), usize::from(!text.is_empty()));
            prop_assert_eq!(shown.chars().count(), text.chars().count());
        }

        #[test]
        fn no_harmful_character_gets_through(text in "[\\x00-\\x9f\u{61c}\u{200e}-\u{202e}\u{2060}-\u{206f}]*") {
            prop_assert!(!Neutral(&text).to_string().contains(is_harmful));
        }
    }
}
