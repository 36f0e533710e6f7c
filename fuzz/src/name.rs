//! Names of users and groups, as they are typed and as they arrive.

use chat_core::{config::MAX_NAME_CHARS, name::Name, wire};

/// A name is in its one form; every spelling of it is the same name; nothing in it does harm.
pub fn target(bytes: &[u8]) {
    let Ok(text) = core::str::from_utf8(bytes) else {
        return;
    };
    let Ok(name) = text.parse::<Name>() else {
        return;
    };
    let shown = name.as_str();
    assert!((1..=MAX_NAME_CHARS).contains(&shown.chars().count()));
    for form in [shown, name.folded()] {
        let harmful = |c: char| c.is_control() || c.is_whitespace() || "/\\%:\"'".contains(c);
        assert!(!form.contains(harmful), "{form:?}");
    }
    let again: Name = shown.parse().expect("what is shown can be typed");
    assert_eq!(
        (again.as_str(), again.folded()),
        (name.as_str(), name.folded())
    );
    // In capitals, an iota below a letter stands behind it, and takes the marks that follow: that is
    // another text, for Unicode as well (§3.13, the note on U+0345).
    let is_below = |c: char| matches!(c, '\u{345}' | '\u{1f80}'..='\u{1fff}');
    let has_case = !shown.contains(is_below);
    let spellings = [
        shown.to_uppercase(),
        shown.to_lowercase(),
        name.folded().to_owned(),
    ];
    for spelling in spellings.into_iter().filter(|_| has_case) {
        // Another case can be longer than a name may be.
        if let Ok(same) = spelling.parse::<Name>() {
            assert_eq!(same, name, "{spelling:?}");
            assert_eq!(same.folded(), name.folded());
        }
    }
    let mut encoded = Vec::new();
    wire::encode(&name, &mut encoded);
    let decoded: Name = wire::decode(&encoded).expect("a name has an encoding");
    assert_eq!(decoded.as_str(), shown);
}
