//! Every frame against `wire/protocol.cddl`.

use cddl_cat::validate_cbor_bytes;
use chat_core::wire::{ChatFrame, Content, LinkFrame, encode};
use serde::Serialize;

use crate::samples;

const CDDL: &str = include_str!("../../src/wire/protocol.cddl");

#[test]
fn every_link_frame_is_as_specified() {
    check("link", LinkFrame::TAGS, &samples::link_frames());
}

#[test]
fn every_chat_frame_is_as_specified() {
    check("chat", ChatFrame::TAGS, &samples::chat_frames());
}

#[test]
fn every_content_is_as_specified() {
    check("content", Content::TAGS, &samples::contents());
}

#[test]
fn the_specification_refuses_what_is_not_a_frame() {
    let refused = |bytes: &[u8]| validate_cbor_bytes("link-frame", CDDL, bytes).is_err();
    assert!(refused(&[0x81, 0x00]), "no such tag");
    assert!(refused(&[0x82, 0x05, 0xf5]), "a token that is no number");
    assert!(refused(&[0x81, 0x05]), "a field is missing");
    assert!(
        !refused(&[0x83, 0x05, 0x00, 0xf5]),
        "a field of a later version"
    );
}

/// Each sample is validated against the rule of its own frame and that of its family; there is a
/// sample of each frame.
fn check(family: &str, tags: &[(u16, &str)], samples: &[impl Serialize + std::fmt::Debug]) {
    let mut missing: Vec<_> = tags.iter().map(|(_, name)| *name).collect();
    for sample in samples {
        let mut bytes = Vec::new();
        encode(sample, &mut bytes);
        let shown = format!("{sample:?}");
        let name = shown.split(' ').next().expect("a name comes first");
        assert!(tags.iter().any(|(_, known)| *known == name), "{name}");
        missing.retain(|other| *other != name);
        for rule in [
            format!("{family}.{}", kebab(name)),
            format!("{family}-frame"),
        ] {
            let rule = rule.replace("content-frame", "content");
            if let Err(error) = validate_cbor_bytes(&rule, CDDL, &bytes) {
                panic!("{shown}, encoded as {bytes:02x?}, is no {rule}: {error}");
            }
        }
    }
    assert!(missing.is_empty(), "no sample of {missing:?}");
}

/// `TableChanges` as `table-changes`.
fn kebab(name: &str) -> String {
    let mut kebab = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !kebab.is_empty() {
            kebab.push('-');
        }
        kebab.extend(letter.to_lowercase());
    }
    kebab
}
