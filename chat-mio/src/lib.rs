//! The driver of `chat-core`: sockets, clocks and signals in one thread, the disk in another.
//!
//! [`ClientLoop`] and [`ServerLoop`] are what a program uses; it brings a [`Frontend`] that shows
//! events and reads input. [`EventLoop`] is the loop beneath them.
//!
//! ```no_run
//! use chat_core::server::{Event, Server};
//! use chat_mio::{Control, Frontend, ServerLoop, ServerSetup};
//!
//! struct Lines;
//!
//! impl Frontend<Server> for Lines {
//!     fn event(&mut self, _control: &mut Control<'_, Server>, event: Event) {
//!         println!("{event:?}");
//!     }
//! }
//!
//! let mut server = ServerLoop::new(ServerSetup::new(5_000))?;
//! println!("listening on {}", server.event_loop().local_address());
//! server.run(&mut Lines)?;
//! # Ok::<(), chat_mio::Error>(())
//! ```

mod backup;
mod batch;
mod client_loop;
mod clock;
mod directory;
mod event_loop;
mod files;
mod history;
mod identity;
mod known_servers;
mod lock;
mod percent;
mod random;
mod server_loop;
mod setup;
mod signals;
mod socket;
mod sqlite;
mod store;
mod store_thread;

pub use backup::back_up;
pub use chat_core::machine::Machine;
pub use client_loop::{ClientLoop, ClientSetup};
pub use clock::Clock;
pub use directory::DirectoryError;
pub use event_loop::{Control, EventLoop, Frontend, RunError};
pub use history::{Fate, History, HistoryFiles, Spoken};
pub use identity::{read_identity, write_identity};
pub use mio::Waker;
pub use random::{NoRandomness, seed};
pub use server_loop::{ServerLoop, ServerSetup, run_server};
pub use setup::SetupError;
pub use socket::{BindError, SocketCounters};
pub use sqlite::SqliteStore;
pub use store::{MAX_BATCH, Store};
pub use store_thread::StoreCounters;

/// Everything that can end a client or server early.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// It cannot be started.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// It cannot go on.
    #[error(transparent)]
    Run(#[from] RunError),
}
