//! What happens in the demo, and when the newcomer is to type what.

use chat_core::time::{Duration, Instant};

use super::world::Who;

/// The story waits so long for a line on the newcomer's screen; then it goes on.
const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// After a sentence of the narrator, so long nothing happens.
const READING: Duration = Duration::from_millis(2_500);
/// A newcomer who types nothing for so long is helped.
const PATIENCE: Duration = Duration::from_secs(30);

/// A part of the story.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// The narrator says something.
    Say(&'static str),
    /// The newcomer is to type this, and it is done when the screen has shown that.
    Turn(&'static str, &'static str),
    /// Goes on when the newcomer's screen has shown this, since the last turn began.
    Shown(&'static str),
    /// Something happens.
    Do(Act),
    /// The newcomer types whatever it may be.
    Floor,
}

/// What the story wants done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    /// The narrator says this.
    Say(&'static str),
    /// The newcomer is told what to type.
    Suggest(&'static str),
    /// Somebody types this.
    Types(Who, &'static str),
    /// This is what somebody answers to the newcomer from here on.
    Answers(Who, &'static str),
    /// The server loses its power.
    StopServer,
    /// The server is there again.
    StartServer,
}

use Act::{Answers, StartServer, StopServer, Types};
use Step::{Do, Floor, Say, Shown, Turn};
use Who::{Alice, Bob};

const STORY: &[Step] = &[
    Say("You are in a chat with alice and bob, inside this program: no ports, no files."),
    Say("The network loses three of ten datagrams, and delays and reorders the others."),
    Shown("registered.]"),
    Do(Answers(
        Alice,
        "Hello! What you write comes straight to me.",
    )),
    Say("Write to alice: your client finds hers and talks to it, encrypted."),
    Turn("send alice Hello, is anybody there?", "received by alice."),
    Shown("alice: "),
    Do(Types(Bob, "dereg")),
    Do(Answers(Bob, "Good morning! Your message waited for me.")),
    Say("Bob has left. What you write to him is kept by the server, sealed to his key."),
    Turn("send bob See you tomorrow?", "saved.]"),
    Say("Bob comes back."),
    Do(Types(Bob, "reg")),
    Shown("received by bob."),
    Shown("bob: "),
    Do(Types(Alice, "create_group crew")),
    Do(Types(Alice, "join_group crew")),
    Do(Types(Bob, "join_group crew")),
    Do(Answers(Bob, "Eight is fine.")),
    Say("Alice and bob have made a group."),
    Turn("join_group crew", "successfully.]"),
    Turn("send_group Dinner at eight?", "received by Server."),
    Shown("[Group_Message bob: "),
    Do(Types(Alice, "leave_group")),
    Do(Types(Bob, "leave_group")),
    Say("They leave the group again. In a group, direct messages wait until you leave it."),
    Turn("leave_group", "[Leave group chat crew.]"),
    Do(StopServer),
    Do(Answers(Alice, "Yes. You and I need no server.")),
    Say("The power of the server has failed. People go on talking."),
    Turn("send alice Are you still there?", "received by alice."),
    Shown("alice: "),
    Do(StartServer),
    Say("The server is back, with everything that it had promised to keep."),
    Turn("list_groups", "[Available group chats:]"),
    Do(Answers(Alice, "I have it.")),
    Do(Answers(Bob, "I have it.")),
    Say("The floor is yours. Write to alice and bob; help lists the commands."),
    Say("quit ends the demo and counts what the network did."),
    Floor,
];

/// How far the story has come.
pub(super) struct Story {
    step: usize,
    /// When it came there, or the newcomer last typed.
    since: Instant,
    /// Not before this it goes on.
    ready_at: Instant,
    /// The newcomer was told what to type.
    suggested: bool,
    /// It was typed for the newcomer.
    helped: bool,
    /// What the newcomer's screen has shown since the last turn began.
    shown: String,
    /// The newcomer types; else the story does.
    taking_part: bool,
}

impl Story {
    /// From the beginning, with a newcomer who types, or without.
    pub(super) const fn new(taking_part: bool) -> Self {
        Self {
            step: 0,
            since: Instant::ZERO,
            ready_at: Instant::ZERO,
            suggested: false,
            helped: false,
            shown: String::new(),
            taking_part,
        }
    }

    /// The newcomer's screen shows something.
    pub(super) fn show(&mut self, lines: &str) {
        self.shown.push_str(lines);
        self.shown.push('\n');
    }

    /// The newcomer is typing.
    pub(super) const fn stir(&mut self, now: Instant) {
        self.since = now;
    }

    /// What is to be done next; none while the story waits.
    pub(super) fn next(&mut self, now: Instant) -> Option<Act> {
        loop {
            if now < self.ready_at {
                return None;
            }
            match *STORY.get(self.step)? {
                Say(line) => {
                    self.go_on(now);
                    self.ready_at = now + READING;
                    return Some(Act::Say(line));
                }
                Do(act) => {
                    self.go_on(now);
                    return Some(act);
                }
                Shown(part) if self.has_shown(part) || self.waits_too_long(now) => {
                    self.go_on(now);
                }
                Turn(_, part) if self.suggested && self.has_shown(part) => self.go_on(now),
                Turn(line, _) if !self.suggested => {
                    self.suggested = true;
                    self.since = now;
                    self.shown.clear();
                    return Some(Act::Suggest(line));
                }
                Turn(line, _) if !self.helped && now >= self.helps_at() => {
                    self.helped = true;
                    self.since = now;
                    return Some(Types(Who::You, line));
                }
                Turn(..) if self.helped && self.waits_too_long(now) => self.go_on(now),
                Floor if !self.taking_part && !self.helped => {
                    self.helped = true;
                    return Some(Types(Who::You, "quit"));
                }
                _ => return None,
            }
        }
    }

    /// When it goes on although nothing has happened.
    pub(super) fn next_due(&self) -> Option<Instant> {
        let due = match STORY.get(self.step)? {
            Floor if self.helped || self.taking_part => return None,
            Turn(..) if self.suggested && !self.helped => self.helps_at(),
            Shown(_) | Turn(..) if self.suggested => self.since + LONGEST_WAIT,
            Shown(_) => self.since + LONGEST_WAIT,
            _ => self.ready_at,
        };
        Some(due.max(self.ready_at))
    }

    fn helps_at(&self) -> Instant {
        let patience = if self.taking_part {
            PATIENCE
        } else {
            Duration::ZERO
        };
        self.since + patience
    }

    fn has_shown(&self, part: &str) -> bool {
        self.shown.contains(part)
    }

    fn waits_too_long(&self, now: Instant) -> bool {
        now >= self.since + LONGEST_WAIT
    }

    const fn go_on(&mut self, now: Instant) {
        self.step += 1;
        self.since = now;
        self.suggested = false;
        self.helped = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Instant {
        Instant::from_micros(seconds * 1_000_000)
    }

    /// Goes on until the newcomer is told what to type; tells when that was.
    fn first_turn(story: &mut Story) -> (u64, &'static str) {
        story.show("[Welcome, You are registered.]");
        for second in 0..100 {
            while let Some(act) = story.next(at(second)) {
                if let Act::Suggest(line) = act {
                    return (second, line);
                }
            }
        }
        panic!("there is no turn");
    }

    #[test]
    fn a_newcomer_has_time_to_type_and_is_helped_in_the_end() {
        let mut story = Story::new(true);
        let (begun, line) = first_turn(&mut story);
        let last = begun + PATIENCE.as_secs();
        assert_eq!(story.next(at(last - 1)), None);
        story.stir(at(last - 1));
        assert_eq!(story.next(at(last)), None);
        let helped = at(last - 1) + PATIENCE;
        assert_eq!(story.next_due(), Some(helped));
        assert_eq!(story.next(helped), Some(Types(Who::You, line)));
        assert_eq!(story.next(helped), None);
    }

    #[test]
    fn a_turn_ends_when_the_screen_shows_that_it_is_done() {
        let mut story = Story::new(true);
        let (begun, _) = first_turn(&mut story);
        story.show("[Message received by alice.]\nalice: Hello!");
        assert_eq!(story.next(at(begun)), Some(Types(Bob, "dereg")));
    }

    #[test]
    fn without_a_newcomer_everything_is_typed_at_once() {
        let mut story = Story::new(false);
        let (begun, line) = first_turn(&mut story);
        assert_eq!(story.next(at(begun)), Some(Types(Who::You, line)));
    }

    #[test]
    fn the_story_goes_on_whatever_is_or_is_not_shown() {
        let (mut story, mut now, mut last) = (Story::new(false), Instant::ZERO, None);
        while let Some(due) = story.next_due() {
            now = now.max(due);
            while let Some(act) = story.next(now) {
                last = Some(act);
            }
        }
        assert_eq!(last, Some(Types(Who::You, "quit")));
    }
}
