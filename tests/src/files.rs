//! The scenario files, and the transcripts beside them.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use crate::scenario::{Scenario, parse};

/// Plays each of the named scenarios in a test of its own. A file that is missing, of those for
/// which `$which` holds, fails a test too.
#[macro_export]
macro_rules! scenarios {
    ($play:path, every $which:expr; $( $(#[$meta:meta])* $test:ident = $file:literal, )*) => {
        $(
            $(#[$meta])*
            #[test]
            fn $test() {
                $play($file);
            }
        )*

        #[test]
        fn every_file_is_played() {
            let missing = $crate::files::missing(&[ $( $file, )* ], $which);
            assert_eq!(missing, Vec::<String>::new());
        }
    };
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios")
}

/// Reads the scenario in the file `name`.scenario.
///
/// # Panics
/// If there is no such scenario.
pub fn scenario(name: &str) -> Scenario {
    let path = directory().join(name).with_extension("scenario");
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
    parse(&text).unwrap_or_else(|error| panic!("{path:?}: {error}"))
}

/// Scenarios for which `which` holds that are not among `played`.
///
/// # Panics
/// If the directory cannot be read.
pub fn missing(played: &[&str], which: impl Fn(&Scenario) -> bool) -> Vec<String> {
    let mut missing: Vec<String> = fs::read_dir(directory())
        .expect("the scenarios")
        .map(|entry| entry.expect("a readable directory").path())
        .filter(|path| path.extension().is_some_and(|it| it == "scenario"))
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .filter(|name| !played.contains(&name.as_str()) && which(&scenario(name)))
        .collect();
    missing.sort();
    missing
}

/// Compares a transcript with the committed one, or writes it if the environment variable
/// `CHAT_WRITE_TRANSCRIPTS` is set.
///
/// # Panics
/// If they differ.
pub fn compare_transcript(name: &str, transcript: &str) {
    let path = directory().join(name).with_extension("transcript");
    if env::var_os("CHAT_WRITE_TRANSCRIPTS").is_some() {
        return fs::write(&path, transcript).expect("a writable directory");
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    if let Some(line) = first_difference(&committed, transcript) {
        panic!(
            "{path:?} differs from line {line} on; if that is right, run the test with \
             CHAT_WRITE_TRANSCRIPTS=1. This run:\n{transcript}"
        );
    }
}

fn first_difference(one: &str, other: &str) -> Option<usize> {
    let (mut one, mut other) = (one.lines(), other.lines());
    (1..).find_map(|number| match (one.next(), other.next()) {
        (None, None) => Some(None),
        (a, b) => (a != b).then_some(Some(number)),
    })?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scenario_can_be_read() {
        assert!(missing(&[], |scenario| !scenario.steps.is_empty()).len() > 20);
    }
}
