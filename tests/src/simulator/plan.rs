//! A plan: everything that a run is made from. It is text, so that it can be kept.
//!
//! ```text
//! seed 17
//! setup loss=100 jitter=20000
//! step 0 start server
//! step 120 type alice send bob #1#
//! step 450 kill bob
//! only loss a010002000000a 12
//! ```

use std::{collections::BTreeSet, fmt, str::FromStr, time::Duration};

use super::setup::Setup;
use crate::{faults::Fault, node::PowerCut, world::SERVER};

/// The nodes: the server, and the clients as far as a plan starts them.
pub const NODES: [&str; 5] = [SERVER, "alice", "bob", "carol", "dave"];

/// The number of a node.
pub type Node = usize;

/// Everything that a run is made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// What all chances are drawn from.
    pub seed: u64,
    /// What the world is like.
    pub setup: Setup,
    /// What is done, in order.
    pub steps: Vec<Step>,
    /// The only faults by chance that happen; `None`: whatever chance gives.
    pub only: Option<BTreeSet<Fault>>,
}

/// Something that is done at some time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// When, in milliseconds.
    pub at: u64,
    /// What.
    pub action: Action,
}

impl Step {
    /// When.
    pub const fn time(&self) -> Duration {
        Duration::from_millis(self.at)
    }
}

/// What is done to the world. What cannot be done (typing into what does not run) is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// A node is started, if it does not run.
    Start(Node),
    /// It ends without warning.
    Kill(Node),
    /// Its power fails at the operation of its disk that is so many from then.
    CutPower(Node, u64, PowerCut),
    /// It is told to end, as by a signal.
    Interrupt(Node),
    /// A client's input ends.
    EndInput(Node),
    /// It stops in its tracks.
    Pause(Node),
    /// It goes on.
    Resume(Node),
    /// A line is typed into a client.
    Type(Node, String),
    /// Nothing gets through from one to the other.
    Cut(Node, Node),
    /// Everything does again.
    Mend(Node, Node),
    /// Its disk fails every operation.
    BreakDisk(Node),
    /// Its disk works again.
    MendDisk(Node),
    /// Its wall clock jumps by so many seconds.
    JumpClock(Node, i64),
    /// The NAT before it forgets its mappings.
    RebootNat(Node),
    /// Somebody sends an old datagram again: which one, counted back from the latest, and whether
    /// from another address.
    Replay(u64, bool),
    /// Somebody sends to a node what is no datagram, or an old one with changes; so often.
    Garbage(Node, u64),
}

/// The text is no plan: what is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidPlan(String);

impl fmt::Display for InvalidPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not a plan: {}", self.0)
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}", self.seed)?;
        writeln!(f, "setup {}", self.setup)?;
        for Step { at, action } in &self.steps {
            writeln!(f, "step {at} {action}")?;
        }
        match &self.only {
            None => Ok(()),
            Some(only) if only.is_empty() => writeln!(f, "only nothing"),
            Some(only) => only
                .iter()
                .try_for_each(|fault| writeln!(f, "only {fault}")),
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start(node) => write!(f, "start {}", NODES[*node]),
            Self::Kill(node) => write!(f, "kill {}", NODES[*node]),
            Self::CutPower(node, operations, when) => {
                let when = match when {
                    PowerCut::Before => "before",
                    PowerCut::After => "after",
                };
                write!(f, "cut-power {} {when} {operations}", NODES[*node])
            }
            Self::Interrupt(node) => write!(f, "interrupt {}", NODES[*node]),
            Self::EndInput(node) => write!(f, "end-input {}", NODES[*node]),
            Self::Pause(node) => write!(f, "pause {}", NODES[*node]),
            Self::Resume(node) => write!(f, "resume {}", NODES[*node]),
            Self::Type(node, line) => write!(f, "type {} {line}", NODES[*node]),
            Self::Cut(from, to) => write!(f, "cut {} {}", NODES[*from], NODES[*to]),
            Self::Mend(from, to) => write!(f, "mend {} {}", NODES[*from], NODES[*to]),
            Self::BreakDisk(node) => write!(f, "break-disk {}", NODES[*node]),
            Self::MendDisk(node) => write!(f, "mend-disk {}", NODES[*node]),
            Self::JumpClock(node, seconds) => write!(f, "jump-clock {} {seconds}", NODES[*node]),
            Self::RebootNat(node) => write!(f, "reboot-nat {}", NODES[*node]),
            Self::Replay(back, elsewhere) => write!(f, "replay {back} {elsewhere}"),
            Self::Garbage(node, count) => write!(f, "garbage {} {count}", NODES[*node]),
        }
    }
}

