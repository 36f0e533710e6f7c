//! What was said by real programs, compared with the lines that they showed.
//!
//! Each text is used once, so that a line tells which message it shows. A program that is killed
//! may not have taken in the last lines that were typed into it: a message is certain when a line
//! that was typed after it (a fence) has been answered. What is not certain may be lost, but not
//! for some of its readers only.

use std::collections::{BTreeMap, BTreeSet};

/// The conversations within which a sender's messages stay in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// To one user.
    Direct,
    /// To the members of the group.
    Group,
    /// To everyone.
    Channel,
}

/// Everything that was said and shown.
#[derive(Debug, Default)]
pub struct Correspondence {
    said: Vec<Said>,
    /// Who is in a group, where direct messages wait and mail does not.
    in_group: BTreeSet<String>,
    runs: BTreeMap<String, Vec<Run>>,
}

#[derive(Debug)]
struct Said {
    by: String,
    kind: Kind,
    to: Vec<String>,
    text: String,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Waiting,
    Certain,
    Doubtful,
}

/// One run of one user's program.
#[derive(Debug, Default)]
struct Run {
    /// What earlier runs have shown and this one may show again.
    may_repeat: BTreeSet<String>,
    /// Receipts that earlier runs may have shown already.
    repeated_receipts: usize,
    lines: Vec<String>,
}

/// What a program that was killed has left.
#[derive(Debug, Default)]
pub struct Left {
    /// The texts behind the last durable position of its screen.
    pub behind_the_screen: BTreeSet<String>,
    /// Receipts behind it, and messages that it still owes and may know to be received.
    pub receipts: usize,
}

impl Correspondence {
    /// Says something: the text to be typed.
    pub fn say(&mut self, by: &str, kind: Kind, to: &[&str]) -> String {
        self.say_long(by, kind, to, 0)
    }

    /// Says something of at least so many bytes: the text to be typed.
    pub fn say_long(&mut self, by: &str, kind: Kind, to: &[&str], bytes: usize) -> String {
        let text = format!("text {:06}.", self.said.len());
        let rest = "and so on ".chars().cycle();
        let rest: String = rest.take(bytes.saturating_sub(text.len())).collect();
        let text = text + rest.trim_end();
        self.said.push(Said {
            by: by.to_owned(),
            kind,
            to: to.iter().map(|name| (*name).to_owned()).collect(),
            text: text.clone(),
            state: State::Waiting,
        });
        text
    }

    /// A line whose answer makes everything certain that its user has said so far in this run.
    pub fn fence(&self) -> String {
        format!("fence-{}", self.said.len())
    }

    /// From now on `name` is in a group: direct messages that arrive wait until it leaves, those that
    /// it missed do not, so that there is no order between the two.
    pub fn enters_group(&mut self, name: &str) {
        self.in_group.insert(name.to_owned());
    }

    /// Begins a run. What was said in the last one and not answered may be lost.
    pub fn starts(&mut self, name: &str, left: Left) {
        let waiting = |said: &&mut Said| said.by == name && said.state == State::Waiting;
        for said in self.said.iter_mut().filter(waiting) {
            said.state = State::Doubtful;
        }
        self.runs.entry(name.to_owned()).or_default().push(Run {
            may_repeat: left.behind_the_screen,
            repeated_receipts: left.receipts,
            lines: Vec::new(),
        });
    }

    /// A line was shown to `name`.
    ///
    /// # Panics
    /// If it never started.
    pub fn shown(&mut self, name: &str, line: String) {
        let fence = line.strip_prefix("[Invalid command: fence-");
        let fence = fence.and_then(|rest| rest.strip_suffix(". Type help.]"));
        if let Some(count) = fence.and_then(|count| count.parse().ok()) {
            let before = self.said.iter_mut().take(count);
            for said in before.filter(|said| said.by == name && said.state == State::Waiting) {
                said.state = State::Certain;
            }
        }
        let runs = self.runs.get_mut(name);
        let run = runs.and_then(|runs| runs.last_mut());
        run.expect("it has started").lines.push(line);
    }

