//! Names of users and groups.

use alloc::{boxed::Box, string::String};
use core::{
    borrow::Borrow,
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
    str::FromStr,
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};

use crate::config::MAX_NAME_CHARS;

/// A name: 1 to 32 letters, marks, digits, `_`, `-`, `.`, not beginning with a dot, in Unicode
/// normal form C. Two names that differ only in case are one name. `server` is reserved.
#[derive(Clone)]
pub struct Name {
    shown: Box<str>,
    /// What equality and order are decided by; absent where it is `shown` itself.
    folded: Option<Box<str>>,
}

/// The text cannot be a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a name is 1 to {MAX_NAME_CHARS} letters, digits, '_', '-' or '.', not '.' first")]
pub struct InvalidName;

impl Name {
    /// The name as its owner writes it.
    pub fn as_str(&self) -> &str {
        &self.shown
    }

    /// The form that is equal for all spellings of this name: the key to store it under.
    pub fn folded(&self) -> &str {
        self.folded.as_deref().unwrap_or(&self.shown)
    }
}

fn is_allowed(c: char) -> bool {
    use unicode_properties::GeneralCategory::DecimalNumber;
    if c.is_ascii() {
        return c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    }
    match c.general_category_group() {
        GeneralCategoryGroup::Letter | GeneralCategoryGroup::Mark => !is_invisible(c),
        _ => c.general_category() == DecimalNumber,
    }
}

/// The letters and marks that show nothing (Default_Ignorable_Code_Point): with them, two names
/// would look like one.
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{34f}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{ffa0}'
            | '\u{e0100}'..='\u{e01ef}'
    )
}

/// One form for all spellings: compatibility forms, normal form and case do not count (compare
/// Unicode §3.13.5, D146). What is equal in upper case is equal, such as both small sigmas.
fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    text.nfkd()
        .flat_map(char::to_lowercase)
        .flat_map(char::to_uppercase)
        .flat_map(char::to_lowercase)
        .nfkc()
        .collect()
}

impl FromStr for Name {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        // Normalisation can expand a character; take no more than could still be a name.
        let shown: String = if text.is_ascii() {
            text.chars().take(MAX_NAME_CHARS + 1).collect()
        } else {
            text.nfc().take(MAX_NAME_CHARS + 1).collect()
        };
        let legal = (1..=MAX_NAME_CHARS).contains(&shown.chars().count())
            && !shown.starts_with('.')
            && shown.chars().all(is_allowed);
        if !legal {
            return Err(InvalidName);
        }
        let folded = fold(&shown);
        // Compatibility forms can hide what is not allowed, such as a space.
        if folded == "server" || !folded.chars().all(is_allowed) {
            return Err(InvalidName);
        }
        let folded = (folded != shown).then(|| folded.into_boxed_str());
        Ok(Self {
            shown: shown.into_boxed_str(),
            folded,
        })
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.folded() == other.folded()
    }
}

impl Eq for Name {}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Name {
    fn cmp(&self, other: &Self) -> Ordering {
        self.folded().cmp(other.folded())
    }
}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.folded().hash(state);
    }
}

impl Borrow<str> for Name {
    fn borrow(&self) -> &str {
        self.folded()
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.shown)
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Name;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Name, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn spellings_that_differ_in_case_or_normal_form_are_one_name() {
        let name = |text: &str| text.parse::<Name>().unwrap();
        assert_eq!(name("Zoë"), name("zoe\u{308}"));
        assert_eq!(name("ALICE"), name("alice"));
        assert_eq!(name("Zoe\u{308}").as_str(), "Zoë");
        assert_eq!(name("ΟΔΟΣ"), name("οδος"));
        assert_eq!(name("STRASSE"), name("straße"));
        assert_eq!(name("Ａlice"), name("alice"));
        assert_ne!(name("alice"), name("alicia"));
    }

    #[test]
    fn names_are_in_the_order_of_their_folded_form() {
        let mut names = ["b", "C", "A"].map(|text| text.parse::<Name>().unwrap());
        assert!(names[0] < names[1] && names[2] < names[0]);
        names.sort();
        assert_eq!(names.each_ref().map(Name::as_str), ["A", "b", "C"]);
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for text in [
            "",
            ".a",
            "a b",
            "a/b",
            "server",
            "Server",
            "a\u{202e}b",
            "😀",
            "½",
            "ſerver",
            "\u{fdfa}",
            "a\u{fe0f}",
            "\u{3164}",
        ] {
            assert_eq!(text.parse::<Name>(), Err(InvalidName), "{text:?}");
        }
        assert!("x".repeat(32).parse::<Name>().is_ok());
        assert!("x".repeat(33).parse::<Name>().is_err());
        assert!("a.b-c_d9".parse::<Name>().is_ok());
        assert!("日本語".parse::<Name>().is_ok());
    }

    proptest! {
        #[test]
        fn a_name_is_stable_once_it_is_one(text in "[\\PC]{1,12}|[\\p{L}\\p{M}]{1,8}") {
            let Ok(name) = text.parse::<Name>() else { return Ok(()) };
            let again: Name = name.as_str().parse().unwrap();
            prop_assert_eq!(again.as_str(), name.as_str());
            prop_assert_eq!(&again, &name);
            prop_assert_eq!(fold(name.folded()), name.folded());
        }

        #[test]
        fn the_case_and_normal_form_do_not_matter(text in "[\\p{L}\\p{M}]{1,8}") {
            let lower: String = text.nfd().flat_map(char::to_lowercase).collect();
            let upper: String = text.nfd().flat_map(char::to_uppercase).collect();
            let names = [lower, upper, text].map(|text| text.parse::<Name>());
            for (one, two) in names.iter().zip(&names[1..]) {
                if let (Ok(one), Ok(two)) = (one, two) {
                    prop_assert_eq!(one, two);
                }
            }
        }
    }
}
