//! A second judge of a run: it reads the trace as people would, and shares nothing with the oracle.
//!
//! It knows the lines that were typed, what each client kept, and the lines that were shown. It
//! counts for every message whether it was attempted, accepted, delivered, lost, duplicated or
//! unexpected.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

/// What became of the messages of a trace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Messages that were typed.
    pub attempted: usize,
    /// Messages that their senders kept.
    pub accepted: usize,
    /// Messages shown by somebody they were for; each reader counts.
    pub delivered: usize,
    /// Messages shown again by a later run, because the screen had not been kept.
    pub repeated: usize,
    /// What is wrong: which message never came, came twice, or should not have come.
    pub lost: Vec<String>,
    /// Messages that somebody shows twice in one run.
    pub duplicated: Vec<String>,
    /// Messages that were not typed like that, or not for who shows them.
    pub unexpected: Vec<String>,
}

impl Verdict {
    /// Whether nothing is wrong.
    pub const fn is_good(&self) -> bool {
        self.lost.is_empty() && self.duplicated.is_empty() && self.unexpected.is_empty()
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "attempted {}, accepted {}, delivered {}, repeated {}, lost {}, duplicated {}, unexpected {}",
            self.attempted,
            self.accepted,
            self.delivered,
            self.repeated,
            self.lost.len(),
            self.duplicated.len(),
            self.unexpected.len()
        )?;
        let wrong = [
            ("lost", &self.lost),
            ("duplicated", &self.duplicated),
            ("unexpected", &self.unexpected),
        ];
        for (what, messages) in wrong {
            for message in messages {
                writeln!(f, "{what}: {message}")?;
            }
        }
        Ok(())
    }
}

/// The line after which users only do what brings everything to rest.
const OVER: &str = "everybody leaves its group";

/// One that was under way when a message was shown does not tell of it; the one after it does.
const SAVES: u32 = 2;

/// A message, by the number in its text.
struct Message<'a> {
    from: &'a str,
    text: &'a str,
    is_accepted: bool,
    /// Who must get it in the end: a user, or who was certainly there.
    readers: BTreeSet<&'a str>,
    /// Whether only the readers may get it.
    is_direct: bool,
    /// By whom it was shown, in which of its runs last, and how often that client had kept how far
    /// its screen is.
    shown: BTreeMap<&'a str, (usize, u32)>,
}

/// What can be seen of a client.
#[derive(Default)]
struct Client<'a> {
    /// How often it had kept how far its screen is when each of its runs began.
    runs: Vec<u32>,
    /// The same at this time.
    saves: u32,
    is_registered: bool,
    /// Whether the server has answered since its last start: until then it tells only what it
    /// remembers of its group.
    is_answered: bool,
    group: Option<&'a str>,
    /// How often it has typed that it joins, without an answer yet.
    joining: u32,
    /// How often it has typed that it leaves, likewise.
    leaving: u32,
    /// Whom it was told to be unable to reach.
    refused: BTreeSet<&'a str>,
    /// How many messages it was told to come too late for: logs hold so many.
    gone: usize,
    /// How many of its messages it was told to have expired, or not to be stored: those are sent all
    /// the same, if they are stored in the end.
    given_up: usize,
}

#[derive(Default)]
struct Checker<'a> {
    messages: BTreeMap<u64, Message<'a>>,
    clients: BTreeMap<&'a str, Client<'a>>,
    is_over: bool,
    verdict: Verdict,
}

/// Reads a trace.
pub fn check(trace: &str) -> Verdict {
    let mut checker = Checker::default();
    for line in trace.lines() {
        checker.read(line);
    }
    checker.finish()
}

impl<'a> Checker<'a> {
    fn read(&mut self, line: &'a str) {
        let mut words = line.splitn(4, ' ');
        let (_, Some(node), Some(what)) = (words.next(), words.next(), words.next()) else {
            return;
        };
        let rest = words.next().unwrap_or("");
        let client = self.clients.entry(node).or_default();
        match what {
            "starts" => {
                client.runs.push(client.saves);
                client.is_answered = false;
            }
            "types" => self.typed(node, rest),
            "keeps" => self.kept(node, rest),
            "shows" => self.shown(node, rest),
            "suffers" => self.is_over |= rest == OVER,
            _ => {}
        }
    }

