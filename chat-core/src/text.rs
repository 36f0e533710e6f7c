//! The English lines of the events.