    /// How many messages were said.
    pub fn len(&self) -> usize {
        self.said.len()
    }

    /// Whether nothing was said.
    pub fn is_empty(&self) -> bool {
        self.said.is_empty()
    }

    /// How many messages may be lost: they were typed into a program that was killed before it
    /// answered.
    pub fn doubtful(&self) -> usize {
        let is_doubtful = |said: &&Said| said.state == State::Doubtful;
        self.said.iter().filter(is_doubtful).count()
    }

    /// Whether something that one of these has said waits for its fence.
    pub fn is_unanswered(&self, names: &[String]) -> bool {
        let waits = |said: &Said| said.state == State::Waiting && names.contains(&said.by);
        self.said.iter().any(waits)
    }

    /// How many lines of `name` begin so.
    pub fn count(&self, name: &str, prefix: &str) -> usize {
        let runs = self.runs.get(name).map_or(&[][..], Vec::as_slice);
        let lines = runs.iter().flat_map(|run| &run.lines);
        lines.filter(|line| line.starts_with(prefix)).count()
    }

    /// Messages that have to be shown and are not: text and reader.
    pub fn missing(&self) -> Vec<(String, String)> {
        let shown = self.texts_shown();
        let mut missing = Vec::new();
        for said in &self.said {
            let is_shown = |to: &String| shown[to].contains(&said.text);
            let is_demanded = said.state == State::Certain || said.to.iter().any(is_shown);
            for to in said.to.iter().filter(|to| is_demanded && !is_shown(to)) {
                missing.push((said.text.clone(), to.clone()));
            }
        }
        missing
    }

    fn texts_shown(&self) -> BTreeMap<String, BTreeSet<String>> {
        let texts = |runs: &Vec<Run>| {
            let lines = runs.iter().flat_map(|run| &run.lines);
            let messages = lines.filter_map(|line| message(line));
            messages.map(|(_, _, text)| text.to_owned()).collect()
        };
        let named = |(name, runs): (&String, _)| (name.clone(), texts(runs));
        self.runs.iter().map(named).collect()
    }

    /// Everything that is wrong: lost, shown twice, out of order, shown to somebody else, a receipt
    /// for what did not arrive, a line that nobody expects.
    pub fn problems(&self) -> Vec<String> {
        let lost = self.missing().into_iter();
        let mut problems: Vec<_> = lost
            .map(|(text, to)| format!("{to} was not shown {text:?}"))
            .collect();
        for (name, runs) in &self.runs {
            self.check_messages(name, runs, &mut problems);
            self.check_receipts(name, runs, &mut problems);
            let lines = runs.iter().flat_map(|run| &run.lines);
            let strange = lines.filter(|line| message(line).is_none() && !is_known(line));
            problems.extend(strange.map(|line| format!("{name} was shown {line:?}")));
        }
        problems
    }

    fn check_messages(&self, name: &str, runs: &[Run], problems: &mut Vec<String>) {
        let mut seen = BTreeSet::new();
        let mut last: BTreeMap<(&str, Kind, bool), usize> = BTreeMap::new();
        for run in runs {
            let mut in_this_run = BTreeSet::new();
            for (line, (kind, sender, text)) in run
                .lines
                .iter()
                .filter_map(|line| Some((line, message(line)?)))
            {
                let said = self.said.iter().position(|said| {
                    said.text == text
                        && said.by == sender
                        && said.kind == kind
                        && said.to.iter().any(|to| to == name)
                });
                let Some(number) = said else {
                    problems.push(format!("{name} was shown {line:?}, which was not for it"));
                    continue;
                };
                let is_repeated = !seen.insert(text);
                let is_allowed = run.may_repeat.contains(text);
                if !in_this_run.insert(text) || is_repeated && !is_allowed {
                    problems.push(format!("{name} was shown {line:?} twice"));
                } else if !is_repeated {
                    let overtakes = self.in_group.contains(name) && is_stored(line);
                    let last = last.entry((sender, kind, overtakes)).or_default();
                    if number < *last {
                        problems.push(format!("{name} was shown {line:?} too late"));
                    }
                    *last = number;
                }
            }
        }
    }

