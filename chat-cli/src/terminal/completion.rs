//! What the word before the cursor can become.
//!
//! Pure: whoever calls it knows the words.

/// What comes of completing a word.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Completion {
    /// There is nothing to add.
    Nothing,
    /// The word becomes this.
    Becomes(String),
    /// The word can become any of these.
    Choice(Vec<String>),
}

/// Completes `word` to the one of `words` that begins with it, whatever the case, or as far as all
/// of those agree. One that is the only one is followed by a blank.
pub(crate) fn complete(word: &str, words: impl IntoIterator<Item = String>) -> Completion {
    let folded = word.to_lowercase();
    let fits = |known: &String| known.to_lowercase().starts_with(&folded);
    let mut fitting: Vec<String> = words.into_iter().filter(fits).collect();
    fitting.sort();
    fitting.dedup();
    match &fitting[..] {
        [] => Completion::Nothing,
        [only] => Completion::Becomes(format!("{only} ")),
        [first, others @ ..] => {
            let agreed = others.iter().fold(first.as_str(), |agreed, other| {
                let same = agreed.chars().zip(other.chars());
                let length = same.take_while(|(one, other)| one == other);
                &agreed[..length.map(|(c, _)| c.len_utf8()).sum()]
            });
            if agreed.chars().count() > word.chars().count() {
                Completion::Becomes(agreed.into())
            } else {
                Completion::Choice(fitting)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(word: &str) -> Completion {
        let words = ["send", "send_all", "send_group", "peers", "Zoë", "Zoë2"];
        complete(word, words.map(String::from))
    }

    #[test]
    fn the_only_word_is_completed_and_followed_by_a_blank() {
        assert_eq!(of("pe"), Completion::Becomes("peers ".into()));
        assert_eq!(of("send_g"), Completion::Becomes("send_group ".into()));
        assert_eq!(of("zoë2"), Completion::Becomes("Zoë2 ".into()));
    }

    #[test]
    fn several_words_are_completed_as_far_as_they_agree_and_then_shown() {
        assert_eq!(of("se"), Completion::Becomes("send".into()));
        assert_eq!(of("z"), Completion::Becomes("Zoë".into()));
        let all = ["send", "send_all", "send_group"].map(String::from);
        assert_eq!(of("send"), Completion::Choice(all.into()));
    }

    #[test]
    fn what_nothing_begins_with_stays() {
        assert_eq!(of("x"), Completion::Nothing);
    }
}