impl FromStr for Plan {
    type Err = InvalidPlan;

    fn from_str(text: &str) -> Result<Self, InvalidPlan> {
        let mut plan = Self {
            seed: 0,
            setup: Setup::default(),
            steps: Vec::new(),
            only: None,
        };
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            plan.read(line)
                .ok_or_else(|| InvalidPlan(line.to_owned()))?;
        }
        Ok(plan)
    }
}

impl Plan {
    fn read(&mut self, line: &str) -> Option<()> {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "" => {}
            "seed" => self.seed = rest.parse().ok()?,
            "setup" => {
                for knob in rest.split_whitespace() {
                    let (name, value) = knob.split_once('=')?;
                    self.setup.turn(name, value.parse().ok()?).then_some(())?;
                }
            }
            "step" => {
                let (at, action) = rest.split_once(' ')?;
                let (at, action) = (at.parse().ok()?, Action::read(action)?);
                self.steps.push(Step { at, action });
            }
            "only" => {
                let only = self.only.get_or_insert_default();
                if rest != "nothing" {
                    only.insert(rest.parse().ok()?);
                }
            }
            _ => return None,
        }
        Some(())
    }
}

impl Action {
    fn read(text: &str) -> Option<Self> {
        let node = |name: &str| NODES.iter().position(|node| *node == name);
        let (word, rest) = text.split_once(' ')?;
        if word == "type" {
            let (name, line) = rest.split_once(' ')?;
            return Some(Self::Type(node(name)?, line.to_owned()));
        }
        let words: Vec<&str> = rest.split(' ').collect();
        Some(match (word, words.as_slice()) {
            ("start", [name]) => Self::Start(node(name)?),
            ("kill", [name]) => Self::Kill(node(name)?),
            ("cut-power", [name, when, operations]) => {
                let when = match *when {
                    "before" => PowerCut::Before,
                    "after" => PowerCut::After,
                    _ => return None,
                };
                Self::CutPower(node(name)?, operations.parse().ok()?, when)
            }
            ("interrupt", [name]) => Self::Interrupt(node(name)?),
            ("end-input", [name]) => Self::EndInput(node(name)?),
            ("pause", [name]) => Self::Pause(node(name)?),
            ("resume", [name]) => Self::Resume(node(name)?),
            ("cut", [from, to]) => Self::Cut(node(from)?, node(to)?),
            ("mend", [from, to]) => Self::Mend(node(from)?, node(to)?),
            ("break-disk", [name]) => Self::BreakDisk(node(name)?),
            ("mend-disk", [name]) => Self::MendDisk(node(name)?),
            ("jump-clock", [name, seconds]) => Self::JumpClock(node(name)?, seconds.parse().ok()?),
            ("reboot-nat", [name]) => Self::RebootNat(node(name)?),
            ("replay", [back, elsewhere]) => {
                Self::Replay(back.parse().ok()?, elsewhere.parse().ok()?)
            }
            ("garbage", [name, count]) => Self::Garbage(node(name)?, count.parse().ok()?),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_read_as_it_is_written() {
        let text = "\
seed 17
setup loss=100 jitter=20000
step 0 start server
step 120 type alice send bob #1# two  words
step 130 cut-power bob after 3
step 450 kill bob
step 460 cut alice bob
step 500 jump-clock carol -86400
step 510 replay 4 true
only loss a010002000000a 12
";
        let plan: Plan = text.parse().unwrap();
        assert_eq!(plan.to_string(), text);
        assert_eq!(plan.steps.len(), 7);
        assert!("step 1 fly alice".parse::<Plan>().is_err());
    }

    #[test]
    fn every_knob_can_be_turned_back() {
        let mut setup = Setup::default();
        assert!(setup.turn("loss", 5) && setup.turn("cookies", 1));
        assert!(!setup.turn("luck", 1));
        let changed = (0..Setup::COUNT).filter(|knob| setup.turn_back(*knob));
        assert_eq!(changed.count(), 2);
        assert_eq!(setup, Setup::default());
    }
}