    fn typed(&mut self, node: &'a str, line: &'a str) {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let (readers, text) = match word {
            "send" => match rest.split_once(' ') {
                Some((to, text)) => (BTreeSet::from([to]), text),
                None => return,
            },
            "send_all" | "send_group" => (self.certain_readers(node, word), rest),
            "leave_group" | "join_group" if !self.is_over => {
                return self.moves(node, word == "leave_group");
            }
            _ => return,
        };
        let Some(number) = number(text) else { return };
        let message = Message {
            from: node,
            text,
            is_accepted: false,
            readers,
            is_direct: word == "send",
            shown: BTreeMap::new(),
        };
        self.verdict.attempted += 1;
        self.messages.insert(number, message);
    }

    /// Who certainly hears what a client says in public.
    fn certain_readers(&self, node: &str, word: &str) -> BTreeSet<&'a str> {
        let Some(sender) = self.clients.get(node).filter(|sender| !sender.may_move()) else {
            return BTreeSet::new();
        };
        let hears = |client: &Client<'_>| match (sender.group, word) {
            (Some(group), _) => client.group == Some(group) && !client.may_move(),
            (None, "send_all") => client.is_registered,
            (None, _) => false,
        };
        let others = self.clients.iter().filter(|(name, _)| **name != node);
        others
            .filter_map(|(name, client)| hears(client).then_some(*name))
            .collect()
    }

    /// A client joins or leaves: what it does not have yet of its group, it need not get.
    fn moves(&mut self, node: &str, leaves: bool) {
        if let Some(client) = self.clients.get_mut(node) {
            client.leaving += u32::from(leaves);
            client.joining += u32::from(!leaves);
        }
        for message in self.messages.values_mut().filter(|it| !it.is_direct) {
            message.readers.remove(node);
            if message.from == node && !message.is_accepted {
                message.readers.clear();
            }
        }
    }

    fn kept(&mut self, node: &'a str, rest: &str) {
        if rest.starts_with("settings screen ") {
            self.clients.entry(node).or_default().saves += 1;
        }
        let is_own = rest.starts_with("outbox ") || rest.starts_with("inbox ");
        if let Some(message) = number(rest).and_then(|number| self.messages.get_mut(&number)) {
            let is_accepted = is_own && message.from == node;
            if is_accepted && !message.is_accepted && self.is_over && !message.is_direct {
                // Who was to hear it may have left by now.
                message.readers.clear();
            }
            message.is_accepted |= is_accepted;
        }
    }

    fn shown(&mut self, node: &'a str, line: &'a str) {
        let client = self.clients.entry(node).or_default();
        client.see(line);
        let Some(number) = number(line).filter(|_| !line.starts_with("to ")) else {
            return;
        };
        let (runs, saves) = (&client.runs, client.saves);
        let Some(message) = self.messages.get_mut(&number).filter(|message| {
            (!message.is_direct || message.readers.contains(node))
                && line.contains(message.from)
                && line.contains(message.text.trim_end())
        }) else {
            self.verdict.unexpected.push(format!("{node} shows {line}"));
            return;
        };
        let before = message.shown.insert(node, (runs.len(), saves));
        let is_unsaved =
            |(run, then): (usize, u32)| runs.get(run).is_some_and(|end| end - then < SAVES);
        match before {
            None => self.verdict.delivered += 1,
            Some(before) if is_unsaved(before) => self.verdict.repeated += 1,
            Some(_) => self.verdict.duplicated.push(format!("{node} shows {line}")),
        }
    }

    fn finish(mut self) -> Verdict {
        let accepted = self.messages.iter().filter(|(_, it)| it.is_accepted);
        // What was said in public may be gone for other reasons than having been given up.
        let (direct, public): (Vec<_>, Vec<_>) = accepted.partition(|(_, it)| it.is_direct);
        for (number, message) in direct.into_iter().chain(public) {
            self.verdict.accepted += 1;
            let refused = &self.clients[message.from].refused;
            let is_open = |it: &&&str| !message.shown.contains_key(**it) && !refused.contains(**it);
            let open: Vec<&str> = message.readers.iter().filter(is_open).copied().collect();
            let mut is_told =
                |client: &str, count: for<'b> fn(&'b mut Client<'a>) -> &'b mut usize| {
                    let count = self
                        .clients
                        .get_mut(client)
                        .map(count)
                        .filter(|count| **count > 0);
                    count.map(|count| *count -= 1).is_some()
                };
            // What nobody has seen was perhaps given up by its sender.
            let is_unseen = message.shown.is_empty() && !open.is_empty();
            if is_unseen && is_told(message.from, |it| &mut it.given_up) {
                continue;
            }
            let is_missed =
                |reader: &&&str| message.is_direct || !is_told(reader, |it| &mut it.gone);
            if let Some(reader) = open.iter().find(is_missed)
                && !is_told(message.from, |it| &mut it.given_up)
            {
                let why = format!("#{number}# from {} for {reader}", message.from);
                self.verdict.lost.push(why);
            }
        }
        self.verdict
    }
}

