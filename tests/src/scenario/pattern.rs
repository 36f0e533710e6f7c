//! Expected lines with placeholders.

use std::{collections::BTreeMap, net::SocketAddr};

use super::text_of;

/// What `<ts1>` and its kin stand for, once they have been met.
pub type Bindings = BTreeMap<String, String>;

/// An expected line, or several of which one is expected.
#[derive(Debug, Clone)]
pub struct Pattern {
    alternatives: Vec<Vec<Part>>,
    source: String,
}

#[derive(Debug, Clone)]
enum Part {
    Literal(String),
    /// A time; with a name, the same one everywhere.
    Stamp(Option<String>),
    Address,
    Any,
}

const STAMP_SHAPE: &str = "dddd-dd-dd dd:dd:dd";

impl Pattern {
    /// The pattern of one line.
    pub fn line(text: &str) -> Self {
        Self::any_of(&[text])
    }

    /// Any of these lines.
    pub fn any_of(texts: &[&str]) -> Self {
        Self {
            alternatives: texts.iter().map(|text| parts(text)).collect(),
            source: texts.join("\" or \""),
        }
    }

    /// The pattern as it was written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether `line` is what is expected; then times with a name are bound.
    pub fn matches(&self, line: &str, bindings: &mut Bindings) -> bool {
        self.alternatives.iter().any(|parts| {
            let mut bound = bindings.clone();
            let matches = matches(parts, line, &mut bound);
            if matches {
                *bindings = bound;
            }
            matches
        })
    }
}

/// Replaces `<60000 bytes>` and the like.
pub(super) fn expand(text: &str) -> String {
    let mut expanded = String::new();
    for part in parts(text) {
        match part {
            Part::Literal(literal) => expanded.push_str(&literal),
            other => panic!("{other:?} cannot be typed"),
        }
    }
    expanded
}

fn parts(mut text: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    while let Some(start) = text.find('<') {
        let Some((placeholder, rest)) = text[start + 1..].split_once('>') else {
            break;
        };
        let Some(part) = part(placeholder) else {
            parts.push(Part::Literal(text[..=start].to_owned()));
            text = &text[start + 1..];
            continue;
        };
        parts.push(Part::Literal(text[..start].to_owned()));
        parts.push(part);
        text = rest;
    }
    parts.push(Part::Literal(text.to_owned()));
    parts
}

fn part(placeholder: &str) -> Option<Part> {
    if let Some(name) = placeholder.strip_prefix("ts") {
        return Some(Part::Stamp((!name.is_empty()).then(|| name.to_owned())));
    }
    if let Some(count) = placeholder.strip_suffix(" bytes") {
        return Some(Part::Literal(text_of(count.parse().ok()?)));
    }
    match placeholder {
        "addr" => Some(Part::Address),
        "any" => Some(Part::Any),
        _ => None,
    }
}

fn matches(parts: &[Part], text: &str, bindings: &mut Bindings) -> bool {
    let Some((first, rest)) = parts.split_first() else {
        return text.is_empty();
    };
    match first {
        Part::Literal(literal) => text
            .strip_prefix(literal.as_str())
            .is_some_and(|text| matches(rest, text, bindings)),
        Part::Stamp(name) => {
            let Some((stamp, text)) = text.split_at_checked(STAMP_SHAPE.len()) else {
                return false;
            };
            let bound = name
                .as_ref()
                .map(|name| bindings.entry(name.clone()).or_insert(stamp.to_owned()));
            is_stamp(stamp)
                && bound.is_none_or(|bound| bound == stamp)
                && matches(rest, text, bindings)
        }
        Part::Address => splits(text).any(|(address, text)| {
            address.parse::<SocketAddr>().is_ok() && matches(rest, text, &mut bindings.clone())
        }),
        Part::Any => splits(text).any(|(_, text)| matches(rest, text, &mut bindings.clone())),
    }
}

fn splits(text: &str) -> impl Iterator<Item = (&str, &str)> {
    (0..=text.len()).filter_map(|at| text.split_at_checked(at))
}

fn is_stamp(text: &str) -> bool {
    text.chars()
        .zip(STAMP_SHAPE.chars())
        .all(|(c, shape)| match shape {
            'd' => c.is_ascii_digit(),
            _ => c == shape,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_time_is_the_same_everywhere() {
        let mut bindings = Bindings::new();
        let saved = Pattern::line("[Offline message sent at <ts1> received by y.]");
        let line = |ts: &str| format!("[Offline message sent at {ts} received by y.]");
        assert!(saved.matches(&line("2023-10-25 14:40:07"), &mut bindings));
        assert!(!saved.matches(&line("2023-10-25 14:40:08"), &mut bindings));
        assert!(saved.matches(&line("2023-10-25 14:40:07"), &mut bindings));
    }

    #[test]
    fn placeholders_match_what_they_stand_for() {
        for (pattern, line, expected) in [
            ("x: <ts> hello", "x: 2023-10-25 14:40:07 hello", true),
            ("x: <ts> hello", "x: yesterday at noon--- hello", false),
            ("y @ <addr> is ONLINE", "y @ 127.0.0.1:80 is ONLINE", true),
            ("y @ <addr> is ONLINE", "y @ nowhere is ONLINE", false),
            ("x: <3 bytes>", "x: abc", true),
            ("x: <tag>", "x: <tag>", true),
            ("a <any> z", "a b c z", true),
            ("hello", "hello ", false),
        ] {
            let matches = Pattern::line(pattern).matches(line, &mut Bindings::new());
            assert_eq!(matches, expected, "{pattern} on {line}");
        }
    }

    #[test]
    fn either_of_two_lines_will_do() {
        let pattern = Pattern::any_of(&["a", "b"]);
        let matches = |line| pattern.matches(line, &mut Bindings::new());
        assert!(matches("a") && matches("b") && !matches("c"));
    }
}
