//! Names of users and groups.

use alloc::{boxed::Box, string::String};
use core::{
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
    matches!(c, '_' | '-' | '.')
        || matches!(
            c.general_category_group(),
            GeneralCategoryGroup::Letter | GeneralCategoryGroup::Mark
        )
        || c.general_category() == DecimalNumber
}

impl FromStr for Name {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        // Normalisation can expand a character; take no more than could still be a name.
        let shown: String = text.nfc().take(MAX_NAME_CHARS + 1).collect();
        let length = shown.chars().count();
        let legal = (1..=MAX_NAME_CHARS).contains(&length)
            && !shown.starts_with('.')
            && shown.chars().all(is_allowed);
        let folded: String = shown.nfkc().flat_map(char::to_lowercase).nfkc().collect();
        if !legal || folded == "server" {
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
    use super::*;

    #[test]
    fn spellings_that_differ_in_case_or_normal_form_are_one_name() {
        let name = |text: &str| text.parse::<Name>().unwrap();
        assert_eq!(name("Zoë"), name("zoe\u{308}"));
        assert_eq!(name("ALICE"), name("alice"));
        assert_eq!(name("Zoe\u{308}").as_str(), "Zoë");
        assert_ne!(name("alice"), name("alicia"));
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
        ] {
            assert_eq!(text.parse::<Name>(), Err(InvalidName), "{text:?}");
        }
        assert!("x".repeat(32).parse::<Name>().is_ok());
        assert!("x".repeat(33).parse::<Name>().is_err());
        assert!("a.b-c_d9".parse::<Name>().is_ok());
        assert!("日本語".parse::<Name>().is_ok());
    }
}
