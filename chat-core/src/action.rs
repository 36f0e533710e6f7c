//! What a state machine asks its driver to do.

use crate::{
    id::Path,
    store::{OperationId, StoreOperation},
};

/// One thing to be done. `E` is the event type of the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action<E> {
    /// Send the datagram that was encoded into the caller's buffer.
    Send(Path),
    /// Show the event to whoever uses the program.
    Display(E),
    /// Hand the operation to the store; what comes of it goes to `handle_stored`.
    Persist(OperationId, StoreOperation),
}
