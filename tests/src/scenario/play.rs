//! Playing a scenario on a stage.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use super::{Action, Bindings, Pattern, Scenario, Step};
use crate::{stage::Stage, world::SERVER};

const TABLE_UPDATED: &str = "[Client table updated.]";
const FAREWELL: &str = "[You are Offline. Bye.]";
/// Typed to know when everything typed before it has been answered.
const FENCE: &str = "fence";
const FENCE_ANSWER: &str = "[Invalid command: fence. Type help.]";
/// How often a table is looked at until it is as expected.
const LOOKS: u32 = 150;
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);

/// Plays `scenario` on `stage`.
///
/// # Errors
/// What went otherwise than the scenario says, with everything that was shown.
pub fn play(scenario: &Scenario, stage: &mut dyn Stage) -> Result<(), String> {
    let mut player = Player {
        stage,
        bindings: Bindings::new(),
        nodes: BTreeMap::new(),
    };
    let played = scenario.steps.iter().try_for_each(|step| {
        player
            .step(step)
            .map_err(|why| format!("line {}: {why}", step.line))
    });
    played
        .and_then(|()| player.nothing_else_was_shown())
        .map_err(|why| format!("{why}\n\n{}", player.stage.record()))
}

struct Player<'a> {
    stage: &'a mut dyn Stage,
    bindings: Bindings,
    nodes: BTreeMap<String, Node>,
}

/// What the player knows of a node.
#[derive(Default)]
struct Node {
    /// Lines that were taken from the stage and put back.
    unread: VecDeque<String>,
    tolerated: Vec<Pattern>,
}

