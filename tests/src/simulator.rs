//! The simulator: runs that follow from seeds, an oracle that watches them, and what makes a
//! failure small.
//!
//! * [`setup`], [`plan`], [`generate`]: what a run is made from.
//! * [`run`]: a plan becomes a run: chaos, then the faults stop and everything must converge.
//! * [`oracle`]: what must hold; [`sometimes`]: what must happen in some run of many.
//! * [`trace`], [`checker`], [`diagram`]: what happened, to be read and to be checked again.
//! * [`shrink`]: a failure becomes small; [`report`]: what many runs came to.
//! * [`exhaustive`]: everything that can happen to two nodes, in bounds; `planted` (feature
//!   `simulation`): bugs that the simulator has to find.

pub mod adversary;
pub mod checker;
pub mod diagram;
pub mod exhaustive;
pub mod generate;
pub mod oracle;
pub mod plan;
#[cfg(feature = "simulation")]
pub mod planted;
pub mod report;
pub mod run;
pub mod setup;
pub mod shrink;
pub mod sometimes;
pub mod trace;
