//! Scenarios in the virtual world.

use std::{collections::BTreeMap, time::Duration};

use super::Stage;
use crate::{
    scenario,
    world::{SERVER, Start, World},
};

/// Virtual time costs nothing: longer than anything a scenario waits for.
const PATIENCE: Duration = Duration::from_secs(120);
const SETTLING: Duration = Duration::from_secs(3);

/// A world that a scenario is played in.
pub struct VirtualWorld {
    world: World,
    /// How many lines of each node have been taken.
    taken: BTreeMap<String, usize>,
    started: BTreeMap<String, scenario::Start>,
}

impl VirtualWorld {
    /// Plays in this world.
    pub fn new(world: World) -> Self {
        Self {
            world,
            taken: BTreeMap::new(),
            started: BTreeMap::new(),
        }
    }

    /// The world.
    pub fn world(&self) -> &World {
        &self.world
    }
}

impl Stage for VirtualWorld {
    fn start(&mut self, node: &str, how: &scenario::Start) {
        self.started.insert(node.to_owned(), how.clone());
        if node == SERVER {
            return self.world.start_server();
        }
        let user = how.user.as_deref();
        let start = Start {
            user,
            identity_of: user.filter(|_| how.copies_identity),
            ephemeral: how.ephemeral,
            silent_exit: how.silent_exit,
            is_switch: false,
        };
        self.world.start_client_as(node, start);
    }

    fn restart(&mut self, node: &str) {
        self.kill(node);
        let how = self.started[node].clone();
        self.start(node, &how);
    }

    fn kill(&mut self, node: &str) {
        self.world.kill(node);
    }

    fn pause(&mut self, node: &str) {
        self.world.pause(node);
    }

    fn resume(&mut self, node: &str) {
        self.world.resume(node);
    }

    fn interrupt(&mut self, node: &str) {
        self.world.interrupt(node);
    }

    fn type_line(&mut self, node: &str, line: &str) {
        self.world.command(node, line);
    }

    fn end_input(&mut self, node: &str) {
        self.world.end_input(node);
    }

    fn cut(&mut self, one: &str, other: &str) {
        self.world.cut(one, other);
    }

    fn mend(&mut self, one: &str, other: &str) {
        self.world.mend(one, other);
    }

    fn next_line(&mut self, node: &str) -> Option<String> {
        let taken = self.taken.get(node).copied().unwrap_or(0);
        self.world
            .run_until(PATIENCE, |world| world.node(node).lines.len() > taken);
        self.next_line_that_waits(node)
    }

    fn next_line_that_waits(&mut self, node: &str) -> Option<String> {
        let taken = self.taken.entry(node.to_owned()).or_default();
        let line = self.world.node(node).lines.get(*taken)?;
        *taken += 1;
        Some(line.text.clone())
    }

    fn exit_code(&mut self, node: &str) -> Option<i32> {
        self.world
            .run_until(PATIENCE, |world| !world.is_running(node));
        self.world.node(node).exit
    }

    fn is_running(&mut self, node: &str) -> bool {
        self.world.is_running(node)
    }

    fn wait(&mut self, time: Duration) {
        self.world.run_for(time);
    }

    fn settle(&mut self) {
        self.world.run_for(SETTLING);
    }

    fn record(&self) -> String {
        self.world.transcript().render()
    }
}
