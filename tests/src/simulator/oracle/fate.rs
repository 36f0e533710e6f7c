//! What has become of a message, by its id: it may be known before the sender has kept it.

use crate::simulator::plan::Node;

/// What has become of a message.
#[derive(Debug, Clone, Default)]
pub(super) struct Fate {
    /// Its sender has kept it: from then on it is owed.
    pub(super) is_owed: bool,
    /// Its sender does not know of it any more, although nobody had it: by its clock, that was long
    /// ago.
    pub(super) was_expired: bool,
    /// A full mailbox did not take it. If its sender dies before it is told, it sends it again.
    pub(super) was_turned_away: bool,
    /// The server has it, for these readers.
    pub(super) stored: Option<Stored>,
    /// Who has kept it.
    pub(super) kept_by: Vec<Node>,
    /// Who has kept it and died since: the server may not know that they have it.
    pub(super) kept_before_death: Vec<Node>,
    /// Who has shown it.
    pub(super) shown_by: Vec<Node>,
    /// For whom it was kept: their sender is told when they have it.
    pub(super) kept_for: Vec<Node>,
    /// Who its sender has been told has it, after it was saved.
    pub(super) receipts: Vec<Node>,
    /// What its sender has been told.
    pub(super) told: Told,
}

/// A message that the server has kept.
#[derive(Debug, Clone, Default)]
pub(super) struct Stored {
    /// Whom the server keeps it for; its sender may be among them.
    pub(super) readers: Vec<Node>,
    /// Those who left before they had it.
    pub(super) left: Vec<Node>,
    /// It made place for later ones: who has not read it is told so.
    pub(super) is_trimmed: bool,
}

/// What a sender has been told of a message, and how often.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Told {
    /// `Message received by …`
    pub(super) received: u32,
    /// `Message received by Server.`
    pub(super) received_by_server: u32,
    /// `Offline message … saved.`
    pub(super) saved: u32,
    /// The recipient is online after all.
    pub(super) exists: u32,
    /// The mailbox was full.
    pub(super) full: u32,
    /// It has expired.
    pub(super) expired: u32,
    /// Nobody has the name.
    pub(super) nobody: u32,
    /// It is for a group that its sender has left.
    pub(super) no_member: u32,
    /// Its sender could not store it.
    pub(super) store_failed: u32,
}

impl Fate {
    /// Whether somebody has to see to it that it arrives.
    pub(super) const fn is_accepted(&self) -> bool {
        self.is_owed || self.stored.is_some()
    }

    /// Whether it must arrive: it was accepted, and its sender was not told otherwise. What is told
    /// to be impossible may happen all the same.
    pub(super) const fn is_promised(&self) -> bool {
        self.is_accepted() && !self.is_refused()
    }

    /// Whether it will not be delivered, and its sender knows.
    pub(super) const fn is_refused(&self) -> bool {
        let told = self.told;
        told.full + told.expired + told.nobody + told.no_member + told.store_failed > 0
    }
}

/// Adds a node to some, once. Gives whether it was not among them.
pub(super) fn add(nodes: &mut Vec<Node>, node: Node) -> bool {
    let is_new = !nodes.contains(&node);
    if is_new {
        nodes.push(node);
    }
    is_new
}