    /// At most one receipt for each message and reader, but for those that a kill may repeat.
    fn check_receipts(&self, name: &str, runs: &[Run], problems: &mut Vec<String>) {
        let shown = self.texts_shown();
        let repeated: usize = runs.iter().map(|run| run.repeated_receipts).sum();
        for (reader, texts) in &shown {
            let arrived = self.said.iter().filter(|said| {
                let is_receipted = said.kind != Kind::Channel;
                said.by == name && is_receipted && texts.contains(&said.text)
            });
            let arrived = arrived.count();
            let receipts = self.receipts(name, reader);
            if receipts > arrived + repeated {
                problems.push(format!(
                    "{name} has {receipts} receipts for {arrived} messages to {reader}"
                ));
            }
        }
    }

    /// How many receipts of `reader` were shown to `name`.
    pub fn receipts(&self, name: &str, reader: &str) -> usize {
        let live = format!("[Message received by {reader}.]");
        let stored = format!("received by {reader}.]");
        let lines = self.runs[name].iter().flat_map(|run| &run.lines);
        let is_receipt = |line: &&String| {
            **line == live
                || line.starts_with("[Offline message sent at ") && line.ends_with(&stored)
        };
        lines.filter(is_receipt).count()
    }

    /// How many messages `by` has said to everyone.
    pub fn to_everyone(&self, by: &str) -> usize {
        let is_one = |said: &&Said| said.by == by && said.kind == Kind::Channel;
        self.said.iter().filter(is_one).count()
    }

    /// How many messages were shown again.
    pub fn repeated(&self) -> usize {
        let shown = self.texts_shown();
        let different: usize = shown.values().map(BTreeSet::len).sum();
        let runs = self.runs.values().flatten();
        let lines = runs.flat_map(|run| &run.lines);
        lines.filter(|line| message(line).is_some()).count() - different
    }

    /// How many direct messages `by` has said to `to`.
    pub fn direct(&self, by: &str, to: &str) -> usize {
        let is_one = |said: &&Said| said.by == by && said.kind == Kind::Direct && said.to == [to];
        self.said.iter().filter(is_one).count()
    }
}

/// The message that a line shows: its kind, who sent it, its text.
fn message(line: &str) -> Option<(Kind, &str, &str)> {
    let bracketed = |prefix: &str| line.strip_prefix(prefix)?.strip_suffix(']');
    let (kind, is_stored, rest) = if let Some(rest) = bracketed("[Group_Message ") {
        (Kind::Group, Some(false), rest)
    } else if let Some(rest) = bracketed("[Channel_Message ") {
        (Kind::Channel, Some(false), rest)
    } else if let Some(rest) = line.strip_prefix("Group Chat ") {
        (Kind::Group, Some(true), rest)
    } else if let Some(rest) = line.strip_prefix("Channel Message ") {
        (Kind::Channel, Some(true), rest)
    } else if line.starts_with('[') {
        return None;
    } else {
        (Kind::Direct, None, line)
    };
    let (sender, rest) = rest.split_once(": ")?;
    let at = rest.find("text ")?;
    let (time, text) = rest.split_at(at);
    // "2023-10-25 14:40:07 "
    let is_time = time.len() == 20;
    let fits = (is_time || time.is_empty()) && is_stored.is_none_or(|it| it == is_time);
    fits.then_some((kind, sender, text))
}

/// Whether a line shows a message with the time at which the server received it.
fn is_stored(line: &str) -> bool {
    let (before, _) = line.split_once("text ").unwrap_or_default();
    let time = before.rsplit_once(": ").map_or("", |(_, time)| time);
    time.len() == 20
}