impl Player<'_> {
    fn step(&mut self, step: &Step) -> Result<(), String> {
        match &step.action {
            Action::Cut => self.stage.cut(&step.nodes[0], &step.nodes[1]),
            Action::Mend => self.stage.mend(&step.nodes[0], &step.nodes[1]),
            Action::Wait(time) => self.stage.wait(*time),
            action => {
                for node in &step.nodes {
                    self.node_step(node, action)?;
                }
            }
        }
        Ok(())
    }

    fn node_step(&mut self, node: &str, action: &Action) -> Result<(), String> {
        match action {
            Action::Start(start) => {
                self.nodes.entry(node.to_owned()).or_default();
                self.stage.start(node, start);
            }
            Action::Restart => self.stage.restart(node),
            Action::Type(text) => self.stage.type_line(node, text),
            Action::Show {
                lines,
                in_any_order: false,
            } => lines
                .iter()
                .try_for_each(|line| self.expect(node, &mut vec![line]))?,
            Action::Show { lines, .. } => self.expect(node, &mut lines.iter().collect())?,
            Action::MayShow(lines) => self.known(node).tolerated.extend(lines.iter().cloned()),
            Action::ShowNothing(time) => self.expect_nothing(node, *time)?,
            Action::See { name, online } => self.expect_in_table(node, name, *online)?,
            Action::Kill => self.stage.kill(node),
            Action::Pause => self.stage.pause(node),
            Action::Continue => self.stage.resume(node),
            Action::Interrupt => self.stage.interrupt(node),
            Action::EndInput => self.stage.end_input(node),
            Action::Leave => {
                self.stage.type_line(node, "quit");
                self.expect(node, &mut vec![&Pattern::line(FAREWELL)])?;
                self.expect_exit(node, 0)?;
            }
            Action::Exit(code) => self.expect_exit(node, *code)?,
            Action::Cut | Action::Mend | Action::Wait(_) => {
                unreachable!("these are about no single node")
            }
        }
        Ok(())
    }

    /// Takes lines of the node until all `expected` ones have come, in whatever order.
    fn expect(&mut self, node: &str, expected: &mut Vec<&Pattern>) -> Result<(), String> {
        while !expected.is_empty() {
            let Some(line) = self.next(node) else {
                let missing: Vec<_> = expected.iter().map(|line| line.source()).collect();
                return Err(format!("{node} did not show {missing:?}"));
            };
            let found = expected
                .iter()
                .position(|pattern| pattern.matches(&line, &mut self.bindings));
            match found {
                Some(index) => drop(expected.remove(index)),
                None if self.is_tolerated(node, &line) => {}
                None => {
                    let wanted: Vec<_> = expected.iter().map(|line| line.source()).collect();
                    return Err(format!("{node} showed {line:?} instead of {wanted:?}"));
                }
            }
        }
        Ok(())
    }

    fn expect_nothing(&mut self, node: &str, time: Duration) -> Result<(), String> {
        self.stage.wait(time);
        while let Some(line) = self.next_that_waits(node) {
            if !self.is_tolerated(node, &line) {
                return Err(format!("{node} showed {line:?} where silence was expected"));
            }
        }
        Ok(())
    }

    fn expect_exit(&mut self, node: &str, code: i32) -> Result<(), String> {
        match self.stage.exit_code(node) {
            Some(found) if found == code => Ok(()),
            Some(found) => Err(format!("{node} exited with {found} instead of {code}")),
            None => Err(format!("{node} did not exit")),
        }
    }

    fn expect_in_table(&mut self, node: &str, name: &str, online: bool) -> Result<(), String> {
        let state = if online { "ONLINE" } else { "OFFLINE" };
        let wanted = Pattern::line(&format!("{name} @ <addr> is {state}"));
        for _ in 0..LOOKS {
            self.stage.type_line(node, "peers");
            let (table, others): (Vec<_>, Vec<_>) = self
                .up_to_fence(node)?
                .into_iter()
                .partition(|line| is_table_line(line));
            let known = self.known(node);
            for line in others.into_iter().rev() {
                known.unread.push_front(line);
            }
            if table
                .iter()
                .any(|line| wanted.matches(line, &mut Bindings::new()))
            {
                return Ok(());
            }
            self.stage.wait(BETWEEN_LOOKS);
        }
        Err(format!("{node} does not see {name} {state}"))
    }

    /// Everything that the node shows until it has answered all that was typed.
    fn up_to_fence(&mut self, node: &str) -> Result<Vec<String>, String> {
        self.stage.type_line(node, FENCE);
        let mut lines = Vec::new();
        loop {
            match self.next(node) {
                Some(line) if line == FENCE_ANSWER => return Ok(lines),
                Some(line) => lines.push(line),
                None => return Err(format!("{node} does not answer")),
            }
        }
    }

    /// Looks at what no step has looked at.
    fn nothing_else_was_shown(&mut self) -> Result<(), String> {
        self.stage.settle();
        let nodes: Vec<String> = self.nodes.keys().cloned().collect();
        for node in nodes.iter().filter(|node| *node != SERVER) {
            let lines = if self.stage.is_running(node) {
                self.up_to_fence(node)?
            } else {
                std::iter::from_fn(|| self.next_that_waits(node)).collect()
            };
            if let Some(line) = lines.iter().find(|line| !self.is_tolerated(node, line)) {
                return Err(format!("at the end {node} showed {line:?} unexpectedly"));
            }
        }
        Ok(())
    }

    fn next(&mut self, node: &str) -> Option<String> {
        let unread = self.known(node).unread.pop_front();
        unread.or_else(|| self.stage.next_line(node))
    }

    fn next_that_waits(&mut self, node: &str) -> Option<String> {
        let unread = self.known(node).unread.pop_front();
        unread.or_else(|| self.stage.next_line_that_waits(node))
    }

    fn is_tolerated(&mut self, node: &str, line: &str) -> bool {
        let bindings = &mut Bindings::new();
        node == SERVER
            || line == TABLE_UPDATED
            || is_table_line(line)
            || self
                .known(node)
                .tolerated
                .iter()
                .any(|pattern| pattern.matches(line, bindings))
    }

    fn known(&mut self, node: &str) -> &mut Node {
        self.nodes.entry(node.to_owned()).or_default()
    }
}

/// Whether the line is one of those that `peers` shows.
fn is_table_line(line: &str) -> bool {
    ["ONLINE", "OFFLINE"].iter().any(|state| {
        Pattern::line(&format!("<any> @ <addr> is {state}")).matches(line, &mut Bindings::new())
    })
}
