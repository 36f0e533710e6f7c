//! Sealed mail.

use std::sync::LazyLock;

use chat_core::crypto::{self, Identity, Random};

static SENDER: LazyLock<Identity> = LazyLock::new(|| Identity::from_seed(&[1; 32]));
static RECIPIENT: LazyLock<Identity> = LazyLock::new(|| Identity::from_seed(&[2; 32]));
/// What the committed example is bound to.
const BINDING: &[&[u8]] = &[b"bob", &[0x1d; 16]];

/// Bytes as they arrive: what can be opened is as long as it says, and its sender's word.
pub fn target(bytes: &[u8]) {
    if let Ok((sender, text)) = crypto::open(&RECIPIENT, BINDING, bytes) {
        assert_eq!(text.len() + crypto::SEALING_OVERHEAD, bytes.len());
        let mut random = Random::new([3; 32]);
        let sealed = crypto::seal(&SENDER, &RECIPIENT.public_key(), BINDING, &text, &mut random);
        let sealed = sealed.expect("a good key");
        let expected = (SENDER.public_key(), text);
        assert_eq!(crypto::open(&RECIPIENT, BINDING, &sealed).as_ref(), Ok(&expected));
        assert!(crypto::open(&RECIPIENT, &[b"bob", b"another"], bytes).is_err());
        // Nobody who fuzzes has the sender's secret: these are the bytes that it has sealed.
        assert_eq!(sender, SENDER.public_key());
    }
}