/// Lines that a client may show beside messages.
fn is_known(line: &str) -> bool {
    const KNOWN: [&str; 22] = [
        "[Welcome, You are registered.]",
        "[Welcome back!]",
        "[You are in group ",
        "[Client table updated.]",
        "[Message received by ",
        "[No ACK from ",
        "[Offline message sent at ",
        "[You have offline messages:]",
        "[Attempt ",
        "[Server not responding.]",
        "[Server is back.]",
        "[Message to ",
        "[Invalid command: fence",
        "[You are Offline. Bye.]",
        "[Group ",
        "[Entered group ",
        "[Leave group chat ",
        "[Available group chats:]",
        "[Members in the group ",
        "[Client ",
        "SERVER @ ",
        "[Exiting]",
    ];
    let is_peer = || line.contains(" @ ") && (line.ends_with("LINE"));
    KNOWN.iter().any(|known| line.starts_with(known)) || is_peer()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begun() -> (Correspondence, String, String) {
        let mut it = Correspondence::default();
        it.starts("x", Left::default());
        it.starts("y", Left::default());
        let one = it.say("x", Kind::Direct, &["y"]);
        let two = it.say("x", Kind::Direct, &["y"]);
        let fence = it.fence();
        it.shown("x", format!("[Invalid command: {fence}. Type help.]"));
        (it, one, two)
    }

    #[test]
    fn nothing_is_wrong_when_everything_was_shown_once() {
        let (mut it, one, two) = begun();
        it.shown("y", format!("x: {one}"));
        it.shown("y", format!("x: 2023-10-25 14:40:07 {two}"));
        it.shown("x", "[Message received by y.]".into());
        assert_eq!(it.problems(), Vec::<String>::new());
        assert_eq!((it.receipts("x", "y"), it.direct("x", "y")), (1, 2));
    }

    #[test]
    fn a_loss_is_a_problem_unless_the_message_is_not_certain() {
        let (mut it, one, _) = begun();
        it.say("x", Kind::Direct, &["y"]);
        it.shown("y", format!("x: {one}"));
        it.starts("x", Left::default());
        let fence = it.fence();
        it.shown("x", format!("[Invalid command: {fence}. Type help.]"));
        assert_eq!(it.missing(), [("text 000001.".into(), "y".into())]);
        assert_eq!(it.doubtful(), 1);
        assert_eq!(it.problems(), ["y was not shown \"text 000001.\""]);
    }

    #[test]
    fn what_some_readers_were_shown_all_have_to_be_shown() {
        let mut it = Correspondence::default();
        for name in ["x", "y", "z"] {
            it.starts(name, Left::default());
        }
        let text = it.say("x", Kind::Channel, &["y", "z"]);
        assert!(it.problems().is_empty());
        it.shown("y", format!("[Channel_Message x: {text}]"));
        assert_eq!(it.problems(), ["z was not shown \"text 000000.\""]);
    }

    #[test]
    fn repetition_disorder_and_strangers_are_problems() {
        let (mut it, one, two) = begun();
        for line in [&two, &one, &one].map(|text| format!("x: {text}")) {
            it.shown("y", line);
        }
        it.shown("x", format!("y: {one}"));
        it.shown("x", "[Name x is taken.]".into());
        let problems = it.problems();
        for what in ["too late", "twice", "not for it", "[Name x is taken.]"] {
            let count = problems.iter().filter(|it| it.contains(what)).count();
            assert_eq!(count, 1, "{what}: {problems:?}");
        }
    }

    #[test]
    fn what_stood_behind_the_screen_at_a_kill_may_be_shown_again() {
        let (mut it, one, two) = begun();
        it.shown("y", format!("x: {one}"));
        it.shown("y", format!("x: {two}"));
        it.starts(
            "y",
            Left {
                behind_the_screen: [two.clone()].into(),
                receipts: 0,
            },
        );
        it.shown("y", format!("x: {two}"));
        assert!(it.problems().is_empty());
        it.shown("y", format!("x: {one}"));
        assert_eq!(it.problems(), [format!("y was shown \"x: {one}\" twice")]);
    }

    #[test]
    fn a_receipt_for_what_did_not_arrive_is_a_problem() {
        let (mut it, one, _) = begun();
        it.shown("y", format!("x: {one}"));
        it.shown("x", "[Message received by y.]".into());
        it.shown(
            "x",
            "[Offline message sent at 2023-10-25 14:40:07 received by y.]".into(),
        );
        let receipts = "x has 2 receipts for 1 messages to y";
        assert!(it.problems().contains(&receipts.to_owned()));
    }
}
