//! The client for programs: one JSON object a line, commands in and events out. `json.cddl` beside
//! the crate says what they look like.

mod command;
mod event;

pub(crate) use command::parse;
pub(crate) use event::{history, line};
