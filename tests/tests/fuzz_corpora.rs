//! The fuzzer's corpora, in `fuzz/corpus`, replayed: every input that ever showed something.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use chat_fuzz::TARGETS;

#[test]
fn no_input_of_any_corpus_breaks_a_property_of_its_target() {
    for (name, target) in TARGETS {
        let inputs = entries(&fuzz("corpus").join(name));
        assert!(!inputs.is_empty(), "the corpus of {name} is empty");
        for input in inputs {
            // What a panic says is said of this input.
            eprintln!("{}", input.display());
            target(&fs::read(input).expect("a readable file"));
        }
    }
}

#[test]
fn every_target_has_a_binary_and_a_corpus_and_nothing_else_has() {
    let targets: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).into()).collect();
    assert_eq!(names(&fuzz("corpus")), targets);
    assert_eq!(names(&fuzz("fuzz_targets")), targets);
    let manifest = fs::read_to_string(fuzz("Cargo.toml")).expect("a readable file");
    for target in targets {
        assert!(
            manifest.contains(&format!("name = \"{target}\"")),
            "{target}"
        );
    }
}

fn fuzz(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../fuzz")
        .join(folder)
}

fn names(folder: &Path) -> BTreeSet<String> {
    let stem = |path: &PathBuf| path.file_stem().map(|name| name.to_string_lossy().into());
    entries(folder).iter().filter_map(stem).collect()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a readable folder");
    let mut entries: Vec<_> = entries
        .map(|entry| entry.expect("a readable folder").path())
        .collect();
    entries.sort();
    entries
}
