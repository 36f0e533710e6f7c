//! What the fuzzer starts from, in `fuzz/corpus`: the recorded vectors, and bytes that mean harm.
//!
//! `CHAT_WRITE_VECTORS=1 cargo test -p chat-core --test wire` records it.

use std::{fs, path::PathBuf};

use chat_core::wire::header::Datagram;

use crate::{
    samples,
    vectors::{self, Vector},
};

#[test]
fn the_fuzzer_starts_from_the_recorded_vectors() {
    for (path, bytes) in beginnings() {
        if vectors::recording() {
            fs::write(path, bytes).expect("each target has a corpus");
        } else {
            let recorded = fs::read(&path).unwrap_or_default();
            assert_eq!(recorded, bytes, "{}", path.display());
        }
    }
}

/// Every input, and where it is kept.
fn beginnings() -> Vec<(PathBuf, Vec<u8>)> {
    let datagrams = vectors::hello().into_iter().chain(vectors::handshake());
    let is_datagram = |vector: &Vector| Datagram::parse(&vector.bytes).is_some();
    let datagrams: Vec<_> = datagrams.filter(is_datagram).collect();
    let with_hostile = |vectors: Vec<Vector>| vectors.into_iter().chain(hostile()).collect();
    let corpora: [(&str, Vec<Vector>); 6] = [
        (
            "link_frames",
            with_hostile(vectors::frames(&samples::link_frames())),
        ),
        (
            "chat_frame",
            with_hostile(vectors::frames(&samples::chat_frames())),
        ),
        (
            "content",
            with_hostile(vectors::frames(&samples::contents())),
        ),
        ("datagram", datagrams.clone()),
        ("handshake", datagrams),
        (
            "sealed",
            vectors::sealed().split_off(vectors::sealed().len() - 1),
        ),
    ];
    let inputs = corpora.into_iter().flat_map(|(target, vectors)| {
        let vectors = (0..).zip(vectors);
        vectors.map(move |(number, vector)| (path(target, number, &vector.title), vector.bytes))
    });
    inputs.collect()
}

fn path(target: &str, number: u32, title: &str) -> PathBuf {
    let word = title.split([' ', ',', ':']).next();
    let word = word.expect("one at least").to_lowercase();
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join(format!("../fuzz/corpus/{target}/{number:02}-{word}"))
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
