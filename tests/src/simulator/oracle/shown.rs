//! What clients show.

use chat_core::{
    client::Event,
    conversation::{Conversation, Text},
    id::MessageId,
    name::Name,
    store::Log,
};

use super::{
    Oracle, Point,
    fate::{Fate, Told, add},
    message::{Message, token},
    node_of,
    reader::Showing,
};
use crate::simulator::plan::{NODES, Node};

impl Oracle {
    pub(super) fn shown(&mut self, node: Node, event: &Event) {
        match event {
            Event::Message { .. } => self.shows_message(node, event),
            Event::Received { id, by } => self.told_received(id, by),
            Event::ReceivedByServer { id } => {
                self.told_stored(id, "received by the server", |told| {
                    told.received_by_server += 1;
                });
            }
            Event::Saved { id, .. } => self.told_stored(id, "saved", |told| told.saved += 1),
            Event::SavedReceived { id, by, .. } => self.told_receipt(node, id, by),
            Event::Exists { id, .. } => self.fate(id).told.exists += 1,
            Event::MailboxFull { id, .. } => self.fate(id).told.full += 1,
            Event::Expired { id, .. } => self.fate(id).told.expired += 1,
            Event::Kept { id, .. } => self.told_kept(id),
            Event::EnteredGroup { group } => {
                self.entered(node, group);
                self.shows_state(node, event);
            }
            Event::NoSuchClient { id, .. } => self.fate(id).told.nobody += 1,
            Event::NotAMember { id, .. } => self.fate(id).told.no_member += 1,
            Event::StoreFailed { id } => {
                self.readers[node].store_failed = Some(self.at);
                if let Some(id) = id {
                    self.fate(id).told.store_failed += 1;
                }
            }
            _ => self.shows_state(node, event),
        }
    }

    fn shows_state(&mut self, node: Node, event: &Event) {
        let at = self.at;
        let reader = &mut self.readers[node];
        match event {
            Event::Registered { .. } | Event::ServerBack => {
                reader.is_online = true;
                reader.is_offline = false;
            }
            Event::Offline | Event::Superseded | Event::Dismissed | Event::Banned => {
                reader.is_online = false;
                reader.is_offline = true;
            }
            Event::NotResponding => reader.is_online = false,
            Event::LeftGroup { .. } => {
                self.logs.leaving.retain(|(_, leaving)| *leaving != node);
            }
            Event::Refused(_) | Event::Note(_) | Event::TooLong { .. } | Event::OutboxFull => {
                reader.refusals.push(at);
            }
            _ => {}
        }
    }

    fn shows_message(&mut self, node: Node, event: &Event) {
        let Event::Message {
            id,
            sender,
            verified,
            conversation,
            stored,
            text,
        } = event
        else {
            return;
        };
        let known = token(text.as_str().as_bytes())
            .and_then(|token| Some((token, self.messages.get_mut(&token)?)));
        let Some((token, message)) = known else {
            return self.unexpected(node, text, "was never typed");
        };
        if let Some(why) = mismatch(message, sender, conversation, text) {
            return self.unexpected(node, text, why);
        }
        let from = message.from;
        if !verified {
            self.unexpected(node, text, "is shown as unverified");
        }
        if !self.readers(&self.messages[&token]).contains(&node) {
            self.unexpected(node, text, "is not for it");
        }
        let entry = MessageId::derive(b"inbox", &[b"message", sender.folded().as_bytes(), &id.0]);
        let showing = self.readers[node].show(&entry);
        let (what, name) = (self.describe(token), NODES[node]);
        match showing {
            Showing::Again => return self.repeated += 1,
            Showing::Twice => {
                return self.fail(Point::Duplicated, format!("{name} shows {what} twice"));
            }
            Showing::NotKept => {
                let why = format!("{name} shows {what}, which it has not made durable");
                return self.fail(Point::Durability, why);
            }
            Showing::First => {}
        }
        let fate = self.fate(id);
        add(&mut fate.shown_by, node);
        if stored.is_some() {
            add(&mut fate.kept_for, node);
        }
        let overtaken = self.readers[node].follow(from, conversation, token);
        let may_be_late = |by| {
            let message = &self.messages[&token];
            let keeps_its_place = |fate: &Fate| {
                // Who dies before a message is durable does not know of it any more.
                let is_known = fate.is_owed || !message.sender_restarted;
                // What was told to be impossible may be done after a restart.
                is_known && !fate.was_turned_away && !fate.was_expired && fate.is_promised()
            };
            self.was_held(node, token, by) || !self.fates.get(id).is_some_and(keeps_its_place)
        };
        if let Some(by) = overtaken.filter(|by| !may_be_late(*by)) {
            let by = self.describe(by);
            let why = format!("{name} shows {what} after {by}");
            self.fail(Point::Order, why);
        }
    }

