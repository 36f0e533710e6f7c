//! Frames with an unknown tag: the peer is told of each tag once.

use alloc::collections::BTreeSet;

/// Tags that one peer is told about; of what follows it hears nothing.
const MAX_TAGS: usize = 16;

/// The unknown tags that a peer has used.
#[derive(Debug, Default)]
pub(crate) struct UnknownTags(BTreeSet<u16>);

impl UnknownTags {
    /// Takes a tag. Gives whether the peer is to be told that it is not supported.
    pub(crate) fn take(&mut self, tag: u16) -> bool {
        self.0.len() < MAX_TAGS && self.0.insert(tag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_tag_is_told_once_up_to_a_limit() {
        let mut tags = UnknownTags::default();
        assert!(tags.take(99));
        assert!(!tags.take(99));
        let told = (100..200).filter(|tag| tags.take(*tag)).count();
        assert_eq!(told, MAX_TAGS - 1);
    }
}
