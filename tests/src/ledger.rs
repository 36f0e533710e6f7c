//! What was said in a world, compared with what was shown.

use std::collections::BTreeMap;

use chat_core::{client::Event, conversation::Conversation, time::Instant};

use crate::world::World;

/// Everything that was said.
#[derive(Debug, Default)]
pub struct Ledger {
    said: Vec<Said>,
}

#[derive(Debug)]
struct Said {
    by: String,
    kind: Kind,
    to: Vec<String>,
    text: String,
    at: Instant,
    /// Its sender may have been ended before the message was durable.
    is_in_doubt: bool,
}

/// The conversations within which a sender's messages stay in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Direct,
    Group,
    Channel,
}

/// Texts by sender and kind of conversation.
type Texts<'a> = BTreeMap<(&'a str, Kind), Vec<&'a str>>;

impl Ledger {
    /// Types a direct message.
    pub fn send(&mut self, world: &mut World, by: &str, to: &str, text: &str) {
        world.command(by, &format!("send {to} {text}"));
        self.record(world, by, Kind::Direct, &[to], text);
    }

    /// Types a message to everyone, who are `to`.
    pub fn send_all(&mut self, world: &mut World, by: &str, to: &[&str], text: &str) {
        world.command(by, &format!("send_all {text}"));
        self.record(world, by, Kind::Channel, to, text);
    }

    /// Types a message to the group, whose members are `to`.
    pub fn send_group(&mut self, world: &mut World, by: &str, to: &[&str], text: &str) {
        world.command(by, &format!("send_group {text}"));
        self.record(world, by, Kind::Group, to, text);
    }

    /// The sender is ended without warning: what it has said since then may be lost.
    pub fn doubt(&mut self, by: &str, since: Instant) {
        for said in &mut self.said {
            said.is_in_doubt |= said.by == by && said.at >= since;
        }
    }

    fn record(&mut self, world: &World, by: &str, kind: Kind, to: &[&str], text: &str) {
        self.said.push(Said {
            by: by.to_owned(),
            kind,
            to: to.iter().map(|name| (*name).to_owned()).collect(),
            text: text.to_owned(),
            at: world.now().instant,
            is_in_doubt: false,
        });
    }

    /// Whether everything has been shown to everyone it was for, and nothing else: once, and in
    /// order for each sender and conversation.
    ///
    /// # Errors
    /// What is lost, repeated or out of order, and for whom.
    pub fn check(&self, world: &World, names: &[&str]) -> Result<(), String> {
        self.compare(world, names, false)
    }

    /// Like [`Self::check`], for clients that have been ended without warning: they may have shown
    /// the last messages again.
    ///
    /// # Errors
    /// What is lost or out of order, and for whom.
    pub fn check_after_crashes(&self, world: &World, names: &[&str]) -> Result<(), String> {
        self.compare(world, names, true)
    }

    fn compare(&self, world: &World, names: &[&str], may_repeat: bool) -> Result<(), String> {
        for name in names {
            let mut shown = shown(world, name);
            let expected = self.expected(name, &shown);
            if may_repeat {
                for texts in shown.values_mut() {
                    let mut seen = Vec::new();
                    texts.retain(|text| {
                        let is_first = !seen.contains(text);
                        seen.push(text);
                        is_first
                    });
                }
            }
            if shown != expected {
                return Err(format!(
                    "{name} was shown\n{shown:#?}\ninstead of\n{expected:#?}"
                ));
            }
        }
        Ok(())
    }

    fn expected(&self, name: &str, shown: &Texts<'_>) -> Texts<'_> {
        let mut expected = Texts::new();
        for said in &self.said {
            let is_for = said.to.iter().any(|to| to == name)
                && (said.by != name || said.kind == Kind::Direct);
            let (conversation, text) = ((said.by.as_str(), said.kind), said.text.as_str());
            let is_shown = || {
                let texts = shown.get(&conversation);
                texts.is_some_and(|texts| texts.contains(&text))
            };
            if is_for && (!said.is_in_doubt || is_shown()) {
                expected.entry(conversation).or_default().push(text);
            }
        }
        expected
    }
}

fn shown<'a>(world: &'a World, name: &str) -> Texts<'a> {
    let mut shown = Texts::new();
    for event in &world.node(name).events {
        if let Event::Message {
            sender,
            conversation,
            text,
            ..
        } = event
        {
            let kind = match conversation {
                Conversation::User(_) => Kind::Direct,
                Conversation::Group(_) => Kind::Group,
                Conversation::Channel => Kind::Channel,
            };
            shown
                .entry((sender.as_str(), kind))
                .or_default()
                .push(text.as_str());
        }
    }
    shown
}