    /// Whether a direct message had arrived before another one that was shown before it: it was
    /// held back in a group.
    fn was_held(&self, node: Node, token: u64, by: u64) -> bool {
        let place = |token| {
            let message = self.messages.get(&token)?;
            let sender = NODES[message.from].as_bytes();
            let id = message.id?;
            let entry = MessageId::derive(b"inbox", &[b"message", sender, &id.0]);
            self.readers[node].position(&entry)
        };
        let is_direct = self.messages.get(&token).is_some_and(Message::is_direct);
        is_direct && place(token) < place(by)
    }

    fn unexpected(&mut self, node: Node, text: &Text, why: &str) {
        let text: String = text.as_str().chars().take(40).collect();
        let why = format!("{} shows {text:?}, which {why}", NODES[node]);
        self.fail(Point::Unexpected, why);
    }

    fn told_received(&mut self, id: &MessageId, by: &Name) {
        let fate = self.fate(id);
        fate.told.received += 1;
        if !node_of(by).is_some_and(|by| fate.kept_by.contains(&by)) {
            let what = self.describe_id(id);
            let why = format!("{what} is told to be received by {by}, who does not have it");
            self.fail(Point::Durability, why);
        }
    }

    fn told_stored(&mut self, id: &MessageId, what: &str, tell: impl Fn(&mut Told)) {
        let fate = self.fate(id);
        tell(&mut fate.told);
        if fate.stored.is_none() {
            let message = self.describe_id(id);
            let why = format!("{message} is told to be {what}, but the server does not have it");
            self.fail(Point::Durability, why);
        }
    }

    fn told_receipt(&mut self, node: Node, id: &MessageId, by: &Name) {
        let Some(reader) = node_of(by) else { return };
        let fate = self.fate(id);
        add(&mut fate.receipts, reader);
        let is_kept = fate.kept_by.contains(&reader);
        let what = self.describe_id(id);
        if self
            .message(id)
            .is_some_and(|it| it.conversation == Some(Conversation::Channel))
        {
            let why = format!("a receipt of {what} is shown, for which there is none");
            self.fail(Point::Receipt, why);
        }
        if !is_kept {
            let why = format!("a receipt of {what} by {by} is shown, who does not have it");
            self.fail(Point::Receipt, why);
        }
        let entry = MessageId::derive(b"inbox", &[b"receipt", by.folded().as_bytes(), &id.0]);
        let wrong = match self.readers[node].show(&entry) {
            Showing::First | Showing::Again => return,
            Showing::Twice => "is shown twice",
            Showing::NotKept => "is shown, and is not kept",
        };
        let why = format!("the receipt of {what} by {by} {wrong}");
        self.fail(Point::Receipt, why);
    }

    fn told_kept(&mut self, id: &MessageId) {
        if !self.fate(id).is_owed {
            let what = self.describe_id(id);
            let why = format!("{what} is told to be kept, and is not durable");
            self.fail(Point::Durability, why);
        }
    }

    /// Whoever has entered a group is a member, durably.
    fn entered(&mut self, node: Node, group: &Name) {
        let members = self.logs.members.get(&Log::Group(group.clone()));
        if !members.is_some_and(|members| members.contains_key(NODES[node])) {
            let why = format!("{} is told to be in {group}, and is no member", NODES[node]);
            self.fail(Point::Durability, why);
        }
    }
}

/// Why a message that is shown is not the one that was typed, if so.
fn mismatch(
    message: &mut Message,
    sender: &Name,
    conversation: &Conversation,
    text: &Text,
) -> Option<&'static str> {
    if message.text != text.as_str() {
        Some("is not what was typed")
    } else if node_of(sender) != Some(message.from) {
        Some("somebody else has sent")
    } else if !message.is_said_in(conversation) {
        Some("was said elsewhere")
    } else {
        None
    }
}
