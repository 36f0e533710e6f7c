//! The fuzzer's corpora, in `fuzz/corpus`, replayed: every input that ever showed something.

use std::{fs, path::PathBuf};

use chat_core::wire::header::Datagram;

use crate::{
    samples, targets,
    vectors::{self, Vector},
};

#[test]
fn every_input_of_every_corpus_does_no_harm() {
    if vectors::recording() {
        record();
    }
    for (name, target) in targets::TARGETS {
        let mut inputs = 0;
        for entry in fs::read_dir(corpus(name)).expect("each target has a corpus") {
            let path = entry.expect("a readable folder").path();
            // What a panic says is said of this input.
            eprintln!("{}", path.display());
            target(&fs::read(path).expect("a readable file"));
            inputs += 1;
        }
        assert!(inputs > 0, "the corpus of {name} is empty");
    }
}

fn corpus(target: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("../fuzz/corpus/{target}"))
}

/// Writes what the fuzzer starts from: the recorded vectors, and bytes that mean harm.
fn record() {
    let datagrams: Vec<_> = vectors::hello()
        .into_iter()
        .chain(vectors::handshake())
        .collect();
    let is_datagram = |vector: &&Vector| Datagram::parse(&vector.bytes).is_some();
    let datagrams: Vec<_> = datagrams.iter().filter(is_datagram).collect();
    let write = |target: &str, vectors: &[&Vector]| {
        for (number, vector) in vectors.iter().enumerate() {
            let word = vector
                .title
                .split([' ', ',', ':'])
                .next()
                .expect("one at least");
            let path = corpus(target).join(format!("{number:02}-{}", word.to_lowercase()));
            fs::create_dir_all(corpus(target)).expect("a writable folder");
            fs::write(path, &vector.bytes).expect("a writable folder");
        }
    };
    let hostile = hostile();
    let with_hostile = |vectors: &[Vector], target: &str| {
        write(target, &vectors.iter().chain(&hostile).collect::<Vec<_>>());
    };
    with_hostile(&vectors::frames(&samples::link_frames()), "link_frames");
    with_hostile(&vectors::frames(&samples::chat_frames()), "chat_frame");
    with_hostile(&vectors::frames(&samples::contents()), "content");
    write("datagram", &datagrams);
    write("handshake", &datagrams);
    let sealed = vectors::sealed();
    write(
        "sealed",
        &[sealed.last().expect("the sealed text comes last")],
    );
}

/// CBOR that asks for more than it is worth.
fn hostile() -> Vec<Vector> {
    let inputs: [(&str, Vec<u8>); 8] = [
        ("nested", vec![0x81; 5_000]),
        (
            "nested-unknown",
            [&[0x82, 0x18, 0x63][..], &[0x81; 5_000]].concat(),
        ),
        (
            "endless-array",
            b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff\x01".to_vec(),
        ),
        (
            "endless-bytes",
            b"\x82\x01\x5b\xff\xff\xff\xff\xff\xff\xff\xff".to_vec(),
        ),
        ("endless-text", b"\x82\x01\x7a\xff\xff\xff\xff".to_vec()),
        ("indefinite", vec![0x9f, 0x01, 0xff]),
        ("tagged", vec![0xc1, 0x81, 0x02]),
        ("map", vec![0xa1, 0x01, 0x02]),
    ];
    let vector = |(title, bytes): (&str, Vec<u8>)| Vector {
        title: title.to_owned(),
        bytes,
    };
    inputs.map(vector).into()
}
