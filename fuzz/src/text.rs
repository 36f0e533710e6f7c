//! Text as it arrives and is shown, and fingerprints as they are typed.

use chat_core::{
    client::Event,
    config::MAX_TEXT_BYTES,
    conversation::{Conversation, Text},
    id::{Fingerprint, MessageId},
    text::{English, Neutral},
    time::WallTime,
    wire,
};

/// Any text is shown as one line without anything that a terminal obeys, and is kept verbatim; a
/// fingerprint that is read is written as itself.
pub fn target(bytes: &[u8]) {
    let Ok(text) = core::str::from_utf8(bytes) else {
        return;
    };
    let shown = Neutral(text).to_string();
    is_harmless(&shown);
    assert_eq!(Neutral(&shown).to_string(), shown);
    if let Ok(fingerprint) = text.parse::<Fingerprint>() {
        assert_eq!(fingerprint.to_string().parse(), Ok(fingerprint));
    }
    let Ok(kept) = Text::new(text.to_owned()) else {
        assert!(text.len() > MAX_TEXT_BYTES);
        return;
    };
    let mut encoded = Vec::new();
    wire::encode(&kept, &mut encoded);
    assert_eq!(wire::decode::<Text>(&encoded).as_ref(), Ok(&kept));
    assert_eq!(kept.as_str(), text);
    let message = Event::Message {
        id: MessageId([0; 16]),
        sender: "bob".parse().expect("a legal name"),
        verified: text.len() % 2 == 0,
        conversation: Conversation::Channel,
        stored: None,
        text: kept,
    };
    is_harmless(&English::new(&message, &|_: WallTime| "now".into()).to_string());
}

fn is_harmless(line: &str) {
    let harmful = |c: char| {
        let bidirectional = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}')
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        c.is_control() || bidirectional || matches!(c, '\u{2028}' | '\u{2029}')
    };
    assert!(!line.contains(harmful), "{line:?}");
}