impl<'a> Client<'a> {
    const fn may_move(&self) -> bool {
        self.joining > 0 || self.leaving > 0
    }

    fn see(&mut self, line: &'a str) {
        if let Some(group) = between(line, "[Entered group ", " successfully.]") {
            (self.group, self.joining) = (Some(group), self.joining.saturating_sub(1));
        } else if let Some(group) = between(line, "[You are in group ", ".]") {
            if self.is_answered {
                (self.group, self.joining) = (Some(group), 0);
            }
        } else if line.starts_with("[Leave group ") {
            (self.group, self.leaving) = (None, self.leaving.saturating_sub(1));
        } else if line.starts_with("[Welcome") {
            (self.is_registered, self.is_answered) = (true, true);
        } else if line == "[Server is back.]" {
            self.is_answered = true;
        }
        if line == "[You are already in a group.]" {
            self.joining = self.joining.saturating_sub(1);
        }
        let unreachable = between(line, "[Mailbox of ", " is full, message not sent.]")
            .or_else(|| between(line, "[Client ", " does not exist.]"));
        self.refused.extend(unreachable);
        let has_expired = line.starts_with("[Message of ") && line.ends_with(" expired.]");
        let is_not_stored = line.starts_with("[Could not be stored ");
        self.given_up += usize::from(has_expired || is_not_stored);
        let gone = line.split_once(" older messages of ");
        self.gone += gone.map_or(0, |(count, _)| count[1..].parse().unwrap_or(0));
    }
}

/// The number in a text: `#17#`.
fn number(text: &str) -> Option<u64> {
    let parts: Vec<&str> = text.split('#').collect();
    let inner = parts.get(1..parts.len().checked_sub(1)?)?;
    inner.iter().find_map(|part| part.parse().ok())
}

