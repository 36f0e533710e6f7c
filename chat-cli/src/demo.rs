//! `chat-cli demo`: a chat over a bad network inside this program, in which a newcomer takes part.
//!
//! On a terminal, the time in the demo passes as it does outside. Otherwise the demo types itself
//! and leaps from one event to the next; what it shows follows from the seed alone.

mod ledger;
mod network;
mod story;
mod world;

use std::{
    collections::BTreeMap,
    io::{self, IsTerminal, Write},
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use chat_core::{
    client::{Client, Command, Event},
    conversation::Conversation,
    text::English,
    time::{Duration, Instant},
};
use chat_mio::{Clock, Control, Frontend, SocketCounters, StoreCounters};
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    flag,
};

use crate::{
    arguments::Options,
    client::{Source, User},
    commands::{self, Entered, Line},
    failure::Failure,
    local_time::local_time,
    screen::Screen,
    terminal::Terminal,
};
use ledger::Ledger;
use story::{Act, Story};
use world::{Who, World};

/// So long the others think before they answer.
const THINKING: Duration = Duration::from_millis(700);
/// So much time passes at once at most: a program that was stopped goes on where it was.
const LONGEST_STEP: Duration = Duration::from_millis(500);
/// At the end, what is on its way has so long to arrive. Nobody waits for it: time leaps.
const SETTLING: Duration = Duration::from_secs(60);

/// Shows the demo.
///
/// # Errors
/// If the terminal or the output cannot be used.
pub(crate) fn run(seed: u64, options: &Options) -> Result<ExitCode, Failure> {
    let is_terminal = io::stdin().is_terminal() && io::stdout().is_terminal();
    let (screen, source) = if is_terminal {
        let terminal = Terminal::start(options.look).map_err(Failure::Terminal)?;
        (Screen::Terminal(terminal), Source::Terminal)
    } else {
        (Screen::Pipe, Source::None)
    };
    let mut demo = Demo {
        world: World::new(seed),
        story: Story::new(is_terminal),
        ledger: Ledger::default(),
        answers: BTreeMap::new(),
        thinking: Vec::new(),
        you: User::new(screen, source, options),
        ended: false,
    };
    if is_terminal {
        demo.play().map_err(Failure::Terminal)?;
    } else {
        demo.leap();
    }
    demo.settle();
    let Demo {
        world, ledger, you, ..
    } = demo;
    // It gives the terminal back.
    drop(you);
    let (network, sums) = (world.network, ledger.sums());
    let kept = match sums.kept {
        0 => String::new(),
        kept => format!(", {kept} kept for later"),
    };
    let end = format!(
        "[{} datagrams, {} dropped. {} messages delivered{kept}, {} lost, {} shown twice. Seed {seed}.]\n",
        network.sent, network.dropped, sums.delivered, sums.lost, sums.repeated,
    );
    io::stdout()
        .write_all(end.as_bytes())
        .map_err(Failure::Output)?;
    Ok(match sums.lost + sums.repeated {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    })
}

struct Demo {
    world: World,
    story: Story,
    ledger: Ledger,
    /// What the others answer.
    answers: BTreeMap<Who, &'static str>,
    /// What they are about to say, and when.
    thinking: Vec<(Instant, Who, Command)>,
    /// The newcomer, as the user of a client.
    you: User,
    /// The newcomer's client has ended.
    ended: bool,
}

