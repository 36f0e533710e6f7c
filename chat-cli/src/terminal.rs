//! The terminal.
mod editor;
mod history;
