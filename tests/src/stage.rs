//! Where a scenario is played.

mod processes;
mod virtual_world;

use std::time::Duration;

pub use processes::Processes;
pub use virtual_world::VirtualWorld;

use crate::scenario::Start;

/// Nodes that can be started, typed into, and looked at.
pub trait Stage {
    /// Starts a node.
    fn start(&mut self, node: &str, how: &Start);

    /// Ends a node without warning and starts it again as it was started.
    fn restart(&mut self, node: &str);

    /// Ends a node without warning.
    fn kill(&mut self, node: &str);

    /// Stops a node in its tracks.
    fn pause(&mut self, node: &str);

    /// Lets a paused node go on.
    fn resume(&mut self, node: &str);

    /// Tells a node to end by a signal.
    fn interrupt(&mut self, node: &str);

    /// Types a line.
    fn type_line(&mut self, node: &str, line: &str);

    /// Ends the node's input.
    fn end_input(&mut self, node: &str);

    /// Lets nothing through between two nodes.
    fn cut(&mut self, one: &str, other: &str);

    /// Lets everything through again.
    fn mend(&mut self, one: &str, other: &str);

    /// The next line that the node shows; waits for it a generous time.
    fn next_line(&mut self, node: &str) -> Option<String>;

    /// The next line, if it has been shown.
    fn next_line_that_waits(&mut self, node: &str) -> Option<String>;

    /// The exit code of the node's last run; waits for its end a generous time.
    fn exit_code(&mut self, node: &str) -> Option<i32>;

    /// Whether the node runs.
    fn is_running(&mut self, node: &str) -> bool;

    /// Lets time pass.
    fn wait(&mut self, time: Duration);

    /// Gives what is still under way the time to be shown.
    fn settle(&mut self);

    /// Everything that was typed and shown.
    fn record(&self) -> String;
}