impl Demo {
    /// Plays on a terminal, as fast as time passes.
    fn play(&mut self) -> io::Result<()> {
        let asked = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            flag::register(signal, Arc::clone(&asked))?;
        }
        let clock = Clock::new();
        let mut last = clock.now().instant;
        while !self.ended {
            self.turn();
            let now = self.world.now().instant;
            let wait = self.next_due().map(|due| due.saturating_since(now));
            self.you
                .wait(wait.unwrap_or(LONGEST_STEP).min(LONGEST_STEP))?;
            if self.you.is_typing() {
                self.story.stir(now);
            }
            if asked.swap(false, Ordering::Relaxed) {
                self.with_you(|_, control| control.machine.leave(control.now));
            }
            let passed = clock.now().instant.saturating_since(last);
            last = last + passed;
            self.world.advance(now + passed.min(LONGEST_STEP));
        }
        Ok(())
    }

    /// Plays to the end without waiting.
    fn leap(&mut self) {
        self.turn();
        while let (false, Some(due)) = (self.ended, self.next_due()) {
            self.world.advance(due);
            self.turn();
        }
    }

    /// Lets arrive what is on its way to those who are left.
    fn settle(&mut self) {
        let end = self.world.now().instant + SETTLING;
        while let (true, Some(due)) = (self.ledger.waits(), self.world.next_due()) {
            if due > end {
                return;
            }
            self.world.advance(due);
            self.happen();
        }
    }

    /// Does all that is due.
    fn turn(&mut self) {
        loop {
            let now = self.world.now().instant;
            while let Some(act) = self.story.next(now) {
                self.act(act);
            }
            self.speak(now);
            self.happen();
            self.with_you(|you, control| you.turn(control));
            if self.ended || self.next_due().is_none_or(|due| due > now) {
                return;
            }
        }
    }

    fn next_due(&self) -> Option<Instant> {
        let answers = self.thinking.iter().map(|(at, _, _)| Some(*at));
        let others = [self.world.next_due(), self.story.next_due()];
        answers.chain(others).flatten().min()
    }

    fn act(&mut self, act: Act) {
        match act {
            Act::Say(line) => self.note(format!("# {line}")),
            Act::Suggest(line) => self.note(format!("# Type: {line}")),
            Act::Types(Who::You, line) => self.with_you(|you, control| you.enter(control, line)),
            Act::Types(who, line) => {
                if let Some(Entered::Command(command)) = commands::parse(&Line::whole(line.into()))
                {
                    self.world.command(who, command);
                }
            }
            Act::Answers(who, line) => {
                self.answers.insert(who, line);
            }
            Act::StopServer => self.world.stop_server(),
            Act::StartServer => self.world.start_server(),
        }
    }

    /// Those who have thought long enough say it.
    fn speak(&mut self, now: Instant) {
        for (_, who, command) in self.thinking.extract_if(.., |(at, _, _)| *at <= now) {
            self.world.command(who, command);
        }
    }

    /// Lets the world go on, and shows what comes of it.
    fn happen(&mut self) {
        for (who, event) in self.world.turn() {
            self.ledger.see(who, &event);
            if who == Who::You {
                self.story
                    .show(&English::new(&event, &local_time).to_string());
                self.ended |= matches!(event, Event::Ended(_));
                self.with_you(|you, control| you.event(control, event));
            } else {
                self.consider(who, event);
            }
        }
    }

    /// Somebody answers what the newcomer wrote: in a group only bob does.
    fn consider(&mut self, who: Who, event: Event) {
        let Event::Message {
            sender,
            conversation,
            ..
        } = event
        else {
            return;
        };
        let Some(answer) = self.answers.get(&who) else {
            return;
        };
        let text = String::from(*answer);
        let command = match conversation {
            _ if Who::called(&sender) != Some(Who::You) => return,
            Conversation::User(_) => Command::Send { to: sender, text },
            _ if who != Who::Bob => return,
            _ => Command::SendAll { text },
        };
        let at = self.world.now().instant + THINKING;
        self.thinking.push((at, who, command));
    }

    fn note(&mut self, line: String) {
        self.with_you(|you, control| you.note(control, line));
    }

    /// The newcomer, with the client at hand.
    fn with_you(&mut self, act: impl FnOnce(&mut User, &mut Control<'_, Client>)) {
        let now = self.world.now();
        let mut control = Control {
            machine: self.world.client(Who::You),
            now,
            socket: SocketCounters::default(),
            store: StoreCounters::default(),
        };
        act(&mut self.you, &mut control);
    }
}
