//! Sealed mail: what a server keeps for somebody and cannot read.

use alloc::{string::String, vec::Vec};

use crate::{
    conversation::Text,
    crypto::{self, Identity, Random, SealError},
    id::{MessageId, PublicKey},
    name::Name,
};

/// Seals a text to its recipient, for this recipient and message alone.
pub(super) fn seal(
    identity: &Identity,
    recipient: (&Name, &PublicKey),
    id: &MessageId,
    text: &Text,
    random: &mut Random,
) -> Result<Vec<u8>, SealError> {
    let (name, key) = recipient;
    let binding: [&[u8]; 2] = [name.folded().as_bytes(), &id.0];
    crypto::seal(identity, key, &binding, text.as_str().as_bytes(), random)
}

/// Opens what was sealed for this user: the sealer's key, and the text.
pub(super) fn open(
    identity: &Identity,
    recipient: &Name,
    id: &MessageId,
    sealed: &[u8],
) -> Result<(PublicKey, Text), SealError> {
    let binding: [&[u8]; 2] = [recipient.folded().as_bytes(), &id.0];
    let (key, plaintext) = crypto::open(identity, &binding, sealed)?;
    let text = String::from_utf8(plaintext).map_err(|_| SealError)?;
    Ok((key, Text::new(text).map_err(|_| SealError)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_recipient_opens_it_and_only_as_this_message() {
        let (x, y) = (Identity::from_seed(&[1; 32]), Identity::from_seed(&[2; 32]));
        let name: Name = "y".parse().unwrap();
        let (id, other) = (MessageId([1; 16]), MessageId([2; 16]));
        let text = Text::new("hello".into()).unwrap();
        let mut random = Random::new([3; 32]);
        let sealed = seal(&x, (&name, &y.public_key()), &id, &text, &mut random).unwrap();
        assert_eq!(open(&y, &name, &id, &sealed), Ok((x.public_key(), text)));
        assert!(open(&x, &name, &id, &sealed).is_err());
        assert!(open(&y, &name, &other, &sealed).is_err());
        assert!(open(&y, &"z".parse().unwrap(), &id, &sealed).is_err());
    }
}
