//! Scenarios: what people do and what they see, one step a line.
//!
//! ```text
//! # A message reaches whom it is for.
//! server starts
//! x, y start
//! x, y show "[Welcome, You are registered.]"
//! x: send y hello
//! y shows "x: hello"
//! x shows "[Message received by y.]"
//! ```
//!
//! | step | meaning |
//! |---|---|
//! | `x: …` | the rest of the line is typed into x |
//! | `x starts` | also `as y` (the same user on another device), `under the name y` (another user who wants that name), `ephemerally`, `with silent exit` |
//! | `x shows "…"` | the next line of x; with a block of indented lines, the next lines |
//! | `x shows in any order` | the lines of the block, in whatever order |
//! | `x may show "…"` | from here on, x may show this line at any time |
//! | `x shows nothing for 2s` | x stays silent |
//! | `x sees y ONLINE` | the command `peers` says so, at once or soon |
//! | `x is killed`, `restarts`, `is paused`, `continues` | what it says, without warning |
//! | `x is interrupted` | SIGTERM |
//! | `x reaches the end of its input` | what it says |
//! | `x leaves` | types `quit`, shows its farewell, exits 0 |
//! | `x exits 1` | it ends by itself with this code |
//! | `network between x and y is cut`, `is mended` | nothing gets through (virtual world only) |
//! | `wait 2s` | time passes |
//! | `only in the virtual world` | the scenario needs what real machines cannot do |
//!
//! What a client shows is matched in order and completely: a line that no step expects is a
//! failure. Only `[Client table updated.]` may stand anywhere. A server's other lines are skipped.
//! In what is typed or expected, `<60000 bytes>` stands for a text of that length; in what is
//! expected, `<ts>` stands for a time, `<ts1>` for one time wherever it stands, `<addr>` for an
//! address, and `or` separates two lines of which either will do.

mod parse;
mod pattern;
mod play;

use std::time::Duration;

pub use parse::parse;
pub use pattern::{Bindings, Pattern};
pub use play::play;

/// A scenario.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// It cannot be played with processes.
    pub only_virtual: bool,
    /// Its steps.
    pub steps: Vec<Step>,
}

/// One step.
#[derive(Debug, Clone)]
pub struct Step {
    /// The number of its line, from 1.
    pub line: usize,
    /// Who it is about.
    pub nodes: Vec<String>,
    /// What is done or expected.
    pub action: Action,
}

/// What is done or expected.
#[derive(Debug, Clone)]
pub enum Action {
    /// The node is started.
    Start(Start),
    /// It is ended without warning and started again.
    Restart,
    /// A line is typed.
    Type(String),
    /// Lines are shown.
    Show {
        /// The lines.
        lines: Vec<Pattern>,
        /// In whatever order.
        in_any_order: bool,
    },
    /// Lines may be shown at any time.
    MayShow(Vec<Pattern>),
    /// Nothing is shown for so long.
    ShowNothing(Duration),
    /// The node's table has this name online or not.
    See {
        /// The name.
        name: String,
        /// Whether it is online.
        online: bool,
    },
    /// It is ended without warning.
    Kill,
    /// It is stopped in its tracks.
    Pause,
    /// It goes on.
    Continue,
    /// It is told to end by a signal.
    Interrupt,
    /// Its input ends.
    EndInput,
    /// `quit`, the farewell, exit code 0.
    Leave,
    /// It ends by itself with this code.
    Exit(i32),
    /// Nothing gets through between two nodes.
    Cut,
    /// Everything gets through again.
    Mend,
    /// Time passes.
    Wait(Duration),
}

/// How a node is started.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Start {
    /// The user's name, if it is not the node's.
    pub user: Option<String>,
    /// The user's identity is copied from the node of that name.
    pub copies_identity: bool,
    /// The name is freed when the client leaves.
    pub ephemeral: bool,
    /// It leaves without telling the server.
    pub silent_exit: bool,
}

/// Text of exactly so many bytes.
pub fn text_of(bytes: usize) -> String {
    ('a'..='z').cycle().take(bytes).collect()
}