fn between<'a>(line: &'a str, start: &str, end: &str) -> Option<&'a str> {
    line.strip_prefix(start)?.strip_suffix(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SENT: &str = "1.0 alice starts\n\
        1.0 bob starts\n\
        1.1 alice types send bob #1# hi\n\
        1.2 alice keeps outbox 00ff #1#\n";

    fn verdict(rest: &str) -> Verdict {
        check(&format!("{SENT}{rest}"))
    }

    #[test]
    fn a_message_that_is_shown_once_is_delivered() {
        let verdict = verdict("1.3 bob shows alice: #1# hi\n");
        assert_eq!((verdict.accepted, verdict.delivered), (1, 1));
        assert!(verdict.is_good(), "{verdict}");
    }

    #[test]
    fn a_message_that_is_never_shown_is_lost() {
        assert_eq!(verdict("").lost.len(), 1);
    }

    #[test]
    fn a_message_that_was_refused_is_not_lost() {
        let verdict = verdict("1.3 alice shows [Mailbox of bob is full, message not sent.]\n");
        assert!(verdict.is_good(), "{verdict}");
    }

    #[test]
    fn a_message_that_its_sender_was_told_to_be_unable_to_store_is_not_lost() {
        let told = "1.1 alice shows [Could not be stored on this machine, not sent.]\n";
        assert!(verdict(told).is_good());
    }

    #[test]
    fn what_is_listed_as_pending_is_not_a_message() {
        let listed = "1.3 alice shows to bob, 2023-10-25 14:40:14, was sent, no ack yet: #1#\n";
        assert!(verdict(listed).unexpected.is_empty());
    }

    #[test]
    fn as_many_messages_as_a_reader_is_told_to_have_missed_are_not_lost() {
        let said = "0.1 alice shows [Welcome, You are registered.]\n\
            0.1 bob shows [Welcome, You are registered.]\n\
            0.2 alice types send_all #2# a\n\
            0.3 alice keeps outbox 00aa #2#\n\
            0.4 alice types send_all #3# b\n\
            0.5 alice keeps outbox 00bb #3#\n\
            0.6 bob shows [1 older messages of the channel are gone.]\n";
        assert_eq!(check(said).lost.len(), 1);
    }

    #[test]
    fn a_message_that_was_given_up_is_not_confused_with_one_that_is_gone() {
        let said = "0.1 alice shows [Welcome, You are registered.]\n\
            0.1 bob shows [Welcome, You are registered.]\n\
            0.2 alice types send_all #0# a\n\
            0.3 alice keeps outbox 00aa #0#\n\
            0.4 bob shows [1 older messages of the channel are gone.]\n\
            0.5 alice shows [Message of 2023-10-25 14:40:35 to bob expired.]\n";
        let verdict = verdict(said);
        assert!(verdict.is_good(), "{verdict}");
    }

    #[test]
    fn a_message_may_be_shown_again_by_another_run_if_the_screen_was_not_kept() {
        let once = "1.3 bob shows alice: #1# hi\n";
        assert_eq!(verdict(&format!("{once}{once}")).duplicated.len(), 1);
        let save = "1.4 bob keeps settings screen of 24 bytes\n";
        let again = format!("1.5 bob dies\n1.5 bob starts\n{once}");
        let saved = verdict(&format!("{once}{save}{save}{again}"));
        assert_eq!(saved.duplicated.len(), 1);
        let unsaved = verdict(&format!("{once}{save}{again}"));
        assert!(unsaved.is_good() && unsaved.repeated == 1, "{unsaved}");
    }

    #[test]
    fn a_changed_text_or_a_wrong_reader_is_unexpected() {
        assert_eq!(verdict("1.3 bob shows alice: #1# ho\n").unexpected.len(), 1);
        assert_eq!(
            verdict("1.3 carol shows alice: #1# hi\n").unexpected.len(),
            1
        );
        assert_eq!(verdict("1.3 bob shows alice: #2# hi\n").unexpected.len(), 1);
    }

    #[test]
    fn a_member_who_stays_gets_what_is_said_in_the_group() {
        let joined = "0.1 alice shows [Entered group g successfully.]\n\
            0.1 bob shows [Entered group g successfully.]\n\
            0.2 alice types send_group #2# all\n\
            0.3 alice keeps outbox 00aa #2#\n";
        assert_eq!(check(joined).lost.len(), 1);
        let shown = format!("{joined}0.4 bob shows [Group_Message alice: #2# all]\n");
        assert!(check(&shown).is_good());
    }

    #[test]
    fn a_group_that_a_client_remembers_without_its_server_is_no_membership() {
        let back = |answer: &str| {
            format!(
                "0.1 alice shows [Entered group g successfully.]\n\
                0.1 bob shows [Entered group g successfully.]\n\
                0.2 bob shows [Leave group chat g.]\n\
                0.3 bob dies\n\
                0.4 bob starts\n\
                {answer}\
                0.5 bob shows [You are in group g.]\n\
                0.6 alice types send_group #2# all\n\
                0.7 alice keeps outbox 00aa #2#\n"
            )
        };
        assert!(check(&back("0.5 bob shows [Server not responding.]\n")).is_good());
        let told = back("0.5 bob shows [Welcome back!]\n");
        assert_eq!(check(&told).lost.len(), 1);
    }
}
