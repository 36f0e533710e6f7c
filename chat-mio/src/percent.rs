//! Percent-encoding (RFC 3986 §2.1), for names in file names.

use std::fmt::Write;

/// `text` with every byte encoded but lower-case letters, digits and those in `kept`.
pub(crate) fn encode(text: &str, kept: &[u8]) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_lowercase() || byte.is_ascii_digit() || kept.contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn different_names_have_different_encodings() {
        assert_eq!(encode("zoë.b-c_9", b"_-"), "zo%C3%AB%2Eb-c_9");
        assert_eq!(encode("a%2E", b"_-"), "a%252%45");
    }
}
