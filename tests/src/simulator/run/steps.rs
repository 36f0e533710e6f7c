//! The steps of a plan. What cannot be done at that time is left out.

use std::time::Duration;

use super::Simulation;
use crate::{
    record::Record,
    simulator::plan::{Action, NODES, Node},
    world::SERVER,
};

impl<F: FnMut(&Record)> Simulation<'_, F> {
    pub(super) fn act(&mut self, action: &Action) {
        match action {
            Action::Start(node) => self.start(*node),
            Action::Kill(node) => self.with(*node, |world, name| world.kill(name)),
            Action::CutPower(node, operations, when) => {
                self.with(*node, |world, name| {
                    world.cut_power(name, *operations, *when)
                });
            }
            Action::Interrupt(node) => self.awake(*node, |world, name| world.interrupt(name)),
            Action::EndInput(node) => self.awake(*node, |world, name| world.end_input(name)),
            Action::Pause(node) => self.with(*node, |world, name| world.pause(name)),
            Action::Resume(node) => self.resume(*node),
            Action::Type(node, line) => self.with(*node, |world, name| world.command(name, line)),
            Action::Cut(from, to) => self.world.cut_way(NODES[*from], NODES[*to]),
            Action::Mend(from, to) => self.world.mend_way(NODES[*from], NODES[*to]),
            Action::BreakDisk(node) => {
                self.with(*node, |world, name| world.break_disk(name));
            }
            Action::MendDisk(node) => {
                self.with(*node, |world, name| world.mend_disk(name));
            }
            Action::JumpClock(node, seconds) => {
                self.world.jump_clock(NODES[*node], seconds * 1_000_000);
            }
            Action::RebootNat(node) => {
                let host = self.world.node(NODES[*node]).address.ip();
                self.world.network.reboot_nat(host);
            }
            Action::Replay(back, elsewhere) => {
                self.adversary.replay(&mut self.world, *back, *elsewhere);
            }
            Action::Garbage(node, count) => {
                self.adversary.garbage(&mut self.world, *node, *count);
            }
        }
    }

    pub(super) fn start(&mut self, node: Node) {
        let name = NODES[node];
        if self.world.is_running(name) {
            return;
        }
        if name == SERVER {
            self.world.start_server();
        } else {
            self.world.start_client(name);
        }
    }

    pub(super) fn resume(&mut self, node: Node) {
        if self.world.node(NODES[node]).paused {
            self.world.resume(NODES[node]);
        }
    }

    /// Does something to a node on which something runs.
    fn with(&mut self, node: Node, act: impl Fn(&mut crate::world::World, &str)) {
        if self.world.is_running(NODES[node]) {
            act(&mut self.world, NODES[node]);
        }
    }

    /// Like [`Self::with`], unless it is paused.
    fn awake(&mut self, node: Node, act: impl Fn(&mut crate::world::World, &str)) {
        if !self.world.node(NODES[node]).paused {
            self.with(node, act);
        }
    }

    /// All faults stop, but for those that last.
    pub(super) fn heal(&mut self) {
        self.world.remark("the end of all faults");
        self.world.network.default = self.plan.setup.lasting_link();
        self.world.network.mend_all();
        self.world.lazy_drains = 0;
        self.world.power_cuts = 0;
        self.world.heal_disks();
        for node in 0..NODES.len() {
            self.resume(node);
        }
    }

    /// Everybody who has ended starts again, the server first.
    pub(super) fn revive(&mut self) {
        self.start(0);
        for node in self.clients() {
            self.start(node);
        }
    }

    pub(super) fn type_to_all(&mut self, line: &str) {
        for node in self.clients() {
            self.with(node, |world, name| world.command(name, line));
        }
    }

    /// Everybody who is offline by its own wish, or by that of the operator, comes back.
    pub(super) fn register_again(&mut self) {
        for node in self.clients() {
            if !self.oracle.is_online(node) && self.is_ever_banned(node) {
                let unban = format!("unban {}", NODES[node]);
                self.with(0, |world, server| world.command(server, &unban));
            }
            if self.oracle.is_offline(node) {
                self.with(node, |world, name| world.command(name, "reg"));
            }
        }
    }

    /// A moment between two looks at whether everything has come to rest.
    pub(super) const MOMENT: Duration = Duration::from_millis(200);
}
